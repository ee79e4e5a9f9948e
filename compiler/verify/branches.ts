// Which ways through the instructions that decide something the vectors take: how each requantization rounds, cuts and saturates,
// the levels of thresholds, the entries of tables, ties of an argmax. In: a program, what the simulator says of its values. Out:
// counts, with what no input can reach left out.

import { shiftsOf } from "../program/bounds.ts";
import {
  type ArgmaxInstruction,
  channelsOf,
  constantNamed,
  elementsOf,
  mantissaRange,
  type Program,
  type RequantizeInstruction,
  type TableInstruction,
  type ThresholdInstruction,
  valueNamed,
} from "../program/program.ts";
import { type Range, type Rounding, shiftRound } from "../support/fixed-point.ts";
import { type Reach, reachOf } from "./reach.ts";

type Deciding = RequantizeInstruction | ThresholdInstruction | TableInstruction | ArgmaxInstruction;

/** The branches of one instruction. */
export interface Branches {
  readonly instruction: Deciding;
  readonly names: readonly string[];
  /** Whether an input may reach a branch, by the bounds of each element. */
  readonly possible: readonly boolean[];
  /** Adds to `counts` how often one inference, the elements of the operand, takes each branch. */
  count(input: ArrayLike<number>, counts: Float64Array): void;
  /** How far the nearest element of the operand is from taking a branch; 0 where one takes it. */
  distance(input: ArrayLike<number>, branch: number): number;
}

/** Coverage of one instruction, as results have it. */
export interface InstructionCoverage {
  readonly op: Deciding["op"];
  readonly layer: string;
  /** Name of the result. */
  readonly value: string;
  /** Branches that the bounds allow, and those of them that some vector took. */
  readonly possible: number;
  readonly reached: number;
  /** The others, the first ones by name. */
  readonly missing: readonly string[];
  /** How often each branch was taken; only where the branches are few. */
  readonly counts?: Readonly<Record<string, number>>;
}

export interface BranchCoverage {
  /** Vectors that were looked at. */
  readonly vectors: number;
  readonly instructions: readonly InstructionCoverage[];
}

/** Branches that are counted by name, and names of missing ones that are kept. */
const FEW = 16;

/** All that decides in a program, with what it can come to. */
export function branchesOf(program: Program): readonly Branches[] {
  const reach = reachOf(program);
  return program.instructions.flatMap((instruction): Branches[] => {
    switch (instruction.op) {
      case "requantize":
        return [ofRequantize(program, instruction, reach.get(instruction.input)!)];
      case "threshold":
        return [ofThreshold(program, instruction, reach.get(instruction.input)!)];
      case "table":
        return [ofTable(program, instruction, reach.get(instruction.input)!)];
      case "argmax":
        return [ofArgmax(program, instruction, reach.get(instruction.input)!)];
      default:
        return [];
    }
  });
}

/** Counts what `values`, count x elements for each value, take of the branches; `all` has one array for each of them. */
export function addCounts(
  program: Program,
  branches: readonly Branches[],
  values: ReadonlyMap<string, Float64Array>,
  count: number,
  all: readonly Float64Array[],
): void {
  for (const [k, branch] of branches.entries()) {
    const { input } = branch.instruction;
    const elements = elementsOf(valueNamed(program, input).shape);
    const data = values.get(input)!;
    for (let n = 0; n < count; n++) branch.count(data.subarray(n * elements, (n + 1) * elements), all[k]!);
  }
}

/** Empty counts. */
export const noCounts = (branches: readonly Branches[]): Float64Array[] =>
  branches.map(({ names }) => new Float64Array(names.length));

/** Counts as results have them. */
export function coverageOf(
  branches: readonly Branches[],
  all: readonly Float64Array[],
  vectors: number,
): BranchCoverage {
  return {
    vectors,
    instructions: branches.map(({ instruction, names, possible }, k): InstructionCoverage => {
      const counts = all[k]!;
      const able = names.map((_, b) => b).filter((b) => possible[b]);
      const missing = able.filter((b) => counts[b] === 0);
      return {
        op: instruction.op,
        layer: instruction.layer,
        value: instruction.result,
        possible: able.length,
        reached: able.length - missing.length,
        missing: missing.slice(0, FEW).map((b) => names[b]!),
        ...(able.length > FEW
          ? {}
          : { counts: Object.fromEntries(able.map((b) => [names[b]!, counts[b]!])) }),
      };
    }),
  };
}

/** Every element takes one of the first, by its shift, and one of the others, by where the rounded number lies. */
const SHIFTS = [
  "no shift",
  "left shift",
  "exact",
  "rounded down",
  "rounded up",
  "tie",
  "tie down",
  "tie up",
] as const;
const PLACES = ["in range", "ReLU cut", "limit", "saturation low", "saturation high"] as const;
const REQUANTIZE_NAMES: readonly string[] = [...SHIFTS, ...PLACES];
const branch = (name: (typeof SHIFTS)[number] | (typeof PLACES)[number]): number =>
  REQUANTIZE_NAMES.indexOf(name);
const NO_SHIFT = branch("no shift");
const LEFT = branch("left shift");
const EXACT = branch("exact");
const DOWN = branch("rounded down");
const UP = branch("rounded up");
const TIE = branch("tie");
const TIE_DOWN = branch("tie down");
const TIE_UP = branch("tie up");
const IN_RANGE = branch("in range");
const CUT = branch("ReLU cut");
const LIMIT = branch("limit");
const LOW = branch("saturation low");
const HIGH = branch("saturation high");

/** Numbers of an element that are looked at one by one. */
const FEW_NUMBERS = 64;
/** Beyond it every accumulator rounds as here: its numbers are below half of the step. */
const LARGEST_SHIFT = 50;

function ofRequantize(program: Program, instruction: RequantizeInstruction, reach: Reach): Branches {
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const range = mantissaRange(result.format);
  const shifts = shiftsOf(input, result);
  const { rounding } = instruction;
  const possible = REQUANTIZE_NAMES.map(() => false);
  for (const [i, min] of reach.min.entries()) {
    const shift = shifts[i % shifts.length]!;
    const apart = reach.step[i]!;
    const own = { min, max: reach.max[i]! };
    const take = (b: number): void => {
      possible[b] = true;
    };
    if (own.max - min <= FEW_NUMBERS * apart) {
      for (let x = min; x <= own.max; x += Math.max(1, apart)) {
        take(shiftBranch(x, shift, rounding));
        take(placeOf(shiftRound(x, shift, rounding), instruction, range));
      }
      continue;
    }
    shiftBranchesOf(own, apart, shift, rounding).forEach(take);
    const rounded = { min: shiftRound(min, shift, rounding), max: shiftRound(own.max, shift, rounding) };
    placesOf(rounded, shift, instruction, range).forEach(take);
  }
  return {
    instruction,
    names: REQUANTIZE_NAMES,
    possible,
    count: (elements, counts) => {
      for (let i = 0; i < elements.length; i++) {
        const shift = shifts[i % shifts.length]!;
        const x = elements[i]!;
        const byShift = shiftBranch(x, shift, rounding);
        const place = placeOf(shiftRound(x, shift, rounding), instruction, range);
        counts[byShift] = counts[byShift]! + 1;
        counts[place] = counts[place]! + 1;
      }
    },
    distance: (elements, branch) =>
      nearest(elements, (x, i) => {
        const shift = shifts[i % shifts.length]!;
        return branch < SHIFTS.length
          ? distanceByShift(x, shift, branch)
          : distanceToPlace(shiftRound(x, shift, rounding), branch, instruction, range);
      }),
  };
}

/** The least of what a function says of each element. */
function nearest(elements: ArrayLike<number>, of: (x: number, i: number) => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < elements.length; i++) least = Math.min(least, of(elements[i]!, i));
  return least;
}

/** To the nearest number with a remainder that is exact, or a tie; the others are near everywhere. */
function distanceByShift(x: number, shift: number, branch: number): number {
  const step = 2 ** Math.min(Math.max(shift, 0), LARGEST_SHIFT);
  const [by, wanted] =
    branch === TIE_DOWN
      ? [2 * step, step / 2]
      : branch === TIE_UP
        ? [2 * step, step + step / 2]
        : [step, branch === TIE ? step / 2 : 0];
  const above = remainder(x - wanted, by);
  return Math.min(above, by - above);
}

function distanceToPlace(
  rounded: number,
  branch: number,
  { limit }: RequantizeInstruction,
  { min, max }: Range,
): number {
  const above = (bound: number): number => Math.max(0, bound + 1 - rounded);
  if (branch === LIMIT) return above(limit ?? max);
  if (branch === HIGH) return above(max);
  if (branch === IN_RANGE) return Math.max(0, min - rounded, rounded - max);
  return Math.max(0, rounded - (branch === CUT ? -1 : min - 1));
}

/** Remainder of a division by a power of two, never below 0. */
function remainder(x: number, step: number): number {
  const rest = x % step;
  return rest < 0 ? rest + step : rest;
}

/** The largest power of two that divides a number above 0. */
function powerOfTwoIn(x: number): number {
  let power = 1;
  while (x % (2 * power) === 0) power *= 2;
  return power;
}

function shiftBranch(x: number, shift: number, rounding: Rounding): number {
  if (shift === 0) return NO_SHIFT;
  if (shift < 0) return LEFT;
  const step = 2 ** Math.min(shift, LARGEST_SHIFT);
  const rest = remainder(x, step);
  if (rest === 0) return EXACT;
  if (rounding === "truncate") return DOWN;
  if (rest !== step / 2) return rest < step / 2 ? DOWN : UP;
  if (rounding === "half-up") return TIE;
  return remainder(x, 2 * step) === rest ? TIE_DOWN : TIE_UP;
}

/** What integers of a range, `apart` from each other, can take. */
function shiftBranchesOf(range: Range, apart: number, shift: number, rounding: Rounding): readonly number[] {
  if (shift <= 0) return [shift === 0 ? NO_SHIFT : LEFT];
  const step = 2 ** Math.min(shift, LARGEST_SHIFT);
  const half = step / 2;
  /** Whether one of them may leave a remainder within low..high of a division by `by`. */
  const leaves = (low: number, high: number, by: number): boolean => {
    if (low > high) return false;
    // All of them are alike modulo the power of two in their distance.
    const alike = Math.min(by, powerOfTwoIn(apart));
    if (remainder(range.min - low, alike) > high - low) return false;
    const from = remainder(range.min - low, by);
    return from <= high - low || range.min + by - from <= range.max;
  };
  const able: readonly (readonly [number, boolean])[] =
    rounding === "truncate"
      ? [[DOWN, leaves(1, step - 1, step)]]
      : [
          [DOWN, leaves(1, half - 1, step)],
          [UP, leaves(half + 1, step - 1, step)],
          ...(rounding === "half-up"
            ? ([[TIE, leaves(half, half, step)]] as const)
            : ([
                [TIE_DOWN, leaves(half, half, 2 * step)],
                [TIE_UP, leaves(step + half, step + half, 2 * step)],
              ] as const)),
        ];
  return [...(leaves(0, 0, step) ? [EXACT] : []), ...able.flatMap(([b, is]) => (is ? [b] : []))];
}

function placeOf(rounded: number, { activation, limit }: RequantizeInstruction, range: Range): number {
  if (activation === "relu" && rounded < 0) return CUT;
  if (limit !== null && rounded > limit) return LIMIT;
  if (rounded < range.min) return LOW;
  return rounded > range.max ? HIGH : IN_RANGE;
}

/** What rounded numbers between two can take; after a left shift they are multiples of a step. */
function placesOf(
  rounded: Range,
  shift: number,
  instruction: RequantizeInstruction,
  range: Range,
): readonly number[] {
  const ends = [placeOf(rounded.min, instruction, range), placeOf(rounded.max, instruction, range)];
  const step = shift < 0 ? 2 ** -shift : 1;
  const low = Math.max(rounded.min, instruction.activation === "relu" ? 0 : range.min);
  const high = Math.min(rounded.max, instruction.limit ?? range.max);
  const inside = Math.ceil(low / step) * step <= high;
  return inside ? [...ends, IN_RANGE] : ends;
}

function ofThreshold(program: Program, instruction: ThresholdInstruction, { min, max }: Reach): Branches {
  const { shape, data } = constantNamed(program, instruction.thresholds);
  const [channels, levels] = shape as [number, number];
  const passed = (x: number, c: number): number => {
    let count = 0;
    while (count < levels && x >= data[c * levels + count]!) count++;
    return count;
  };
  const possible = new Array<boolean>(levels + 1).fill(false);
  for (const [i, low] of min.entries()) {
    const c = i % channels;
    for (let k = passed(low, c); k <= passed(max[i]!, c); k++)
      // Equal neighbours are passed together.
      if (k === 0 || k === levels || data[c * levels + k - 1] !== data[c * levels + k]) possible[k] = true;
  }
  return {
    instruction,
    names: possible.map((_, k) => `level ${k}`),
    possible,
    count: (elements, counts) => {
      for (let i = 0; i < elements.length; i++) {
        const level = passed(elements[i]!, i % channels);
        counts[level] = counts[level]! + 1;
      }
    },
    distance: (elements, branch) =>
      nearest(elements, (x, i) => {
        const c = (i % channels) * levels;
        const [low, high] = [
          branch === 0 ? x : data[c + branch - 1]!,
          branch === levels ? x : data[c + branch]! - 1,
        ];
        return low > high ? Number.POSITIVE_INFINITY : Math.max(0, low - x, x - high);
      }),
  };
}

function ofTable(program: Program, instruction: TableInstruction, { min, max }: Reach): Branches {
  const { min: first, max: last } = mantissaRange(valueNamed(program, instruction.input).format);
  const possible = new Array<boolean>(last - first + 1).fill(false);
  for (const [i, low] of min.entries()) possible.fill(true, low - first, max[i]! - first + 1);
  return {
    instruction,
    names: possible.map((_, k) => `entry of ${first + k}`),
    possible,
    count: (elements, counts) => {
      for (let i = 0; i < elements.length; i++) {
        const entry = elements[i]! - first;
        counts[entry] = counts[entry]! + 1;
      }
    },
    distance: (elements, branch) => nearest(elements, (x) => Math.abs(x - first - branch)),
  };
}

const ALONE = 0;
const TIED = 1;

/** The largest of a row stands alone, or it does not: then the lowest index counts. */
function ofArgmax(program: Program, instruction: ArgmaxInstruction, { min, max }: Reach): Branches {
  const channels = channelsOf(valueNamed(program, instruction.input));
  const possible = [false, false];
  for (let from = 0; from < min.length; from += channels) {
    const least = Math.max(...min.subarray(from, from + channels));
    const able = max.subarray(from, from + channels).filter((m) => m >= least).length;
    const fixed = min.subarray(from, from + channels).every((m, c) => m === max[from + c]);
    const largest = max.subarray(from, from + channels).filter((m) => m === least).length;
    // Two that reach the largest of the least ends may meet there, and where one of them moves they may part.
    if (able > 1 && !(fixed && largest < 2)) possible[TIED] = true;
    if (!(fixed && largest > 1)) possible[ALONE] = true;
  }
  return {
    instruction,
    names: ["the largest alone", "a tie"],
    possible,
    count: (elements, counts) => {
      for (const ahead of leads(elements, channels)) {
        const b = ahead === 0 ? TIED : ALONE;
        counts[b] = counts[b]! + 1;
      }
    },
    distance: (elements, branch) =>
      Math.min(
        ...[...leads(elements, channels)].map((ahead) => (branch === TIED ? ahead : ahead === 0 ? 1 : 0)),
      ),
  };
}

/** How far the largest of each row is ahead of the next one. */
function* leads(elements: ArrayLike<number>, channels: number): Iterable<number> {
  for (let from = 0; from < elements.length; from += channels) {
    let best = elements[from]!;
    let next = Number.NEGATIVE_INFINITY;
    for (let c = 1; c < channels; c++) {
      const x = elements[from + c]!;
      if (x > best) [best, next] = [x, best];
      else next = Math.max(next, x);
    }
    yield best - next;
  }
}

/** What decides, in the order of reports. */
const DECIDING = ["requantize", "threshold", "table", "argmax"] as const;

/** Totals by kind of instruction; of instructions that are not there nothing is said. */
export function branchTotals({ instructions }: BranchCoverage): {
  readonly [op in Deciding["op"]]?: { readonly possible: number; readonly reached: number };
} {
  return Object.fromEntries(
    DECIDING.flatMap((op) => {
      const own = instructions.filter((one) => one.op === op);
      const sum = (of: (one: InstructionCoverage) => number): number =>
        own.reduce((all, one) => all + of(one), 0);
      const totals = { possible: sum(({ possible }) => possible), reached: sum(({ reached }) => reached) };
      return own.length > 0 ? [[op, totals]] : [];
    }),
  );
}
