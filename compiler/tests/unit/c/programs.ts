// Small programs for tests of the C back end: each instruction with the formats that change its code, and networks.
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Format, Program } from "../../../program/program.ts";
import { integerRange, type Rounding } from "../../../support/fixed-point.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

export function randomIntegers(
  random: RandomStream,
  count: number,
  width: number,
  signed: boolean,
): number[] {
  const { min, max } = integerRange(width, signed);
  return Array.from({ length: count }, () => random.integer(min, max));
}

export interface DenseCase {
  readonly inputs: number;
  readonly units: number;
  readonly inputWidth: number;
  readonly inputSigned: boolean;
  readonly weightWidth: number;
  readonly weightSigned: boolean;
  readonly bias: boolean;
}

/** One dense layer on its own; its weights hold both ends of their range. */
export function denseProgram(name: string, given: DenseCase): Program {
  const random = createRandom(7, name);
  const builder = createProgramBuilder(name);
  const x = builder.input({
    name: "x",
    shape: [given.inputs],
    format: intFormat(given.inputSigned, given.inputWidth, 3),
  });
  const data = randomIntegers(random, given.inputs * given.units, given.weightWidth, given.weightSigned);
  const { min, max } = integerRange(given.weightWidth, given.weightSigned);
  data[0] = min;
  data[data.length - 1] = max;
  const y = builder.dense({
    layer: "fc",
    name: "y",
    input: x,
    weights: { units: given.units, data, format: intFormat(given.weightSigned, given.weightWidth, 2) },
    ...(given.bias ? { bias: randomIntegers(random, given.units, 12, true) } : {}),
  });
  builder.output("y", y, "value");
  return builder.build();
}

/** Requantizes an input of the given format. */
export function requantizeProgram(
  name: string,
  given: {
    readonly from: readonly [signed: boolean, width: number];
    readonly to: readonly [signed: boolean, width: number];
    readonly shift: number | readonly number[];
    readonly activation: "none" | "relu";
    readonly rounding: Rounding;
    readonly elements: number;
  },
): Program {
  const builder = createProgramBuilder(name);
  const channels = typeof given.shift === "number" ? given.elements : given.shift.length;
  const shape = [given.elements / channels, channels];
  const x = builder.input({ name: "x", shape, format: intFormat(given.from[0], given.from[1], 20) });
  const fraction = typeof given.shift === "number" ? 20 - given.shift : given.shift.map((s) => 20 - s);
  const y = builder.requantize({
    layer: "q",
    name: "y",
    input: x,
    format: intFormat(given.to[0], given.to[1], fraction),
    activation: given.activation,
    rounding: given.rounding,
  });
  builder.output("y", y, "value");
  return builder.build();
}

/** A classifier like the real ones: requantized input, dense layers with rectifiers, logits and class. */
export function networkProgram(
  name: string,
  sizes: readonly number[],
  options: { readonly weightWidth: number; readonly activationWidth: number; readonly seed: number },
): Program {
  const random = createRandom(options.seed, name);
  const builder = createProgramBuilder(name);
  const image = builder.input({ name: "image", shape: [1, sizes[0]!, 1], format: intFormat(false, 8, 8) });
  const flat = builder.flatten({ layer: "flatten", name: "flat", input: image });
  const { activationWidth: width, weightWidth } = options;
  let x = builder.requantize({
    layer: "input",
    name: "image.q",
    input: flat,
    format: intFormat(false, width, width),
  });
  for (let l = 1; l < sizes.length; l++) {
    const layer = `fc${l}`;
    const units = sizes[l]!;
    const perChannel = l === 2;
    const fraction = perChannel ? Array.from({ length: units }, (_, c) => 3 + (c % 3)) : 4;
    const y = builder.dense({
      layer,
      name: `${layer}.sum`,
      input: x,
      weights: {
        units,
        data: randomIntegers(random, units * sizes[l - 1]!, weightWidth, true),
        format: intFormat(true, weightWidth, fraction),
      },
      bias: randomIntegers(random, units, 10, true),
    });
    if (l === sizes.length - 1 && !perChannel) x = y;
    else
      x = builder.requantize({
        layer,
        name: `${layer}.out`,
        input: y,
        format: intFormat(false, width, width - 2),
        activation: "relu",
      });
  }
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "argmax", name: "digit", input: x }), "class");
  return builder.build();
}

/** Thresholds on an input; with positions, every position of a channel sees the same ones. */
export function thresholdProgram(
  name: string,
  given: {
    readonly from: readonly [signed: boolean, width: number];
    readonly positions: number;
    readonly channels: number;
    readonly levels: number;
    readonly base: number;
    /** Width of the thresholds: beyond that of the input some are never or always reached. */
    readonly thresholdWidth: number;
  },
): Program {
  const random = createRandom(11, name);
  const builder = createProgramBuilder(name);
  const x = builder.input({
    name: "x",
    shape: [given.positions, given.channels],
    format: intFormat(given.from[0], given.from[1], 0),
  });
  const thresholds = Array.from({ length: given.channels }, () =>
    randomIntegers(random, given.levels, given.thresholdWidth, true).sort((a, b) => a - b),
  ).flat();
  const y = builder.threshold({
    layer: "t",
    name: "y",
    input: x,
    thresholds,
    levels: given.levels,
    base: given.base,
    format: intFormat(given.base < 0, 8, 0),
  });
  builder.output("y", y, "value");
  return builder.build();
}

/** A classifier of one-bit layers: every kernel of theirs, thresholds for each channel, and dropped inputs. */
export function oneBitProgram(name: string): Program {
  const random = createRandom(19, name);
  const builder = createProgramBuilder(name);
  const bits = (fraction: number): Format => ({ kind: "bipolar", fraction });
  const image = builder.input({ name: "image", shape: [10, 10, 1], format: intFormat(false, 8, 8) });
  const flat = builder.flatten({ layer: "flatten", name: "flat", input: image });
  const indices = Array.from({ length: 100 }, (_, i) => i).filter((i) => i % 3 !== 1);
  const kept = builder.select({ layer: "fc1", name: "kept", input: flat, indices });
  let x = builder.requantize({ layer: "fc1", name: "grey", input: kept, format: intFormat(false, 3, 3) });
  let inputs = indices.length;
  for (const [layer, units] of [
    ["fc1", 45],
    ["fc2", 33],
  ] as const) {
    const sum = builder.dense({
      layer,
      name: `${layer}.sum`,
      input: x,
      weights: { units, data: randomIntegers(random, units * inputs, 1, false), format: bits(2) },
    });
    x = builder.threshold({
      layer,
      name: `${layer}.bits`,
      input: sum,
      thresholds: randomIntegers(random, units, 5, true),
      levels: 1,
      base: 0,
      format: bits(0),
    });
    inputs = units;
  }
  const head = builder.dense({
    layer: "head",
    name: "head",
    input: x,
    weights: { units: 10, data: randomIntegers(random, 10 * inputs, 4, true), format: intFormat(true, 4, 3) },
    bias: randomIntegers(random, 10, 8, true),
  });
  builder.output("logits", head, "logits");
  builder.output("class", builder.argmax({ layer: "class", name: "class", input: head }), "class");
  builder.output("bits", x, "value");
  return builder.build();
}

/** Everything that a program's graph can do to memory: two inputs, branches, renamed, repeated and unused values. */
export function branchingProgram(name: string): Program {
  const random = createRandom(13, name);
  const builder = createProgramBuilder(name);
  const a = builder.input({ name: "a", shape: [2, 3], format: intFormat(true, 8, 4) });
  const b = builder.input({ name: "b", shape: [5], format: intFormat(false, 16, 0) });
  builder.input({ name: "unused", shape: [2], format: intFormat(false, 1, 0) });
  const flatA = builder.flatten({ layer: "flatten", name: "a.flat", input: a });
  const weights = (units: number, inputs: number, width: number) => ({
    units,
    data: randomIntegers(random, units * inputs, width, true),
    format: intFormat(true, width, 0),
  });
  const sumA = builder.dense({ layer: "a", name: "a.sum", input: flatA, weights: weights(4, 6, 5) });
  const sumB = builder.dense({ layer: "b", name: "b.sum", input: b, weights: weights(4, 5, 16) });
  const narrow = intFormat(true, 6, 0);
  const qA = builder.requantize({ layer: "a", name: "a.q", input: sumA, format: narrow });
  const qB = builder.requantize({
    layer: "b",
    name: "b.q",
    input: sumB,
    format: narrow,
    rounding: "half-even",
  });
  builder.requantize({ layer: "dead", name: "dead", input: qA, format: intFormat(false, 2, 0) });
  const head = builder.dense({ layer: "head", name: "head", input: qA, weights: weights(3, 4, 8) });
  builder.output("head", head, "logits");
  builder.output("head again", head, "value");
  builder.output("class", builder.argmax({ layer: "argmax", name: "class", input: head }), "class");
  builder.output("b", qB, "value");
  builder.output("a", flatA, "value");
  builder.output("wide", sumB, "value");
  builder.output("rows", builder.argmax({ layer: "rows", name: "rows", input: a }), "value");
  return builder.build();
}

/** Sums of up to 33 bits, requantized with a shift for each channel so that ties of all kinds occur. */
export function sumsProgram(
  name: string,
  given: { readonly width: number; readonly rounding: Rounding },
): Program {
  const random = createRandom(17, name);
  const builder = createProgramBuilder(name);
  const { width } = given;
  const x = builder.input({ name: "x", shape: [3], format: intFormat(true, width, 0) });
  const shifts = [1, 2, 3, width, 2 * width - 4, 31, 33, 0, -2];
  const units = shifts.length;
  const y = builder.dense({
    layer: "fc",
    name: "sum",
    input: x,
    weights: {
      units,
      data: randomIntegers(random, units * 3, width, true),
      format: intFormat(true, width, 0),
    },
    bias: randomIntegers(random, units, 20, true),
  });
  const z = builder.requantize({
    layer: "fc",
    name: "out",
    input: y,
    format: intFormat(
      true,
      16,
      shifts.map((s) => -s),
    ),
    rounding: given.rounding,
  });
  builder.output("out", z, "value");
  return builder.build();
}
