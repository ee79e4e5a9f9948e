// nf_argmax against the lowest index of the largest element, with ties, tails and every sign.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

/** `side` packets side by side. */
function caseOf(elements: number, lanes: number, width: number, signed: boolean, side = 1): BenchCase {
  const random = randomFor("argmax", elements, lanes, width, String(signed));
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  const indexWidth = Math.max(1, Math.ceil(Math.log2(elements)));
  const { min, max } = signed
    ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 }
    : { min: 0, max: 2 ** width - 1 };
  const rows: bigint[][] = [];
  const indices: number[] = [];
  for (let packet = 0; packet < 40 * side; packet++) {
    const kind = packet % 4;
    const row =
      packet < 2
        ? Array<number>(elements).fill(packet === 0 ? min : max)
        : kind === 0
          ? integers(random, elements, width, signed)
          : kind === 1
            ? Array.from({ length: elements }, () => (random.uniform() < 0.5 ? max : min))
            : Array.from({ length: elements }, () => Math.min(max, min + random.integer(0, 3)));
    rows.push(beatsOf(row, lanes, width, () => max));
    indices.push(row.indexOf(Math.max(...row)));
  }
  const together = (words: readonly bigint[], bits: number): bigint =>
    words.reduce((beat, word, p) => beat | (word << BigInt(p * bits)), 0n);
  for (let at = 0; at < rows.length; at += side) {
    for (const k of rows[at]!.keys())
      beats.push(
        together(
          rows.slice(at, at + side).map((row) => row[k]!),
          lanes * width,
        ),
      );
    expected.push(together(indices.slice(at, at + side).map(BigInt), indexWidth));
  }
  return {
    name: `${side} x ${elements} elements, ${lanes} lanes, ${signed ? "s" : "u"}${width}`,
    module: "nf_argmax",
    parameters: {
      ELEMENTS: elements,
      LANES: lanes,
      WIDTH: width,
      SIGNED: Number(signed),
      INDEX_WIDTH: indexWidth,
      POSITIONS: side,
    },
    sources: [source("s", side * lanes * width, beats)],
    sinks: [sink(side * indexWidth, expected)],
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
for (const [elements, lanes, side] of [
  [4, 4, 3],
  [10, 4, 2],
  [2, 1, 5],
] as const)
  CASES.push(caseOf(elements, lanes, 9, true, side));

describe.skipIf(!hasTool("verilator"))("nf_argmax", () => {
  test(`takes the lowest index on ties (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
