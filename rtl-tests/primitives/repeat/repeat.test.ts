// nf_repeat: each word several times in a row.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { caseOfWires } from "../../harness/wires.ts";

function caseOf(count: number, times: number, width: number): BenchCase {
  const random = randomFor("repeat", count, times);
  const words = Array.from({ length: 20 }, () => {
    const each = integers(random, count, width, false);
    const repeated = each.flatMap((word) => Array<number>(times).fill(word));
    return { from: lanes(each, width), to: lanes(repeated, width) };
  });
  const parameters = { WIDTH: width, COUNT: count, TIMES: times };
  const bits = [count * width, count * times * width] as const;
  return caseOfWires(`repeat ${count} ${times}`, "nf_repeat", parameters, bits, words);
}

const CASES = [caseOf(1, 2, 7), caseOf(4, 3, 5), caseOf(3, 1, 1), caseOf(2, 5, 16)];

describe.skipIf(!hasTool("verilator"))("nf_repeat", () => {
  test(`repeats words (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
