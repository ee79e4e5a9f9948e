// nf_threshold against BASE plus the number of thresholds that an integer reaches: levels, widths, lanes with and
// without tails, rows that repeat, packets that end early.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes as laneWord, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";

interface Parameters {
  readonly elements: number;
  readonly lanes: number;
  /** Rows of thresholds; element e has row e mod rows. */
  readonly rows: number;
  readonly levels: number;
  readonly width: number;
  readonly signed: boolean;
  /** Bits of a threshold: one more than those of x lets one of them be out of reach. */
  readonly thresholdWidth: number;
  readonly base: number;
  readonly outWidth: number;
}

const PACKETS = 20;

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("threshold", index);
  const low = p.signed ? -(2 ** (p.width - 1)) : 0;
  const high = low + 2 ** p.width - 1;
  const top = p.thresholdWidth > p.width ? high + 1 : high;
  const table = Array.from({ length: p.rows }, () =>
    Array.from({ length: p.levels }, () => random.integer(low, top)).sort((a, b) => a - b),
  );
  // The ends of the range are thresholds too.
  table[0]![0] = low;
  table[p.rows - 1]![p.levels - 1] = top;
  const beats = Math.ceil(p.elements / p.lanes);
  const depth = p.rows === 1 ? 1 : beats;
  const words = Array.from({ length: depth }, (_, k) => {
    const row = Array.from({ length: p.lanes }, (_, i) => table[(k * p.lanes + i) % p.rows]!).flat();
    const bits = row.length * p.thresholdWidth;
    return laneWord(row, p.thresholdWidth)
      .toString(16)
      .padStart(Math.ceil(bits / 4), "0");
  });
  const file = `thresholds_${index}.mem`;
  const bits = p.lanes * p.width;
  const outBits = p.lanes * p.outWidth;
  const sent: bigint[] = [];
  const expected: bigint[] = [];
  const mask: bigint[] = [];
  for (let packet = 0; packet < PACKETS; packet++) {
    const x = integers(random, p.elements, p.width, p.signed);
    // Any beat can end its packet early; what comes out for it is moot, and the next packet begins with row 0.
    const early = packet % 4 === 2 ? random.integer(0, beats - 1) : -1;
    for (let b = 0; b < beats; b++) {
      const row = Array.from({ length: p.lanes }, (_, i) => x[b * p.lanes + i] ?? random.integer(low, high));
      sent.push(laneWord(row, p.width) | (b === early ? 1n << BigInt(bits) : 0n));
      const y = Array.from({ length: p.lanes }, (_, i) => {
        const e = b * p.lanes + i;
        return e < p.elements ? p.base + table[e % p.rows]!.filter((t) => x[e]! >= t).length : 0;
      });
      expected.push(laneWord(y, p.outWidth));
      mask.push(b === early ? 0n : (1n << BigInt(outBits)) - 1n);
      if (b === early) break;
    }
  }
  return {
    name: JSON.stringify(p),
    module: "nf_threshold",
    parameters: {
      ELEMENTS: p.elements,
      LANES: p.lanes,
      LEVELS: p.levels,
      IN_WIDTH: p.width,
      IN_SIGNED: Number(p.signed),
      T_WIDTH: p.thresholdWidth,
      BASE: p.base,
      OUT_WIDTH: p.outWidth,
      DEPTH: depth,
      THRESHOLD_FILE: file,
    },
    memories: new Map([[file, `${words.join("\n")}\n`]]),
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
      { data: [{ port: "m_data", bits: outBits }], valid: "m_valid", ready: "m_ready", expected, mask },
    ],
  };
}

const LAYOUTS = [
  [1, 1, 1],
  [5, 1, 5],
  [9, 3, 9],
  [10, 4, 10],
  [10, 4, 1],
  [12, 5, 3],
  [3, 3, 3],
] as const;
const COUNTS = [
  [1, 8, false, 8, 0, 1],
  [1, 12, true, 13, 0, 1],
  [3, 2, false, 3, 0, 2],
  [15, 20, true, 20, -8, 4],
  [7, 48, true, 48, 3, 5],
  [2, 1, false, 2, -1, 3],
  [2, 1, true, 1, 0, 2],
] as const;
const CASES: BenchCase[] = [];
const add = (
  layout: readonly [number, number, number],
  count: readonly [number, number, boolean, number, number, number],
) => {
  const [elements, lanes, rows] = layout;
  const [levels, width, signed, thresholdWidth, base, outWidth] = count;
  const p = { elements, lanes, rows, levels, width, signed, thresholdWidth, base, outWidth };
  CASES.push(caseOf(p, CASES.length));
};
for (const [k, layout] of LAYOUTS.entries())
  for (const step of [0, 1, 3]) add(layout, COUNTS[(k + step) % COUNTS.length]!);
add([5, 2, 5], [255, 11, true, 11, 0, 8]);

describe.skipIf(!hasTool("verilator"))("nf_threshold", () => {
  test(`counts the thresholds that are reached (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
