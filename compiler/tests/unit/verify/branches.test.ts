// Branches of what decides: all inputs there are take exactly those that the bounds allow; inputs of larger programs take no others;
// vectors are found for those that chance misses.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, mantissaRange, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createRandom } from "../../../support/random.ts";
import {
  addCounts,
  type BranchCoverage,
  branchesOf,
  branchTotals,
  coverageOf,
  noCounts,
} from "../../../verify/branches.ts";
import { reachOf } from "../../../verify/reach.ts";
import { makeVectors, sliceInputs } from "../../../verify/vectors.ts";
import { verifyDesign } from "../../../verify/verify.ts";
import { randomBranchingProgram, randomInputs } from "../program/random-branching.ts";
import { classifier, designOf } from "./designs.ts";

/** By branch that is possible or was taken, which of both. */
function seenBy(program: Program, inputs: ReadonlyMap<string, ArrayLike<number>>, count: number) {
  const branches = branchesOf(program);
  const counts = noCounts(branches);
  addCounts(program, branches, simulate(program, inputs, count).values, count, counts);
  return branches.map(({ names, possible, instruction }, k) => ({
    instruction,
    possible: names.filter((_, b) => possible[b]),
    taken: names.filter((_, b) => counts[k]![b]! > 0),
  }));
}

/** Every combination of mantissas of the one input. */
function allInputs(program: Program): { inputs: Map<string, Float64Array>; count: number } {
  const { name, shape, format } = valueNamed(program, program.inputs[0]!);
  const { min, max } = mantissaRange(format);
  const span = max - min + 1;
  const elements = elementsOf(shape);
  const count = span ** elements;
  const data = Float64Array.from({ length: count * elements }, (_, i) => {
    const [n, e] = [Math.floor(i / elements), i % elements];
    return min + (Math.floor(n / span ** e) % span);
  });
  return { inputs: new Map([[name, data]]), count };
}

function expectExact(program: Program): void {
  const { inputs, count } = allInputs(program);
  for (const { instruction, possible, taken } of seenBy(program, inputs, count))
    expect(taken, JSON.stringify(instruction)).toEqual(possible);
}

const random = createRandom(3, "branches");
const pick = <T>(items: readonly T[]): T => items[random.integer(0, items.length - 1)]!;

describe("the branches that bounds allow are those that all inputs together take", () => {
  it("of requantizations", () => {
    for (let n = 0; n < 400; n++) {
      const b = createProgramBuilder(`q${n}`);
      const width = random.integer(1, 10);
      const x = b.input({ name: "x", shape: [1], format: intFormat(pick([true, false]), width, 4) });
      const format = intFormat(pick([true, false]), random.integer(1, 8), random.integer(-5, 7));
      b.output(
        "y",
        b.requantize({
          layer: "y",
          name: "y",
          input: x,
          format,
          activation: pick(["none", "relu"] as const),
          rounding: pick(["half-up", "truncate", "half-even"] as const),
          limit: pick([null, random.integer(0, mantissaRange(format).max)]),
        }),
        "value",
      );
      expectExact(b.build());
    }
  });

  it("of requantizations with a fraction for each channel, behind a scale and a sum of aligned operands", () => {
    for (let n = 0; n < 60; n++) {
      const b = createProgramBuilder(`c${n}`);
      const x = b.input({ name: "x", shape: [2], format: intFormat(true, 5, 2) });
      const scaled = b.scale({
        layer: "s",
        name: "s",
        input: x,
        multipliers: [random.integer(-12, 12), random.integer(-12, 12)],
        offsets: [random.integer(-90, 90), random.integer(-90, 90)],
      });
      const fraction = [random.integer(-4, 4), random.integer(-4, 4)];
      const step = { layer: "y", name: "y", input: scaled, format: intFormat(true, 5, fraction) };
      b.output("y", b.requantize({ ...step, rounding: pick(["half-up", "half-even"] as const) }), "value");
      expectExact(b.build());
    }
  });

  it("of thresholds and tables", () => {
    for (let n = 0; n < 60; n++) {
      const b = createProgramBuilder(`t${n}`);
      const x = b.input({ name: "x", shape: [2], format: intFormat(pick([true, false]), 4, 0) });
      const row = (): number[] => [0, 1, 2].map(() => random.integer(-12, 18)).sort((a, c) => a - c);
      const thresholds = [...row(), ...row()];
      const levels = { layer: "t", name: "t", input: x, thresholds, levels: 3, base: 0 };
      const t = b.threshold({ ...levels, format: intFormat(false, 2, 0) });
      const table = Array.from({ length: 4 }, () => random.integer(-8, 7));
      b.output(
        "y",
        b.table({ layer: "y", name: "y", input: t, table, format: intFormat(true, 4, 0) }),
        "value",
      );
      const program = b.build();
      const { inputs, count } = allInputs(program);
      const [threshold, entries] = seenBy(program, inputs, count);
      expect(threshold!.taken).toEqual(threshold!.possible);
      // Levels between the least and the largest may be passed over.
      for (const name of entries!.taken) expect(entries!.possible).toContain(name);
    }
  });

  it("of argmaxes", () => {
    for (let n = 0; n < 40; n++) {
      const b = createProgramBuilder(`a${n}`);
      const channels = random.integer(1, 3);
      const x = b.input({ name: "x", shape: [channels], format: intFormat(true, 3, 0) });
      const multipliers = Array.from({ length: channels }, () => 1);
      const offsets = Array.from({ length: channels }, () => random.integer(-6, 6));
      const y = b.scale({ layer: "s", name: "s", input: x, multipliers, offsets });
      b.output("y", b.argmax({ layer: "y", name: "y", input: y }), "value");
      expectExact(b.build());
    }
  });
});

it("no inference leaves the bounds, nor takes a branch that they exclude", () => {
  const COUNT = 20;
  for (let seed = 0; seed < 60; seed++) {
    const program = randomBranchingProgram(seed);
    const inputs = randomInputs(program, COUNT, seed);
    const { values } = simulate(program, inputs, COUNT);
    for (const [name, { min, max, step }] of reachOf(program))
      for (const [i, x] of values.get(name)!.entries()) {
        const e = i % min.length;
        const isAllowed = step[e] === 0 ? x === min[e] : (x - min[e]!) % step[e]! === 0;
        if (!(x >= min[e]! && x <= max[e]! && isAllowed))
          expect.fail(`seed ${seed}: ${name}[${e}] is ${x}, of ${min[e]}..${max[e]} by ${step[e]}`);
      }
    for (const { possible, taken, instruction } of seenBy(program, inputs, COUNT))
      for (const name of taken) expect(possible, `seed ${seed}, ${instruction.result}`).toContain(name);
  }
});

/** A sum of eight pixels whose half step is one number of thousands. */
function rareTie(): Program {
  const b = createProgramBuilder("rare");
  const x = b.input({ name: "x", shape: [8], format: intFormat(false, 8, 8) });
  const weights = { units: 1, data: [3, 5, 7, 11, 13, 17, 19, 23], format: intFormat(true, 6, 4) };
  const sum = b.dense({ layer: "fc", name: "sum", input: x, weights, bias: [-9000] });
  const format = intFormat(true, 5, 1);
  b.output("y", b.requantize({ layer: "fc", name: "y", input: sum, format }), "value");
  return b.build();
}

function coverageOfVectors(program: Program): BranchCoverage {
  const vectors = makeVectors(program, undefined, 1);
  const branches = branchesOf(program);
  const counts = noCounts(branches);
  const { values } = simulate(program, sliceInputs(vectors, 0, vectors.count), vectors.count);
  addCounts(program, branches, values, vectors.count, counts);
  return coverageOf(branches, counts, vectors.count);
}

describe("vectors", () => {
  it("are found for branches that the others miss, in the place of random ones", () => {
    const program = rareTie();
    const vectors = makeVectors(program, undefined, 1);
    const names = Array.from({ length: vectors.count }, (_, n) => vectors.nameOf(n));
    expect(names).toContain("fc: tie");
    expect(makeVectors(program, undefined, 1).inputs).toEqual(vectors.inputs);
    const found = vectors.inputs.get("x")!.subarray(8 * names.indexOf("fc: tie"));
    const sum = [3, 5, 7, 11, 13, 17, 19, 23].reduce((all, w, i) => all + w * found[i]!, -9000);
    expect(((sum % 2048) + 2048) % 2048).toBe(1024);
    // Twelve corners, 64 random or found ones, two for the one sum.
    expect(vectors.count).toBe(12 + 64 + 2);
    expect(coverageOfVectors(program).instructions).toMatchObject([{ missing: [] }]);
  });

  it("have one input element alone at its largest among them", () => {
    const set = makeVectors(rareTie(), undefined, 1);
    const hot = Array.from({ length: set.count }, (_, n) => n).filter((n) => /^one hot/.test(set.nameOf(n)));
    expect(hot.length).toBeGreaterThan(2);
    for (const n of hot) {
      const row = set.inputs.get("x")!.subarray(8 * n, 8 * n + 8);
      expect([...row].filter((x) => x !== 0)).toEqual([255]);
    }
  });
});

it("the gate says which branches its vectors take, and names those that they miss", async () => {
  const design = designOf(classifier("covered", [12, 6, 4]));
  const none = { seed: 1, without: ["c", "rtl"] as const };
  const { branches, vectors } = await verifyDesign(design, undefined, none, {});
  expect(branches.vectors).toBe(vectors.synthetic);
  expect(branches.instructions.map(({ op, layer }) => `${layer} ${op}`)).toEqual([
    "fc1 requantize",
    "fc1 requantize",
    "class argmax",
  ]);
  for (const { counts, missing, possible, reached, op } of branches.instructions) {
    expect(reached + missing.length).toBe(possible);
    expect(Object.keys(counts!)).toHaveLength(possible);
    const all = Object.values(counts!).reduce((sum, count) => sum + count, 0);
    expect(all % branches.vectors).toBe(0);
    if (op === "requantize") expect(all).toBeGreaterThan(branches.vectors);
  }
  const { requantize, argmax, table } = branchTotals(branches);
  expect(requantize!.reached).toBe(requantize!.possible);
  expect(argmax!.possible).toBe(2);
  expect(table).toBeUndefined();
});
