// From the numbers of a file to the stored integers of the model's input: the one way that training, simulation and
// verification share. In: an array. Out: mantissas in the smallest array that holds the type.

import type { StoredType } from "../graph/graph.ts";
import type { Mantissas } from "../graph/samples.ts";
import { compilerAssert } from "../support/assert.ts";
import { createCollector, fail } from "../support/diagnostics.ts";
import { integerRange, quantize } from "../support/fixed-point.ts";
import { decodeNpy } from "./npy.ts";
import { type DataSource, elementCount, isFloatType, type NumericArray } from "./numeric-array.ts";
import { describeElement, type RawInputs } from "./raw-samples.ts";

/** Bad elements reported for one file before reading stops. */
const MAX_ERRORS = 8;

/** Room for `length` mantissas of a stored type of 1 to 16 bits. */
export function createMantissas({ signed, width }: StoredType, length: number): Mantissas {
  compilerAssert(width >= 1 && width <= 16, `a stored type of ${width} bits`);
  if (width <= 8) return signed ? new Int8Array(length) : new Uint8Array(length);
  return signed ? new Int16Array(length) : new Uint16Array(length);
}

/** A stored type as messages name it, such as u8. */
export function storedTypeName({ signed, width }: StoredType): string {
  return `${signed ? "s" : "u"}${width}`;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** A shape of several axes whose last is a single channel, without it. */
function withoutSingleChannel(shape: readonly number[]): readonly number[] {
  return shape.length > 1 && shape.at(-1) === 1 ? shape.slice(0, -1) : shape;
}

/** Whether a sample of one shape is an input of the other: equal, but one of them may leave out a single channel. */
export function shapeFits(found: readonly number[], expected: readonly number[]): boolean {
  return (
    sameShape(found, expected) ||
    sameShape(found, withoutSingleChannel(expected)) ||
    (sameShape(withoutSingleChannel(found), expected) && expected.at(-1) !== 1)
  );
}

/** The stored integer of a value in a channel: saturated. */
export type MantissaOf = (value: number, channel: number) => number;

/**
 * Mantissas of all elements. Stored integers are range-checked and copied; values become what `mantissaOf` says, without it
 * floor(value * 2^fraction + 1/2), saturated. Throws data/out-of-range and data/non-finite, several at once.
 */
export function toMantissas(
  inputs: RawInputs,
  stored: StoredType,
  source: DataSource,
  channels = 1,
  mantissaOf?: MantissaOf,
): Mantissas {
  const { data, dtype, shape } = inputs.array;
  const range = integerRange(stored.width, stored.signed);
  const out = createMantissas(stored, data.length);
  if (dtype === "uint8" && inputs.numbers === "stored" && range.min === 0 && range.max >= 255) {
    out.set(data);
    return out;
  }
  const errors = createCollector();
  const perSample = elementCount(shape.slice(1));
  const { path, place } = source;
  const type = storedTypeName(stored);
  const report = (i: number, value: number): void => {
    const where = inputs.where(Math.floor(i / perSample), i % perSample);
    if (!Number.isFinite(value)) errors.add("data/non-finite", { path, where, value }, place);
    else errors.add("data/out-of-range", { path, where, value, type, ...range }, place);
    if (errors.diagnostics.length >= MAX_ERRORS) errors.throwIfErrors();
  };
  if (inputs.numbers === "values") {
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if (!Number.isFinite(value)) report(i, value);
      else out[i] = mantissaOf ? mantissaOf(value, i % channels) : quantize(value, stored.fraction, range);
    }
  } else {
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if (value >= range.min && value <= range.max && Number.isInteger(value)) out[i] = value;
      else report(i, value);
    }
  }
  errors.throwIfErrors();
  return out;
}

/** Raw inputs of a binary array: integers are stored integers, floats are values. */
export function arrayInputs(array: NumericArray): RawInputs {
  return {
    array,
    numbers: isFloatType(array.dtype) ? "values" : "stored",
    flat: false,
    where: describeElement(array.shape.slice(1)),
  };
}

export interface InputArray {
  readonly count: number;
  /** count x elements, row-major, channels last. */
  readonly inputs: Mantissas;
}

/**
 * An NPY file with samples of one input: an array of `shape`, or of samples of that shape. Integers are stored
 * integers, floats are values; the same rules as for training data. Throws what `decodeNpy` throws, data/shape,
 * data/empty, data/out-of-range and data/non-finite.
 */
export function readInputArray(
  bytes: Uint8Array,
  source: DataSource,
  stored: StoredType,
  shape: readonly number[],
  mantissaOf?: MantissaOf,
): InputArray {
  const { path, place } = source;
  let array = decodeNpy(bytes, source);
  if (!shapeFits(array.shape.slice(1), shape) || array.shape.length === 0) {
    if (!shapeFits(array.shape, shape))
      fail("data/shape", { path, found: array.shape.slice(1), expected: shape }, place);
    array = { ...array, shape: [1, ...array.shape] };
  }
  const count = array.shape[0]!;
  if (count === 0) fail("data/empty", { path }, place);
  return { count, inputs: toMantissas(arrayInputs(array), stored, source, shape.at(-1), mantissaOf) };
}
