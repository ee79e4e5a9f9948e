// nf_input: byte lanes to words, padding and unused lanes ignored, framing errors reported once.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes as laneWord, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";

function caseOf(elements: number, lanes: number, width: number, wordLanes: number): BenchCase {
  const random = randomFor("input", elements, lanes, width, wordLanes);
  const laneBits = 8 * Math.ceil(width / 8);
  const beatBits = lanes * laneBits;
  const total = Math.ceil(elements / lanes);
  const noise = (bits: number): bigint =>
    BigInt.asUintN(bits, (BigInt(random.int32() >>> 0) << 32n) | BigInt(random.int32() >>> 0));
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  const mask: bigint[] = [];
  let errors = 0;
  const wordBits = wordLanes * width;
  const drop = 1n << BigInt(wordBits);
  const send = (x: readonly number[], count: number, last: boolean): void => {
    for (let b = 0; b < count; b++) {
      let beat = 0n;
      for (let lane = 0; lane < lanes; lane++) {
        const value = x[b * lanes + lane];
        const low = value === undefined ? noise(width) : laneWord([value], width);
        const high = laneBits > width ? noise(laneBits - width) << BigInt(width) : 0n;
        beat |= (low | high) << BigInt(lane * laneBits);
      }
      beats.push(beat | (last && b === count - 1 ? 1n << BigInt(beatBits) : 0n));
    }
  };
  const words = (x: readonly number[]): void => {
    for (let i = 0; i < elements; i += wordLanes) {
      expected.push(
        laneWord(
          Array.from({ length: wordLanes }, (_, k) => x[i + k] ?? 0),
          width,
        ),
      );
      mask.push(-1n);
    }
  };
  for (let packet = 0; packet < 18; packet++) {
    const x = integers(random, elements, width, false);
    if (packet % 3 === 1 && total > 1) {
      // Too early: whole words come, then one that is marked to be forgotten.
      const count = random.integer(1, total - 1);
      send(x, count, true);
      for (let i = 0; i < Math.ceil((count * lanes) / wordLanes) - 1; i++) {
        expected.push(
          laneWord(
            Array.from({ length: wordLanes }, (_, k) => x[i * wordLanes + k] ?? 0),
            width,
          ),
        );
        mask.push(-1n);
      }
      expected.push(drop);
      mask.push(drop);
      errors++;
    } else if (packet % 3 === 2) {
      // Too late: the packet stands, what follows until tlast does not.
      send(x, total, false);
      send([], random.integer(1, 3), true);
      words(x);
      errors++;
    } else {
      send(x, total, true);
      words(x);
    }
  }
  return {
    name: `${elements} elements, ${lanes} lanes of ${width} bits, words of ${wordLanes}`,
    module: "nf_input",
    parameters: {
      ELEMENTS: elements,
      LANES: lanes,
      LANE_BITS: laneBits,
      WIDTH: width,
      WORD_LANES: wordLanes,
    },
    sources: [
      {
        data: [
          { port: "s_axis_tdata", bits: beatBits },
          { port: "s_axis_tlast", bits: 1 },
        ],
        valid: "s_axis_tvalid",
        ready: "s_axis_tready",
        beats,
      },
    ],
    sinks: [
      {
        data: [
          { port: "m_data", bits: wordBits },
          { port: "m_drop", bits: 1 },
        ],
        valid: "m_valid",
        ready: "m_ready",
        expected,
        mask,
      },
      { data: [], valid: "frame_error", ready: null, expected: Array<bigint>(errors).fill(0n) },
    ],
  };
}

const CASES: BenchCase[] = [];
for (const [elements, lanes, wordLanes] of [
  [1, 1, 1],
  [4, 1, 1],
  [9, 1, 3],
  [9, 3, 3],
  [10, 4, 4],
  [10, 2, 6],
  [7, 2, 4],
  [13, 1, 5],
] as const)
  for (const width of [1, 8, 12]) CASES.push(caseOf(elements, lanes, width, wordLanes));

describe.skipIf(!hasTool("verilator"))("nf_input", () => {
  test(`checks the framing and gathers words (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
