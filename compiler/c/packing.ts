// How constants lie in flash. In: integers. Out: plain arrays of the smallest type, rows of weights packed below 8 bits
// in the layout that templates/c/lib/nf_packed_weight.h reads, or rows of bits as in nf_bits.h.
import { compilerAssert } from "../support/assert.ts";
import { widthOfRange } from "../support/fixed-point.ts";
import { type CType, rangeOf, smallestType } from "./types.ts";

/** Bits of one word of a row of bipolar weights. */
export const WORD_BITS = 32;

/** Lanes of a full block: bytes that one vector register of the smallest SIMD machines holds. */
const BLOCK_LANES = 16;
/** Weights of a lane. */
const LANE_CODES = 8;

export interface PlainWeights {
  readonly kind: "plain";
  readonly type: CType;
  readonly data: readonly number[];
  readonly bytes: number;
}

export interface PackedWeights {
  readonly kind: "packed";
  /** Bits of a weight, 1 to 7. */
  readonly bits: number;
  readonly signed: boolean;
  readonly rowBytes: number;
  readonly data: Uint8Array;
  readonly bytes: number;
}

/** Bytes of one packed row of `inputs` weights. */
export function packedRowBytes(inputs: number, bits: number): number {
  return bits * Math.ceil(inputs / LANE_CODES);
}

/** Stores weights [rows, inputs] in the form that takes fewer bytes; plain when that is no larger. */
export function storeWeights(
  data: readonly number[],
  rows: number,
  inputs: number,
): PlainWeights | PackedWeights {
  const range = rangeOf(data);
  const type = smallestType(range);
  const plainBytes = data.length * type.bytes;
  const signed = range.min < 0;
  const bits = widthOfRange(range, signed);
  const rowBytes = packedRowBytes(inputs, bits);
  if (bits >= 8 || rows * rowBytes >= plainBytes) return { kind: "plain", type, data, bytes: plainBytes };
  const packed = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++)
    packRow(
      data.slice(row * inputs, (row + 1) * inputs),
      bits,
      packed.subarray(row * rowBytes, (row + 1) * rowBytes),
    );
  return { kind: "packed", bits, signed, rowBytes, data: packed, bytes: packed.length };
}

/** Bits [rows, inputs], every row in whole words as templates/c/lib/nf_bits.h lays them out. */
export function packBits(data: readonly number[], rows: number, inputs: number): Uint32Array {
  const words = Math.ceil(inputs / WORD_BITS);
  const packed = new Uint32Array(rows * words);
  for (const [i, bit] of data.entries()) {
    const row = Math.floor(i / inputs);
    const at = i % inputs;
    const word = row * words + Math.floor(at / WORD_BITS);
    packed[word] = packed[word]! | (bit << (at % WORD_BITS));
  }
  return packed;
}

/** Writes one row: blocks of 16 lanes, a block of the remaining whole lanes, a lane with the last codes. */
function packRow(weights: readonly number[], bits: number, into: Uint8Array): void {
  let first = 0;
  let at = 0;
  while (first < weights.length) {
    const left = weights.length - first;
    const lanes = Math.min(BLOCK_LANES, Math.max(1, Math.floor(left / LANE_CODES)));
    const count = Math.min(left, lanes * LANE_CODES);
    for (let i = 0; i < count; i++) {
      const lane = i % lanes;
      const position = Math.floor(i / lanes) * bits;
      const code = weights[first + i]! & (2 ** bits - 1);
      const spread = code << (position % 8);
      const byte = at + (position >> 3) * lanes + lane;
      into[byte] = into[byte]! | (spread & 0xff);
      if (spread > 0xff) into[byte + lanes] = into[byte + lanes]! | (spread >> 8);
    }
    first += count;
    at += lanes * bits;
  }
  compilerAssert(at === into.length, "a packed row fills its bytes");
}
