// nf_argmax against the lowest index of the largest element, with ties, tails and every sign.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

function caseOf(elements: number, lanes: number, width: number, signed: boolean): BenchCase {
  const random = randomFor("argmax", elements, lanes, width, String(signed));
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  const indexWidth = Math.max(1, Math.ceil(Math.log2(elements)));
  const { min, max } = signed
    ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 }
    : { min: 0, max: 2 ** width - 1 };
  for (let packet = 0; packet < 40; packet++) {
    const kind = packet % 4;
    const row =
      packet < 2
        ? Array<number>(elements).fill(packet === 0 ? min : max)
        : kind === 0
          ? integers(random, elements, width, signed)
          : kind === 1
            ? Array.from({ length: elements }, () => (random.uniform() < 0.5 ? max : min))
            : Array.from({ length: elements }, () => Math.min(max, min + random.integer(0, 3)));
    beats.push(...beatsOf(row, lanes, width, () => max));
    expected.push(BigInt(row.indexOf(Math.max(...row))));
  }
  return {
    name: `${elements} elements, ${lanes} lanes, ${signed ? "s" : "u"}${width}`,
    module: "nf_argmax",
    parameters: {
      ELEMENTS: elements,
      LANES: lanes,
      WIDTH: width,
      SIGNED: Number(signed),
      INDEX_WIDTH: indexWidth,
    },
    sources: [source("s", lanes * width, beats)],
    sinks: [sink(indexWidth, expected)],
    unit: () => createPipeline(1, Math.ceil(elements / lanes)),
  };
}

const CASES: BenchCase[] = [];
for (const [elements, lanes] of [
  [2, 1],
  [10, 1],
  [10, 2],
  [10, 3],
  [10, 10],
  [7, 4],
  [5, 5],
  [33, 8],
] as const)
  for (const [width, signed] of [
    [16, true],
    [3, false],
    [22, true],
  ] as const)
    CASES.push(caseOf(elements, lanes, width, signed));

describe.skipIf(!hasTool("verilator"))("nf_argmax", () => {
  test(`takes the lowest index on ties (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
