// A second, slow reading of program/SEMANTICS.md, on BigInt and one element at a time: each result element straight from
// its formula. In: a program, an instruction, mantissas of its operands of one inference. Out: its mantissas.
import {
  constantNamed,
  elementsOf,
  type Format,
  fractionOf,
  type Instruction,
  mantissaRange,
  operandsOf,
  type Program,
  valueNamed,
} from "../../../program/program.ts";

/** Position along every axis. */
type Index = readonly number[];

/** A tensor as a function of a position. */
type Tensor = (index: Index) => bigint;

/** Positions of a shape, row-major. */
export function positionsOf(shape: readonly number[]): Index[] {
  return shape.reduce<Index[]>(
    (all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  return (index) => {
    const offset = index.reduce((sum, i, a) => sum * shape[a]! + i, 0);
    const mantissa = data[offset];
    if (mantissa === undefined || index.some((i, a) => i < 0 || i >= shape[a]!))
      throw new Error(`no element at ${index.join(", ")}`);
    return BigInt(mantissa);
  };
}

/** floor(a / b) for b > 0. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n ? quotient - 1n : quotient;
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);
const operand = (format: Format, m: bigint): bigint => (format.kind === "bipolar" ? 2n * m - 1n : m);

/** round(x * 2^-shift) by the table of requantize. */
function shifted(x: bigint, shift: number, rounding: string): bigint {
  if (shift <= 0) return x * 2n ** BigInt(-shift);
  const divisor = 2n ** BigInt(shift);
  const floor = floorDivide(x, divisor);
  if (rounding === "truncate") return floor;
  const twice = 2n * (x - floor * divisor);
  if (rounding === "half-up") return twice >= divisor ? floor + 1n : floor;
  return twice > divisor || (twice === divisor && floor % 2n !== 0n) ? floor + 1n : floor;
}

/** The result of one inference; `inputs` has the mantissas of every operand. */
export function readingOf(
  program: Program,
  instruction: Instruction,
  inputs: readonly ArrayLike<number>[],
): number[] {
  const result = valueNamed(program, instruction.result);
  const values = operandsOf(instruction).map((name) => valueNamed(program, name));
  const tensors = values.map((value, k) => tensor(value.shape, inputs[k]!));
  const [source] = values as [(typeof values)[number]];
  const [x] = tensors as [Tensor];
  const constant = (name: string): Tensor => {
    const { shape, data } = constantNamed(program, name);
    return tensor(shape, data);
  };
  const element = (): ((index: Index) => bigint) => {
    switch (instruction.op) {
      case "requantize":
        return (index) => {
          const c = index[index.length - 1]!;
          const shift = fractionOf(source.format, c) - fractionOf(result.format, c);
          const { min, max } = mantissaRange(result.format);
          let y = shifted(x(index), shift, instruction.rounding);
          if (instruction.activation === "relu" && y < 0n) y = 0n;
          if (instruction.limit !== null && y > BigInt(instruction.limit)) y = BigInt(instruction.limit);
          return y < min ? BigInt(min) : y > max ? BigInt(max) : y;
        };
      case "dense":
      case "conv": {
        const weights = constantNamed(program, instruction.weights);
        const w = tensor(weights.shape, weights.data);
        const bias = instruction.bias === null ? () => 0n : constant(instruction.bias);
        const kernel = weights.shape.slice(1, -1);
        const perGroup = weights.shape[weights.shape.length - 1]!;
        return (index) => {
          const o = index[index.length - 1]!;
          let sum = bias([o]);
          for (const k of positionsOf(kernel))
            for (let c = 0; c < perGroup; c++) {
              const a =
                instruction.op === "dense"
                  ? operand(source.format, x([c]))
                  : outside(
                      index.slice(0, -1),
                      k,
                      c + perGroup * Math.floor((o * instruction.groups) / weights.shape[0]!),
                    );
              sum += operand(weights.format, w([o, ...k, c])) * a;
            }
          return sum;
        };
      }
      case "pool": {
        const { window, strides, padding, kind } = instruction;
        return (index) => {
          const c = index[index.length - 1]!;
          const seen = positionsOf(window)
            .map((k) => k.map((tap, a) => index[a]! * strides[a]! + tap - padding.before[a]!))
            .filter((at) => at.every((p, a) => p >= 0 && p < source.shape[a]!))
            .map((at) => x([...at, c]));
          if (kind === "max") return seen.reduce((a, b) => (b > a ? b : a));
          const sum = seen.reduce((a, b) => a + b, 0n);
          const n = BigInt(product(window));
          return floorDivide(2n * sum + n, 2n * n);
        };
      }
      case "threshold": {
        const table = constant(instruction.thresholds);
        const levels = constantNamed(program, instruction.thresholds).shape[1]!;
        return (index) =>
          BigInt(
            instruction.base +
              Array.from({ length: levels }, (_, k) => k).filter(
                (k) => x(index) >= table([index[index.length - 1]!, k]),
              ).length,
          );
      }
      case "scale": {
        const m = constant(instruction.multipliers);
        const b = instruction.offsets === null ? () => 0n : constant(instruction.offsets);
        return (index) => {
          const c = [index[index.length - 1]!];
          return x(index) * m(c) + b(c);
        };
      }
      case "table": {
        const table = constant(instruction.table);
        return (index) => table([Number(x(index)) - mantissaRange(source.format).min]);
      }
      case "add":
      case "subtract":
      case "multiply":
        return (index) => {
          const [, second] = values as [unknown, (typeof values)[number]];
          const at = index.map((i, a) => (second.shape[a] === 1 ? 0 : i));
          const [p, q] = [x(index), tensors[1]!(at)];
          if (instruction.op === "multiply") return p * q;
          const f = fractionOf(result.format, 0);
          const left = p * 2n ** BigInt(f - fractionOf(source.format, 0));
          const right = q * 2n ** BigInt(f - fractionOf(second.format, 0));
          return instruction.op === "add" ? left + right : left - right;
        };
      case "concat":
        return (index) => {
          const at = [...index];
          let part = 0;
          while (at[instruction.axis]! >= values[part]!.shape[instruction.axis]!) {
            at[instruction.axis]! -= values[part]!.shape[instruction.axis]!;
            part++;
          }
          return tensors[part]!(at);
        };
      case "reshape": {
        const flat = positionsOf(source.shape);
        return (index) => x(flat[index.reduce((sum, i, a) => sum * result.shape[a]! + i, 0)]!);
      }
      case "select":
        return ([j]) => x([instruction.indices[j!]!]);
      case "slice":
        return (index) => x(index.map((i, a) => i + instruction.begin[a]!));
      case "pad":
        return (index) => {
          const at = index.map((i, a) => i - instruction.before[a]!);
          return at.every((i, a) => i >= 0 && i < source.shape[a]!) ? x(at) : BigInt(instruction.mantissa);
        };
      case "transpose":
        return (index) => {
          const at = [...index];
          for (const [i, a] of instruction.permutation.entries()) at[a] = index[i]!;
          return x(at);
        };
      case "upsample":
        return (index) => x(index.map((i, a) => Math.floor(i / (instruction.factors[a] ?? 1))));
      case "argmax":
        return (index) => {
          const row = Array.from({ length: source.shape[source.shape.length - 1]! }, (_, c) =>
            x([...index.slice(0, -1), c]),
          );
          return BigInt(row.indexOf(row.reduce((a, b) => (b > a ? b : a))));
        };
    }
  };
  /** in' of a conv at output position p and kernel offset k, channel c. */
  const outside = (p: Index, k: Index, c: number): bigint => {
    if (instruction.op !== "conv") throw new Error("only a conv looks outside");
    const { strides, dilations, padding, spread, padMantissa } = instruction;
    const at = p.map((i, a) => i * strides[a]! + k[a]! * dilations[a]! - padding.before[a]!);
    if (at.some((i, a) => i < 0 || i > (source.shape[a]! - 1) * spread[a]!)) return BigInt(padMantissa);
    if (at.some((i, a) => i % spread[a]! !== 0)) return 0n;
    return operand(source.format, x([...at.map((i, a) => i / spread[a]!), c]));
  };
  const read = element();
  const all = positionsOf(result.shape).map((index) => Number(read(index)));
  if (all.length !== elementsOf(result.shape)) throw new Error("a reading of another size");
  return all;
}
