// Edits that make a case smaller. In: a case. Out: smaller ones, those first that take away most; each is made when it is asked
// for, and throws where its program would have no meaning.
import {
  type Constant,
  channelsOf,
  constantNamed,
  constantsOf,
  type Format,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  type Value,
  valueNamed,
  widthOf,
} from "../../compiler/program/program.ts";
import { convSizeOf, sizeOf } from "../../compiler/schedule/build-layers.ts";
import { legalPe, legalSimd } from "../../compiler/schedule/conv-folding.ts";
import type { Folding } from "../../compiler/schedule/folding.ts";
import type { ScheduleOptions } from "../../compiler/schedule/schedule.ts";
import { simulate } from "../../compiler/sim/simulate.ts";
import { saturate } from "../../compiler/support/fixed-point.ts";
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { cropped, rederive } from "./rederive.ts";

type Made = () => RandomCase;
/** Smaller cases, those first that are the smallest. */
export type Reduction = (one: RandomCase) => Iterable<Made>;

/** The case with an edited program: inputs, foldings and outputs that fit it. Of smaller inputs the first elements, or the last ones. */
function withProgram(one: RandomCase, edited: Program, last = false): RandomCase {
  const program = rederive(edited);
  const inputs = new Map(
    program.inputs.map((name) => {
      const value = valueNamed(program, name);
      const before = valueNamed(edited, name);
      // A value that was computed before comes in from outside now.
      const rows = one.inputs.get(name) ?? simulate(one.program, one.inputs, one.packets).values.get(name)!;
      const old = one.inputs.has(name) ? valueNamed(one.program, name) : before;
      const range = mantissaRange(value.format);
      const begin = old.shape.map((size, a) => (last ? size - value.shape[a]! : 0));
      const data = cropped(rows, [one.packets, ...old.shape], [one.packets, ...value.shape], [0, ...begin]);
      return [name, Float64Array.from(data, (x) => saturate(x, range))];
    }),
  );
  const isClassifier = program.outputs.some(({ role }) => role !== "value");
  const outputs = isClassifier ? one.options.outputs : "both";
  const folding = fittedFolding(program, one.options.folding);
  return { ...one, program, inputs, options: { ...one.options, outputs, folding } };
}

/** The largest legal PE and SIMD that are not above the given ones. */
function fittedFolding(
  program: Program,
  folding: ScheduleOptions["folding"],
): Readonly<Record<string, Folding>> {
  const fitted: Record<string, Folding> = {};
  const below = (legal: readonly number[], most: number): number =>
    Math.max(...legal.filter((n) => n <= most), 1);
  for (const step of program.instructions) {
    const own = Object.hasOwn(folding, step.layer) ? folding[step.layer] : undefined;
    if (!own) continue;
    if (step.op === "conv") {
      const size = convSizeOf(program, step);
      const pe = below(legalPe(size), own.pe);
      fitted[step.layer] = { ...own, pe, simd: below(legalSimd(size, pe), own.simd) };
    }
    if (step.op === "dense") {
      const { inputs, outputs } = sizeOf(program, step);
      fitted[step.layer] = { ...own, pe: Math.min(own.pe, outputs), simd: Math.min(own.simd, inputs) };
    }
  }
  return fitted;
}

/** One value is all that comes out; the earliest values first. */
function* oneOutput(one: RandomCase): Iterable<Made> {
  const { program } = one;
  const alone =
    (value: string): Made =>
    () =>
      withProgram(one, { ...program, outputs: [{ name: "y", value, role: "value" }] });
  if (program.outputs.length > 1 || program.instructions.length > 1)
    for (const { result } of program.instructions) yield alone(result);
}

/** A tensor on the way comes in from outside, as it was computed; the latest first. */
function* cut(one: RandomCase): Iterable<Made> {
  const { program } = one;
  for (const { result } of program.instructions.toReversed()) {
    if (widthOf(valueNamed(program, result).format) > 16) continue;
    const instructions = program.instructions.filter((step) => step.result !== result);
    yield () => withProgram(one, { ...program, inputs: [...program.inputs, result], instructions });
  }
}

/** An operand stands for the result of an instruction. */
function* withoutOne(one: RandomCase): Iterable<Made> {
  const { program } = one;
  for (const gone of program.instructions.toReversed())
    for (const operand of new Set(operandsOf(gone)))
      yield () => {
        const renamed = (name: string): string => (name === gone.result ? operand : name);
        const instructions = program.instructions
          .filter((step) => step !== gone)
          .map((step) =>
            "inputs" in step
              ? ({ ...step, inputs: step.inputs.map(renamed) } as unknown as Instruction)
              : { ...step, input: renamed(step.input) },
          );
        const outputs = program.outputs.map((output) => ({ ...output, value: renamed(output.value) }));
        return withProgram(one, { ...program, instructions, outputs });
      };
}

function* fewerPackets(one: RandomCase): Iterable<Made> {
  const { packets } = one;
  const kept =
    (chosen: readonly number[]): Made =>
    () => {
      const inputs = new Map(
        [...one.inputs].map(([name, rows]) => {
          const size = rows.length / packets;
          const left = chosen.flatMap((n) => [...rows.subarray(n * size, (n + 1) * size)]);
          return [name, Float64Array.from(left)];
        }),
      );
      return { ...one, inputs, packets: chosen.length };
    };
  const all = Array.from({ length: packets }, (_, n) => n);
  if (packets === 1) return;
  for (const n of all) yield kept([n]);
  yield kept(all.slice(0, packets >> 1));
  yield kept(all.slice(packets >> 1));
  for (const n of all) yield kept(all.filter((m) => m !== n));
}

function* plainerOptions(one: RandomCase): Iterable<Made> {
  const { options } = one;
  const having =
    (changed: ScheduleOptions): Made =>
    () => ({ ...one, options: changed });
  const { multiplier, ...rest } = options;
  if (multiplier) yield having(rest);
  const layers = Object.entries(options.folding);
  if (layers.length > 0) yield having({ ...options, folding: {} });
  for (const [layer, own] of layers) {
    yield having({ ...options, folding: Object.fromEntries(layers.filter(([name]) => name !== layer)) });
    const { pe, simd } = own;
    for (const plain of [
      { pe, simd },
      { ...own, pe: 1 },
      { ...own, simd: 1 },
    ])
      yield () => {
        const folding = fittedFolding(one.program, { ...options.folding, [layer]: plain });
        return { ...one, options: { ...options, folding } };
      };
  }
  for (const intervalCycles of [1000, 100, 10])
    if (options.intervalCycles !== intervalCycles && ![1000, 100].includes(options.intervalCycles))
      yield having({ ...options, intervalCycles });
}

/** Half of a size, then one less. */
const smallerSizes = (size: number): readonly number[] =>
  size > 1 ? [...new Set([1, Math.floor(size / 2), size - 1])] : [];

function* smallerShapes(one: RandomCase): Iterable<Made> {
  const { program } = one;
  for (const name of program.inputs) {
    const value = valueNamed(program, name);
    for (const [axis, size] of value.shape.entries())
      for (const n of smallerSizes(size))
        for (const last of [false, true])
          yield () =>
            withProgram(one, withValue(program, { ...value, shape: value.shape.with(axis, n) }), last);
  }
  for (const step of program.instructions) {
    if (step.op !== "dense" && step.op !== "conv") continue;
    const weights = constantNamed(program, step.weights);
    const groups = step.op === "conv" ? step.groups : 1;
    for (const n of smallerSizes(weights.shape[0]! / groups))
      yield () => withProgram(one, withConstant(program, cropFirst(weights, n * groups)));
    if (step.op !== "conv") continue;
    for (const [a, size] of weights.shape.slice(1, -1).entries())
      for (const n of smallerSizes(size)) {
        const shape = weights.shape.with(a + 1, n);
        const data = cropped(weights.data, weights.shape, shape);
        yield () => withProgram(one, withConstant(program, { ...weights, shape, data }));
      }
  }
}

function withValue(program: Program, changed: Value): Program {
  // Fractions of channels that are gone.
  const { fraction } = changed.format;
  const format =
    typeof fraction === "number"
      ? changed.format
      : { ...changed.format, fraction: fraction.slice(0, channelsOf(changed)) };
  return {
    ...program,
    values: program.values.map((value) => (value.name === changed.name ? { ...changed, format } : value)),
  };
}

const withConstant = (program: Program, changed: Constant): Program => ({
  ...program,
  constants: program.constants.map((constant) => (constant.name === changed.name ? changed : constant)),
});

const withStep = (program: Program, step: Instruction, changed: Instruction): Program => ({
  ...program,
  instructions: program.instructions.map((other) => (other === step ? changed : other)),
});

function cropFirst(constant: Constant, n: number): Constant {
  const row = constant.data.length / constant.shape[0]!;
  const { fraction } = constant.format;
  return {
    ...constant,
    shape: [n, ...constant.shape.slice(1)],
    data: constant.data.slice(0, n * row),
    format: { ...constant.format, fraction: typeof fraction === "number" ? fraction : fraction.slice(0, n) },
  };
}

/** Sizes, roundings and the like as they are when nobody asks for them. */
function* plainerSteps(one: RandomCase): Iterable<Made> {
  const { program } = one;
  for (const step of program.instructions)
    for (const changed of plainer(step)) yield () => withProgram(one, withStep(program, step, changed));
}

function* plainer(step: Instruction): Iterable<Instruction> {
  const all = (sizes: readonly number[], n: number): readonly number[] => sizes.map(() => n);
  const isPlain = (sizes: readonly number[], n: number): boolean => sizes.every((size) => size === n);
  switch (step.op) {
    case "requantize":
      if (step.activation !== "none") yield { ...step, activation: "none" };
      if (step.rounding === "half-even") yield { ...step, rounding: "truncate" };
      if (step.rounding === "truncate") yield { ...step, rounding: "half-up" };
      if (step.limit !== null) yield { ...step, limit: null };
      return;
    case "dense":
      if (step.bias !== null) yield { ...step, bias: null };
      return;
    case "conv":
      if (step.bias !== null) yield { ...step, bias: null };
      if (!isPlain(step.strides, 1)) yield { ...step, strides: all(step.strides, 1) };
      if (!isPlain(step.dilations, 1)) yield { ...step, dilations: all(step.dilations, 1) };
      if (!isPlain(step.spread, 1)) yield { ...step, spread: all(step.spread, 1) };
      for (const side of ["before", "after"] as const)
        if (!isPlain(step.padding[side], 0))
          yield { ...step, padding: { ...step.padding, [side]: all(step.padding[side], 0) } };
      if (step.padMantissa !== 0) yield { ...step, padMantissa: 0 };
      return;
    case "pool":
      for (const side of ["before", "after"] as const)
        if (!isPlain(step.padding[side], 0))
          yield { ...step, padding: { ...step.padding, [side]: all(step.padding[side], 0) } };
      for (const [axis, n] of step.window.entries())
        if (n > 1 && step.padding.before[axis] === 0 && step.padding.after[axis] === 0)
          yield { ...step, window: step.window.with(axis, n - 1) };
      if (!isPlain(step.strides, 1)) yield { ...step, strides: all(step.strides, 1) };
      return;
    case "scale":
      if (step.offsets !== null) yield { ...step, offsets: null };
      return;
    case "concat":
      if (step.inputs.length > 2) yield { ...step, inputs: step.inputs.slice(0, 2) };
      return;
    case "pad":
      for (const side of ["before", "after"] as const)
        if (!isPlain(step[side], 0)) yield { ...step, [side]: all(step[side], 0) };
      if (step.mantissa !== 0) yield { ...step, mantissa: 0 };
      return;
    case "upsample":
      if (!isPlain(step.factors, 1)) yield { ...step, factors: all(step.factors, 1) };
      return;
    default:
      return;
  }
}

function* narrowerFormats(one: RandomCase): Iterable<Made> {
  const { program } = one;
  const narrow = (format: Format, width: number): Format =>
    format.kind === "int" ? { ...format, width } : format;
  const oneFraction = (format: Format): Format =>
    typeof format.fraction === "number" ? format : { ...format, fraction: format.fraction[0]! };
  const drawn = new Set([
    ...program.inputs,
    ...program.instructions.filter(({ op }) => op === "requantize").map(({ result }) => result),
  ]);
  for (const value of program.values) {
    if (!drawn.has(value.name) || value.format.kind !== "int") continue;
    if (typeof value.format.fraction !== "number")
      yield () => withProgram(one, withValue(program, { ...value, format: oneFraction(value.format) }));
    for (const width of smallerSizes(value.format.width))
      yield () => withProgram(one, withValue(program, { ...value, format: narrow(value.format, width) }));
  }
}

/** Constants that are 0, in whole or in half, and smaller ones. */
function* smallerConstants(one: RandomCase): Iterable<Made> {
  const { program } = one;
  const names = new Set(program.instructions.flatMap(constantsOf));
  for (const constant of program.constants) {
    if (!names.has(constant.name)) continue;
    const { data } = constant;
    for (const edit of smallerNumbers(data))
      yield () => withProgram(one, withConstant(program, { ...constant, data: edit() }));
  }
}

function* smallerInputs(one: RandomCase): Iterable<Made> {
  for (const [name, rows] of one.inputs)
    for (const edit of smallerNumbers([...rows]))
      yield () => ({ ...one, inputs: new Map([...one.inputs, [name, Float64Array.from(edit())]]) });
}

/** How many numbers are tried one by one. */
const ONE_BY_ONE = 32;

function* smallerNumbers(data: readonly number[]): Iterable<() => number[]> {
  const toward = (low: number, high: number, change: (x: number) => number) => (): number[] =>
    data.map((x, i) => (i >= low && i < high ? change(x) : x));
  const zero = (): number => 0;
  const some = data.some((x) => x !== 0);
  if (!some) return;
  for (let size = data.length; size >= 2 && size * ONE_BY_ONE >= data.length; size = size >> 1)
    for (let low = 0; low < data.length; low += size)
      if (data.slice(low, low + size).some((x) => x !== 0)) yield toward(low, low + size, zero);
  const left = data.flatMap((x, i) => (x === 0 ? [] : [i])).slice(0, ONE_BY_ONE);
  for (const i of left) yield toward(i, i + 1, zero);
  for (const i of left) if (Math.abs(data[i]!) > 1) yield toward(i, i + 1, (x) => Math.trunc(x / 2));
}

/** Those first that take away most. */
export const REDUCTIONS: readonly Reduction[] = [
  oneOutput,
  cut,
  fewerPackets,
  withoutOne,
  plainerOptions,
  smallerShapes,
  plainerSteps,
  narrowerFormats,
  smallerConstants,
  smallerInputs,
];
