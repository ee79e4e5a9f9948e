// nf_pad: padding around an image along every axis.
import { describe, expect, test } from "vitest";
import { createPad, type Triple } from "../../../compiler/schedule/units/boxes.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

const IMAGES = 5;

interface Parameters {
  readonly size: Triple;
  readonly before: Triple;
  readonly after: Triple;
  readonly lanes: number;
  readonly width: number;
  readonly tail: number;
  readonly pad: number;
}

function caseOf(p: Parameters): BenchCase {
  const { size, before, after } = p;
  const bits = p.lanes * p.width;
  const words = size[0] * size[1] * size[2];
  const beats = randomBeats(randomFor("pad", JSON.stringify(p)), IMAGES * words, bits);
  const end = before.map((n, axis) => n + size[axis]! + after[axis]!);
  const expected: bigint[] = [];
  let next = 0;
  for (let image = 0; image < IMAGES; image++)
    for (let row = 0; row < end[0]!; row++)
      for (let column = 0; column < end[1]!; column++)
        for (let word = 0; word < end[2]!; word++) {
          const inside = [row, column, word].every(
            (index, axis) => index >= before[axis]! && index < before[axis]! + size[axis]!,
          );
          const used = word === end[2]! - 1 ? p.tail : p.lanes;
          expected.push(inside ? beats[next++]! : lanes(Array<number>(used).fill(p.pad), p.width));
        }
  // What stands before the first image of the next packet leaves as well.
  const leading = (before[0] * end[1]! + before[1]) * end[2]! + before[2];
  expected.push(...expected.slice(0, leading));
  return {
    name: JSON.stringify(p),
    module: "nf_pad",
    parameters: {
      LANES: p.lanes,
      WIDTH: p.width,
      ROWS: size[0],
      COLUMNS: size[1],
      WORDS: size[2],
      ROWS_BEFORE: before[0],
      ROWS_AFTER: after[0],
      COLUMNS_BEFORE: before[1],
      COLUMNS_AFTER: after[1],
      WORDS_BEFORE: before[2],
      WORDS_AFTER: after[2],
      TAIL_LANES: p.tail,
      PAD: p.pad,
    },
    sources: [source("s", bits, beats)],
    sinks: [sink(bits, expected)],
    unit: () => createPad(size, before, after),
  };
}

const CASES = (
  [
    { size: [3, 4, 1], before: [1, 1, 0], after: [1, 1, 0], lanes: 1, width: 8, tail: 1, pad: 0 },
    { size: [2, 3, 2], before: [0, 2, 0], after: [3, 0, 0], lanes: 3, width: 5, tail: 2, pad: -3 },
    { size: [1, 6, 2], before: [0, 3, 1], after: [0, 1, 2], lanes: 2, width: 4, tail: 1, pad: 7 },
    { size: [2, 2, 3], before: [0, 0, 0], after: [0, 0, 0], lanes: 1, width: 1, tail: 1, pad: 1 },
    { size: [1, 1, 1], before: [2, 0, 0], after: [0, 2, 0], lanes: 4, width: 16, tail: 4, pad: -32768 },
  ] as const
).map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_pad", () => {
  test(`surrounds an image (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
