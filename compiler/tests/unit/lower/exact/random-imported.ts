// Random quantized networks as an importer hands them on: every operator, scales that are powers of two or anything, for
// the tensor or each channel, all roundings, zero points, batch-norms of every sign. In: a seed. Out: a model, always
// the same, whose scales fit the values that come.
import type {
  FileNumbers,
  ImportedConstants,
  ImportedModel,
  ImportedNode,
  Quantizer,
  QuantRounding,
} from "../../../../graph/imported.ts";
import { createRandom, type RandomStream } from "../../../../support/random.ts";
import { DOUBLES, evaluate } from "./evaluate.ts";

const origin = { file: "random.onnx", line: 1, column: 1 };

export const ROUNDINGS: readonly QuantRounding[] = [
  "ROUND",
  "HALF_UP",
  "HALF_DOWN",
  "UP",
  "DOWN",
  "CEIL",
  "FLOOR",
  "ROUND_TO_ZERO",
  "HALF_ODD",
];

export const numbers = (...values: readonly number[]): FileNumbers => Float64Array.from(values);

export function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

const chance = (random: RandomStream, probability: number): boolean => random.uniform() < probability;

/** Nodes without what all have. */
export type NodeParts = ImportedNode extends infer N
  ? N extends ImportedNode
    ? Omit<N, "origin">
    : never
  : never;

/** A model from its nodes; every quantizer is an output too, so that all integers are compared. */
export function modelOf(
  nodes: readonly NodeParts[],
  constants: Readonly<Record<string, Partial<ImportedConstants>>> = {},
  outputs?: readonly string[],
): ImportedModel {
  const none = { weights: numbers(), weightQuantizer: null, bias: null, biasQuantizer: null };
  return {
    name: "model",
    format: "test",
    nodes: nodes.map((node) => ({ ...node, origin }) as ImportedNode),
    constants: new Map(Object.entries(constants).map(([name, own]) => [name, { ...none, ...own }])),
    outputs: (outputs ?? [nodes.at(-1)!.name]).map((node) => ({ name: `out ${node}`, node })),
  };
}

interface Growing {
  readonly random: RandomStream;
  /** Whether activations may be curves. */
  readonly hasCurves: boolean;
  readonly roundings: readonly QuantRounding[];
  readonly nodes: NodeParts[];
  readonly constants: Record<string, Partial<ImportedConstants>>;
  readonly outputs: string[];
  /** Inputs that the scales are made for. */
  readonly samples: readonly Map<string, number[]>[];
}

/** A quantized tensor that the network has come to. */
interface At {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether a real 0 is one of its integers, so that it may be padded. */
  readonly hasZero: boolean;
  readonly quantizer: Quantizer | null;
}

let counter = 0;
const fresh = (kind: string): string => `${kind}${counter++}`;

function valuesOf(g: Growing, name: string): number[] {
  const model = modelOf(g.nodes, g.constants, [name]);
  return g.samples.flatMap((sample) => [...evaluate(model, sample, DOUBLES).get(name)!]);
}

const float = Math.fround;
const powerNear = (x: number): number => 2 ** Math.round(Math.log2(x));

/** Scales around `near`: powers of two, or any floats. */
function scalesNear(g: Growing, near: number, channels: number, isPower: boolean): FileNumbers {
  const one = (): number =>
    isPower ? powerNear(near * 2 ** g.random.integer(-1, 1)) : float(near * (0.6 + g.random.uniform()));
  return chance(g.random, 0.25) ? Float64Array.from({ length: channels }, one) : numbers(one());
}

function weightsFor(
  g: Growing,
  name: string,
  units: number,
  row: number,
  isPower: boolean,
  inputScale: number | null,
): void {
  const { random } = g;
  const weights = Float64Array.from({ length: units * row }, () => float(random.normal()));
  const kind = random.uniform();
  const bits = random.integer(2, 4);
  const scale = scalesNear(g, kind < 0.2 ? 1 : 2.5 / 2 ** (bits - 1), units, isPower);
  const weightQuantizer: Quantizer =
    kind < 0.2
      ? { kind: "bipolar", scale }
      : {
          kind: "int",
          scale,
          zeroPoint: numbers(kind < 0.35 ? random.integer(-2, 2) : 0),
          least: -(2 ** (bits - 1)) + (chance(random, 0.5) ? 1 : 0),
          greatest: 2 ** (bits - 1) - 1,
          rounding: pick(random, g.roundings),
        };
  const bias = chance(random, 0.5)
    ? Float64Array.from({ length: units }, () => float(random.normal() * 2))
    : null;
  const biasQuantizer: Quantizer | null =
    bias && inputScale !== null && chance(random, 0.5)
      ? {
          kind: "int",
          scale: scale.map((s) => s * inputScale),
          zeroPoint: numbers(0),
          least: -(2 ** 15),
          greatest: 2 ** 15 - 1,
          rounding: "ROUND",
        }
      : null;
  g.constants[name] = { weights, weightQuantizer, bias, biasQuantizer };
}

/** dense, or a convolution of some kind. */
function layer(g: Growing, from: At, isPower: boolean): { name: string; shape: readonly number[] } {
  const { random } = g;
  const { shape } = from;
  const scale = from.quantizer?.scale.length === 1 ? from.quantizer.scale[0]! : null;
  const channels = shape.at(-1)!;
  if (shape.length === 1) {
    const name = fresh("dense");
    const units = random.integer(1, 6);
    g.nodes.push({ kind: "dense", name, input: from.name, shape: [units], units });
    weightsFor(g, name, units, channels, isPower, scale);
    return { name, shape: [units] };
  }
  const spatial = shape.slice(0, -1);
  const name = fresh("conv");
  const groups = chance(random, 0.3) ? channels : 1;
  const units = groups === 1 ? random.integer(1, 5) : channels * random.integer(1, 2);
  const kernel = spatial.map((size) => random.integer(1, Math.min(3, size)));
  const transposed = chance(random, 0.15) && from.hasZero;
  const strides = spatial.map(() => random.integer(1, 2));
  const dilations = kernel.map((k, a) => ((k - 1) * 2 + 1 <= spatial[a]! && chance(random, 0.2) ? 2 : 1));
  const pads = (): number[] =>
    kernel.map((k, a) => (from.hasZero ? random.integer(0, Math.min(1, (k - 1) * dilations[a]!)) : 0));
  const padding = { before: pads(), after: pads() };
  const sizes = spatial.map((size, a) => {
    const reach = (kernel[a]! - 1) * dilations[a]! + 1;
    const [before, after] = [padding.before[a]!, padding.after[a]!];
    return transposed
      ? (size - 1) * strides[a]! + reach - before - after
      : Math.floor((size + before + after - reach) / strides[a]!) + 1;
  });
  const result = [...sizes, units];
  g.nodes.push({
    kind: "conv",
    name,
    input: from.name,
    shape: result,
    units,
    kernel,
    strides,
    dilations,
    padding,
    groups,
    transposed,
  });
  const taps = kernel.reduce((a, b) => a * b, 1);
  weightsFor(g, name, units, (taps * channels) / groups, isPower, scale);
  return { name, shape: result };
}

/** Norms, affine steps and activations. */
function chainBehind(g: Growing, from: { name: string; shape: readonly number[] }, isPower: boolean): string {
  const { random } = g;
  let { name } = from;
  const { shape } = from;
  const channels = shape.at(-1)!;
  const push = (node: NodeParts): void => {
    g.nodes.push(node);
    name = node.name;
  };
  const many = (make: () => number): FileNumbers => Float64Array.from({ length: channels }, make);
  if (chance(random, isPower ? 0.15 : 0.5)) {
    const values = valuesOf(g, name);
    const size = Math.max(1e-3, Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length));
    push({
      kind: "norm",
      name: fresh("norm"),
      input: name,
      shape,
      // Every sign, and none at all.
      scale: many(() => float(pick(random, [1, 1, 0.5, -1, -0.7, 0]) * (0.5 + random.uniform()))),
      bias: many(() => float(random.normal() * 0.5)),
      mean: many(() => float(random.normal() * size * 0.3)),
      variance: many(() => float(size * size * (0.5 + random.uniform()))),
      epsilon: 1e-5,
    });
  }
  if (chance(random, 0.25)) {
    const isScalar = chance(random, 0.5);
    push({
      kind: "affine",
      name: fresh("affine"),
      input: name,
      shape,
      gain: isScalar ? numbers(float(pick(random, [2, -1, 0.3]))) : many(() => float(random.normal())),
      offset: numbers(float(random.normal() * 0.1)),
    });
  }
  const activation = pick(random, [
    "relu",
    "relu6",
    "hardtanh",
    "hardsigmoid",
    "leaky_relu",
    null,
    null,
    ...(g.hasCurves ? (["sigmoid", "tanh", "elu"] as const) : []),
  ] as const);
  if (activation === "elu")
    push({
      kind: activation,
      name: fresh(activation),
      input: name,
      shape,
      alpha: pick(random, [1, float(1.7), 0]),
      scale: pick(random, [1, float(1.05), -1]),
    });
  else if (activation === "leaky_relu")
    push({ kind: activation, name: fresh(activation), input: name, shape, slope: float(0.1) });
  else if (activation) push({ kind: activation, name: fresh(activation), input: name, shape });
  return name;
}

/** A quantizer whose levels lie where the values are. */
function quantizeAt(g: Growing, name: string, shape: readonly number[], isPower: boolean): At {
  const { random } = g;
  const values = valuesOf(g, name);
  const size = Math.max(1e-3, ...values.map(Math.abs));
  const channels = shape.at(-1)!;
  const kind = random.uniform();
  const own = fresh("q");
  const base = { name: own, input: name, shape };
  const done = (hasZero: boolean, quantizer: Quantizer | null): At => {
    g.outputs.push(own);
    return { name: own, shape, hasZero, quantizer };
  };
  if (kind < 0.1) {
    const scale = isPower ? powerNear(size) : float(size * 0.7);
    const quantizer: Quantizer = { kind: "bipolar", scale: numbers(scale) };
    g.nodes.push({ kind: "quantize", ...base, quantizer });
    // A real 0 is no bit, but layers may make integers of bits.
    return done(true, quantizer);
  }
  if (kind < 0.14) {
    g.nodes.push({ kind: pick(random, ["sign", "step"] as const), ...base });
    return done(true, null);
  }
  if (kind < 0.2) {
    const rows = chance(random, 0.5) ? channels : 1;
    const levels = random.integer(1, 5);
    const thresholds = Float64Array.from({ length: rows * levels }, () =>
      float(random.normal() * size * 0.5),
    );
    for (let r = 0; r < rows; r++) thresholds.subarray(r * levels, (r + 1) * levels).sort();
    const outBias = chance(random, 0.5) ? 0 : -2;
    g.nodes.push({
      kind: "multithreshold",
      ...base,
      channels: rows,
      thresholds,
      outScale: isPower ? 0.5 : float(0.37),
      outBias: outBias * (isPower ? 0.5 : 1),
    });
    return done(outBias === 0, null);
  }
  const bits = random.integer(1, chance(random, 0.3) ? 8 : 4);
  const signed = chance(random, 0.6);
  const narrow = chance(random, 0.2) ? 1 : 0;
  const least = signed ? -(2 ** (bits - 1)) + narrow : 0;
  const greatest = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const zero = chance(random, 0.25) ? random.integer(least, greatest) : 0;
  const quantizer: Quantizer = {
    kind: "int",
    scale: scalesNear(g, (size * 1.4) / 2 ** bits, channels, isPower),
    zeroPoint: numbers(zero),
    least,
    greatest: Math.max(greatest, least),
    rounding: chance(random, 0.6) ? "ROUND" : pick(random, g.roundings),
  };
  g.nodes.push({ kind: "quantize", ...base, quantizer });
  return done(zero >= least && zero <= greatest, quantizer);
}

/** What needs no weights. */
function rearranged(g: Growing, from: At): At {
  const { random } = g;
  const { shape, name: input } = from;
  const spatial = shape.slice(0, -1);
  const own = fresh("move");
  const put = (node: NodeParts): At => {
    g.nodes.push(node);
    return { ...from, name: own, shape: node.shape };
  };
  const kind = pick(random, ["slice", "upsample", "transpose", "flatten", "reshape", "pad"] as const);
  if (kind === "slice") {
    const begin = shape.map((size) => random.integer(0, Math.floor((size - 1) / 2)));
    const sizes = shape.map((size, a) => random.integer(1, size - begin[a]!));
    return put({ kind, name: own, input, shape: sizes, begin, sizes });
  }
  if (kind === "upsample" && spatial.every((size) => size <= 3)) {
    const factors = spatial.map(() => random.integer(1, 2));
    return put({
      kind,
      name: own,
      input,
      shape: [...spatial.map((s, a) => s * factors[a]!), shape.at(-1)!],
      factors,
    });
  }
  if (kind === "transpose") {
    const permutation =
      shape.length === 3
        ? pick(random, [
            [1, 0, 2],
            [2, 0, 1],
          ])
        : [1, 0];
    return put({ kind, name: own, input, shape: permutation.map((a) => shape[a]!), permutation });
  }
  if (kind === "pad" && from.hasZero && from.quantizer?.kind === "int") {
    const before = [...spatial.map(() => random.integer(0, 1)), 0];
    const after = [...spatial.map(() => random.integer(0, 1)), 0];
    const padded = shape.map((size, a) => size + before[a]! + after[a]!);
    return put({ kind, name: own, input, shape: padded, padding: { before, after }, value: 0 });
  }
  const flat = [shape.reduce((a, b) => a * b, 1)];
  if (kind === "reshape" && shape.length === 3) {
    const sizes = [shape[0]! * shape[1]!, shape[2]!];
    return put({ kind, name: own, input, shape: sizes, sizes });
  }
  return put({ kind: "flatten", name: own, input, shape: flat });
}

/** Two ways from one tensor that meet again. */
function joined(g: Growing, from: At, isPower: boolean): At {
  const { random } = g;
  const scale = isPower ? 0.25 : float(0.11 + random.uniform());
  const quantizer = (s: number): Quantizer => ({
    kind: "int",
    scale: numbers(s),
    zeroPoint: numbers(chance(random, 0.3) ? 1 : 0),
    least: -4,
    greatest: 3,
    rounding: "ROUND",
  });
  const branch = (factor: number): At => {
    const units = from.shape.at(-1)!;
    const name = fresh(from.shape.length === 1 ? "dense" : "conv");
    if (from.shape.length === 1)
      g.nodes.push({ kind: "dense", name, input: from.name, shape: from.shape, units });
    else {
      const ones = from.shape.slice(0, -1).map(() => 1);
      const none = ones.map(() => 0);
      const windows = {
        kernel: ones,
        strides: ones,
        dilations: ones,
        padding: { before: none, after: none },
      };
      g.nodes.push({
        kind: "conv",
        name,
        input: from.name,
        shape: from.shape,
        units,
        ...windows,
        groups: 1,
        transposed: false,
      });
    }
    weightsFor(g, name, units, units, isPower, null);
    const own = fresh("q");
    const s = quantizer(scale * factor);
    g.nodes.push({ kind: "quantize", name: own, input: name, shape: from.shape, quantizer: s });
    g.outputs.push(own);
    return { name: own, shape: from.shape, hasZero: true, quantizer: s };
  };
  const kind = pick(random, ["add", "add", "subtract", "multiply", "concat"] as const);
  // Multiples of one scale are exact together; concat needs one scale along other axes than channels.
  const factor = kind === "concat" ? 1 : pick(random, [1, 1, 2, 3, 0.5, 1.5]);
  const [a, b] = [branch(1), branch(factor)];
  const name = fresh(kind);
  if (kind === "concat") {
    const axis = from.shape.length - 1;
    const shape = from.shape.with(axis, 2 * from.shape[axis]!);
    g.nodes.push({ kind, name, inputs: [a.name, b.name], shape, axis });
    return { name, shape, hasZero: false, quantizer: null };
  }
  g.nodes.push({ kind, name, inputs: [a.name, b.name], shape: from.shape });
  const behind = chance(random, 0.5) ? chainBehind(g, { name, shape: from.shape }, isPower) : name;
  return quantizeAt(g, behind, from.shape, isPower);
}

function pooled(
  g: Growing,
  from: { name: string; shape: readonly number[] },
  hasZero: boolean,
  pooling: "max" | "average",
) {
  const { random } = g;
  const spatial = from.shape.slice(0, -1);
  const window = spatial.map((size) => random.integer(1, Math.min(3, size)));
  const strides = window.map(() => random.integer(1, 2));
  const pads = (): number[] => window.map((w) => (hasZero && w > 1 ? random.integer(0, 1) : 0));
  const padding = { before: pads(), after: pads() };
  const shape = [
    ...spatial.map(
      (size, a) => Math.floor((size + padding.before[a]! + padding.after[a]! - window[a]!) / strides[a]!) + 1,
    ),
    from.shape.at(-1)!,
  ];
  const name = fresh("pool");
  g.nodes.push({ kind: "pool", name, input: from.name, shape, pooling, window, strides, padding });
  return { name, shape };
}

export interface RandomImported {
  readonly model: ImportedModel;
  /** Real inputs by name that the first quantizer has not rounded yet. */
  sample(n: number): Map<string, number[]>;
}

/** A network of one to four blocks; a wide choice has curves among its activations, and QuantizeLinear's rounding. */
export function randomImported(seed: number, isWide = false): RandomImported {
  const random = createRandom(seed, "random imported");
  counter = 0;
  const isPower = chance(random, 0.35);
  const rank = random.integer(1, 3);
  const shape =
    rank === 1
      ? [random.integer(1, 10)]
      : [...Array.from({ length: rank - 1 }, () => random.integer(2, 5)), random.integer(1, 4)];
  const size = shape.reduce((a, b) => a * b, 1);
  const sample = (n: number): Map<string, number[]> => {
    const values = createRandom(seed, "sample", n);
    return new Map([["x", Array.from({ length: size }, () => values.normal() * 1.5)]]);
  };
  const g: Growing = {
    random,
    hasCurves: isWide,
    roundings: isWide ? ROUNDINGS : ROUNDINGS.filter((rounding) => rounding !== "HALF_ODD"),
    nodes: [{ kind: "input", name: "x", shape, stored: null }],
    constants: {},
    outputs: [],
    samples: [0, 1, 2, 3].map(sample),
  };
  let at: At = firstQuantizer(g, shape, isPower);
  for (let blocks = random.integer(1, 4); blocks > 0; blocks--) {
    const { length } = at.shape;
    const kind = random.uniform();
    if (kind < 0.15 && length > 1) at = rearranged(g, at);
    else if (kind < 0.35) at = joined(g, at, isPower);
    else if (kind < 0.45 && length > 1 && at.hasZero) {
      const mean = pooled(g, at, true, "average");
      at = quantizeAt(g, mean.name, mean.shape, isPower);
    } else if (kind < 0.52 && length > 1) at = { ...at, ...pooled(g, at, true, "max") };
    else {
      const made = layer(g, at, isPower);
      let behind = { name: chainBehind(g, made, isPower), shape: made.shape };
      if (made.shape.length > 1 && chance(random, 0.2)) {
        behind = pooled(g, behind, true, "max");
        if (chance(random, 0.3)) behind = { ...behind, name: chainBehind(g, behind, isPower) };
      }
      if (behind.shape.length > 1 && chance(random, 0.15)) {
        const flat = [behind.shape.reduce((a, b) => a * b, 1)];
        const name = fresh("flatten");
        g.nodes.push({ kind: "flatten", name, input: behind.name, shape: flat });
        behind = { name, shape: flat };
      }
      at = quantizeAt(g, behind.name, behind.shape, isPower);
    }
  }
  if (chance(random, 0.4)) {
    const made = layer(g, at, isPower);
    g.outputs.push(made.name);
  }
  const outputs = [...new Set([...g.outputs, at.name])];
  return { model: modelOf(g.nodes, g.constants, outputs), sample };
}

function firstQuantizer(g: Growing, shape: readonly number[], isPower: boolean): At {
  const { random } = g;
  const bits = random.integer(1, 8);
  const signed = chance(random, 0.7) || bits === 1;
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const greatest = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const scale = (3 / 2 ** bits) * (isPower ? 1 : 0.7 + random.uniform());
  const zero = chance(random, 0.3) ? random.integer(least, greatest) : 0;
  const quantizer: Quantizer = chance(random, 0.1)
    ? { kind: "bipolar", scale: numbers(isPower ? 1 : float(scale)) }
    : {
        kind: "int",
        scale: numbers(isPower ? powerNear(scale) : float(scale)),
        zeroPoint: numbers(zero),
        least,
        greatest,
        rounding: pick(random, g.roundings),
      };
  let input = "x";
  if (chance(random, 0.2)) {
    g.nodes.push({ kind: "affine", name: "scaled", input, shape, gain: numbers(2), offset: numbers(-1) });
    input = "scaled";
  }
  g.nodes.push({ kind: "quantize", name: "first", input, shape, quantizer });
  g.outputs.push("first");
  return { name: "first", shape, hasZero: true, quantizer };
}
