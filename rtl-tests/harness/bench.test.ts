// The bench itself can fail: wrong, missing and additional beats, and beats in other cycles, are reported.
import { describe, expect, test } from "vitest";
import { createRegister } from "../../compiler/schedule/units/pipeline.ts";
import { createWindow } from "../../compiler/schedule/units/storage.ts";
import { hasTool } from "../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "./bench.ts";

const right = [1n, 2n, 3n];

function window(expected: readonly bigint[]): BenchCase {
  return {
    name: "one word",
    module: "nf_window",
    parameters: { WIDTH: 8, WORDS: 1, REPLAYS: 1 },
    sources: [
      {
        data: [
          { port: "s_data", bits: 8 },
          { port: "s_drop", bits: 1 },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats: right,
      },
    ],
    sinks: [{ data: [{ port: "m_data", bits: 8 }], valid: "m_valid", ready: "m_ready", expected }],
  };
}

describe.skipIf(!hasTool("verilator"))("the bench", () => {
  test.each([
    ["passes what is right", right, undefined],
    ["finds a wrong beat", [1n, 7n, 3n], /beat 1: expected 7, got 2/],
    ["finds a missing beat", [...right, 4n], /3 beats came, 4 should/],
    ["finds an additional beat", [1n, 2n], /3 beats came, 2 should/],
  ])("%s", async (_, expected, message) => {
    const problems = await runBench([window(expected)]);
    if (message) expect(problems[0]).toMatch(message);
    else expect(problems).toEqual([]);
  });

  test("compares cycles with those of a model", async () => {
    expect(await runBench([{ ...window(right), unit: () => createWindow(1, 1) }])).toEqual([]);
    const [problem] = await runBench([{ ...window(right), unit: createRegister }]);
    expect(problem).toMatch(/pass 0, m_valid, beat 0: taken in cycle 3, the model says 2/);
  });
});
