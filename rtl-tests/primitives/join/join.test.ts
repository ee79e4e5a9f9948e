// nf_join against integer arithmetic: sums, differences and products over widths, signs, shifts and lanes.
import { describe, expect, test } from "vitest";
import { createJoin } from "../../../compiler/schedule/units/branches.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

type Operand = readonly [width: number, signed: boolean, shift: number];
const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;

const results: ((a: bigint, b: bigint) => bigint)[] = [(a, b) => a + b, (a, b) => a - b, (a, b) => a * b];

/** Fewest bits of two's complement for what the ends of both ranges make. */
function outWidth(op: number, a: Operand, b: Operand): number {
  const ends = ([width, signed, shift]: Operand): bigint[] =>
    (signed
      ? [-(1n << BigInt(width - 1)), (1n << BigInt(width - 1)) - 1n]
      : [0n, (1n << BigInt(width)) - 1n]
    ).map((end) => end << BigInt(shift));
  const corners = ends(a).flatMap((x) => ends(b).map((y) => results[op]!(x, y)));
  let width = 1;
  while (corners.some((c) => BigInt.asIntN(width, c) !== c)) width++;
  return width;
}

/** The second operand has `second` lanes, each for several of the first. */
function caseOf(
  op: number,
  lanesOf: number,
  a: Operand,
  b: Operand,
  extra: number,
  second = lanesOf,
): BenchCase {
  const random = randomFor("join", op, lanesOf, a[0], b[0]);
  const count = 60 * lanesOf;
  const x = integers(random, count, a[0], a[1]);
  const y = integers(random, 60 * second, b[0], b[1]).reverse();
  const width = outWidth(op, a, b) + extra;
  const expected: bigint[] = [];
  for (let at = 0; at < count; at += lanesOf)
    expected.push(
      lanes(
        Array.from({ length: lanesOf }, (_, i) =>
          results[op]!(
            BigInt(x[at + i]!) << BigInt(a[2]),
            BigInt(y[(at / lanesOf) * second + (i % second)]!) << BigInt(b[2]),
          ),
        ),
        width,
      ),
    );
  return {
    name: `op ${op}, ${lanesOf} and ${second} lanes, ${a} and ${b}`,
    module: "nf_join",
    parameters: {
      LANES: lanesOf,
      B_LANES: second,
      OP: op,
      A_WIDTH: a[0],
      A_SIGNED: Number(a[1]),
      B_WIDTH: b[0],
      B_SIGNED: Number(b[1]),
      SHIFT_A: a[2],
      SHIFT_B: b[2],
      OUT_WIDTH: width,
    },
    sources: [
      source("a", lanesOf * a[0], beatsOf(x, lanesOf, a[0])),
      source("b", second * b[0], beatsOf(y, second, b[0])),
    ],
    sinks: [sink(lanesOf * width, expected)],
    unit: () => createJoin(),
  };
}

const CASES = [
  caseOf(ADD, 1, [8, true, 0], [8, true, 0], 0),
  caseOf(ADD, 3, [4, false, 3], [6, true, 0], 2),
  caseOf(ADD, 2, [24, true, 0], [24, true, 5], 0),
  caseOf(ADD, 4, [1, false, 0], [1, false, 0], 0),
  caseOf(SUBTRACT, 2, [5, false, 0], [7, false, 2], 0),
  caseOf(SUBTRACT, 3, [16, true, 4], [3, true, 0], 1),
  caseOf(MULTIPLY, 1, [8, true, 0], [8, false, 0], 0),
  caseOf(MULTIPLY, 6, [8, true, 0], [4, false, 0], 0, 2),
  caseOf(ADD, 4, [3, false, 1], [5, true, 0], 0, 1),
  caseOf(MULTIPLY, 2, [24, true, 0], [24, true, 0], 0),
  caseOf(MULTIPLY, 3, [3, false, 0], [1, true, 0], 6),
  caseOf(MULTIPLY, 1, [4, false, 1], [4, false, 2], 0),
];

describe.skipIf(!hasTool("verilator"))("nf_join", () => {
  test(`adds, subtracts and multiplies exactly (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
