// nf_limit: the lower one of an integer and a constant, signed and unsigned, at the ends of the range.
import { describe, expect, test } from "vitest";
import { createRegister } from "../../../compiler/schedule/units/pipeline.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

function caseOf(lanes: number, width: number, signed: boolean, limit: number): BenchCase {
  const x = integers(randomFor("limit", lanes, width), 60 * lanes, width, signed);
  const y = x.map((element) => Math.min(element, limit));
  return {
    name: `${lanes} lanes of ${width} bits, at most ${limit}`,
    module: "nf_limit",
    parameters: { LANES: lanes, WIDTH: width, SIGNED: Number(signed), LIMIT: limit },
    sources: [source("s", lanes * width, beatsOf(x, lanes, width))],
    sinks: [sink(lanes * width, beatsOf(y, lanes, width))],
    unit: createRegister,
  };
}

const CASES = [
  caseOf(1, 8, false, 96),
  caseOf(3, 5, true, 6),
  caseOf(2, 4, true, 0),
  caseOf(4, 1, false, 0),
  caseOf(1, 16, false, 65535),
  caseOf(2, 1, true, 0),
];

describe.skipIf(!hasTool("verilator"))("nf_limit", () => {
  test(`cuts at the limit (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
