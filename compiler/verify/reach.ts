// What every element of every value can be at most: intervals with a step, element by element, from the ranges of the inputs. In: a
// verified program. Out: bounds that no inference leaves, narrower than the proved ranges, which hold for partial sums too.
import { alignmentOf, operandOf, shiftOf } from "../program/bounds.ts";
import {
  type Constant,
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  type RequantizeInstruction,
  valueNamed,
} from "../program/program.ts";
import { shiftRound } from "../support/fixed-point.ts";
import { runAlone } from "./instruction-alone.ts";

/** Of each element, row-major: least and largest mantissa; all that it can be is min + k * step, and 0 is the step of a constant. */
export interface Reach {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly step: Float64Array;
}

type Ends = Pick<Reach, "min" | "max">;

/** Bounds by value. */
export function reachOf(program: Program): ReadonlyMap<string, Reach> {
  const reach = new Map<string, Reach>();
  for (const name of program.inputs) {
    const { shape, format } = valueNamed(program, name);
    const { min, max } = mantissaRange(format);
    const all = (m: number): Float64Array => new Float64Array(elementsOf(shape)).fill(m);
    reach.set(name, { min: all(min), max: all(max), step: all(1) });
  }
  for (const instruction of program.instructions) {
    const operands = operandsOf(instruction).map((name) => reach.get(name)!);
    const ends = endsOf(program, instruction, operands);
    const steps = stepsOf(program, instruction, operands, ends);
    const step = ends.min.map((low, i) => (low === ends.max[i] ? 0 : (steps?.[i] ?? 1)));
    reach.set(instruction.result, { ...ends, step });
  }
  return reach;
}

function endsOf(program: Program, instruction: Instruction, operands: readonly Reach[]): Ends {
  const [a, b] = operands as [Reach, Reach];
  const run = (...given: readonly Float64Array[]): Float64Array => runAlone(program, instruction, given, 1);
  switch (instruction.op) {
    case "dense":
    case "conv":
      return productEnds(program, instruction, a);
    case "scale":
      return hullOf([run(a.min), run(a.max)]);
    case "subtract":
      // A value less itself is 0.
      return instruction.inputs[0] === instruction.inputs[1]
        ? hullOf([run(a.min, a.min)])
        : { min: run(a.min, b.max), max: run(a.max, b.min) };
    case "multiply":
      return instruction.inputs[0] === instruction.inputs[1]
        ? squares(a)
        : hullOf([run(a.min, b.min), run(a.min, b.max), run(a.max, b.min), run(a.max, b.max)]);
    case "table": {
      const { min } = mantissaRange(valueNamed(program, instruction.input).format);
      return tableEnds(constantNamed(program, instruction.table), a, min);
    }
    case "argmax": {
      const last = channelsOf(valueNamed(program, instruction.input)) - 1;
      const results = elementsOf(valueNamed(program, instruction.result).shape);
      return { min: new Float64Array(results), max: new Float64Array(results).fill(last) };
    }
    default:
      // All others only move elements, or grow where an operand grows.
      return { min: run(...operands.map(({ min }) => min)), max: run(...operands.map(({ max }) => max)) };
  }
}

function squares({ min, max }: Ends): Ends {
  const least = min.map((low, i) => (low <= 0 && max[i]! >= 0 ? 0 : Math.min(low ** 2, max[i]! ** 2)));
  return { min: least, max: min.map((low, i) => Math.max(low ** 2, max[i]! ** 2)) };
}

function hullOf(ends: readonly Float64Array[]): Ends {
  const [first, ...rest] = ends as [Float64Array, ...Float64Array[]];
  const of = (choose: (a: number, b: number) => number): Float64Array =>
    rest.reduce((best, end) => best.map((x, i) => choose(x, end[i]!)), first);
  return { min: of(Math.min), max: of(Math.max) };
}

/** Sums are largest where weights above 0 meet the largest inputs, and the others the least. */
function productEnds(
  program: Program,
  instruction: DenseInstruction | ConvInstruction,
  { min, max }: Ends,
): Ends {
  const weights = constantNamed(program, instruction.weights);
  const signed = weights.data.map((w) => operandOf(weights.format, w));
  const part = (choose: (a: number, b: number) => number, bias: string | null) => {
    const data = signed.map((w) => choose(w, 0));
    const format = { kind: "int", signed: true, width: 48, fraction: weights.format.fraction } as const;
    const constants = program.constants.map((c) => (c === weights ? { ...weights, format, data } : c));
    return (given: Float64Array): Float64Array =>
      runAlone({ ...program, constants }, { ...instruction, bias }, [given], 1);
  };
  const [above, below] = [part(Math.max, instruction.bias), part(Math.min, null)];
  const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x + b[i]!);
  return { min: sum(above(min), below(max)), max: sum(above(max), below(min)) };
}

/** The least and the largest of the entries that an element reaches; most elements reach the same ones. */
function tableEnds({ data }: Constant, { min, max }: Ends, first: number): Ends {
  const known = new Map<string, readonly [number, number]>();
  const ends = (i: number): readonly [number, number] => {
    const key = `${min[i]} ${max[i]}`;
    let found = known.get(key);
    if (!found) {
      const entries = data.slice(min[i]! - first, max[i]! - first + 1);
      found = [Math.min(...entries), Math.max(...entries)];
      known.set(key, found);
    }
    return found;
  };
  return { min: min.map((_, i) => ends(i)[0]), max: min.map((_, i) => ends(i)[1]) };
}

/** Greatest common divisor of magnitudes; 0 divides nothing and is left out. */
function divisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Steps of the result's elements; undefined where nothing better than 1 is known. */
function stepsOf(
  program: Program,
  instruction: Instruction,
  operands: readonly Reach[],
  { min, max }: Ends,
): ArrayLike<number> | undefined {
  const [a, b] = operands as [Reach, Reach];
  const steps = operands.map(({ step }) => step);
  switch (instruction.op) {
    case "dense":
    case "conv":
      return productSteps(program, instruction, a, min.length);
    case "scale": {
      const { data } = constantNamed(program, instruction.multipliers);
      return a.step.map((step, i) => Math.abs(data[i % data.length]!) * step);
    }
    case "add":
    case "subtract": {
      const { format } = valueNamed(program, instruction.result);
      const [sa, sb] = instruction.inputs.map(
        (name) => 2 ** alignmentOf(format, valueNamed(program, name).format),
      ) as [number, number];
      return a.step.map((step, i) => divisor(step * sa, b.step[i % b.step.length]! * sb));
    }
    case "multiply":
      // The least square may be none of the squares.
      if (instruction.inputs[0] === instruction.inputs[1]) return undefined;
      return a.step.map((step, i) => {
        const k = i % b.step.length;
        const other = b.step[k]!;
        return divisor(divisor(a.min[i]! * other, b.min[k]! * step), step * other);
      });
    case "requantize":
      return requantizeSteps(program, instruction, a, { min, max });
    case "pad":
      return runAlone(program, { ...instruction, mantissa: 0 }, steps, 1);
    case "concat":
    case "reshape":
    case "select":
    case "slice":
    case "transpose":
    case "upsample":
      return runAlone(program, instruction, steps, 1);
    default:
      return undefined;
  }
}

function productSteps(
  program: Program,
  instruction: DenseInstruction | ConvInstruction,
  { min, step }: Reach,
  results: number,
): Float64Array {
  const { data, shape, format } = constantNamed(program, instruction.weights);
  const units = shape[0]!;
  const row = data.length / units;
  const input = valueNamed(program, instruction.input);
  // Of two neighbouring bits the operands are -1 and 1.
  const unit = input.format.kind === "bipolar" ? 2 : 1;
  const weight = (o: number, i: number): number => operandOf(format, data[o * row + i]!);
  const found = new Float64Array(units);
  if (instruction.op === "dense") {
    for (let o = 0; o < units; o++)
      for (let i = 0; i < row; i++) found[o] = divisor(found[o]!, weight(o, i) * step[i]! * unit);
    return found;
  }
  // All elements, and what a window finds beside them, are alike modulo this.
  let common = 0;
  const meet = (mantissa: number): void => {
    common = divisor(common, mantissa - min[0]!);
  };
  for (const [i, m] of min.entries()) {
    common = divisor(common, step[i]!);
    meet(m);
  }
  const { padding, padMantissa, spread } = instruction;
  if ([...padding.before, ...padding.after].some((n) => n > 0)) meet(padMantissa);
  if (spread.some((n) => n > 1)) meet(0);
  for (let o = 0; o < units; o++) {
    for (let i = 0; i < row; i++) found[o] = divisor(found[o]!, weight(o, i));
    found[o] = found[o]! * common * unit;
  }
  return Float64Array.from({ length: results }, (_, i) => found[i % units]!);
}

/** A step that a shift leaves whole stays one, unless something is cut off at an end. */
function requantizeSteps(
  program: Program,
  { rounding, input, result }: RequantizeInstruction,
  operand: Reach,
  { min, max }: Ends,
): Float64Array {
  const [source, target] = [valueNamed(program, input), valueNamed(program, result)];
  const channels = channelsOf(source);
  return operand.step.map((step, i) => {
    const shift = shiftOf(source, target, i % channels);
    const [low, high] = [operand.min[i]!, operand.max[i]!];
    if (shiftRound(low, shift, rounding) !== min[i] || shiftRound(high, shift, rounding) !== max[i]) return 1;
    if (shift <= 0) return step * 2 ** -shift;
    const by = 2 ** shift;
    if (step % by !== 0 || (rounding === "half-even" && low % by !== 0)) return 1;
    return step / by;
  });
}
