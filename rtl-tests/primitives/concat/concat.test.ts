// nf_concat: turns of beats of two streams.
import { describe, expect, test } from "vitest";
import { createConcat } from "../../../compiler/schedule/units/branches.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

const TURNS = 30;

function caseOf(aBeats: number, bBeats: number, width: number): BenchCase {
  const random = randomFor("concat", aBeats, bBeats);
  const a = randomBeats(random, TURNS * aBeats, width);
  const b = randomBeats(random, TURNS * bBeats, width);
  const expected = Array.from({ length: TURNS }, (_, turn) => [
    ...a.slice(turn * aBeats, (turn + 1) * aBeats),
    ...b.slice(turn * bBeats, (turn + 1) * bBeats),
  ]).flat();
  return {
    name: `${aBeats} and ${bBeats} beats`,
    module: "nf_concat",
    parameters: { WIDTH: width, A_BEATS: aBeats, B_BEATS: bBeats },
    sources: [source("a", width, a), source("b", width, b)],
    sinks: [sink(width, expected)],
    unit: () => createConcat(aBeats, bBeats),
  };
}

const CASES = [
  [1, 1, 8],
  [1, 2, 1],
  [3, 1, 40],
  [4, 4, 12],
  [7, 2, 3],
].map(([a, b, width]) => caseOf(a!, b!, width!));

describe.skipIf(!hasTool("verilator"))("nf_concat", () => {
  test(`takes turns (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
