// nf_depthwise against sums of products, channel by channel, over folds, widths, signs and bipolar operands.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { widthOfRange } from "../../../compiler/support/fixed-point.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

/** The module's codes for operands. */
const [UNSIGNED, SIGNED, BIPOLAR] = [0, 1, 2];

/** What a stored mantissa counts as. */
const operand = (mantissa: number, kind: number): number => (kind === BIPOLAR ? 2 * mantissa - 1 : mantissa);

interface Parameters {
  readonly channels: number;
  readonly lanes: number;
  readonly kernel: number;
  readonly x: readonly [width: number, kind: number];
  readonly w: readonly [width: number, kind: number];
  readonly bias: boolean;
}

const POSITIONS = 20;

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("depthwise", index);
  const folds = Math.ceil(p.channels / p.lanes);
  const weights = integers(random, p.channels * p.kernel, p.w[0], p.w[1] === SIGNED);
  const bias = Array.from({ length: p.channels }, () => (p.bias ? random.integer(-300, 300) : 0));
  const most = Math.max(...bias.map(Math.abs)) + p.kernel * 2 ** (p.x[0] + p.w[0]);
  // Enough for every partial sum.
  const width = widthOfRange({ min: -most, max: most }, true);
  const weightWords: string[] = [];
  const biasWords: string[] = [];
  const hex = (word: bigint, bits: number): string => word.toString(16).padStart(Math.ceil(bits / 4), "0");
  for (let f = 0; f < folds; f++) {
    for (let k = 0; k < p.kernel; k++) {
      const word = Array.from({ length: p.lanes }, (_, c) => weights[(f * p.lanes + c) * p.kernel + k] ?? 0);
      weightWords.push(hex(lanes(word, p.w[0]), p.lanes * p.w[0]));
    }
    const word = Array.from({ length: p.lanes }, (_, c) => bias[f * p.lanes + c] ?? 0);
    biasWords.push(hex(lanes(word, width), p.lanes * width));
  }
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  for (let position = 0; position < POSITIONS; position++) {
    for (let f = 0; f < folds; f++) {
      const sums = Array.from({ length: p.lanes }, (_, c) => bias[f * p.lanes + c] ?? 0);
      for (let k = 0; k < p.kernel; k++) {
        // Lanes beyond the last channel hold anything.
        const x = integers(random, p.lanes, p.x[0], p.x[1] === SIGNED);
        beats.push(lanes(x, p.x[0]));
        for (let c = 0; c < p.lanes; c++) {
          const channel = f * p.lanes + c;
          if (channel < p.channels)
            sums[c]! += operand(x[c]!, p.x[1]) * operand(weights[channel * p.kernel + k]!, p.w[1]);
        }
      }
      expected.push(lanes(sums, width));
    }
  }
  const files = { WEIGHT_FILE: `weights_${index}.mem`, BIAS_FILE: p.bias ? `bias_${index}.mem` : "" };
  return {
    name: JSON.stringify(p),
    module: "nf_depthwise",
    parameters: {
      CHANNELS: p.channels,
      LANES: p.lanes,
      KERNEL: p.kernel,
      X_WIDTH: p.x[0],
      X_KIND: p.x[1],
      W_WIDTH: p.w[0],
      W_KIND: p.w[1],
      ACC_WIDTH: width,
      ...files,
    },
    memories: new Map([
      [files.WEIGHT_FILE, `${weightWords.join("\n")}\n`],
      ...(p.bias ? [[files.BIAS_FILE, `${biasWords.join("\n")}\n`] as const] : []),
    ]),
    sources: [source("s", p.lanes * p.x[0], beats)],
    sinks: [sink(p.lanes * width, expected)],
    unit: () => createPipeline(2, p.kernel),
  };
}

const CASES = (
  [
    [1, 1, 1, [4, UNSIGNED], [3, SIGNED], true],
    [5, 2, 9, [8, UNSIGNED], [4, SIGNED], true],
    [6, 3, 4, [8, SIGNED], [8, SIGNED], false],
    [4, 4, 3, [16, SIGNED], [5, UNSIGNED], true],
    [7, 3, 2, [1, BIPOLAR], [4, SIGNED], true],
    [5, 4, 9, [6, SIGNED], [1, BIPOLAR], true],
    [3, 2, 5, [1, BIPOLAR], [1, BIPOLAR], true],
    [6, 1, 2, [3, UNSIGNED], [1, BIPOLAR], false],
    [2, 2, 7, [1, BIPOLAR], [2, UNSIGNED], false],
  ] as const
).map(([channels, laneCount, kernel, x, w, bias], index) =>
  caseOf({ channels, lanes: laneCount, kernel, x, w, bias }, index),
);

describe.skipIf(!hasTool("verilator"))("nf_depthwise", () => {
  test(`sums every channel exactly (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
