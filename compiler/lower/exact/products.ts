// Weighted sums: dense, conv, and averages, which are sums of windows. In: a node of the file and its quantized input.
// Out: a product of integers, and the exact scale and offset that make real numbers of its sums.
import { flippedKernel, type ImportedConstants, type ImportedNode } from "../../graph/imported.ts";
import { reachOf } from "../../graph/shapes.ts";
import { MAX_FRACTION } from "../../program/constraints.ts";
import { mantissaRange } from "../../program/program.ts";
import { everyAxis } from "../../program/shapes.ts";
import {
  commonUnit,
  equal,
  exponentOf,
  over,
  plus,
  type Rational,
  ratio,
  times,
  ZERO,
} from "../../support/rational.ts";
import { affine, at, combined, integerFor, type PerChannel } from "./chain.ts";
import { describeNode, type Lowering, refuse, type Settled, type Tensor } from "./context.ts";
import { fractionOfGrid } from "./formats.ts";
import { type ProductSource, signsOf, type Windows } from "./sources.ts";
import { biasValues, type IntegerWeights, integerWeights } from "./weights.ts";

type Named<K extends ImportedNode["kind"]> = Extract<ImportedNode, { kind: K }>;

/** Every unit's weighted sum of a flat tensor. */
export function denseTensor(
  node: Named<"dense">,
  constants: ImportedConstants,
  { emitted, grid }: Settled,
): Tensor {
  const { units } = node;
  const inputs = emitted.shape.at(-1)!;
  const channelsOf = (): readonly number[] => Array.from({ length: inputs }, (_, i) => i);
  return weighted(node, constants, { emitted, grid }, { units, channelsOf, windows: null });
}

/** A convolution; the kernel of a transposed one is flipped. */
export function convTensor(
  node: Named<"conv">,
  constants: ImportedConstants,
  input: Settled,
  lowering: Lowering,
): Tensor {
  const { kernel, groups, units } = node;
  const windows = windowsOf(node);
  const isPadded = hasGaps(windows);
  // Signs have no zero to pad with; the integers -1 and +1 have.
  const settled = isPadded ? withoutBits(node, input, lowering) : input;
  const padMantissa = isPadded ? gapOf(node, windows, settled) : 0;
  const share = settled.emitted.shape.at(-1)! / groups;
  const channelsOf = (unit: number): readonly number[] => {
    const group = Math.floor(unit / (units / groups));
    return Array.from({ length: share }, (_, c) => group * share + c);
  };
  const weights = node.transposed ? flippedKernel(constants.weights, units, kernel) : constants.weights;
  return weighted(node, { ...constants, weights }, settled, {
    units,
    channelsOf,
    windows: { ...windows, kernel, padMantissa },
  });
}

/** The mean of each window: its sum, with the scale of a share. Padding counts as real zeros. */
export function averageTensor(node: Named<"pool">, input: Settled, lowering: Lowering): Tensor {
  const { window, strides, padding } = node;
  const ones = everyAxis(window.length, 1);
  const windows = { kernel: window, strides, dilations: ones, padding, spread: ones };
  const isPadded = hasGaps(windows);
  const settled = isPadded ? withoutBits(node, input, lowering) : input;
  const channels = settled.emitted.shape.at(-1)!;
  const padMantissa = isPadded ? gapOf(node, windows, settled) : 0;
  const taps = window.reduce((a, b) => a * b, 1);
  const { emitted, grid } = settled;
  const gain = grid.gain.map((g) => times(g, ratio(1, taps)));
  const source: ProductSource = {
    kind: "product",
    node,
    shape: node.shape,
    input: emitted,
    units: channels,
    weights: Array.from({ length: channels * taps }, () => 1),
    bipolar: false,
    stated: null,
    fraction: 0,
    unitFractions: null,
    windows: { ...windows, groups: channels, padMantissa },
    ...(padMantissa === 0 ? { mean: { window, strides, padding } } : {}),
    emitted: new Map(),
  };
  return { source, chain: [affine(gain, grid.offset)], moves: [], shape: node.shape };
}

interface Layout {
  readonly units: number;
  /** Input channels of one position of a unit's weights. */
  channelsOf(unit: number): readonly number[];
  readonly windows: Windows | null;
}

/** Sums of integers, with what the scales and zero points of weights and input add up to. */
function weighted(
  node: Named<"dense" | "conv">,
  constants: ImportedConstants,
  { emitted, grid }: Settled,
  { units, channelsOf, windows }: Layout,
): Tensor {
  const weights = integerWeights(node, constants, units);
  const bias = biasValues(node, constants, units);
  const { data, scale } = onOneScale(node, weights, grid.gain, units, channelsOf);
  const row = data.length / units;
  // A constant of the input's grid, times the sum of a unit's weights, is a bias.
  const constant = Array.from({ length: units }, (_, u): Rational => {
    if (grid.offset.every(({ numerator }) => numerator === 0n)) return ZERO;
    const channels = channelsOf(u);
    const sums = new Array<number>(channels.length).fill(0);
    for (let i = 0; i < row; i++) sums[i % channels.length]! += weights.data[u * row + i]!;
    const total = channels.reduce<Rational>(
      (all, channel, i) => plus(all, times(ratio(sums[i]!), at(grid.offset, channel))),
      ZERO,
    );
    return times(total, at(weights.scale, u));
  });
  const unscaled = data === weights.data;
  const source: ProductSource = {
    kind: "product",
    node,
    shape: node.shape,
    input: emitted,
    units,
    weights: data,
    bipolar: weights.bipolar && unscaled,
    stated: unscaled ? weights.stated : null,
    fraction: unscaled ? fractionOfGrid({ gain: weights.scale, offset: [ZERO] }) : 0,
    unitFractions: unscaled ? fractionsOf(weights.scale, units) : null,
    windows,
    emitted: new Map(),
  };
  return {
    source,
    chain: [affine(scale, combined(constant, bias, plus))],
    moves: [],
    shape: node.shape,
  };
}

/** Weights that have taken up what the input's channels differ in, and the scale of each unit's sums. */
function onOneScale(
  node: ImportedNode,
  weights: IntegerWeights,
  gain: PerChannel<Rational>,
  units: number,
  channelsOf: (unit: number) => readonly number[],
): { readonly data: readonly number[]; readonly scale: PerChannel<Rational> } {
  if (gain.length === 1) return { data: weights.data, scale: weights.scale.map((s) => times(s, gain[0]!)) };
  const row = weights.data.length / units;
  const known = new Map<number, { unit: Rational; factors: readonly number[] }>();
  const unitOf = (u: number) => {
    const channels = channelsOf(u);
    const found = known.get(channels[0]!);
    if (found) return found;
    const unit = channels.reduce<Rational>((all, c) => commonUnit(all, at(gain, c)), ZERO);
    const factors = channels.map((c) => Number(over(at(gain, c), unit).numerator));
    if (factors.some((f) => Math.abs(f) >= 2 ** 15))
      refuse(node, "import/exact-channel-scales", { node: describeNode(node) });
    const made = { unit, factors };
    known.set(channels[0]!, made);
    return made;
  };
  let isChanged = false;
  const data = weights.data.map((w, i) => {
    const { factors } = unitOf(Math.floor(i / row));
    const factor = factors[i % factors.length]!;
    if (factor !== 1) isChanged = true;
    return w * factor;
  });
  const scale = Array.from({ length: units }, (_, u) => times(at(weights.scale, u), unitOf(u).unit));
  return { data: isChanged ? data : weights.data, scale };
}

/** The fraction of each unit where their scales differ and are powers of two; else null. */
function fractionsOf(scale: PerChannel<Rational>, units: number): readonly number[] | null {
  if (scale.length !== units || scale.every((s) => equal(s, scale[0]!))) return null;
  const exponents = scale.map(exponentOf);
  const isTame = exponents.every((e): e is number => e !== null && Math.abs(e) <= MAX_FRACTION / 2);
  return isTame ? exponents.map((e) => -e + 0) : null;
}

type PlainWindows = Omit<Windows, "padMantissa">;

/** Windows of a convolution; a transposed one is a plain one over the spread input. */
function windowsOf({ kernel, strides, dilations, padding, transposed, groups }: Named<"conv">): PlainWindows {
  const ones = everyAxis(kernel.length, 1);
  if (!transposed) return { kernel, strides, dilations, padding, groups, spread: ones };
  const around = (cells: readonly number[]): number[] =>
    cells.map((size, a) => reachOf(kernel[a]!, dilations[a]!) - 1 - size);
  return {
    kernel,
    strides: ones,
    spread: strides,
    dilations,
    padding: { before: around(padding.before), after: around(padding.after) },
    groups,
  };
}

function hasGaps({ padding, spread }: Pick<Windows, "padding" | "spread">): boolean {
  return [...padding.before, ...padding.after].some((n) => n > 0) || spread.some((s) => s > 1);
}

/** The integer that stands for a real zero outside a tensor and between its spread elements. */
function gapOf(node: ImportedNode, { spread }: Pick<Windows, "spread">, { emitted, grid }: Settled): number {
  const zero = integerFor(grid, ZERO);
  const { min, max } = mantissaRange(emitted.format);
  const fits = zero !== null && zero >= BigInt(min) && zero <= BigInt(max);
  // Between spread elements the program has zeros and nothing else.
  if (!fits || (zero !== 0n && spread.some((s) => s > 1)))
    return refuse(node, "import/exact-padding", { node: describeNode(node) });
  return Number(zero);
}

/** Bits as the integers -1 and +1, for what takes no bits; others as they are. */
export function withoutBits(node: ImportedNode, { emitted, grid }: Settled, lowering: Lowering): Settled {
  return { emitted: emitted.format.kind === "bipolar" ? signsOf(node, emitted, lowering) : emitted, grid };
}
