// nf_fork: both receivers get every beat once.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";

function caseOf(width: number): BenchCase {
  const random = randomFor("fork", width);
  const beats = Array.from({ length: 200 }, () =>
    BigInt.asUintN(width, BigInt(random.int32() >>> 0) * 0x10001n),
  );
  const sink = (letter: string) => ({
    data: [{ port: `${letter}_data`, bits: width }],
    valid: `${letter}_valid`,
    ready: `${letter}_ready`,
    expected: beats,
  });
  return {
    name: `${width} bits`,
    module: "nf_fork",
    parameters: { WIDTH: width },
    sources: [{ data: [{ port: "s_data", bits: width }], valid: "s_valid", ready: "s_ready", beats }],
    sinks: [sink("a"), sink("b")],
    unclocked: true,
  };
}

describe.skipIf(!hasTool("verilator"))("nf_fork", () => {
  test("hands every beat to both", async () => {
    // A beat may leave one receiver's sight while the other is not ready: valid depends on the other's ready.
    const problems = await runBench([1, 8, 40].map(caseOf));
    expect(problems.filter((problem) => !problem.includes("a beat changed or went"))).toEqual([]);
  });
});
