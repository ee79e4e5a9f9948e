// nf_forkn: every receiver gets every beat once, and none waits for another but through the sender.
import { describe, expect, test } from "vitest";
import { createFork } from "../../../compiler/schedule/units/branches.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

function caseOf(count: number, width: number): BenchCase {
  const beats = randomBeats(randomFor("forkn", count), 150, width);
  return {
    name: `${count} receivers`,
    module: "nf_forkn",
    parameters: { WIDTH: width, COUNT: count },
    sources: [source("s", width, beats)],
    sinks: Array.from({ length: count }, () => sink(width, beats)),
    unit: () => createFork(count),
  };
}

const CASES = [1, 2, 3, 5].map((count, k) => caseOf(count, 1 + 13 * k));

describe.skipIf(!hasTool("verilator"))("nf_forkn", () => {
  test(`hands every beat to all (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
