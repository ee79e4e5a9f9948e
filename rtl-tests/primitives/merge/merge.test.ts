// nf_merge: the positions of two streams, their parts in turn.
import { describe, expect, test } from "vitest";
import { createJoin } from "../../../compiler/schedule/units/branches.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

const BEATS = 60;

function caseOf(count: number, [a, b]: readonly [number, number], width: number): BenchCase {
  const random = randomFor("merge", count, a, b);
  const beat = (part: number) => Array.from({ length: count }, () => integers(random, part, width, false));
  const beats = Array.from({ length: BEATS }, () => [beat(a), beat(b)] as const);
  const word = (numbers: readonly (readonly number[])[]): bigint => lanes(numbers.flat(), width);
  return {
    name: `${count} positions of ${a} and ${b} elements`,
    module: "nf_merge",
    parameters: { COUNT: count, A_WIDTH: a * width, B_WIDTH: b * width },
    sources: [
      source(
        "a",
        count * a * width,
        beats.map(([x]) => word(x)),
      ),
      source(
        "b",
        count * b * width,
        beats.map(([, y]) => word(y)),
      ),
    ],
    sinks: [
      sink(
        count * (a + b) * width,
        beats.map(([x, y]) => word(x.flatMap((part, n) => [part, y[n]!]))),
      ),
    ],
    unit: () => createJoin(0),
  };
}

const CASES = [caseOf(1, [1, 1], 1), caseOf(1, [3, 5], 4), caseOf(4, [1, 2], 8), caseOf(7, [2, 1], 3)];

describe.skipIf(!hasTool("verilator"))("nf_merge", () => {
  test(`puts positions side by side (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
