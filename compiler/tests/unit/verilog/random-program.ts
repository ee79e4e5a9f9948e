// Small random programs with foldings for them: every shape of chain that the Verilog back end builds. In: a seed.
// Out: a program, hardware wishes, and inputs for a few packets.
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import {
  channelsOf,
  elementsOf,
  type Format,
  fractionOf,
  mantissaRange,
  type Program,
  type Value,
  valueNamed,
} from "../../../program/program.ts";
import type { OutputChoice } from "../../../schedule/dataflow.ts";
import type { ScheduleOptions } from "../../../schedule/schedule.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

export interface RandomCase {
  readonly program: Program;
  readonly options: ScheduleOptions;
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly packets: number;
}

const ROUNDINGS = ["half-up", "half-up", "half-up", "truncate", "half-even"] as const;

function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

/** Elements, mostly small, now and then up to `most`. */
function size(random: RandomStream, most: number): number {
  return pick(random, [random.integer(1, 4), random.integer(1, 12), random.integer(1, most)]);
}

/** The value that the next instruction reads. */
interface Present {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: Format;
}

interface Growing {
  readonly random: RandomStream;
  readonly builder: ProgramBuilder;
  chance(percent: number): boolean;
  /** A name that no value has. */
  fresh(stem: string): string;
}

const smallWidth = ({ random, chance }: Growing): number => random.integer(1, chance(10) ? 16 : 6);

function requantized(g: Growing, layer: string, x: Present): Present {
  const { random, builder, chance } = g;
  const shift = (): number => (chance(10) ? random.integer(-6, 20) : random.integer(-2, 7));
  const channels = channelsOf(x);
  // A fraction per channel cannot pass a flatten.
  const each = x.shape.length === 1 && chance(15);
  const one = Math.max(-50, Math.min(50, fractionOf(x.format, 0) - shift()));
  const fraction = each ? Array.from({ length: channels }, (_, c) => fractionOf(x.format, c) - shift()) : one;
  const format = intFormat(chance(50), smallWidth(g), fraction);
  const activation = chance(50) ? "relu" : "none";
  const step = { layer, name: g.fresh(layer), input: x.name, format, activation } as const;
  return { ...x, name: builder.requantize({ ...step, rounding: pick(random, ROUNDINGS) }), format };
}

function thresholded(g: Growing, layer: string, x: Present, sums: boolean): Present {
  const { random, builder, chance } = g;
  const bipolar = chance(50);
  const levels = bipolar ? 1 : chance(4) ? 255 : random.integer(1, chance(30) ? 15 : 4);
  const base = bipolar ? 0 : random.integer(-3, 2);
  const signed = base < 0 || chance(30);
  const most = Math.max(base + levels, -base - 1, 0);
  const width = Math.ceil(Math.log2(most + 1)) + (signed ? 1 : 0) + (chance(20) ? 1 : 0);
  const format: Format = bipolar
    ? { kind: "bipolar", fraction: 0 }
    : intFormat(signed, Math.max(1, width), 1);
  const range = sums ? { min: -60, max: 60 } : mantissaRange(x.format);
  const one = (): number =>
    chance(3) ? pick(random, [-1, 1]) * 10 ** 6 : random.integer(range.min, range.max + 1);
  const row = (): number[] => Array.from({ length: levels }, one).sort((a, b) => a - b);
  const same = chance(25) ? row() : null;
  const thresholds = Array.from({ length: channelsOf(x) }, () => same ?? row()).flat();
  const name = builder.threshold({
    layer,
    name: g.fresh(layer),
    input: x.name,
    thresholds,
    levels,
    base,
    format,
  });
  return { ...x, name, format };
}

function selected(g: Growing, layer: string, x: Present): Present {
  const { random, builder, chance } = g;
  const elements = elementsOf(x.shape);
  const percent = pick(random, [5, 50, 50, 90, 100]);
  const kept = Array.from({ length: elements }, (_, i) => i).filter(() => chance(percent));
  const indices = kept.length > 0 ? kept : [random.integer(0, elements - 1)];
  const name = builder.select({ layer, name: g.fresh(layer), input: x.name, indices });
  const { fraction } = x.format;
  const format =
    typeof fraction === "number" ? x.format : { ...x.format, fraction: indices.map((i) => fraction[i]!) };
  return { name, shape: [indices.length], format };
}

function flattened({ builder, fresh }: Growing, x: Present): Present {
  if (x.shape.length === 1) return x;
  const name = builder.flatten({ layer: "flat", name: fresh("flat"), input: x.name });
  return { ...x, name, shape: [elementsOf(x.shape)] };
}

function dense(g: Growing, layer: string, x: Present): Present {
  const { random, builder, chance } = g;
  const units = size(random, 24);
  const inputs = elementsOf(x.shape);
  const fraction = chance(20)
    ? Array.from({ length: units }, () => random.integer(-2, 8))
    : random.integer(0, 6);
  const weights: Format = chance(30)
    ? { kind: "bipolar", fraction }
    : intFormat(chance(85), random.integer(1, chance(10) ? 16 : 5), fraction);
  const range = mantissaRange(weights);
  const data = Array.from({ length: units * inputs }, () => random.integer(range.min, range.max));
  const bias = chance(70) ? Array.from({ length: units }, () => random.integer(-300, 300)) : null;
  const name = builder.dense({
    layer,
    name: g.fresh(`${layer}.acc`),
    input: x.name,
    weights: { units, data, format: weights },
    ...(bias ? { bias } : {}),
  });
  const added = x.format.fraction as number;
  const sum = typeof fraction === "number" ? fraction + added : fraction.map((f) => f + added);
  return { name, shape: [units], format: intFormat(true, 48, sum) };
}

/** What the next dense layer or an argmax may read: one fraction, and at most 16 bits for a dense layer. */
function settled(g: Growing, layer: string, x: Present, sums: boolean): Present {
  let y = x;
  const { chance } = g;
  const wide = (): boolean => typeof y.format.fraction !== "number";
  for (let n = 0; n < 4; n++) {
    const isSum = sums && n === 0;
    if (n > 0 && !wide()) break;
    y =
      y.format.kind === "bipolar" || chance(40) ? thresholded(g, layer, y, isSum) : requantized(g, layer, y);
  }
  return wide() ? thresholded(g, layer, y, false) : y;
}

/** A program of zero to three dense layers and its schedule's options; the same for the same seed. */
export function randomCase(seed: number, packets = 12): RandomCase {
  const random = createRandom(seed, "random program");
  const chance = (percent: number): boolean => random.integer(1, 100) <= percent;
  const builder = createProgramBuilder(`net${seed}`);
  const names = new Set<string>();
  const fresh = (stem: string): string => {
    let name = stem;
    for (let n = 2; names.has(name); n++) name = `${stem}.${n}`;
    names.add(name);
    return name;
  };
  const g: Growing = { random, builder, chance, fresh };
  const denseCount = pick(random, [0, 1, 1, 2, 2, 3]);

  const inputFormat: Format = chance(10)
    ? { kind: "bipolar", fraction: 0 }
    : intFormat(chance(40), chance(60) ? 8 : random.integer(1, 16), random.integer(-2, 10));
  const shape = chance(30)
    ? [random.integer(1, 3), random.integer(1, 4), random.integer(1, 3)]
    : [size(random, 40)];
  const input: Value = { name: "in", shape, format: inputFormat };
  let x: Present = { ...input, name: builder.input(input) };
  names.add("in");
  if (chance(70)) x = settled(g, "in", x, false);
  x = flattened(g, x);
  if (chance(30)) x = selected(g, "keep", x);
  if (chance(20)) x = settled(g, "pixel", x, false);
  if (chance(10)) x = selected(g, "keep", x);

  const folding: Record<string, { pe: number; simd: number }> = {};
  for (let d = 1; d <= denseCount; d++) {
    const layer = `fc${d}`;
    const inputs = elementsOf(x.shape);
    x = dense(g, layer, x);
    const units = elementsOf(x.shape);
    if (chance(60)) folding[layer] = { pe: random.integer(1, units), simd: random.integer(1, inputs) };
    if (d < denseCount || chance(40)) x = settled(g, layer, x, true);
    if (chance(10)) x = selected(g, `thin${d}`, x);
  }
  const kind = pick(random, ["value", "logits", "class", "both", "both"] as const);
  let outputs: OutputChoice = "both";
  if (kind === "value" || kind === "logits") builder.output(kind, x.name, kind);
  if (kind === "logits") outputs = "logits";
  if (kind === "class" || kind === "both") {
    if (typeof x.format.fraction !== "number") x = settled(g, "end", x, false);
    builder.output("logits", x.name, "logits");
    builder.output("class", builder.argmax({ layer: "argmax", name: "class", input: x.name }), "class");
    outputs = pick(random, kind === "class" ? ["class"] : ["both", "both", "class", "logits"]);
  }
  const program = builder.build();
  const range = mantissaRange(valueNamed(program, "in").format);
  const count = packets * elementsOf(shape);
  const inputs = new Map([
    ["in", Float64Array.from({ length: count }, () => random.integer(range.min, range.max))],
  ]);
  const fixed = Object.keys(folding).length;
  const intervalCycles = pick(random, [
    2,
    3,
    5,
    random.integer(2, 30),
    random.integer(20, 200),
    fixed > 0 ? 2 : 60,
  ]);
  return { program, options: { clockMHz: 100, intervalCycles, folding, outputs }, inputs, packets };
}
