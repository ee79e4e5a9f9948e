// Draws programs for the fuzzer. In: a seed and a number. Out: the program of that number, with hardware wishes and packets: a
// program with branches, a chain of layers or a chain of bits, each from the generator that the other tests have.
import { elementsOf, type Opcode, type Program, valueNamed } from "../../compiler/program/program.ts";
import type { Folding } from "../../compiler/schedule/folding.ts";
import type { ScheduleOptions } from "../../compiler/schedule/schedule.ts";
import type { Multiplier } from "../../compiler/schedule/sharing.ts";
import { createRandom, type RandomStream } from "../../compiler/support/random.ts";
import { randomProgram } from "../../compiler/tests/unit/c/random-programs.ts";
import { type BranchingSettings, OPCODES } from "../../compiler/tests/unit/program/random-branching.ts";
import { type RandomDataflow, randomDataflow } from "../../compiler/tests/unit/verilog/random-dataflow.ts";
import { randomFoldings } from "../../compiler/tests/unit/verilog/random-foldings.ts";
import { type RandomCase, randomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { makeVectors, selectVectors } from "../../compiler/verify/vectors.ts";

function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

const chance = (random: RandomStream, percent: number): boolean => random.integer(1, 100) <= percent;

/** In percent: chains of layers, chains of bits; the others have branches. */
const LAYERS = 10;
const BITS = 10;
/** In percent of those with branches: bits go in, and what reads them comes more often. */
const MANY_BITS = 15;
/** Operands of the multipliers of parts; two in three designs have one for every product. */
const MULTIPLIERS: readonly (Multiplier | undefined)[] = [
  undefined,
  undefined,
  undefined,
  undefined,
  [18, 18],
  [27, 18],
];
/** A program of more elements gets fewer packets. */
const FEW_ELEMENTS = 150;
const PACKETS = { small: 8, large: 4 };

/** A case, and whether it is to be judged: the Verilog back end does not build every program. */
export function drawCase(seed: number, number: number, attempt: number): RandomCase {
  const random = createRandom(seed, "fuzz", number, attempt);
  const own = random.int32() >>> 0;
  const kind = random.integer(1, 100);
  const drawn = drawProgram(random, kind, own);
  const name = `fuzz${number}`;
  return withPackets({ ...drawn, program: { ...drawn.program, name } }, random);
}

function drawProgram(random: RandomStream, kind: number, seed: number): RandomDataflow {
  if (kind <= LAYERS) {
    const { program, options } = randomCase(seed, 1);
    return { program, options: { ...options, ...drawnMultiplier(random) } };
  }
  if (kind <= LAYERS + BITS) {
    const program = randomProgram(seed);
    const elements = elementsOf(valueNamed(program, program.inputs[0]!).shape);
    const intervalCycles = random.integer(2, pick(random, [8, 2 * elements + 2, 1000]));
    return withWishes(
      { program, options: { clockMHz: 100, intervalCycles, folding: {}, outputs: "both" } },
      random,
    );
  }
  return withWishes(randomDataflow(seed, drawSettings(random)), random);
}

/** Sizes, formats and instructions of a program with branches: every kind comes up, most are small. */
function drawSettings(random: RandomStream): BranchingSettings {
  if (chance(random, MANY_BITS))
    return {
      ops: [...OPCODES, "conv", "pool", "upsample", "concat", "threshold", "slice", "table", "transpose"],
      instructions: random.integer(4, 12),
      channels: pick(random, [2, 4, 8]),
      elements: 300,
      bits: 80,
      axes: pick(random, [1, 2, 2, 3, 3] as const),
    };
  const favoured = [pick(random, OPCODES), pick(random, OPCODES)];
  // Few values have the shape and the format that products ask for.
  const ops: readonly Opcode[] = [...OPCODES, "dense", "conv", "conv"];
  return {
    ops: chance(random, 60) ? ops : [...ops, ...favoured, ...favoured],
    instructions: random.integer(4, 18),
    size: pick(random, [3, 5, 7, 9]),
    channels: pick(random, [2, 4, 6, 8, 12, 16]),
    elements: pick(random, [100, 300, 600]),
    width: pick(random, [2, 4, 8, 8, 8, 12, 16]),
    sum: pick(random, [24, 34, 34, 47]),
    bipolar: chance(random, 85),
    perChannel: chance(random, 80),
    ...(chance(random, 40) ? { axes: pick(random, [1, 2, 3] as const) } : {}),
  };
}

function drawnMultiplier(random: RandomStream): Pick<ScheduleOptions, "multiplier"> {
  const multiplier = pick(random, MULTIPLIERS);
  return multiplier ? { multiplier } : {};
}

/** In half of the designs some layers have foldings, memories and multipliers of their own. */
function withWishes({ program, options }: RandomDataflow, random: RandomStream): RandomDataflow {
  const folding: Record<string, Folding> = {};
  if (chance(random, 50))
    for (const [layer, own] of Object.entries(randomFoldings(program, random)))
      if (chance(random, 70))
        folding[layer] = {
          ...own,
          ...(chance(random, 30) ? { memory: pick(random, ["block", "logic"] as const) } : {}),
          ...(chance(random, 30) ? { multiply: pick(random, ["logic", "shared", "auto"] as const) } : {}),
        };
  return { program, options: { ...options, folding, ...drawnMultiplier(random) } };
}

/** The ends of the formats, inputs that drive sums to their extremes, and chance. */
function withPackets({ program, options }: RandomDataflow, random: RandomStream): RandomCase {
  const all = makeVectors(program, undefined, random.int32() >>> 0);
  const names = Array.from({ length: all.count }, (_, n) => all.nameOf(n));
  const those = (word: string): number[] => names.flatMap((name, n) => (name.startsWith(word) ? [n] : []));
  const [uniform, extreme, sparse, hunted] = [/^random \d/, /^random ext/, /^random sp|^one hot/, /: /].map(
    (rule) => names.flatMap((name, n) => (rule.test(name) ? [n] : [])),
  ) as [number[], number[], number[], number[]];
  const leaning = [...those("largest"), ...those("smallest")];
  const some = (from: readonly number[]): number[] => (from.length > 0 ? [pick(random, from)] : []);
  const chosen = [
    ...those("all-min"),
    ...those("all-max"),
    ...some(uniform),
    ...some(hunted),
    ...some(leaning),
    ...some(extreme),
    ...some(hunted),
    ...some(uniform),
    ...some(leaning),
    ...some(sparse),
    ...some(uniform),
  ].slice(0, mostElements(program) > FEW_ELEMENTS ? PACKETS.large : PACKETS.small);
  const inputs = new Map(
    [...selectVectors(all, chosen).inputs].map(([name, rows]) => [name, Float64Array.from(rows)]),
  );
  return { program, options, inputs, packets: chosen.length };
}

const mostElements = ({ values }: Program): number =>
  Math.max(...values.map(({ shape }) => elementsOf(shape)));
