// Random chains of instructions: every format and every order of instructions that the verifier allows, bipolar tensors,
// thresholds, selects and fractions per channel among them. In: a seed. Out: a program, always the same.
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import { elementsOf, type Format, mantissaRange, type Program } from "../../../program/program.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

/** Around the borders of bytes, words and lanes. */
const SIZES = [1, 2, 3, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65, 100, 130];
const UNITS = [1, 2, 3, 5, 33];

/** The value that the chain has come to. */
interface At {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: Format;
  /** A sum, or selected sums: too wide for another dense layer. */
  readonly isSum: boolean;
}

type Step = (builder: ProgramBuilder, random: RandomStream, at: At, name: string) => At;

function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

function chance(random: RandomStream, probability: number): boolean {
  return random.uniform() < probability;
}

/** One fraction, or one for each of `channels`. */
function fractionNear(random: RandomStream, center: number, channels: number): number | readonly number[] {
  const one = (): number => center + random.integer(-3, 3);
  return chance(random, 0.3) ? Array.from({ length: channels }, one) : one();
}

function tensorFormat(random: RandomStream): Format {
  if (chance(random, 0.3)) return { kind: "bipolar", fraction: random.integer(-1, 1) };
  return intFormat(chance(random, 0.5), pick(random, [1, 2, 3, 4, 5, 8, 9, 16]), random.integer(-2, 8));
}

const dense: Step = (builder, random, at, name) => {
  const units = pick(random, UNITS);
  const fraction = fractionNear(random, 2, units);
  const format: Format = chance(random, 0.5)
    ? { kind: "bipolar", fraction }
    : intFormat(chance(random, 0.7), pick(random, [1, 2, 3, 7, 8, 10]), fraction);
  const { min, max } = mantissaRange(format);
  const data = Array.from({ length: units * elementsOf(at.shape) }, () => random.integer(min, max));
  const biasSize = pick(random, [0, 20, 3000, 2 ** 40]);
  const bias = Array.from({ length: units }, () => random.integer(-biasSize, biasSize));
  builder.dense({
    layer: name,
    name,
    input: at.name,
    weights: { units, data, format },
    ...(biasSize > 0 ? { bias } : {}),
  });
  const input = at.format.fraction as number;
  const sums = typeof fraction === "number" ? fraction + input : fraction.map((f) => f + input);
  // The width is proved by the builder; here only the fraction counts.
  return { name, shape: [units], format: intFormat(true, 1, sums), isSum: true };
};

const requantize: Step = (builder, random, at, name) => {
  const channels = at.shape[at.shape.length - 1]!;
  const center = typeof at.format.fraction === "number" ? at.format.fraction : at.format.fraction[0]!;
  const format = intFormat(
    chance(random, 0.5),
    pick(random, [1, 2, 4, 8, 12, 16]),
    fractionNear(random, center - random.integer(-1, at.isSum ? 8 : 3), channels),
  );
  builder.requantize({
    layer: name,
    name,
    input: at.name,
    format,
    activation: pick(random, ["none", "relu"]),
    rounding: pick(random, ["half-up", "truncate", "half-even"]),
  });
  return { name, shape: at.shape, format, isSum: false };
};

const threshold: Step = (builder, random, at, name) => {
  const channels = at.shape[at.shape.length - 1]!;
  const bipolar = chance(random, 0.6);
  const levels = bipolar ? 1 : random.integer(1, 6);
  const base = bipolar ? 0 : random.integer(-3, 2);
  const reach = at.isSum ? pick(random, [5, 60, 2000]) : mantissaRange(at.format).max + 1;
  const thresholds = Array.from({ length: channels }, () =>
    Array.from({ length: levels }, () => random.integer(-reach, reach)).sort((a, b) => a - b),
  ).flat();
  const format: Format = bipolar
    ? { kind: "bipolar", fraction: fractionNear(random, 0, channels) }
    : intFormat(true, 5, 1);
  builder.threshold({ layer: name, name, input: at.name, thresholds, levels, base, format });
  return { name, shape: at.shape, format, isSum: false };
};

const select: Step = (builder, random, at, name) => {
  const size = at.shape[0]!;
  const kept = Array.from({ length: size }, (_, i) => i).filter(() => chance(random, 0.6));
  const indices = kept.length > 0 ? kept : [random.integer(0, size - 1)];
  builder.select({ layer: name, name, input: at.name, indices });
  const { fraction } = at.format;
  const selected = typeof fraction === "number" ? fraction : indices.map((i) => fraction[i]!);
  return { ...at, name, shape: [indices.length], format: { ...at.format, fraction: selected } };
};

const flatten: Step = (builder, _, at, name) => {
  builder.flatten({ layer: name, name, input: at.name });
  return { ...at, name, shape: [elementsOf(at.shape)] };
};

/** Steps that the verifier allows from here. */
function possibleSteps({ shape, format, isSum }: At): readonly Step[] {
  const flat = shape.length === 1;
  const oneFraction = typeof format.fraction === "number";
  return [
    ...(flat && oneFraction && !isSum ? [dense, dense, dense] : []),
    ...(flat ? [select] : []),
    ...(flat || oneFraction ? [flatten] : []),
    ...(format.kind === "int" ? [requantize] : []),
    threshold,
    ...(isSum ? [requantize, threshold, threshold] : []),
  ];
}

/** A chain of three to seven instructions; an argmax of its end where channels can be compared. */
export function randomProgram(seed: number): Program {
  const random = createRandom(seed, "random program");
  const builder = createProgramBuilder(`random${seed}`);
  const size = pick(random, SIZES);
  const shape = chance(random, 0.3) ? [pick(random, [1, 2, 3]), size] : [size];
  const input = { name: "x", shape, format: tensorFormat(random) };
  builder.input(input);
  let at: At = { ...input, isSum: false };
  for (let n = random.integer(3, 7); n > 0; n--)
    at = pick(random, possibleSteps(at))(builder, random, at, `s${n}`);
  builder.output("y", at.name, "value");
  if (typeof at.format.fraction === "number")
    builder.output("index", builder.argmax({ layer: "index", name: "index", input: at.name }), "value");
  if (chance(random, 0.3)) builder.output("x again", "x", "value");
  return builder.build();
}
