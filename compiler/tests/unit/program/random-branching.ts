// Random programs with branches: every instruction that the settings allow, valid by construction. Values stay
// available, so residual adds, concats of branches and gates of channels come about. In: a seed and sizes. Out: a
// verified program, the same for the same seed and settings; and random inputs for it.
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import {
  channelsOf,
  elementsOf,
  type Format,
  mantissaRange,
  type Opcode,
  type Program,
  type Value,
  valueNamed,
  widthOf,
} from "../../../program/program.ts";
import { isChannelRow, isSpatial, sameShape, windowPositions } from "../../../program/shapes.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

/** A format without its fraction. */
export type Operand = { readonly width: number; readonly signed: boolean } | "bipolar";

export interface BranchingSettings {
  /** Instructions, about: what makes a chosen one legal is added. Default 12. */
  readonly instructions?: number;
  /** Largest spatial size of the input. Default 7. */
  readonly size?: number;
  /** Most channels of the input, of a conv or of a dense. Default 6. */
  readonly channels?: number;
  /** Most elements of a value. Default 600. */
  readonly elements?: number;
  /** Widest tensor and weight formats, bits. Default 8; up to 16. */
  readonly width?: number;
  /** Instructions to choose from; requantize and argmax are added where a program needs them. Default: all. */
  readonly ops?: readonly Opcode[];
  /** Whether tensors and weights may be bipolar. Default true. */
  readonly bipolar?: boolean;
  /** Chance that an input is bipolar, in percent; above the default of 15 bits are joined too. */
  readonly bits?: number;
  /** Whether requantizations and weights may have a fraction for each channel. Default true. */
  readonly perChannel?: boolean;
  /** Axes of the input: 3 for images, 2 for sequences, 1 for flat ones. Default: any. */
  readonly axes?: 1 | 2 | 3;
  /** Program inputs. Default: one, sometimes two. */
  readonly inputs?: number;
  /** The first input's format but for its fraction, and the format of what a concat joins. Default: drawn. */
  readonly operand?: Operand;
  /** Widest sum of products, bits: that of 16-bit operands fits 48. Default 34. */
  readonly sum?: number;
  /** Whether transposes leave the elements in their order. Default false. */
  readonly keepOrder?: boolean;
}

/** Every instruction. */
export const OPCODES: readonly Opcode[] = [
  "requantize",
  "dense",
  "conv",
  "pool",
  "threshold",
  "table",
  "add",
  "subtract",
  "multiply",
  "concat",
  "reshape",
  "select",
  "slice",
  "pad",
  "transpose",
  "upsample",
  "argmax",
  "scale",
];

const USUAL_BITS = 15;

interface Growing {
  readonly random: RandomStream;
  readonly builder: ProgramBuilder;
  readonly settings: Required<Omit<BranchingSettings, "axes" | "inputs" | "operand">> &
    Pick<BranchingSettings, "operand">;
  /** Values that some instruction reads. */
  readonly read: Set<string>;
  /** By copy of a value (reshape, select, slice): what it is a copy of. */
  readonly origins: Map<string, string>;
  /** Values that were read as tensors: were one a sum, a requantization must not widen it any more. */
  readonly settled: Set<string>;
  next(op: Opcode): { layer: string; name: string };
  chance(percent: number): boolean;
}

function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

const randoms = (random: RandomStream, count: number, low: number, high: number): number[] =>
  Array.from({ length: count }, () => random.integer(low, high));

/** Mantissas of a format. */
const mantissas = (random: RandomStream, count: number, format: Format): number[] => {
  const { min, max } = mantissaRange(format);
  return randoms(random, count, min, max);
};

const hasOneFraction = ({ format }: Value): boolean => typeof format.fraction === "number";
const isTensor = ({ format }: Value): boolean => widthOf(format) <= 16;

/** A verified program. `settings` bound its size. */
export function randomBranchingProgram(seed: number, settings: BranchingSettings = {}): Program {
  const random = createRandom(seed, "branching program");
  const builder = createProgramBuilder(`branching${seed}`);
  let named = 0;
  const g: Growing = {
    random,
    builder,
    settings: {
      instructions: settings.instructions ?? 12,
      size: settings.size ?? 7,
      channels: settings.channels ?? 6,
      elements: settings.elements ?? 600,
      width: settings.width ?? 8,
      ops: settings.ops ?? OPCODES,
      bipolar: settings.bipolar ?? true,
      bits: settings.bits ?? USUAL_BITS,
      perChannel: settings.perChannel ?? true,
      keepOrder: settings.keepOrder ?? false,
      sum: settings.sum ?? 34,
      ...(settings.operand ? { operand: settings.operand } : {}),
    },
    read: new Set(),
    origins: new Map(),
    settled: new Set(),
    next: (op) => {
      const name = `${op}${++named}`;
      return { layer: name, name };
    },
    chance: (percent) => random.integer(1, 100) <= percent,
  };
  const inputs = settings.inputs ?? (g.chance(80) ? 1 : 2);
  for (let n = 0; n < inputs; n++) addInput(g, n === 0 ? "x" : `x${n + 1}`, settings.axes);
  // Some choices find no operands; a bound on tries keeps programs without any choice finite.
  for (let made = 0, tries = 0; made < g.settings.instructions && tries < 40 * (made + 1); tries++)
    if (grow(g, pick(random, g.settings.ops))) made++;
  finish(g);
  return builder.build();
}

/** Mantissas for every input: the ends of the format in the first inferences, then uniform ones. */
export function randomInputs(program: Program, count: number, seed: number): Map<string, Float64Array> {
  return new Map(
    program.inputs.map((name) => {
      const random = createRandom(seed, "branching inputs", name);
      const { shape, format } = valueNamed(program, name);
      const { min, max } = mantissaRange(format);
      const elements = elementsOf(shape);
      const one = (n: number): number =>
        n === 0 ? min : n === 1 ? max : n === 2 ? pick(random, [min, max]) : random.integer(min, max);
      return [name, Float64Array.from({ length: count * elements }, (_, i) => one(Math.floor(i / elements)))];
    }),
  );
}

function addInput(g: Growing, name: string, wished: 1 | 2 | 3 | undefined): void {
  const { random, builder, settings } = g;
  const axes = wished ?? pick(random, [1, 2, 3, 3]);
  const shape = [...randoms(random, axes - 1, 1, settings.size), random.integer(1, settings.channels)];
  const drawn: Format =
    settings.bipolar && g.chance(settings.bits)
      ? { kind: "bipolar", fraction: random.integer(-1, 1) }
      : intFormat(g.chance(50), random.integer(1, settings.width), random.integer(-1, 8));
  const format = settings.operand && name === "x" ? formatOf(settings.operand, drawn.fraction) : drawn;
  builder.input({ name, shape, format });
}

const formatOf = (operand: Operand, fraction: Format["fraction"]): Format =>
  operand === "bipolar"
    ? { kind: "bipolar", fraction: typeof fraction === "number" ? Math.min(1, fraction) : fraction }
    : intFormat(operand.signed, operand.width, fraction);

/** A value that satisfies a rule, later ones more often; undefined when there is none. */
function operand(g: Growing, fits: (value: Value) => boolean): Value | undefined {
  const able = g.builder.values().filter(fits);
  if (able.length === 0) return undefined;
  return g.chance(60) ? able[able.length - 1] : pick(g.random, able);
}

/** How an instruction reads: as a tensor, in any width, or to copy it in any width. */
type Reading = "tensor" | "wide" | "copy";

const originOf = (g: Growing, name: string): string => g.origins.get(name) ?? name;

/** Remembers what an instruction read and gave. */
function made(g: Growing, reads: readonly Value[], result: string, reading: Reading = "tensor"): true {
  for (const { name } of reads) {
    g.read.add(name);
    if (reading === "tensor") g.settled.add(originOf(g, name));
    if (reading === "copy") g.origins.set(result, originOf(g, name));
  }
  return true;
}

/** What a requantization may read. */
const isWidenable = (g: Growing, { name, format }: Value): boolean =>
  format.kind === "int" && !g.settled.has(originOf(g, name));

/** Whether products with it stay within the legal fractions. */
const isTame = ({ format }: Value): boolean =>
  typeof format.fraction === "number" && Math.abs(format.fraction) <= 28;

function fractionNear(g: Growing, center: number, channels: number): number | readonly number[] {
  const { random, settings } = g;
  const one = (): number => Math.max(-40, Math.min(40, center + random.integer(-2, 2)));
  return settings.perChannel && g.chance(20) ? Array.from({ length: channels }, one) : one();
}

function weightFormat(g: Growing, units: number): Format {
  const fraction = fractionNear(g, 3, units);
  if (g.settings.bipolar && g.chance(20)) return { kind: "bipolar", fraction };
  return intFormat(g.chance(80), g.random.integer(1, g.settings.width), fraction);
}

/** Whether sums of so many products of operands stay within the widest accumulator that is wished. */
const staysNarrow = ({ settings }: Growing, weights: Format, input: Format, products: number): boolean =>
  widthOf(weights) + widthOf(input) + Math.log2(products) < settings.sum;

function biasOf(g: Growing, units: number): { bias?: readonly number[] } {
  return g.chance(60) ? { bias: randoms(g.random, units, -200, 200) } : {};
}

/** Adds one instruction; false when no operands fit. */
function grow(g: Growing, op: Opcode): boolean {
  const { random, builder, settings } = g;
  const few = (value: Value): boolean => elementsOf(value.shape) <= settings.elements;
  switch (op) {
    case "requantize":
      return requantize(g);
    case "conv":
      return conv(g);
    case "pool":
      return pool(g);
    case "add":
    case "subtract":
    case "multiply":
      return arithmetic(g, op);
    case "concat":
      return concat(g);
    case "dense": {
      const x = operand(g, (v) => v.shape.length === 1 && isTame(v) && isTensor(v));
      if (!x) return false;
      const units = random.integer(1, settings.channels);
      const inputs = elementsOf(x.shape);
      const format = weightFormat(g, units);
      if (!staysNarrow(g, format, x.format, inputs)) return false;
      const weights = { units, data: mantissas(random, units * inputs, format), format };
      return made(g, [x], builder.dense({ ...g.next(op), input: x.name, weights, ...biasOf(g, units) }));
    }
    case "threshold": {
      const x = operand(g, () => true);
      if (!x) return false;
      const bipolar = settings.bipolar && g.chance(40);
      const levels = bipolar ? 1 : random.integer(1, 5);
      const base = bipolar ? 0 : random.integer(-2, 1);
      const format: Format = bipolar
        ? { kind: "bipolar", fraction: 0 }
        : intFormat(true, 4, random.integer(0, 3));
      const reach = Math.min(mantissaRange(x.format).max, pick(random, [8, 100, 5000]));
      const row = (): number[] => randoms(random, levels, -reach, reach).sort((a, b) => a - b);
      const thresholds = Array.from({ length: channelsOf(x) }, row).flat();
      const step = { ...g.next(op), input: x.name, thresholds, levels, base, format };
      return made(g, [x], builder.threshold(step), "wide");
    }
    case "table": {
      const x = operand(g, (v) => hasOneFraction(v) && widthOf(v.format) <= Math.min(12, settings.width + 2));
      if (!x) return false;
      const format = intFormat(g.chance(60), random.integer(1, settings.width), random.integer(0, 6));
      const table = mantissas(random, 2 ** widthOf(x.format), format);
      return made(g, [x], builder.table({ ...g.next(op), input: x.name, table, format }));
    }
    case "scale": {
      const x = operand(g, (v) => v.format.kind === "int" && isTame(v) && widthOf(v.format) <= 24);
      if (!x) return false;
      const channels = channelsOf(x);
      const multipliers = randoms(random, channels, -(2 ** settings.width), 2 ** settings.width);
      const offsets = g.chance(60) ? { offsets: randoms(random, channels, -5000, 5000) } : {};
      const step = { ...g.next(op), input: x.name, multipliers, fraction: fractionNear(g, 2, channels) };
      return made(g, [x], builder.scale({ ...step, ...offsets }), "wide");
    }
    case "reshape": {
      const x = operand(g, hasOneFraction);
      if (!x) return false;
      const step = { ...g.next(op), input: x.name };
      const elements = elementsOf(x.shape);
      const divisors = [1, 2, 3, 4, 5, 6].filter((n) => elements % n === 0);
      const columns = pick(random, divisors);
      const rows = pick(
        random,
        divisors.filter((n) => (elements / columns) % n === 0),
      );
      const shape = pick(random, [
        [columns, elements / columns],
        [rows, columns, elements / columns / rows],
      ]);
      return made(g, [x], g.chance(50) ? builder.flatten(step) : builder.reshape({ ...step, shape }), "copy");
    }
    case "select": {
      const x = operand(g, (v) => v.shape.length === 1);
      if (!x) return false;
      const kept = Array.from({ length: x.shape[0]! }, (_, i) => i).filter(() => g.chance(60));
      const indices = kept.length > 0 ? kept : [random.integer(0, x.shape[0]! - 1)];
      return made(g, [x], builder.select({ ...g.next(op), input: x.name, indices }), "copy");
    }
    case "slice": {
      const x = operand(g, () => true);
      if (!x) return false;
      const begin = x.shape.map((n) => random.integer(0, Math.min(2, n - 1)));
      const size = x.shape.map((n, a) => n - begin[a]! - random.integer(0, Math.min(1, n - begin[a]! - 1)));
      return made(g, [x], builder.slice({ ...g.next(op), input: x.name, begin, size }), "copy");
    }
    case "pad": {
      const x = operand(g, (v) => v.format.kind === "int" && hasOneFraction(v) && isTensor(v) && few(v));
      if (!x) return false;
      const before = x.shape.map(() => random.integer(0, 1));
      const after = x.shape.map(() => random.integer(0, 1));
      const [mantissa] = g.chance(50) ? [0] : mantissas(random, 1, x.format);
      return made(g, [x], builder.pad({ ...g.next(op), input: x.name, before, after, mantissa: mantissa! }));
    }
    case "transpose": {
      const x = operand(g, (v) => hasOneFraction(v) && isTensor(v));
      if (!x) return false;
      const permutation = x.shape.map((_, a) => a);
      for (let a = permutation.length - 1; a > 0; a--) {
        const other = random.integer(0, a);
        [permutation[a], permutation[other]] = [permutation[other]!, permutation[a]!];
      }
      if (settings.keepOrder) {
        const long = x.shape.map((_, a) => a).filter((a) => x.shape[a]! > 1);
        for (const [at, a] of permutation.entries()) if (long.includes(a)) permutation[at] = -1;
        for (const a of long) permutation[permutation.indexOf(-1)] = a;
      }
      return made(g, [x], builder.transpose({ ...g.next(op), input: x.name, permutation }));
    }
    case "upsample": {
      const x = operand(
        g,
        (v) => isSpatial(v.shape) && isTensor(v) && 4 * elementsOf(v.shape) <= settings.elements,
      );
      if (!x) return false;
      const factors = randoms(random, x.shape.length - 1, 1, 2);
      return made(g, [x], builder.upsample({ ...g.next(op), input: x.name, factors }));
    }
    case "argmax": {
      const x = operand(g, hasOneFraction);
      if (!x) return false;
      return made(g, [x], builder.argmax({ ...g.next(op), input: x.name }), "wide");
    }
  }
}

function requantize(g: Growing): boolean {
  const { random, builder, settings } = g;
  const x = operand(g, (v) => isWidenable(g, v));
  if (!x) return false;
  const center = typeof x.format.fraction === "number" ? x.format.fraction : x.format.fraction[0]!;
  const width = random.integer(1, settings.width);
  const fraction = fractionNear(g, center - Math.max(-1, widthOf(x.format) - width), channelsOf(x));
  const format = intFormat(g.chance(50), width, fraction);
  const step = {
    ...g.next("requantize"),
    input: x.name,
    format,
    activation: pick(random, ["none", "relu"] as const),
    rounding: pick(random, ["half-up", "half-up", "truncate", "half-even"] as const),
    limit: g.chance(30) ? random.integer(0, mantissaRange(format).max) : null,
  };
  return made(g, [x], builder.requantize(step), "wide");
}

function conv(g: Growing): boolean {
  const { random, builder, settings } = g;
  const x = operand(g, (v) => isSpatial(v.shape) && isTame(v) && isTensor(v));
  if (!x) return false;
  const spatial = x.shape.slice(0, -1);
  const plain = x.format.kind === "bipolar";
  const kernel = spatial.map(() => random.integer(1, 3));
  const dilations = spatial.map(() => (g.chance(20) ? 2 : 1));
  const spread = spatial.map(() => (!plain && g.chance(15) ? 2 : 1));
  const strides = spatial.map(() => (g.chance(25) ? 2 : 1));
  const margin = (a: number): number =>
    plain ? 0 : g.chance(60) ? Math.floor((kernel[a]! * dilations[a]!) / 2) : random.integer(0, 3);
  const padding = { before: spatial.map((_, a) => margin(a)), after: spatial.map((_, a) => margin(a)) };
  const channels = channelsOf(x);
  const groups = g.chance(30)
    ? channels
    : pick(
        random,
        [1, 1, 2].filter((n) => channels % n === 0),
      );
  const units = groups * random.integer(1, Math.max(1, Math.floor(settings.channels / groups)));
  const products = elementsOf(kernel) * (channels / groups);
  const format = weightFormat(g, units);
  const positions = spatial.map((size, a) =>
    windowPositions({
      size,
      window: kernel[a]!,
      stride: strides[a]!,
      dilation: dilations[a]!,
      before: padding.before[a]!,
      after: padding.after[a]!,
      spread: spread[a]!,
    }),
  );
  const fits = positions.every((n) => n >= 1) && elementsOf([...positions, units]) <= settings.elements;
  if (!fits || !staysNarrow(g, format, x.format, products)) return false;
  const padMantissa = g.chance(70) ? 0 : mantissas(random, 1, x.format)[0]!;
  const name = builder.conv({
    ...g.next("conv"),
    input: x.name,
    weights: { units, kernel, data: mantissas(random, units * products, format), format },
    ...biasOf(g, units),
    strides,
    dilations,
    padding,
    spread,
    groups,
    padMantissa,
  });
  return made(g, [x], name);
}

function pool(g: Growing): boolean {
  const { random, builder } = g;
  const x = operand(g, (v) => isSpatial(v.shape) && isTensor(v));
  if (!x) return false;
  const spatial = x.shape.slice(0, -1);
  const whole = g.chance(20);
  const window = spatial.map((n) => (whole ? n : random.integer(1, Math.min(3, n))));
  const strides = spatial.map(() => random.integer(1, 2));
  const margin = (a: number): number => (whole || g.chance(60) ? 0 : random.integer(0, window[a]! - 1));
  const padding = { before: spatial.map((_, a) => margin(a)), after: spatial.map((_, a) => margin(a)) };
  const kind = x.format.kind === "int" && g.chance(50) ? "average" : "max";
  const step = { ...g.next("pool"), input: x.name, kind, window, strides, padding } as const;
  return made(g, [x], builder.pool(step));
}

function arithmetic(g: Growing, op: "add" | "subtract" | "multiply"): boolean {
  const widest = op === "multiply" ? 20 : 22;
  const able = (v: Value): boolean => v.format.kind === "int" && isTame(v) && widthOf(v.format) <= widest;
  const a = operand(g, able);
  if (!a) return false;
  const near = (v: Value): boolean =>
    Math.abs((v.format.fraction as number) - (a.format.fraction as number)) <= 12;
  const b = operand(
    g,
    (v) => able(v) && near(v) && (sameShape(a.shape, v.shape) || isChannelRow(a.shape, v.shape)),
  );
  if (!b) return false;
  return made(g, [a, b], g.builder[op]({ ...g.next(op), inputs: [a.name, b.name] }));
}

/** Inputs of one format: requantizations of the operands where they differ. */
function concat(g: Growing): boolean {
  const { random, builder, settings } = g;
  const bits = settings.operand === "bipolar" || (settings.bits > USUAL_BITS && g.chance(50));
  const able = (v: Value): boolean =>
    bits ? v.format.kind === "bipolar" && hasOneFraction(v) : isWidenable(g, v);
  const first = operand(g, able);
  if (!first) return false;
  const axis = random.integer(0, first.shape.length - 1);
  const fits = (v: Value): boolean =>
    able(v) &&
    // Nothing makes bits of one fraction out of others.
    (!bits || v.format.fraction === first.format.fraction) &&
    v.shape.length === first.shape.length &&
    v.shape.every((n, a) => a === axis || n === first.shape[a]);
  const others = Array.from({ length: random.integer(1, 2) }, () => operand(g, fits)!);
  const parts = [first, ...others];
  const elements = parts.reduce((sum, part) => sum + elementsOf(part.shape), 0);
  if (elements > settings.elements) return false;
  if (bits) {
    const inputs = parts.map(({ name }) => name);
    return made(g, parts, builder.concat({ ...g.next("concat"), inputs, axis }));
  }
  const { fraction } = first.format;
  const drawn = intFormat(
    g.chance(50),
    random.integer(1, settings.width),
    Math.max(
      -40,
      Math.min(40, (typeof fraction === "number" ? fraction : fraction[0]!) - random.integer(0, 6)),
    ),
  );
  const { operand: wished } = settings;
  const format = wished ? formatOf(wished, drawn.fraction) : drawn;
  const inputs = parts.map((part) => {
    const name = builder.requantize({ ...g.next("requantize"), input: part.name, format });
    made(g, [part], name, "wide");
    return name;
  });
  return made(
    g,
    builder.values().filter(({ name }) => inputs.includes(name)),
    builder.concat({ ...g.next("concat"), inputs, axis }),
  );
}

/**
 * Every value that nothing reads is an output, and sometimes one that something reads; where channels can be compared, the
 * last one has its argmax.
 */
function finish(g: Growing): void {
  const { builder } = g;
  const last = builder.values().at(-1)!;
  if (g.chance(50) && hasOneFraction(last) && g.settings.ops.includes("argmax"))
    made(g, [last], builder.argmax({ ...g.next("argmax"), input: last.name }), "wide");
  for (const { name } of builder.values())
    if (!g.read.has(name)) builder.output(`out ${name}`, name, "value");
  if (!g.chance(30)) return;
  const read = builder.values().filter((value) => g.read.has(value.name));
  if (read.length === 0) return;
  const { name } = pick(g.random, read);
  builder.output(`out ${name}`, name, "value");
}
