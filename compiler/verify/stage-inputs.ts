// What a stage gets when it runs alone. In: a program, an instruction. Out: rows of integers for each of its operands: the ends
// of the proved range, what drives chosen sums to their own ends, the points where rounding and thresholds turn, random ones.
import { channelBounds, provedRange, shiftOf } from "../program/bounds.ts";
import {
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type DenseInstruction,
  elementsOf,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  valueNamed,
} from "../program/program.ts";
import { type Range, saturate } from "../support/fixed-point.ts";
import { createRandom } from "../support/random.ts";
import { slopesOf } from "./slopes.ts";

/** Sums of a layer that are driven to both of their ends: those whose ends lie furthest out. */
const LEANING_SUMS = 12;

/** `count` rows for each operand, row-major; an operand that is read twice is one array. Always the same for a seed. */
export function stageInputs(
  program: Program,
  instruction: Instruction,
  count: number,
  seed: number,
): readonly Float64Array[] {
  const leans = leansOf(program, instruction);
  const made = new Map<string, Float64Array>();
  for (const name of operandsOf(instruction))
    if (!made.has(name)) made.set(name, operandInputs(program, instruction, name, count, seed, leans));
  return operandsOf(instruction).map((name) => made.get(name)!);
}

/** For chosen sums of a layer the slope along each element of its input; none of other instructions. */
function leansOf(program: Program, instruction: Instruction): readonly Float64Array[] {
  if (instruction.op !== "dense" && instruction.op !== "conv") return [];
  const { shape } = valueNamed(program, instruction.result);
  const units = shape[shape.length - 1]!;
  const position = shape.slice(0, -1).reduce((at, size) => at * size + Math.floor(size / 2), 0);
  const alone: Program = {
    ...program,
    inputs: [instruction.input],
    outputs: [],
    instructions: [instruction],
  };
  return furthest(program, instruction)
    .slice(0, LEANING_SUMS)
    .map((o) => slopesOf(alone, 0, position * units + o).get(instruction.input)!);
}

/** Units by how far their bounds go: the largest and the smallest in turn. */
function furthest(program: Program, instruction: DenseInstruction | ConvInstruction): readonly number[] {
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  const { format } = valueNamed(program, instruction.input);
  const bounds = Array.from({ length: weights.shape[0]! }, (_, o) => channelBounds(weights, bias, o, format));
  const by = (far: (range: Range) => number): readonly number[] =>
    bounds.map((_, o) => o).sort((a, b) => far(bounds[b]!) - far(bounds[a]!) || a - b);
  const [up, down] = [by(({ max }) => max), by(({ min }) => -min)];
  return [...new Set(up.flatMap((o, k) => [o, down[k]!]))];
}

function operandInputs(
  program: Program,
  instruction: Instruction,
  operand: string,
  count: number,
  seed: number,
  leans: readonly Float64Array[],
): Float64Array {
  const source = valueNamed(program, operand);
  const result = valueNamed(program, instruction.result);
  const range = provedRange(program, operand);
  const elements = elementsOf(source.shape);
  const channels = channelsOf(source);
  const later = operandsOf(instruction).indexOf(operand);
  const random = createRandom(seed, "stage input", instruction.result, ...(later > 0 ? [later] : []));
  const uniform = (low: number, high: number): number =>
    low + Math.floor(random.uniform() * (high - low + 1));
  // A difference is at its ends where its operands are at opposite ones.
  const isTaken = instruction.op === "subtract" && later > 0;
  const one = (n: number, i: number): number => {
    if (n < 2) return (n === 0) !== isTaken ? range.max : range.min;
    const lean = leans[(n - 2) >> 1];
    if (lean && lean[i] !== 0) return lean[i]! > 0 === (n % 2 === 0) ? range.max : range.min;
    if (instruction.op === "requantize" && n % 2 === 0) {
      const step = 2 ** shiftOf(source, result, i % channels);
      const { min, max } = mantissaRange(result.format);
      return Math.round((uniform(min - 2, max + 2) + 0.5) * step) + uniform(-1, 1);
    }
    if (instruction.op === "threshold" && n % 2 === 0) {
      const table = constantNamed(program, instruction.thresholds);
      const levels = table.shape[1]!;
      return table.data[(i % channels) * levels + uniform(0, levels - 1)]! + uniform(-1, 1);
    }
    if (n % 4 === 1) return random.uniform() < 0.5 ? range.min : range.max;
    return uniform(range.min, range.max);
  };
  return Float64Array.from({ length: count * elements }, (_, k) => {
    const value = saturate(one(Math.floor(k / elements), k % elements), range);
    return value === 0 ? 0 : value;
  });
}
