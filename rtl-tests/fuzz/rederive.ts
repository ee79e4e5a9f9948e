// Makes an edited program whole again. In: a program whose inputs, instructions or constants were made smaller. Out: what its
// outputs need, with shapes, formats and widths that follow from there, and constants cut to fit; or an error where they cannot.
import { createProgramBuilder, type ProgramBuilder } from "../../compiler/program/builder.ts";
import {
  type Constant,
  channelsOf,
  constantNamed,
  elementsOf,
  type Format,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  type Value,
  valueNamed,
} from "../../compiler/program/program.ts";
import { compilerAssert } from "../../compiler/support/assert.ts";

/** Throws where the edited program has no meaning: a DiagnosticError of the verifier, or an assertion. */
export function rederive(program: Program): Program {
  const needed = neededBy(program);
  const builder = createProgramBuilder(program.name);
  for (const name of program.inputs) if (needed.has(name)) builder.input(valueNamed(program, name));
  for (const step of program.instructions) if (needed.has(step.result)) emit(builder, program, step);
  for (const { name, value, role } of program.outputs) builder.output(name, value, role);
  return builder.build();
}

/** Names of the values behind the outputs. */
function neededBy({ outputs, instructions }: Program): ReadonlySet<string> {
  const needed = new Set(outputs.map(({ value }) => value));
  for (const step of instructions.toReversed())
    if (needed.has(step.result)) for (const name of operandsOf(step)) needed.add(name);
  return needed;
}

/** The first entries along every axis, row-major; or those from other ones on. */
export function cropped<T>(
  data: ArrayLike<T>,
  from: readonly number[],
  to: readonly number[],
  begin: readonly number[] = from.map(() => 0),
): T[] {
  compilerAssert(from.length === to.length && to.every((n, a) => n >= 1 && n <= from[a]!), "a smaller shape");
  return Array.from({ length: elementsOf(to) }, (_, i) => {
    let [rest, offset, stride] = [i, 0, 1];
    for (let a = to.length - 1; a >= 0; a--) {
      offset += (begin[a]! + (rest % to[a]!)) * stride;
      rest = Math.floor(rest / to[a]!);
      stride *= from[a]!;
    }
    return data[offset]!;
  });
}

/** A format for the first channels. */
const croppedFormat = (format: Format, channels: number): Format =>
  typeof format.fraction === "number" ? format : { ...format, fraction: format.fraction.slice(0, channels) };

function emit(builder: ProgramBuilder, program: Program, step: Instruction): void {
  const now = (name: string): Value => {
    const found = builder.values().find((value) => value.name === name);
    compilerAssert(found, `no value ${name} any more`);
    return found;
  };
  const { layer, result: name } = step;
  const sources = operandsOf(step).map(now);
  const source = sources[0]!;
  const channels = channelsOf(source);
  const format = croppedFormat(valueNamed(program, name).format, channels);
  const cut = (constant: string, shape: readonly number[]): number[] => {
    const { data, shape: whole } = constantNamed(program, constant);
    return cropped(data, whole, shape);
  };
  switch (step.op) {
    case "requantize": {
      const { activation, rounding, limit, input } = step;
      builder.requantize({ layer, name, input, format, activation, rounding, limit });
      return;
    }
    case "dense": {
      const weights = constantNamed(program, step.weights);
      const units = weights.shape[0]!;
      const data = cut(step.weights, [units, elementsOf(source.shape)]);
      builder.dense({
        layer,
        name,
        input: step.input,
        weights: { units, data, format: weights.format },
        ...biasOf(program, step.bias, units),
      });
      return;
    }
    case "conv":
      return emitConv(builder, program, step, source);
    case "pool": {
      const { input, kind, strides, padding } = step;
      // A window is no larger than what it moves over.
      const window = step.window.map((n, a) =>
        Math.min(n, source.shape[a]! + padding.before[a]! + padding.after[a]!),
      );
      builder.pool({ layer, name, input, kind, window, strides, padding });
      return;
    }
    case "threshold": {
      const levels = constantNamed(program, step.thresholds).shape[1]!;
      const thresholds = cut(step.thresholds, [channels, levels]);
      builder.threshold({ layer, name, input: step.input, thresholds, levels, base: step.base, format });
      return;
    }
    case "table":
      return emitTable(builder, program, step, source);
    case "scale": {
      const { format: own } = constantNamed(program, step.multipliers);
      const { fraction } = croppedFormat(own, channels);
      const multipliers = cut(step.multipliers, [channels]);
      const offsets = step.offsets === null ? {} : { offsets: cut(step.offsets, [channels]) };
      builder.scale({ layer, name, input: step.input, multipliers, fraction, ...offsets });
      return;
    }
    case "add":
    case "subtract":
    case "multiply":
      builder[step.op]({ layer, name, inputs: step.inputs });
      return;
    case "concat":
      builder.concat({ layer, name, inputs: step.inputs, axis: step.axis });
      return;
    case "reshape": {
      const { shape } = valueNamed(program, name);
      const to = shape.length === 1 ? [elementsOf(source.shape)] : shape;
      builder.reshape({ layer, name, input: step.input, shape: to });
      return;
    }
    case "select": {
      const kept = step.indices.filter((index) => index < elementsOf(source.shape));
      builder.select({ layer, name, input: step.input, indices: kept });
      return;
    }
    case "slice": {
      const size = valueNamed(program, name).shape;
      const begin = step.begin.map((at, a) => Math.min(at, source.shape[a]! - 1));
      const left = size.map((n, a) => Math.min(n, source.shape[a]! - begin[a]!));
      builder.slice({ layer, name, input: step.input, begin, size: left });
      return;
    }
    case "pad":
      builder.pad({ ...step, name });
      return;
    case "transpose":
      builder.transpose({ ...step, name });
      return;
    case "upsample":
      builder.upsample({ ...step, name });
      return;
    case "argmax":
      builder.argmax({ ...step, name });
      return;
  }
}

function biasOf(program: Program, bias: string | null, units: number): { readonly bias?: readonly number[] } {
  return bias === null ? {} : { bias: constantNamed(program, bias).data.slice(0, units) };
}

/** Groups of one channel stay groups of one channel. */
function emitConv(
  builder: ProgramBuilder,
  program: Program,
  step: Extract<Instruction, { op: "conv" }>,
  source: Value,
): void {
  const { data, shape, format }: Constant = constantNamed(program, step.weights);
  const kernel = shape.slice(1, -1);
  const channels = channelsOf(source);
  const groups = shape.at(-1) === 1 && step.groups > 1 ? channels : step.groups;
  const most = shape[0]!;
  const units = most - (most % groups);
  const { layer, result: name, input, strides, dilations, padding, spread, padMantissa } = step;
  builder.conv({
    layer,
    name,
    input,
    weights: {
      units,
      kernel,
      data: cropped(data, shape, [units, ...kernel, channels / groups]),
      format: croppedFormat(format, units),
    },
    ...biasOf(program, step.bias, units),
    strides,
    dilations,
    padding,
    spread,
    groups,
    padMantissa,
  });
}

/** The entries that the input's format still reaches. */
function emitTable(
  builder: ProgramBuilder,
  program: Program,
  { layer, result: name, input, table }: Extract<Instruction, { op: "table" }>,
  source: Value,
): void {
  const { data, format } = constantNamed(program, table);
  const before = mantissaRange(valueNamed(program, input).format);
  const { min, max } = mantissaRange(source.format);
  compilerAssert(min >= before.min && max <= before.max, "a table for another input");
  builder.table({ layer, name, input, format, table: data.slice(min - before.min, max - before.min + 1) });
}
