// nf_fifo: beats in order, and the cycles of its model.
import { describe, expect, test } from "vitest";
import { createFifo } from "../../../compiler/schedule/units/storage.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

function caseOf(depth: number, width: number): BenchCase {
  const beats = randomBeats(randomFor("fifo", depth), 200, width);
  return {
    name: `depth ${depth}`,
    module: "nf_fifo",
    parameters: { WIDTH: width, DEPTH: depth },
    sources: [source("s", width, beats)],
    sinks: [sink(width, beats)],
    unit: () => createFifo(depth),
  };
}

const CASES = [1, 2, 3, 4, 5, 8, 13, 64].map((depth, k) => caseOf(depth, 1 + 9 * k));

describe.skipIf(!hasTool("verilator"))("nf_fifo", () => {
  test(`keeps order and time (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
