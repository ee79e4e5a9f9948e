// nf_pool: the largest element and the rounded average of every window, with and without padding.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { exactDivision } from "../../../compiler/support/division.ts";
import { integerRange, widthOfRange } from "../../../compiler/support/fixed-point.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink } from "../../harness/streams.ts";

interface Parameters {
  readonly average: boolean;
  readonly window: number;
  readonly lanes: number;
  readonly width: number;
  readonly signed: boolean;
  /** Windows of which the beats come in turn. */
  readonly words?: number;
}

const WINDOWS = 40;

function caseOf(p: Parameters): BenchCase {
  const { average, window, width, signed } = p;
  const random = randomFor("pool", JSON.stringify(p));
  const elements = integers(random, WINDOWS * window * p.lanes, width, signed);
  const range = integerRange(width, signed);
  // The first windows hold one of the ends in every element.
  elements.fill(range.max, 0, window * p.lanes);
  elements.fill(range.min, window * p.lanes, 2 * window * p.lanes);
  const words = p.words ?? 1;
  const inOrder: bigint[] = [];
  const expected: bigint[] = [];
  for (let n = 0; n < WINDOWS; n++) {
    const kept = random.integer(0, window - 1);
    const rows: number[][] = [];
    for (let beat = 0; beat < window; beat++) {
      const at = (n * window + beat) * p.lanes;
      const row = elements.slice(at, at + p.lanes);
      const inside = n < 2 || beat === kept || random.integer(0, 3) > 0;
      inOrder.push(lanes(row, width) | (inside ? 1n << BigInt(p.lanes * width) : 0n));
      if (inside) rows.push(row);
    }
    const results = Array.from({ length: p.lanes }, (_, lane) => {
      const column = rows.map((row) => row[lane]!);
      const sum = column.reduce((a, b) => a + b, 0);
      return average ? Math.floor(sum / window + 0.5) : Math.max(...column);
    });
    expected.push(lanes(results, width));
  }
  // Beat by beat of so many windows.
  const beats = inOrder.map((_, at) => {
    const [set, within] = [Math.floor(at / (words * window)), at % (words * window)];
    return inOrder[(set * words + (within % words)) * window + Math.floor(within / words)]!;
  });
  const sums = { min: Math.min(0, range.min * window), max: range.max * window };
  const { multiplier, shift, offset } = exactDivision(sums, window);
  return {
    name: JSON.stringify(p),
    module: "nf_pool",
    parameters: {
      LANES: p.lanes,
      WIDTH: width,
      SIGNED: Number(signed),
      WINDOW: window,
      WORDS: words,
      AVERAGE: Number(average),
      SUM_WIDTH: widthOfRange(sums, true),
      MULTIPLIER: multiplier,
      OFFSET: offset,
      SHIFT: shift,
    },
    sources: [
      {
        data: [
          { port: "s_data", bits: p.lanes * width },
          { port: "s_inside", bits: 1 },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats,
      },
    ],
    sinks: [sink(p.lanes * width, expected)],
    unit: () => createPipeline(average ? 2 : 0, window, words),
  };
}

const CASES = [
  { average: false, window: 4, lanes: 1, width: 8, signed: false },
  { average: false, window: 9, lanes: 3, width: 5, signed: true },
  { average: false, window: 1, lanes: 2, width: 4, signed: true },
  { average: false, window: 6, lanes: 4, width: 1, signed: false },
  { average: true, window: 4, lanes: 2, width: 8, signed: false },
  { average: true, window: 9, lanes: 3, width: 6, signed: true },
  { average: true, window: 1, lanes: 1, width: 4, signed: true },
  { average: true, window: 7, lanes: 2, width: 16, signed: true },
  { average: true, window: 49, lanes: 1, width: 8, signed: false },
  { average: true, window: 6, lanes: 2, width: 1, signed: false },
  { average: false, window: 5, lanes: 2, width: 7, signed: true, words: 4 },
  { average: false, window: 1, lanes: 1, width: 3, signed: false, words: 5 },
  { average: true, window: 49, lanes: 1, width: 8, signed: false, words: 8 },
  { average: true, window: 1, lanes: 3, width: 4, signed: true, words: 2 },
  { average: true, window: 6, lanes: 2, width: 9, signed: true, words: 10 },
].map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_pool", () => {
  test(`takes maximum and average (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
