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

  /** What passes at the output, seen from inside. */
  const watched = (expected: readonly bigint[]): BenchCase => ({
    ...window(right),
    watches: [
      {
        name: "output",
        bits: 8,
        data: (instance) => `${instance}.m_data`,
        taken: (instance) => `${instance}.m_valid && ${instance}.m_ready`,
        expected,
      },
    ],
  });

  test("finds a wrong beat of a watch", async () => {
    expect(await runBench([watched(right)])).toEqual([]);
    const problems = await runBench([watched([1n, 2n, 4n])]);
    expect(problems[0]).toMatch(/output/);
    expect(problems[0]).toMatch(/beat 2: expected 4, got 3/);
  });

  test("reports what the judge of the cycles without stalls says", async () => {
    const firsts: (number | undefined)[] = [];
    const judged = (judge: BenchCase["judge"]): Promise<readonly string[]> =>
      runBench([{ ...watched(right), judge: judge! }]);
    expect(
      await judged((cycles) => {
        firsts.push(cycles[0]![0]);
        // The watch sees the sink's beats in the sink's cycles.
        return JSON.stringify(cycles[0]) === JSON.stringify(cycles[1]) ? undefined : "others";
      }),
    ).toEqual([]);
    expect(firsts.length).toBeGreaterThan(0);
    const [problem] = await judged(() => "a latency of 7, predicted 8");
    expect(problem).toMatch(/a latency of 7, predicted 8/);
  });

  test("compares cycles with those of a model", async () => {
    expect(await runBench([{ ...window(right), unit: () => createWindow(1, 1) }])).toEqual([]);
    const [problem] = await runBench([{ ...window(right), unit: createRegister }]);
    expect(problem).toMatch(/pass 0, m_valid, beat 0: taken in cycle 3, the model says 2/);
  });
});
