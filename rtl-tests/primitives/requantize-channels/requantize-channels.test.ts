// nf_requantize_channels against the definition of a requantization, with a shift for each channel: widths, signs,
// ranges of shifts, rounding modes, lanes with and without tails, rows that repeat, packets that end early.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes as laneWord, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { requantize } from "../requantize/reference.ts";

interface Parameters {
  readonly inWidth: number;
  readonly inSigned: boolean;
  readonly outWidth: number;
  readonly outSigned: boolean;
  /** Lowest and highest shift, positive to the right. */
  readonly shifts: readonly [number, number];
  readonly rounding: number;
  readonly relu: boolean;
  readonly elements: number;
  readonly lanes: number;
  /** Element e has shift e mod channels. */
  readonly channels: number;
}

const PACKETS = 24;

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("requantize channels", index);
  const shifts = Array.from({ length: p.channels }, () => random.integer(...p.shifts));
  shifts[0] = p.shifts[0];
  shifts[p.channels - 1] = p.shifts[1];
  const left = Math.max(0, -Math.min(...shifts));
  const shiftBits = Math.max(1, Math.ceil(Math.log2(Math.max(...shifts) + left + 1)));
  const beats = Math.ceil(p.elements / p.lanes);
  const depth = p.channels === p.lanes ? 1 : beats;
  const rom = Array.from({ length: depth }, (_, k) => {
    const row = Array.from({ length: p.lanes }, (_, i) => shifts[(k * p.lanes + i) % p.channels]! + left);
    return laneWord(row, shiftBits)
      .toString(16)
      .padStart(Math.ceil((row.length * shiftBits) / 4), "0");
  });
  const file = `shifts_${index}.mem`;
  const low = p.inSigned ? -(2 ** (p.inWidth - 1)) : 0;
  const high = low + 2 ** p.inWidth - 1;
  const bits = p.lanes * p.inWidth;
  const sent: bigint[] = [];
  const expected: bigint[] = [];
  const mask: bigint[] = [];
  for (let packet = 0; packet < PACKETS; packet++) {
    // Half of the packets stand around the points where rounding turns, near the ends of the result.
    const x =
      packet % 2 === 0
        ? integers(random, p.elements, p.inWidth, p.inSigned)
        : Array.from({ length: p.elements }, (_, e) => {
            const y = Math.floor((random.uniform() * 2.4 - 1.2) * 2 ** p.outWidth);
            const at = Math.round((y + 0.5) * 2 ** shifts[e % p.channels]!) + random.integer(-1, 1);
            return Math.min(high, Math.max(low, at));
          });
    const early = packet % 5 === 3 ? random.integer(0, beats - 1) : -1;
    for (let b = 0; b < beats; b++) {
      const row = Array.from({ length: p.lanes }, (_, i) => x[b * p.lanes + i] ?? 0);
      sent.push(laneWord(row, p.inWidth) | (b === early ? 1n << BigInt(bits) : 0n));
      const y = row.map((value, i) =>
        requantize(value, { ...p, shift: shifts[(b * p.lanes + i) % p.channels]! }),
      );
      expected.push(laneWord(y, p.outWidth));
      mask.push(b === early ? 0n : -1n);
      if (b === early) break;
    }
  }
  return {
    name: JSON.stringify(p),
    module: "nf_requantize_channels",
    parameters: {
      LANES: p.lanes,
      BEATS: beats,
      IN_WIDTH: p.inWidth,
      IN_SIGNED: Number(p.inSigned),
      OUT_WIDTH: p.outWidth,
      OUT_SIGNED: Number(p.outSigned),
      LEFT: left,
      SHIFT_BITS: shiftBits,
      ROUNDING: p.rounding,
      RELU: Number(p.relu),
      DEPTH: depth,
      SHIFT_FILE: file,
    },
    memories: new Map([[file, `${rom.join("\n")}\n`]]),
    sources: [
      {
        data: [
          { port: "s_data", bits },
          { port: "s_drop", bits: 1 },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats: sent,
      },
    ],
    sinks: [
      {
        data: [{ port: "m_data", bits: p.lanes * p.outWidth }],
        valid: "m_valid",
        ready: "m_ready",
        expected,
        mask,
      },
    ],
  };
}

const CASES: BenchCase[] = [];
const LAYOUTS = [
  [7, 1, 7],
  [10, 4, 10],
  [6, 3, 3],
  [1, 1, 1],
  [8, 2, 4],
] as const;
for (const rounding of [0, 1, 2])
  for (const relu of [false, true])
    for (const [inWidth, inSigned, outWidth, outSigned, shifts] of [
      [8, true, 4, true, [0, 5]],
      [8, false, 3, false, [-3, 9]],
      [5, true, 9, true, [-10, -2]],
      [20, true, 4, false, [9, 16]],
      [44, true, 16, true, [-4, 30]],
      [1, true, 2, true, [-1, 2]],
    ] as const) {
      const [elements, lanes, channels] = LAYOUTS[CASES.length % LAYOUTS.length]!;
      const layout = { elements, lanes, channels };
      CASES.push(
        caseOf({ inWidth, inSigned, outWidth, outSigned, shifts, rounding, relu, ...layout }, CASES.length),
      );
    }

describe.skipIf(!hasTool("verilator"))("nf_requantize_channels", () => {
  test(`shifts every channel by its own (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
