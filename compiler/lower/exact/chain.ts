// What stands between integers and the real number that an imported tensor has. In: steps of a file's operators on each
// channel. Out: for every channel the exact function from an integer to its real value, and which way it goes.
import { compilerAssert } from "../../support/assert.ts";
import {
  isInteger,
  minus,
  ONE,
  over,
  plus,
  type Rational,
  ratio,
  rationalOf,
  toNumber,
  ZERO,
} from "../../support/rational.ts";
import { type Curve, compareReals, curveAt, isSurd, type Real, scaled } from "../../support/real.ts";
import {
  approximately,
  compareSurds,
  inverseRoot,
  isRational,
  opposite,
  product,
  type Surd,
  signOf,
  sum,
} from "../../support/surd.ts";

/** Arrays have one entry for all channels, or one for each. */
export type PerChannel<T> = readonly T[];

/**
 * affine: x * gain + offset. clamp: into [least, most]; null: open. leaky: x where x >= 0, else slope * x, slope above 0.
 * lookup: entries[x] of whole x that are all there. A chain has one curve at most, and nothing that falls again behind it.
 */
export type Step =
  | { readonly kind: "affine"; readonly gain: PerChannel<Surd>; readonly offset: PerChannel<Surd> }
  | { readonly kind: "clamp"; readonly least: Rational | null; readonly most: Rational | null }
  | { readonly kind: "leaky"; readonly slope: Rational }
  | { readonly kind: "hardswish" }
  | { readonly kind: "lookup"; readonly entries: readonly Rational[] }
  | { readonly kind: "curve"; readonly curve: Curve };

/** From the integer on, in order; the first one says the scale of the integers. */
export type Chain = readonly Step[];

/** The entry of channel `c`. */
export function at<T>(values: PerChannel<T>, c: number): T {
  return values.length === 1 ? values[0]! : values[c]!;
}

/** Entry by entry; the result is as long as the longer one. */
export function combined<A, B, R>(
  a: PerChannel<A>,
  b: PerChannel<B>,
  make: (a: A, b: B) => R,
): PerChannel<R> {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, c) => make(at(a, c), at(b, c)));
}

/** The same entry once where all of them are equal. */
export function shortened(values: PerChannel<Surd>): PerChannel<Surd> {
  const [first] = values;
  return values.every((value) => value === first || compareSurds(value, first!) === 0) ? [first!] : values;
}

export function affine(gain: PerChannel<Surd>, offset: PerChannel<Surd>): Step {
  return { kind: "affine", gain: shortened(gain), offset: shortened(offset) };
}

/** The chain with a step behind it; affine steps become one. */
export function followedBy(chain: Chain, step: Step): Chain {
  const last = chain.at(-1);
  if (step.kind !== "affine" || last?.kind !== "affine") return [...chain, step];
  const gain = combined(last.gain, step.gain, product);
  const offset = combined(combined(last.offset, step.gain, product), step.offset, sum);
  return [...chain.slice(0, -1), affine(gain, offset)];
}

/** scale * (x - mean) / sqrt(variance + epsilon) + bias, with the root as the real number that it is. */
export function normStep(norm: {
  readonly scale: Float64Array;
  readonly bias: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly epsilon: number;
}): Step {
  const epsilon = rationalOf(norm.epsilon);
  const exact = (values: Float64Array): PerChannel<Rational> => Array.from(values, rationalOf);
  const inverse = exact(norm.variance).map((variance) => inverseRoot(plus(variance, epsilon)));
  const gain = combined<Surd, Surd, Surd>(exact(norm.scale), inverse, product);
  const shift = combined<Surd, Surd, Surd>(exact(norm.mean), gain, (mean, g) => opposite(product(mean, g)));
  return affine(gain, combined<Surd, Surd, Surd>(shift, exact(norm.bias), sum));
}

const SIX = ratio(6);

/** An elementwise operator of a file. */
interface Elementwise {
  readonly kind: string;
  readonly slope?: number;
  readonly alpha?: number;
  readonly scale?: number;
}

/** The steps of an elementwise operator; null of one that has none. */
export function stepsOf(operator: Elementwise): Chain | null {
  const clamp = (least: Rational | null, most: Rational | null): Step => ({ kind: "clamp", least, most });
  switch (operator.kind) {
    case "relu":
      return [clamp(ZERO, null)];
    case "relu6":
      return [clamp(ZERO, SIX)];
    case "hardtanh":
      return [clamp(ratio(-1), ONE)];
    case "hardsigmoid":
      return [affine([ratio(1, 6)], [ratio(1, 2)]), clamp(ZERO, ONE)];
    case "hardswish":
      return [{ kind: "hardswish" }];
    case "sigmoid":
      return [{ kind: "curve", curve: "sigmoid" }];
    case "tanh":
      // 2 * sigmoid(2 * x) - 1
      return [
        affine([ratio(2)], [ZERO]),
        { kind: "curve", curve: "sigmoid" },
        affine([ratio(2)], [ratio(-1)]),
      ];
    case "elu": {
      const below = stepsOf({ kind: "leaky_relu", slope: operator.alpha! });
      return (
        below && [{ kind: "curve", curve: "elu" }, ...below, affine([rationalOf(operator.scale!)], [ZERO])]
      );
    }
    case "leaky_relu": {
      const slope = rationalOf(operator.slope!);
      if (slope.numerator === 0n) return [clamp(ZERO, null)];
      return slope.numerator > 0n ? [{ kind: "leaky", slope }] : null;
    }
    default:
      return null;
  }
}

/** Whether a chain has a step behind it that it can have. */
export function canFollow(chain: Chain, step: Step): boolean {
  return !chain.some(({ kind }) => kind === "curve") || (step.kind !== "curve" && step.kind !== "hardswish");
}

/** Which way a channel goes: 1 never falls, -1 never rises; null where it does both. A constant never falls. */
export function directionOf(chain: Chain, c: number): 1 | -1 | null {
  let direction = 1;
  for (const step of chain) {
    if (step.kind === "hardswish" || step.kind === "lookup") return null;
    if (step.kind !== "affine") continue;
    const sign = signOf(at(step.gain, c));
    if (sign === 0) return 1;
    direction *= sign;
  }
  return direction > 0 ? 1 : -1;
}

/** Channels that the chain tells apart: 1 where it treats all alike. */
export function channelsOfChain(chain: Chain): number {
  return Math.max(
    1,
    ...chain.map((step) => (step.kind === "affine" ? Math.max(step.gain.length, step.offset.length) : 1)),
  );
}

/** The chain with its constants in another order: entry c of the result is that of channel `from[c]`. */
export function withChannels(chain: Chain, from: readonly number[]): Chain {
  const moved = (values: PerChannel<Surd>): PerChannel<Surd> =>
    values.length === 1 ? values : from.map((c) => values[c]!);
  return chain.map((step) => (step.kind === "affine" ? affine(moved(step.gain), moved(step.offset)) : step));
}

/** Whether channels a and b have the same function. */
export function sameChannel(chain: Chain, a: number, b: number): boolean {
  const same = (values: PerChannel<Surd>): boolean =>
    values.length === 1 || values[a] === values[b] || compareSurds(values[a]!, values[b]!) === 0;
  return chain.every((step) => step.kind !== "affine" || (same(step.gain) && same(step.offset)));
}

/** value = integer * gain + offset, both rational. */
export interface Grid {
  readonly gain: PerChannel<Rational>;
  readonly offset: PerChannel<Rational>;
}

export function gridChain({ gain, offset }: Grid): Chain {
  return [affine(gain, offset)];
}

/** The grid of a chain that is affine and rational; null of any other. */
export function gridOf(chain: Chain): Grid | null {
  const [step] = chain;
  if (chain.length !== 1 || step?.kind !== "affine") return null;
  const { gain, offset } = step;
  if (!gain.every(isRational) || !offset.every(isRational)) return null;
  return { gain, offset };
}

/** The exact function of one channel, and a quick look at it. */
export interface ChannelFunction {
  evaluate(integer: Rational): Real;
  /** A double and how far the real value may be from it. */
  estimate(integer: number): { readonly value: number; readonly error: number };
}

/** More than all roundings of a chain's doubles add up to, relative to the largest number on the way. */
const RELATIVE_ERROR = 2 ** -40;
/** More than what doubles lose where they underflow. */
const SMALLEST = 1e-280;

/** The function of channel `c` of a chain. */
export function functionOf(chain: Chain, c: number): ChannelFunction {
  compilerAssert(chain.length < 64, "a chain has few steps");
  const steps = chain.map((step) =>
    step.kind === "affine"
      ? {
          kind: step.kind,
          gain: at(step.gain, c),
          offset: at(step.offset, c),
          gainNumber: approximately(at(step.gain, c)),
          offsetNumber: approximately(at(step.offset, c)),
        }
      : step,
  );
  return {
    evaluate(integer) {
      let x: Real = integer;
      for (const step of steps)
        x = step.kind === "affine" ? scaled(x, step.gain, step.offset) : bent(x, step);
      return x;
    },
    estimate(integer) {
      let value = integer;
      let error = SMALLEST;
      for (const step of steps) {
        if (step.kind === "affine") {
          const { gainNumber, offsetNumber } = step;
          const size = Math.abs(value * gainNumber) + Math.abs(offsetNumber);
          value = value * gainNumber + offsetNumber;
          error = error * Math.abs(gainNumber) + size * RELATIVE_ERROR + SMALLEST;
        } else if (step.kind === "clamp") {
          // Never farther apart behind a clamp than before it.
          if (step.least && value < toNumber(step.least)) value = toNumber(step.least);
          if (step.most && value > toNumber(step.most)) value = toNumber(step.most);
          error += Math.abs(value) * RELATIVE_ERROR;
        } else if (step.kind === "leaky" && Math.abs(value) > error) {
          const slope = value < 0 ? toNumber(step.slope) : 1;
          value *= slope;
          error = error * slope + Math.abs(value) * RELATIVE_ERROR + SMALLEST;
        } else if (step.kind === "curve") {
          // Neither curve is steeper than 1.
          value =
            step.curve === "sigmoid" ? 1 / (1 + Math.exp(-value)) : value < 0 ? Math.expm1(value) : value;
          error += Math.abs(value) * RELATIVE_ERROR + SMALLEST;
        } else {
          // A bend that is too near, and what rises and falls, are looked at exactly.
          return { value, error: Number.POSITIVE_INFINITY };
        }
      }
      return { value, error };
    },
  };
}

function bent(x: Real, step: Exclude<Step, { kind: "affine" }>): Real {
  switch (step.kind) {
    case "clamp":
      if (step.least && compareReals(x, step.least) < 0) return step.least;
      return step.most && compareReals(x, step.most) > 0 ? step.most : x;
    case "leaky":
      return compareReals(x, ZERO) < 0 ? scaled(x, step.slope, ZERO) : x;
    case "curve":
      compilerAssert(isSurd(x), "exact: a chain has one curve");
      return curveAt(step.curve, x);
    case "lookup": {
      const entry =
        isSurd(x) && isRational(x) && isInteger(x) ? step.entries[Number(x.numerator)] : undefined;
      compilerAssert(entry, "exact: a table has no entry for an integer");
      return entry;
    }
    case "hardswish": {
      compilerAssert(isSurd(x), "exact: nothing falls behind a curve");
      if (compareSurds(x, ratio(-3)) <= 0) return ZERO;
      if (compareSurds(x, ratio(3)) >= 0) return x;
      return product(x, sum(product(x, ratio(1, 6)), ratio(1, 2)));
    }
  }
}

/** The integer that a grid has for a value in every channel; null where there is none. */
export function integerFor({ gain, offset }: Grid, value: Rational): bigint | null {
  let found: bigint | null = null;
  for (const mantissa of combined(gain, offset, (g, o) =>
    g.numerator === 0n ? null : over(minus(value, o), g),
  )) {
    if (!mantissa || !isInteger(mantissa)) return null;
    if (found !== null && found !== mantissa.numerator) return null;
    found = mantissa.numerator;
  }
  return found;
}

/** A grid for the negative of its integers and more: integers times `multipliers` plus `offsets` have the same values. */
export function regridded(chain: Chain, multipliers: PerChannel<number>, offsets: PerChannel<number>): Chain {
  const [first, ...rest] = chain;
  compilerAssert(first?.kind === "affine", "a chain begins with a scale");
  const gain = combined(first.gain, multipliers, (g, m) => product(g, ratio(1, m)));
  const offset = combined(
    combined(gain, offsets, (g, o) => product(g, ratio(-o))),
    first.offset,
    sum,
  );
  return [affine(gain, offset), ...rest];
}
