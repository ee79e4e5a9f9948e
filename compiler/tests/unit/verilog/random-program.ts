// Small random programs with foldings for them: every shape of chain that the Verilog back end builds. In: a seed.
// Out: a program, hardware wishes, and inputs for a few packets.
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, mantissaRange, type Program, valueNamed } from "../../../program/program.ts";
import type { OutputChoice } from "../../../schedule/chain.ts";
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

/** A program of zero to three dense layers and its schedule's options; the same for the same seed. */
export function randomCase(seed: number, packets = 12): RandomCase {
  const random = createRandom(seed, "random program");
  const chance = (percent: number): boolean => random.integer(1, 100) <= percent;
  const builder = createProgramBuilder(`net${seed}`);
  const denseCount = pick(random, [0, 1, 1, 2, 2, 3]);
  const small = (): number => random.integer(1, chance(10) ? 16 : 6);

  const inputFormat = intFormat(chance(40), chance(60) ? 8 : random.integer(1, 16), random.integer(-2, 10));
  const shape = chance(30)
    ? [random.integer(1, 3), random.integer(1, 4), random.integer(1, 3)]
    : [size(random, 40)];
  let x = builder.input({ name: "in", shape, format: inputFormat });
  let fraction = inputFormat.fraction as number;
  let elements = elementsOf(shape);
  const folding: Record<string, { pe: number; simd: number }> = {};
  const requantize = (layer: string, name: string): void => {
    const shift = chance(10) ? random.integer(-6, 20) : random.integer(-2, 7);
    fraction -= shift;
    const format = intFormat(chance(50), small(), fraction);
    const activation = chance(50) ? "relu" : "none";
    x = builder.requantize({ layer, name, input: x, format, activation, rounding: pick(random, ROUNDINGS) });
  };
  if (chance(70)) requantize("in", "in.q");
  if (shape.length > 1) x = builder.flatten({ layer: "flat", name: "flat", input: x });
  let fixed = 0;
  for (let d = 1; d <= denseCount; d++) {
    const layer = `fc${d}`;
    const units = size(random, 24);
    const format = intFormat(chance(85), random.integer(1, chance(10) ? 16 : 5), random.integer(0, 6));
    const range = mantissaRange(format);
    const data = Array.from({ length: units * elements }, () => random.integer(range.min, range.max));
    const bias = chance(70) ? Array.from({ length: units }, () => random.integer(-300, 300)) : null;
    x = builder.dense({
      layer,
      name: `${layer}.acc`,
      input: x,
      weights: { units, data, format },
      ...(bias ? { bias } : {}),
    });
    fraction += format.fraction as number;
    if (chance(60)) {
      folding[layer] = { pe: random.integer(1, units), simd: random.integer(1, elements) };
      fixed++;
    }
    elements = units;
    if (d < denseCount || chance(40)) requantize(layer, layer);
  }
  const kind = pick(random, ["value", "logits", "class", "both", "both"] as const);
  let outputs: OutputChoice = "both";
  if (kind === "value" || kind === "logits") builder.output(kind, x, kind);
  if (kind === "logits") outputs = "logits";
  if (kind === "class" || kind === "both") {
    const top =
      shape.length > 1 && denseCount === 0 ? builder.flatten({ layer: "flat", name: "end", input: x }) : x;
    builder.output("logits", top, "logits");
    builder.output("class", builder.argmax({ layer: "argmax", name: "class", input: top }), "class");
    outputs = pick(random, kind === "class" ? ["class"] : ["both", "both", "class", "logits"]);
  }
  const program = builder.build();
  const input = valueNamed(program, "in");
  const range = mantissaRange(input.format);
  const count = packets * elementsOf(input.shape);
  const inputs = new Map([
    ["in", Float64Array.from({ length: count }, () => random.integer(range.min, range.max))],
  ]);
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
