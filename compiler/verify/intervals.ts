// What every value of a program can reach, worked out a second time: with integers of any size, from what stands before a value
// instead of from formats, and without a line of what the compiler chooses widths by. In: a program. Out: intervals, and the
// sums that do not fit the format that they have.
import {
  channelsOf,
  constantNamed,
  type Format,
  fractionOf,
  type Instruction,
  isSum,
  type Program,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { assertNever } from "../support/assert.ts";

/** Both ends are reached or may be; of mantissas, for bipolar values of bits. */
export interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** A sum that some inputs could bring out of its format, on the way or at its end. */
export interface Overflow {
  readonly layer: string;
  readonly value: string;
  /** Of all partial sums, in every order, and of what a requantization makes of them before it saturates. */
  readonly reached: Interval;
  readonly format: Interval;
}

export interface Intervals {
  /** By value: what its elements can be. */
  readonly values: ReadonlyMap<string, Interval>;
  /** Of sums: what their accumulator has to hold. */
  readonly sums: ReadonlyMap<string, Interval>;
  readonly overflows: readonly Overflow[];
}

const least = (a: bigint, b: bigint): bigint => (b < a ? b : a);
const most = (a: bigint, b: bigint): bigint => (b > a ? b : a);
/** Of one interval at least. */
const hull = (all: readonly Interval[]): Interval =>
  all.reduce((a, b) => ({ low: least(a.low, b.low), high: most(a.high, b.high) }));
const ends = (a: bigint, { low, high }: Interval): Interval =>
  hull([
    { low: a * low, high: a * low },
    { low: a * high, high: a * high },
  ]);
/** The integer of a format that is nearest. */
const within = ({ low, high }: Interval, x: bigint): bigint => least(high, most(low, x));
const NOTHING: Interval = { low: 0n, high: 0n };

function formatInterval(format: Format): Interval {
  if (format.kind === "bipolar") return { low: 0n, high: 1n };
  const size = 1n << BigInt(format.width);
  return format.signed ? { low: -size / 2n, high: size / 2n - 1n } : { low: 0n, high: size - 1n };
}

/** The integers that arithmetic sees of mantissas. */
function asOperand(format: Format, { low, high }: Interval): Interval {
  return format.kind === "bipolar" ? { low: 2n * low - 1n, high: 2n * high - 1n } : { low, high };
}

/** Intervals of all values, and the sums that do not fit. */
export function intervalsOf(program: Program): Intervals {
  const values = new Map<string, Interval>();
  /** Of sums: that of every partial sum in every order. */
  const partial = new Map<string, Interval>();
  /** Of copies of sums, which are as wide: the sum. */
  const origins = new Map<string, string>();
  for (const name of program.inputs) values.set(name, formatInterval(valueNamed(program, name).format));
  for (const instruction of program.instructions) {
    const { whole, parts } = reachedBy(program, instruction, values);
    const format = formatInterval(valueNamed(program, instruction.result).format);
    values.set(instruction.result, { low: within(format, whole.low), high: within(format, whole.high) });
    if (isSum(instruction)) partial.set(instruction.result, parts);
    const { op, result } = instruction;
    if (op === "reshape" || op === "select" || op === "slice")
      origins.set(result, origins.get(instruction.input) ?? instruction.input);
    if (op === "requantize") {
      const sum = origins.get(instruction.input) ?? instruction.input;
      const found = partial.get(sum);
      if (found) partial.set(sum, hull([found, ...beforeSaturation(program, instruction, values)]));
    }
  }
  const overflows = program.instructions.filter(isSum).flatMap(({ layer, result }): Overflow[] => {
    const reached = partial.get(result)!;
    const format = formatInterval(valueNamed(program, result).format);
    const fits = reached.low >= format.low && reached.high <= format.high;
    return fits ? [] : [{ layer, value: result, reached, format }];
  });
  return { values, sums: partial, overflows };
}

/** What a requantization makes of its operand on the way: with the half that rounding adds, or shifted to the left. */
function beforeSaturation(
  program: Program,
  { input, result }: Extract<Instruction, { readonly op: "requantize" }>,
  values: ReadonlyMap<string, Interval>,
): readonly Interval[] {
  const { low, high } = values.get(input)!;
  return shiftsOf(valueNamed(program, input), valueNamed(program, result)).map((shift) =>
    shift > 0
      ? { low, high: high + (1n << BigInt(shift - 1)) }
      : { low: low << BigInt(-shift), high: high << BigInt(-shift) },
  );
}

function shiftsOf(from: Value, to: Value): readonly number[] {
  const all = Array.from(
    { length: channelsOf(from) },
    (_, c) => fractionOf(from.format, c) - fractionOf(to.format, c),
  );
  return [...new Set(all)];
}

function reachedBy(
  program: Program,
  instruction: Instruction,
  values: ReadonlyMap<string, Interval>,
): { readonly whole: Interval; readonly parts: Interval } {
  const of = (name: string): Interval => values.get(name)!;
  const same = (whole: Interval) => ({ whole, parts: whole });
  const result = valueNamed(program, instruction.result);
  switch (instruction.op) {
    case "dense":
    case "conv":
      return productReach(program, instruction, of(instruction.input));
    case "scale": {
      const offsets = instruction.offsets === null ? null : constantNamed(program, instruction.offsets).data;
      const channels = constantNamed(program, instruction.multipliers).data.map((m, c) =>
        summed([ends(BigInt(m), of(instruction.input))], BigInt(offsets?.[c] ?? 0)),
      );
      return united(channels);
    }
    case "add":
    case "subtract": {
      const [a, b] = instruction.inputs.map((name) => {
        const { format } = valueNamed(program, name);
        return ends(1n << BigInt(fractionOf(result.format, 0) - fractionOf(format, 0)), of(name));
      }) as [Interval, Interval];
      return summed([a, instruction.op === "add" ? b : ends(-1n, b)], 0n);
    }
    case "multiply": {
      const [a, b] = instruction.inputs.map(of) as [Interval, Interval];
      return same(hull([ends(a.low, b), ends(a.high, b)]));
    }
    case "requantize": {
      // It never falls where its input rises, so that the ends become the ends.
      const from = valueNamed(program, instruction.input);
      const { low, high } = of(instruction.input);
      const format = formatInterval(result.format);
      const top = instruction.limit === null ? format.high : least(format.high, BigInt(instruction.limit));
      const bottom = instruction.activation === "relu" ? most(0n, format.low) : format.low;
      const clamp = (x: bigint): bigint => least(top, most(bottom, x));
      return same(
        hull(
          shiftsOf(from, result).map((shift) => ({
            low: clamp(roundedDown(low, shift)),
            high: clamp(roundedUp(high, shift)),
          })),
        ),
      );
    }
    case "threshold":
      return same(formatInterval(result.format));
    case "table": {
      const { data } = constantNamed(program, instruction.table);
      const first = formatInterval(valueNamed(program, instruction.input).format).low;
      const { low, high } = of(instruction.input);
      const entries = data.slice(Number(low - first), Number(high - first) + 1).map(BigInt);
      return same({ low: entries.reduce(least), high: entries.reduce(most) });
    }
    case "argmax":
      return same({ low: 0n, high: BigInt(channelsOf(valueNamed(program, instruction.input)) - 1) });
    case "pool": {
      const { before, after } = instruction.padding;
      const hasOutside = instruction.kind === "average" && [...before, ...after].some((n) => n > 0);
      return same(hasOutside ? hull([of(instruction.input), NOTHING]) : of(instruction.input));
    }
    case "pad": {
      const mantissa = BigInt(instruction.mantissa);
      return same(hull([of(instruction.input), { low: mantissa, high: mantissa }]));
    }
    case "concat":
      return same(hull(instruction.inputs.map(of)));
    case "reshape":
    case "select":
    case "slice":
    case "transpose":
    case "upsample":
      return same(of(instruction.input));
    default:
      return assertNever(instruction, "reach");
  }
}

/** floor(x / 2^shift), and ceil, which no rounding leaves; exact for a left shift. */
function roundedDown(x: bigint, shift: number): bigint {
  return shift > 0 ? x >> BigInt(shift) : x << BigInt(-shift);
}

function roundedUp(x: bigint, shift: number): bigint {
  return shift > 0 ? -(-x >> BigInt(shift)) : x << BigInt(-shift);
}

/** A sum of terms and a constant: what it ends as, and where it can be on the way, with the terms in any order. */
function summed(
  terms: readonly Interval[],
  constant: bigint,
): { readonly whole: Interval; readonly parts: Interval } {
  let [low, high] = [constant, constant];
  let [lowest, highest] = [least(0n, constant), most(0n, constant)];
  for (const term of terms) {
    low += term.low;
    high += term.high;
    lowest += least(0n, term.low);
    highest += most(0n, term.high);
  }
  return { whole: { low, high }, parts: { low: lowest, high: highest } };
}

function united(all: readonly { readonly whole: Interval; readonly parts: Interval }[]): {
  readonly whole: Interval;
  readonly parts: Interval;
} {
  return {
    whole: hull(all.map(({ whole }) => whole)),
    parts: hull(all.map(({ parts }) => parts)),
  };
}

function productReach(
  program: Program,
  instruction: Extract<Instruction, { readonly op: "dense" | "conv" }>,
  input: Interval,
): { readonly whole: Interval; readonly parts: Interval } {
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias).data;
  const { format } = valueNamed(program, instruction.input);
  let x = asOperand(format, input);
  if (instruction.op === "conv") {
    const { padding, padMantissa, spread } = instruction;
    const pad = BigInt(padMantissa);
    if ([...padding.before, ...padding.after].some((n) => n > 0)) x = hull([x, { low: pad, high: pad }]);
    if (spread.some((n) => n > 1)) x = hull([x, NOTHING]);
  }
  // Few integers stand for many weights.
  const terms = new Map<number, Interval>();
  const termOf = (mantissa: number): Interval => {
    const found = terms.get(mantissa);
    if (found) return found;
    const weight = weights.format.kind === "bipolar" ? 2n * BigInt(mantissa) - 1n : BigInt(mantissa);
    const made = ends(weight, x);
    terms.set(mantissa, made);
    return made;
  };
  const units = weights.shape[0]!;
  const row = weights.data.length / units;
  return united(
    Array.from({ length: units }, (_, o) =>
      summed(weights.data.slice(o * row, (o + 1) * row).map(termOf), BigInt(bias?.[o] ?? 0)),
    ),
  );
}

/** For people. */
export function overflowText({ layer, value, reached, format }: Overflow): string {
  return (
    `${layer}: sums of ${value} reach ${reached.low} to ${reached.high}, ` +
    `and their format holds ${format.low} to ${format.high}`
  );
}
