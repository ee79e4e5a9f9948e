// nf_lane_adapter: the same elements in the same order, whatever stands side by side on either end.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";

function leastCommonMultiple(a: number, b: number): number {
  let n = a;
  while (n % b !== 0) n += a;
  return n;
}

function caseOf(elements: number, sLanes: number, mLanes: number, width: number): BenchCase {
  const random = randomFor("lane adapter", elements, sLanes, mLanes);
  const packets = Array.from({ length: 20 }, () => integers(random, elements, width, false));
  const filler = (): number => random.integer(0, 2 ** width - 1);
  return {
    name: `${elements} elements, ${sLanes} to ${mLanes} lanes`,
    module: "nf_lane_adapter",
    parameters: {
      ELEMENTS: elements,
      WIDTH: width,
      S_LANES: sLanes,
      M_LANES: mLanes,
      GROUP: Math.min(leastCommonMultiple(sLanes, mLanes), elements),
    },
    sources: [
      {
        data: [{ port: "s_data", bits: sLanes * width }],
        valid: "s_valid",
        ready: "s_ready",
        beats: packets.flatMap((packet) => beatsOf(packet, sLanes, width, filler)),
      },
    ],
    sinks: [
      {
        data: [{ port: "m_data", bits: mLanes * width }],
        valid: "m_valid",
        ready: "m_ready",
        expected: packets.flatMap((packet) => beatsOf(packet, mLanes, width)),
      },
    ],
  };
}

const CASES: BenchCase[] = [];
for (const elements of [1, 5, 12, 17])
  for (const sLanes of [1, 2, 3, 5])
    for (const mLanes of [1, 3, 4])
      if (sLanes !== mLanes && sLanes <= elements && mLanes <= elements)
        CASES.push(caseOf(elements, sLanes, mLanes, 1 + (CASES.length % 9)));

describe.skipIf(!hasTool("verilator"))("nf_lane_adapter", () => {
  test(`keeps every element in order (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
