// Vectors for branches that the others miss. In: a program, vectors, a seed. Out: inputs that take a branch which none before them
// took: mixtures of the vectors, vectors with a few other elements, small ones; then the nearest vectors, changed until they are
// there. Found by trying, always the same for the same seed.
import { layerCosts } from "../program/cost.ts";
import { elementsOf, mantissaRange, type Program, type Value } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";
import { createRandom, type RandomStream } from "../support/random.ts";
import { addCounts, type Branches, branchesOf, noCounts } from "./branches.ts";

/** One row for each input of the program. */
export type Rows = readonly Int32Array[];

export interface Hunted {
  /** The branch that it takes first, such as "fc2: tie". */
  readonly name: string;
  readonly rows: Rows;
}

/** Multiplications that hunting may take; above that there is none. */
const BUDGET = 3e8;
/** Vectors that are tried by chance, and in all; and how many at once. */
const BY_CHANCE = 256;
const TRIES = 1024;
const BATCH = 32;
/** Batches around the nearest vector for one branch. */
const ROUNDS = 4;

/** The branch of one instruction that is wanted. */
interface Target {
  /** Index among the branches, and within. */
  readonly k: number;
  readonly b: number;
}

/** At most `most` vectors, each of which takes a branch that neither `given` nor one before it takes. */
export function huntBranches(
  program: Program,
  inputs: readonly Value[],
  given: readonly Rows[],
  seed: number,
  most: number,
): readonly Hunted[] {
  // The given vectors are looked at twice.
  let left = Math.min(TRIES, Math.floor(BUDGET / workOf(program)) - 2 * given.length);
  if (left <= 0) return [];
  const branches = branchesOf(program);
  const taken = noCounts(branches);
  const found: Hunted[] = [];
  const isTaken = ({ k, b }: Target): boolean => taken[k]![b]! > 0;
  const look = (
    rows: readonly Rows[],
    each: (n: number, values: ReadonlyMap<string, Float64Array>) => void,
  ) => simulateEach(program, inputs, rows, each);
  /** Counts a vector; keeps it where it is worth that. */
  const add = (rows: Rows, values: ReadonlyMap<string, Float64Array>, isGiven: boolean): void => {
    const counts = noCounts(branches);
    addCounts(program, branches, values, 1, counts);
    const first = firstNew(branches, taken, counts);
    if (!isGiven && first === undefined) return;
    if (!isGiven) found.push({ name: first!, rows });
    for (const [k, own] of counts.entries())
      for (const [b, count] of own.entries()) taken[k]![b] = taken[k]![b]! + count;
  };

  look(given, (n, values) => add(given[n]!, values, true));
  let number = 0;
  const next = (): RandomStream => createRandom(seed, "hunt", number++);
  const missing = (): readonly Target[] =>
    branches.flatMap(({ possible }, k) =>
      possible.flatMap((able, b) => (able && taken[k]![b] === 0 ? [{ k, b }] : [])),
    );
  for (let tried = 0; tried < BY_CHANCE && left > 0 && found.length < most && missing().length > 0; ) {
    const rows = Array.from({ length: Math.min(BATCH, left) }, () => mixed(inputs, given, next()));
    left -= rows.length;
    tried += rows.length;
    look(rows, (n, values) => {
      if (found.length < most) add(rows[n]!, values, false);
    });
  }

  // Of entries of tables there are too many.
  const targets = missing().filter(({ k }) => branches[k]!.instruction.op !== "table");
  if (targets.length === 0 || found.length >= most) return found;
  const distanceOf = ({ k, b }: Target, values: ReadonlyMap<string, Float64Array>): number =>
    branches[k]!.distance(values.get(branches[k]!.instruction.input)!, b);
  const nearest = targets.map(() => ({ rows: given[0]!, distance: Number.POSITIVE_INFINITY }));
  look(given, (n, values) => {
    for (const [t, target] of targets.entries()) {
      const distance = distanceOf(target, values);
      if (distance < nearest[t]!.distance) nearest[t] = { rows: given[n]!, distance };
    }
  });
  for (const [t, target] of targets.entries()) {
    let best = nearest[t]!;
    for (let round = 0; round < ROUNDS && left > 0 && found.length < most && !isTaken(target); round++) {
      const rows = Array.from({ length: Math.min(BATCH, left) }, () => changed(inputs, best.rows, next()));
      left -= rows.length;
      look(rows, (n, values) => {
        const distance = distanceOf(target, values);
        if (distance < best.distance) best = { rows: rows[n]!, distance };
        if (distance === 0 && !isTaken(target)) add(rows[n]!, values, false);
      });
    }
  }
  return found;
}

/** Hands over the values of each vector. */
function simulateEach(
  program: Program,
  inputs: readonly Value[],
  all: readonly Rows[],
  each: (n: number, values: ReadonlyMap<string, Float64Array>) => void,
): void {
  for (let from = 0; from < all.length; from += BATCH) {
    const rows = all.slice(from, from + BATCH);
    const batch = new Map(
      inputs.map(({ name, shape }, k) => {
        const size = elementsOf(shape);
        const data = new Int32Array(rows.length * size);
        for (const [n, row] of rows.entries()) data.set(row[k]!, n * size);
        return [name, data];
      }),
    );
    const { values } = simulate(program, batch, rows.length);
    for (let n = 0; n < rows.length; n++) {
      const one = new Map<string, Float64Array>();
      for (const [name, data] of values) {
        const size = data.length / rows.length;
        one.set(name, data.subarray(n * size, (n + 1) * size));
      }
      each(from + n, one);
    }
  }
}

/** Multiplications and elements of one inference, about: what simulating it takes. */
export function workOf(program: Program): number {
  const products = layerCosts(program).reduce((sum, { macs }) => sum + macs, 0);
  return products + program.values.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
}

/** The first branch that was not taken before. */
function firstNew(
  branches: readonly Branches[],
  taken: readonly Float64Array[],
  counts: readonly Float64Array[],
): string | undefined {
  for (const [k, { instruction, names }] of branches.entries()) {
    const b = counts[k]!.findIndex((count, at) => count > 0 && taken[k]![at] === 0);
    if (b >= 0) return `${instruction.layer}: ${names[b]}`;
  }
  return undefined;
}

/** A vector out of two, one with some elements by chance, a small one, or one that is scaled. */
function mixed(inputs: readonly Value[], given: readonly Rows[], random: RandomStream): Rows {
  const some = (): Rows => given[random.integer(0, given.length - 1)]!;
  const [a, b] = [some(), some()];
  const kind = random.integer(0, 3);
  const part = [0.02, 0.1, 0.5][random.integer(0, 2)]!;
  const share = random.uniform();
  return inputs.map(({ format }, k) => {
    const { min, max } = mantissaRange(format);
    const zero = Math.max(0, min);
    const few = (): boolean => random.uniform() < part;
    return a[k]!.map((x, i) => {
      if (kind === 0) return few() ? b[k]![i]! : x;
      if (kind === 1) return few() ? random.integer(min, max) : x;
      if (kind === 2) return few() ? Math.max(min, Math.min(max, random.integer(-2, 2))) : zero;
      return Math.round(zero + (x - zero) * share);
    });
  });
}

/** A vector with one to three other elements, near to what they were or anything. */
function changed(inputs: readonly Value[], rows: Rows, random: RandomStream): Rows {
  const copy = rows.map((row) => row.slice());
  for (let n = random.integer(1, 3); n > 0; n--) {
    const k = random.integer(0, inputs.length - 1);
    const { min, max } = mantissaRange(inputs[k]!.format);
    const row = copy[k]!;
    const i = random.integer(0, row.length - 1);
    const x = random.uniform() < 0.7 ? row[i]! + random.integer(-3, 3) : random.integer(min, max);
    row[i] = Math.max(min, Math.min(max, x));
  }
  return copy;
}
