// nf_output and nf_output_pair: extension to whole bytes, tlast on the last beat only.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, lanes as laneWord, runBench, type Sink } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";

const PACKETS = 24;

function sink(laneCount: number, laneBits: number, packets: readonly (readonly bigint[])[]): Sink {
  const last = 1n << BigInt(laneCount * laneBits);
  return {
    data: [
      { port: "m_axis_tdata", bits: laneCount * laneBits },
      { port: "m_axis_tlast", bits: 1 },
    ],
    valid: "m_axis_tvalid",
    ready: "m_axis_tready",
    expected: packets.flatMap((beats) =>
      beats.map((beat, i) => (i === beats.length - 1 ? beat | last : beat)),
    ),
  };
}

function single(elements: number, laneCount: number, width: number, signed: boolean): BenchCase {
  const random = randomFor("output", elements, laneCount, width);
  const laneBits = 8 * Math.ceil(width / 8);
  const packets = Array.from({ length: PACKETS }, () => integers(random, elements, width, signed));
  return {
    name: `${elements} elements, ${laneCount} lanes, ${signed ? "s" : "u"}${width}`,
    module: "nf_output",
    parameters: {
      BEATS: Math.ceil(elements / laneCount),
      LANES: laneCount,
      LANE_BITS: laneBits,
      WIDTH: width,
      SIGNED: Number(signed),
    },
    sources: [
      {
        data: [{ port: "s_data", bits: laneCount * width }],
        valid: "s_valid",
        ready: "s_ready",
        beats: packets.flatMap((packet) => beatsOf(packet, laneCount, width)),
      },
    ],
    sinks: [
      sink(
        laneCount,
        laneBits,
        packets.map((packet) => beatsOf(packet, laneCount, laneBits)),
      ),
    ],
  };
}

function pair(
  elements: number,
  laneCount: number,
  aWidth: number,
  aSigned: boolean,
  bWidth: number,
): BenchCase {
  const random = randomFor("output pair", elements, laneCount, aWidth);
  const laneBits = 8 * Math.ceil(Math.max(aWidth, bWidth) / 8);
  const first = Array.from({ length: PACKETS }, () => integers(random, elements, aWidth, aSigned));
  const second = integers(random, PACKETS, bWidth, false);
  return {
    name: `${elements} elements, ${laneCount} lanes, ${aSigned ? "s" : "u"}${aWidth}, then u${bWidth}`,
    module: "nf_output_pair",
    parameters: {
      LANES: laneCount,
      LANE_BITS: laneBits,
      A_BEATS: Math.ceil(elements / laneCount),
      A_WIDTH: aWidth,
      A_SIGNED: Number(aSigned),
      B_WIDTH: bWidth,
      B_SIGNED: 0,
    },
    sources: [
      {
        data: [{ port: "a_data", bits: laneCount * aWidth }],
        valid: "a_valid",
        ready: "a_ready",
        beats: first.flatMap((packet) => beatsOf(packet, laneCount, aWidth)),
      },
      {
        data: [{ port: "b_data", bits: bWidth }],
        valid: "b_valid",
        ready: "b_ready",
        beats: second.map((x) => laneWord([x], bWidth)),
      },
    ],
    sinks: [
      sink(
        laneCount,
        laneBits,
        first.map((packet, n) => [...beatsOf(packet, laneCount, laneBits), BigInt(second[n]!)]),
      ),
    ],
  };
}

const CASES: BenchCase[] = [
  single(1, 1, 4, false),
  single(10, 1, 13, true),
  single(10, 3, 5, true),
  single(7, 7, 8, false),
  single(5, 2, 16, true),
  single(4, 2, 25, true),
  pair(10, 1, 13, true, 4),
  pair(10, 4, 16, true, 4),
  pair(2, 2, 3, false, 1),
  pair(5, 2, 8, true, 8),
  pair(3, 1, 1, false, 2),
];

describe.skipIf(!hasTool("verilator"))("nf_output, nf_output_pair", () => {
  test(`extend every lane and mark the last beat (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
