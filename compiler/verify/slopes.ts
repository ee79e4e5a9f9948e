// How a sum deep in a program leans on the program's inputs. In: a program. Out: for chosen sums of every dense and conv
// layer the slope along each input element, activations left out: what drives the sum to its extremes.
import { alignmentOf, operandOf, shiftOf } from "../program/bounds.ts";
import {
  type ArithmeticInstruction,
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  operandsOf,
  type PoolInstruction,
  type Program,
  type RequantizeInstruction,
  valueNamed,
} from "../program/program.ts";
import { everyAxis } from "../program/shapes.ts";
import { runAlone } from "./instruction-alone.ts";

/** Neurons of a first dense layer, and of each other layer, whose sums are driven to both extremes. */
const NEURONS_FIRST = 64;
const NEURONS_LATER = 8;

export interface Lean {
  /** The sum. */
  readonly name: string;
  /** By input that the sum depends on: one slope for each element. */
  readonly slopes: ReadonlyMap<string, Float64Array>;
}

/** The sums with the largest weights of every layer; those of a conv at its middle position. */
export function leaningSums(program: Program): readonly Lean[] {
  const behindSums = new Set<string>();
  return program.instructions.flatMap((instruction, n): Lean[] => {
    const later = operandsOf(instruction).some((name) => behindSums.has(name));
    const isProduct = instruction.op === "dense" || instruction.op === "conv";
    if (later || isProduct) behindSums.add(instruction.result);
    if (!isProduct) return [];
    const { shape } = valueNamed(program, instruction.result);
    const units = shape[shape.length - 1]!;
    const position = shape.slice(0, -1).reduce((at, size) => at * size + Math.floor(size / 2), 0);
    const count = later || instruction.op === "conv" ? NEURONS_LATER : NEURONS_FIRST;
    return strongest(program, instruction)
      .slice(0, count)
      .map((o) => ({
        name: `${instruction.layer}[${o}]`,
        slopes: slopesOf(program, n, position * units + o),
      }));
  });
}

/** Units by the sum of the magnitudes of their weights, the largest first. */
function strongest(program: Program, instruction: DenseInstruction | ConvInstruction): readonly number[] {
  const { shape, format, data } = constantNamed(program, instruction.weights);
  const row = data.length / shape[0]!;
  const strength = Array.from({ length: shape[0]! }, (_, o) =>
    data.slice(o * row, (o + 1) * row).reduce((sum, w) => sum + Math.abs(operandOf(format, w)), 0),
  );
  return strength.map((_, o) => o).sort((a, b) => strength[b]! - strength[a]! || a - b);
}

/** Slopes of one element of the result of instruction `last` along the elements of the inputs, back through the program. */
export function slopesOf(program: Program, last: number, element: number): ReadonlyMap<string, Float64Array> {
  const slopes = new Map<string, Float64Array>();
  const of = (name: string): Float64Array => {
    const found = slopes.get(name) ?? new Float64Array(elementsOf(valueNamed(program, name).shape));
    slopes.set(name, found);
    return found;
  };
  of(program.instructions[last]!.result)[element] = 1;
  for (let n = last; n >= 0; n--) {
    const instruction = program.instructions[n]!;
    const given = slopes.get(instruction.result);
    if (given) passBack(program, instruction, given, of);
  }
  return new Map([...slopes].filter(([name]) => program.inputs.includes(name)));
}

/** Adds the slopes of an instruction's result to those of its operands. */
function passBack(
  program: Program,
  instruction: Instruction,
  given: Float64Array,
  of: (name: string) => Float64Array,
): void {
  switch (instruction.op) {
    case "dense":
      return throughDense(program, instruction, given, of(instruction.input));
    case "conv":
    case "pool":
      return throughWindow(program, instruction, given, of(instruction.input));
    case "add":
    case "subtract":
    case "multiply":
      return throughArithmetic(program, instruction, given, of);
    case "requantize":
      return throughRequantize(program, instruction, given, of(instruction.input));
    case "threshold":
    case "table": {
      // A table is taken for one that ascends or descends.
      const data = instruction.op === "table" ? constantNamed(program, instruction.table).data : [0, 1];
      const sign = Math.sign(data[data.length - 1]! - data[0]!);
      const input = of(instruction.input);
      for (const [i, slope] of given.entries()) input[i] = input[i]! + sign * slope;
      return;
    }
    case "scale": {
      const { data } = constantNamed(program, instruction.multipliers);
      const input = of(instruction.input);
      for (const [i, slope] of given.entries()) input[i] = input[i]! + slope * data[i % data.length]!;
      return;
    }
    case "argmax":
      // An index leans on nothing.
      return;
    default:
      return throughMove(program, instruction, given, of);
  }
}

function throughDense(
  program: Program,
  instruction: DenseInstruction,
  given: Float64Array,
  input: Float64Array,
): void {
  const { format, data } = constantNamed(program, instruction.weights);
  for (const [o, slope] of given.entries()) {
    if (slope === 0) continue;
    for (let i = 0; i < input.length; i++)
      input[i] = input[i]! + slope * operandOf(format, data[o * input.length + i]!);
  }
}

/** A pool leans on every element of its window alike. */
function throughWindow(
  program: Program,
  instruction: ConvInstruction | PoolInstruction,
  given: Float64Array,
  input: Float64Array,
): void {
  const source = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const axes = source.shape.length - 1;
  const channels = channelsOf(source);
  const units = channelsOf(result);
  const weights = instruction.op === "conv" ? constantNamed(program, instruction.weights) : null;
  const { window, dilations, spread, groups } =
    instruction.op === "conv"
      ? { ...instruction, window: weights!.shape.slice(1, -1) }
      : { ...instruction, dilations: everyAxis(axes, 1), spread: everyAxis(axes, 1), groups: channels };
  const taps = Array.from({ length: elementsOf(window) }, (_, k) => indexOf(k, window));
  const perGroup = channels / groups;
  const unitsPerGroup = units / groups;
  const positions = given.length / units;
  for (let p = 0; p < positions; p++) {
    const slopes = given.subarray(p * units, (p + 1) * units);
    if (slopes.every((slope) => slope === 0)) continue;
    const position = indexOf(p, result.shape.slice(0, -1));
    for (const [k, tap] of taps.entries()) {
      let offset = 0;
      for (let a = 0; a < axes; a++) {
        const at =
          position[a]! * instruction.strides[a]! + tap[a]! * dilations[a]! - instruction.padding.before[a]!;
        const inside = at >= 0 && at % spread[a]! === 0 && at / spread[a]! < source.shape[a]!;
        offset = inside ? offset * source.shape[a]! + at / spread[a]! : Number.NaN;
      }
      if (Number.isNaN(offset)) continue;
      for (const [o, slope] of slopes.entries()) {
        if (slope === 0) continue;
        const first = offset * channels + Math.floor(o / unitsPerGroup) * perGroup;
        for (let c = 0; c < perGroup; c++) {
          const w = weights
            ? operandOf(weights.format, weights.data[(o * taps.length + k) * perGroup + c]!)
            : 1;
          input[first + c] = input[first + c]! + slope * w;
        }
      }
    }
  }
}

/** Position along each axis of an element of a shape. */
export function indexOf(offset: number, shape: readonly number[]): readonly number[] {
  const index: number[] = [];
  let rest = offset;
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

/** Factors of a product are taken for positive: each pulls the way that the product is pulled. */
function throughArithmetic(
  program: Program,
  { op, inputs, result }: ArithmeticInstruction,
  given: Float64Array,
  of: (name: string) => Float64Array,
): void {
  const { format } = valueNamed(program, result);
  for (const [k, name] of inputs.entries()) {
    const scale = op === "multiply" ? 1 : 2 ** alignmentOf(format, valueNamed(program, name).format);
    const factor = op === "subtract" && k === 1 ? -scale : scale;
    const input = of(name);
    for (const [i, slope] of given.entries()) {
      const at = i % input.length;
      input[at] = input[at]! + factor * slope;
    }
  }
}

function throughRequantize(
  program: Program,
  instruction: RequantizeInstruction,
  given: Float64Array,
  input: Float64Array,
): void {
  const source = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const channels = channelsOf(source);
  for (const [i, slope] of given.entries())
    input[i] = input[i]! + slope * 2 ** -shiftOf(source, result, i % channels);
}

/** What only moves elements says where they come from when it moves their numbers. */
function throughMove(
  program: Program,
  instruction: Instruction,
  given: Float64Array,
  of: (name: string) => Float64Array,
): void {
  const numbered = instruction.op === "pad" ? { ...instruction, mantissa: -1 } : instruction;
  const operands = operandsOf(instruction);
  for (const name of new Set(operands)) {
    const input = of(name);
    const numbers = operands.map((other) =>
      Float64Array.from({ length: of(other).length }, (_, i) => (other === name ? i : -1)),
    );
    const sources = runAlone(program, numbered, numbers, 1);
    for (const [i, from] of sources.entries()) if (from >= 0) input[from] = input[from]! + given[i]!;
  }
}
