// Rules of the instructions that only move mantissas: reshape, select, slice, pad, transpose, upsample, concat.
// In: an instruction and its operands. Out: nothing, or every broken rule.
import { selectedFraction } from "./bounds.ts";
import { areSizes, type Check, refuseFractions, refuseWide, sameFormat, shapeText } from "./constraints.ts";
import {
  type ConcatInstruction,
  channelsOf,
  elementsOf,
  mantissaRange,
  type PadInstruction,
  type SelectInstruction,
  type SliceInstruction,
  type TransposeInstruction,
  type UpsampleInstruction,
} from "./program.ts";
import { concatShape, isSpatial, sameShape, spatialSizes, upsampleShape } from "./shapes.ts";

function formatStays({ input, result, format }: Check): void {
  if (!sameFormat(result.format, input.format)) format("the format does not change");
}

function expectShape({ result, shape }: Check, expected: readonly number[]): boolean {
  const fits = sameShape(result.shape, expected);
  if (!fits) shape(`the result must be ${shapeText(expected)}, not ${shapeText(result.shape)}`);
  return fits;
}

export function checkReshape(check: Check): void {
  const { input, result, shape, format } = check;
  if (elementsOf(result.shape) !== elementsOf(input.shape))
    return shape(`${shapeText(input.shape)} and ${shapeText(result.shape)} differ in their elements`);
  if (typeof input.format.fraction !== "number" && channelsOf(input) !== channelsOf(result))
    return format("a fraction per channel survives only where the last axis does not change");
  formatStays(check);
}

export function checkSelect(check: Check, { indices }: SelectInstruction): void {
  const { input, result, shape, format } = check;
  if (input.shape.length !== 1) return shape(`the input must be flat, not ${shapeText(input.shape)}`);
  const size = input.shape[0]!;
  if (result.shape.length !== 1 || result.shape[0] !== indices.length || indices.length === 0)
    return shape(`the result must have the ${indices.length} selected elements, and at least one`);
  const at = indices.findIndex(
    (index, j) =>
      !(Number.isInteger(index) && index >= 0 && index < size && (j === 0 || index > indices[j - 1]!)),
  );
  if (at >= 0)
    return shape(`index ${indices[at]} at ${at} does not ascend within an input of ${size} elements`);
  const expected = { ...input.format, fraction: selectedFraction(input.format, indices) };
  if (!sameFormat(result.format, expected))
    format("the format does not change, and a fraction per channel is selected with its channel");
}

export function checkSlice(check: Check, { begin }: SliceInstruction): void {
  const { input, result, shape, format } = check;
  const axes = input.shape.length;
  if (!areSizes(begin, axes, 0)) return shape(`begin has one number, at least 0, for each of ${axes} axes`);
  if (result.shape.length !== axes) return shape(`the result must have ${axes} axes`);
  const beyond = begin.findIndex((from, a) => from + result.shape[a]! > input.shape[a]!);
  if (beyond >= 0)
    return shape(
      `${result.shape[beyond]} from ${begin[beyond]} is more than axis ${beyond} of ${shapeText(input.shape)} has`,
    );
  const first = begin[axes - 1]!;
  const channels = Array.from({ length: channelsOf(result) }, (_, c) => first + c);
  if (!sameFormat(result.format, { ...input.format, fraction: selectedFraction(input.format, channels) }))
    format("the format does not change, and a fraction per channel is selected with its channel");
}

export function checkPad(check: Check, { before, after, mantissa }: PadInstruction): void {
  const { input, shape, format } = check;
  const axes = input.shape.length;
  if (!areSizes(before, axes, 0) || !areSizes(after, axes, 0))
    return shape(`before and after have one number, at least 0, for each of ${axes} axes`);
  if (
    !expectShape(
      check,
      input.shape.map((size, a) => before[a]! + size + after[a]!),
    )
  )
    return;
  if (refuseWide(check) || refuseFractions(check)) return;
  if (input.format.kind !== "int") return format("a bipolar tensor cannot be padded");
  const { min, max } = mantissaRange(input.format);
  if (!(Number.isInteger(mantissa) && min <= mantissa && mantissa <= max))
    format(`the mantissa ${mantissa} is outside the input's range ${min}..${max}`);
  formatStays(check);
}

export function checkTranspose(check: Check, { permutation }: TransposeInstruction): void {
  const { input, shape } = check;
  const axes = input.shape.length;
  if (permutation.length !== axes || input.shape.some((_, a) => !permutation.includes(a)))
    return shape(`${shapeText(permutation)} is no permutation of ${axes} axes`);
  if (
    !expectShape(
      check,
      permutation.map((a) => input.shape[a]!),
    )
  )
    return;
  if (refuseWide(check) || refuseFractions(check)) return;
  formatStays(check);
}

export function checkUpsample(check: Check, instruction: UpsampleInstruction): void {
  const { input, shape } = check;
  if (!isSpatial(input.shape)) return shape(`the input must be spatial, not ${shapeText(input.shape)}`);
  const axes = spatialSizes(input.shape).length;
  if (!areSizes(instruction.factors, axes, 1))
    return shape(`factors have one number, at least 1, for each of ${axes} spatial axes`);
  if (!expectShape(check, upsampleShape(input.shape, instruction)) || refuseWide(check)) return;
  formatStays(check);
}

export function checkConcat(check: Check, { axis }: ConcatInstruction): void {
  const { input, operands, shape, format } = check;
  if (operands.length < 2) return shape("needs at least two inputs");
  if (!(Number.isInteger(axis) && axis >= 0 && axis < input.shape.length))
    return shape(`axis ${axis} is no axis of ${shapeText(input.shape)}`);
  const odd = operands.find(
    (other) =>
      !sameShape(
        other.shape,
        input.shape.map((size, a) => (a === axis ? (other.shape[a] ?? 0) : size)),
      ),
  );
  if (odd)
    return shape(
      `${shapeText(odd.shape)} does not fit ${shapeText(input.shape)} along another axis than ${axis}`,
    );
  if (
    !expectShape(
      check,
      concatShape(
        operands.map((value) => value.shape),
        axis,
      ),
    )
  )
    return;
  if (refuseWide(check) || refuseFractions(check)) return;
  if (operands.some((other) => !sameFormat(other.format, input.format)))
    return format("the inputs must have the same format");
  formatStays(check);
}
