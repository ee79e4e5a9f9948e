// nf_scale against x * M[c] + B[c]: widths, signs, lanes with and without tails, rows that repeat, packets that end early.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes as laneWord, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";

interface Parameters {
  readonly elements: number;
  readonly lanes: number;
  /** Rows of constants; element e has row e mod rows. */
  readonly rows: number;
  readonly width: number;
  readonly signed: boolean;
  readonly multiplierWidth: number;
  readonly outWidth: number;
}

const PACKETS = 20;

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("scale", index);
  const multipliers = integers(random, p.rows, p.multiplierWidth, true);
  // The ends of the range too.
  multipliers[0] = -(2 ** (p.multiplierWidth - 1));
  multipliers[p.rows - 1] = 2 ** (p.multiplierWidth - 1) - 1;
  const low = p.signed ? -(2 ** (p.width - 1)) : 0;
  const high = low + 2 ** p.width - 1;
  // As much as the result has room for beside the product.
  const room = Math.floor((2 ** (p.outWidth - 1) - Math.max(-low, high) * 2 ** (p.multiplierWidth - 1)) / 2);
  const offsets = Array.from({ length: p.rows }, () => Math.round((random.uniform() * 2 - 1) * room));
  const beats = Math.ceil(p.elements / p.lanes);
  const depth = p.rows === 1 ? 1 : beats;
  const laneBits = p.multiplierWidth + p.outWidth;
  const words = Array.from({ length: depth }, (_, k) => {
    let word = 0n;
    for (let i = 0; i < p.lanes; i++) {
      const row = (k * p.lanes + i) % p.rows;
      const m = BigInt.asUintN(p.multiplierWidth, BigInt(multipliers[row]!));
      const b = BigInt.asUintN(p.outWidth, BigInt(offsets[row]!));
      word |= ((b << BigInt(p.multiplierWidth)) | m) << BigInt(i * laneBits);
    }
    return word.toString(16).padStart(Math.ceil((p.lanes * laneBits) / 4), "0");
  });
  const file = `scale_${index}.mem`;
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
        return e < p.elements ? x[e]! * multipliers[e % p.rows]! + offsets[e % p.rows]! : 0;
      });
      expected.push(laneWord(y, p.outWidth));
      mask.push(b === early ? 0n : (1n << BigInt(outBits)) - 1n);
      if (b === early) break;
    }
  }
  return {
    name: JSON.stringify(p),
    module: "nf_scale",
    parameters: {
      ELEMENTS: p.elements,
      LANES: p.lanes,
      IN_WIDTH: p.width,
      IN_SIGNED: Number(p.signed),
      M_WIDTH: p.multiplierWidth,
      OUT_WIDTH: p.outWidth,
      DEPTH: depth,
      CONSTANT_FILE: file,
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
] as const;
const WIDTHS = [
  [8, false, 4, 14],
  [12, true, 9, 24],
  [1, false, 1, 4],
  [20, true, 24, 46],
  // Wider than the product by more than a bit.
  [4, true, 3, 30],
] as const;
const CASES: BenchCase[] = [];
for (const [k, [elements, lanes, rows]] of LAYOUTS.entries())
  for (const step of [0, 2]) {
    const [width, signed, multiplierWidth, outWidth] = WIDTHS[(k + step) % WIDTHS.length]!;
    CASES.push(caseOf({ elements, lanes, rows, width, signed, multiplierWidth, outWidth }, CASES.length));
  }

describe.skipIf(!hasTool("verilator"))("nf_scale", () => {
  test(`multiplies and adds (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
