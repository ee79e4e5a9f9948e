// The verifier of the integer program: everything that simulator and generators may take for granted. Runs on
// every program that is built or read. In: a program. Out: nothing, or every broken rule.
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";
import { MAX_ACCUMULATOR_WIDTH, type Range, widthOfRange } from "../support/fixed-point.ts";
import {
  accumulatorFraction,
  denseBounds,
  originOf,
  provedRange,
  requantizeIntermediate,
  sameShape,
  selectedFraction,
  shiftsOf,
} from "./bounds.ts";
import {
  type Constant,
  channelsOf,
  elementsOf,
  type Format,
  type Instruction,
  isSigned,
  mantissaRange,
  type Program,
  type Value,
  widthOf,
} from "./program.ts";

/** Widest tensor or weight mantissa, bits. */
export const MAX_TENSOR_WIDTH = 16;
/** Largest magnitude of a fraction; keeps every shift within the exact integers' reach. */
export const MAX_FRACTION = 64;

/** Throws a DiagnosticError with every rule that the program breaks. */
export function verifyProgram(program: Program): void {
  const collector = createCollector();
  checkNames(program, collector);
  collector.throwIfErrors();
  for (const value of program.values) checkFormat(value.name, value.format, channelsOf(value), collector);
  for (const value of program.values) checkShape(value.name, value.shape, collector);
  for (const constant of program.constants) checkConstant(constant, collector);
  collector.throwIfErrors();
  const values = new Map(program.values.map((v) => [v.name, v]));
  const constants = new Map(program.constants.map((c) => [c.name, c]));
  for (const name of program.inputs) {
    const { format } = values.get(name)!;
    if (widthOf(format) > MAX_TENSOR_WIDTH)
      collector.add("program/format", {
        where: name,
        problem: `an input has at most ${MAX_TENSOR_WIDTH} bits`,
      });
    if (typeof format.fraction !== "number")
      collector.add("program/format", { where: name, problem: "an input has one fraction" });
  }
  for (const instruction of program.instructions) checkInstruction(instruction, values, constants, collector);
  // Ranges are computed only from operands that are known to fit together.
  collector.throwIfErrors();
  for (const instruction of program.instructions) checkRanges(program, instruction, values, collector);
  collector.throwIfErrors();
}

function checkNames(program: Program, collector: DiagnosticCollector): void {
  const seen = (what: string, names: readonly string[]): void => {
    const known = new Set<string>();
    for (const name of names) {
      if (known.has(name)) collector.add("program/duplicate", { what, name });
      known.add(name);
    }
  };
  seen(
    "value",
    program.values.map((v) => v.name),
  );
  seen(
    "constant",
    program.constants.map((c) => c.name),
  );
  seen(
    "output",
    program.outputs.map((o) => o.name),
  );
  const declared = new Set(program.values.map((v) => v.name));
  const constants = new Set(program.constants.map((c) => c.name));
  const defined = new Set<string>();
  for (const name of program.inputs) {
    if (!declared.has(name)) collector.add("program/undefined", { where: "inputs", what: "value", name });
    defined.add(name);
  }
  if (program.inputs.length === 0)
    collector.add("program/shape", { where: program.name, problem: "has no input" });
  if (program.outputs.length === 0)
    collector.add("program/shape", { where: program.name, problem: "has no output" });
  for (const instruction of program.instructions) {
    const where = `layer ${instruction.layer} (${instruction.op})`;
    if (!defined.has(instruction.input))
      collector.add("program/undefined", { where, what: "value", name: instruction.input });
    if (!declared.has(instruction.result))
      collector.add("program/undefined", { where, what: "value", name: instruction.result });
    if (defined.has(instruction.result))
      collector.add("program/duplicate", { what: "result", name: instruction.result });
    defined.add(instruction.result);
    const used =
      instruction.op === "dense"
        ? [instruction.weights, ...(instruction.bias === null ? [] : [instruction.bias])]
        : instruction.op === "threshold"
          ? [instruction.thresholds]
          : [];
    for (const name of used)
      if (!constants.has(name)) collector.add("program/undefined", { where, what: "constant", name });
  }
  for (const { name, value } of program.outputs)
    if (!defined.has(value))
      collector.add("program/undefined", { where: `output ${name}`, what: "value", name: value });
  for (const name of declared)
    if (!defined.has(name))
      collector.add("program/undefined", { where: "values", what: "definition of", name });
}

function checkFormat(where: string, format: Format, channels: number, collector: DiagnosticCollector): void {
  const bad = (problem: string): void => collector.add("program/format", { where, problem });
  const width = widthOf(format);
  if (!Number.isInteger(width) || width < 1 || width > MAX_ACCUMULATOR_WIDTH)
    bad(`width ${width} is not within 1..${MAX_ACCUMULATOR_WIDTH}`);
  const fractions = typeof format.fraction === "number" ? [format.fraction] : format.fraction;
  if (typeof format.fraction !== "number" && fractions.length !== channels)
    bad(`${fractions.length} fractions for ${channels} channels`);
  for (const f of fractions)
    if (!Number.isInteger(f) || Math.abs(f) > MAX_FRACTION)
      bad(`fraction ${f} is no integer within -${MAX_FRACTION}..${MAX_FRACTION}`);
}

function checkShape(where: string, shape: readonly number[], collector: DiagnosticCollector): void {
  if (shape.length === 0 || shape.some((size) => !Number.isSafeInteger(size) || size < 1))
    collector.add("program/shape", { where, problem: `[${shape.join(", ")}] is no shape of positive sizes` });
}

function checkConstant(constant: Constant, collector: DiagnosticCollector): void {
  checkShape(constant.name, constant.shape, collector);
  checkFormat(constant.name, constant.format, constant.shape[0] ?? 1, collector);
  const expected = elementsOf(constant.shape);
  if (constant.data.length !== expected)
    collector.add("program/shape", {
      where: constant.name,
      problem: `${constant.data.length} elements for a shape of ${expected}`,
    });
  const { min, max } = mantissaRange(constant.format);
  const index = constant.data.findIndex((m) => !(Number.isInteger(m) && min <= m && m <= max));
  if (index >= 0)
    collector.add("program/range", {
      constant: constant.name,
      index,
      value: constant.data[index]!,
      low: min,
      high: max,
    });
}

function sameFormat(a: Format, b: Format): boolean {
  return (
    a.kind === b.kind &&
    isSigned(a) === isSigned(b) &&
    widthOf(a) === widthOf(b) &&
    JSON.stringify(a.fraction) === JSON.stringify(b.fraction)
  );
}

function checkInstruction(
  instruction: Instruction,
  values: ReadonlyMap<string, Value>,
  constants: ReadonlyMap<string, Constant>,
  collector: DiagnosticCollector,
): void {
  const where = `layer ${instruction.layer} (${instruction.op})`;
  const input = values.get(instruction.input)!;
  const result = values.get(instruction.result)!;
  const shape = (problem: string): void => collector.add("program/shape", { where, problem });
  const format = (problem: string): void => collector.add("program/format", { where, problem });
  const sameFraction = (a: Format, b: number | readonly number[], channels: number): boolean =>
    Array.from({ length: channels }, (_, c) => c).every(
      (c) =>
        (typeof a.fraction === "number" ? a.fraction : a.fraction[c]) === (typeof b === "number" ? b : b[c]),
    );

  switch (instruction.op) {
    case "requantize": {
      if (!sameShape(input.shape, result.shape)) shape("result and input differ in shape");
      if (input.format.kind !== "int" || result.format.kind !== "int")
        return format("takes and gives int tensors");
      if (widthOf(result.format) > MAX_TENSOR_WIDTH) format(`a result has at most ${MAX_TENSOR_WIDTH} bits`);
      return;
    }
    case "dense": {
      const weights = constants.get(instruction.weights)!;
      const bias = instruction.bias === null ? null : constants.get(instruction.bias)!;
      if (input.shape.length !== 1) return shape(`the input must be flat, not [${input.shape.join(", ")}]`);
      if (weights.shape.length !== 2 || weights.shape[1] !== input.shape[0])
        return shape(
          `weights [${weights.shape.join(", ")}] do not fit an input of [${input.shape.join(", ")}]`,
        );
      if (result.shape.length !== 1 || result.shape[0] !== weights.shape[0])
        return shape(`the result must have the ${weights.shape[0]} channels of the weights`);
      if (widthOf(weights.format) > MAX_TENSOR_WIDTH) format(`weights have at most ${MAX_TENSOR_WIDTH} bits`);
      if (widthOf(input.format) > MAX_TENSOR_WIDTH) format(`an input has at most ${MAX_TENSOR_WIDTH} bits`);
      if (typeof input.format.fraction !== "number") return format("the input must have one fraction");
      if (result.format.kind !== "int" || !isSigned(result.format))
        return format("the accumulator is a signed int");
      const fraction = accumulatorFraction(weights.format, input.format);
      const channels = result.shape[0]!;
      if (!sameFraction(result.format, fraction, channels))
        format("the accumulator's fraction is the sum of input and weight fraction");
      if (bias) {
        if (bias.shape.length !== 1 || bias.shape[0] !== channels) return shape("one bias for each channel");
        if (!sameFraction(bias.format, fraction, channels)) format("the bias has the accumulator's fraction");
      }
      return;
    }
    case "threshold": {
      const table = constants.get(instruction.thresholds)!;
      const channels = channelsOf(input);
      if (!sameShape(input.shape, result.shape)) shape("result and input differ in shape");
      if (table.shape.length !== 2 || table.shape[0] !== channels)
        return shape(`thresholds are [${channels}, levels]`);
      const levels = table.shape[1]!;
      for (let c = 0; c < channels; c++)
        for (let k = 1; k < levels; k++)
          if (table.data[c * levels + k]! < table.data[c * levels + k - 1]!)
            return format(`thresholds of channel ${c} do not ascend`);
      const { min, max } = mantissaRange(result.format);
      if (!Number.isInteger(instruction.base) || instruction.base < min || instruction.base + levels > max)
        format(`base ${instruction.base} with ${levels} levels leaves the result's range ${min}..${max}`);
      return;
    }
    case "flatten": {
      if (result.shape.length !== 1 || result.shape[0] !== elementsOf(input.shape))
        shape("the result is flat");
      if (!sameFormat(result.format, input.format)) format("the format does not change");
      if (typeof input.format.fraction !== "number" && input.shape.length !== 1)
        format("a tensor with a fraction per channel cannot be flattened");
      return;
    }
    case "select": {
      const { indices } = instruction;
      if (input.shape.length !== 1) return shape(`the input must be flat, not [${input.shape.join(", ")}]`);
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
      return;
    }
    case "argmax": {
      if (!sameShape(result.shape, [...input.shape.slice(0, -1), 1])) shape("the last axis becomes 1");
      if (typeof input.format.fraction !== "number")
        format("channels with different fractions cannot be compared");
      if (result.format.kind !== "int" || isSigned(result.format) || result.format.fraction !== 0)
        return format("the result is an unsigned int with fraction 0");
      if (mantissaRange(result.format).max < channelsOf(input) - 1)
        format("the result is too narrow for the index");
      return;
    }
  }
}

/** Nothing wraps: sums and what requantization makes of them fit the accumulator. */
function checkRanges(
  program: Program,
  instruction: Instruction,
  values: ReadonlyMap<string, Value>,
  collector: DiagnosticCollector,
): void {
  const fits = (range: Range, accumulator: Value | undefined): void => {
    const width = widthOfRange(range, true);
    const { layer } = instruction;
    if (width > MAX_ACCUMULATOR_WIDTH)
      collector.add("program/accumulator-too-wide", { layer, width, widest: MAX_ACCUMULATOR_WIDTH });
    else if (accumulator && width > widthOf(accumulator.format))
      collector.add("program/bounds", {
        layer,
        value: accumulator.name,
        width: widthOf(accumulator.format),
        low: range.min,
        high: range.max,
      });
  };
  if (instruction.op === "dense") fits(denseBounds(program, instruction), values.get(instruction.result));
  if (instruction.op === "requantize") {
    const input = values.get(instruction.input)!;
    const origin = originOf(program.instructions, input.name);
    const isSum = program.instructions.some((i) => i.op === "dense" && i.result === origin);
    const range = provedRange(program, input.name);
    const widest = shiftsOf(input, values.get(instruction.result)!)
      .map((shift) => requantizeIntermediate(range, shift))
      .reduce((a, b) => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }));
    fits(widest, isSum ? input : undefined);
  }
}
