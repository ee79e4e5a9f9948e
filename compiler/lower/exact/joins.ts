// Operators of several tensors: sums, differences, products, and tensors side by side. In: a node and quantized tensors, or
// sums. Out: integers on one exact scale, or a refusal where there is none.
import type { ImportedNode } from "../../graph/imported.ts";
import { intFormat } from "../../program/builder.ts";
import { MAX_TENSOR_WIDTH } from "../../program/constraints.ts";
import { isSigned, widthOf } from "../../program/program.ts";
import {
  commonUnit,
  equal,
  isInteger,
  negated,
  over,
  plus,
  powerOfTwo,
  type Rational,
  rationalText,
  times,
  ZERO,
} from "../../support/rational.ts";
import { affine, at, combined, type Grid, gridChain, gridOf, type PerChannel } from "./chain.ts";
import {
  describeNode,
  type Emitted,
  type Lowering,
  layerOf,
  refuse,
  refuseInput,
  type Settled,
  type Tensor,
} from "./context.ts";
import { isEnumerableSum } from "./fine-sums.ts";
import { withoutMoves } from "./moves.ts";
import { withoutBits } from "./products.ts";
import {
  AS_IT_IS,
  biasOf,
  emit,
  type Source,
  type SumSource,
  valueSource,
  widthOfEmitted,
} from "./sources.ts";

type Arithmetic = Extract<ImportedNode, { kind: "add" | "subtract" | "multiply" }>;
type Concat = Extract<ImportedNode, { kind: "concat" }>;

/** Factors of a sum's operands stay below this: they may have to be taken up by a layer's weights. */
const LARGEST_FACTOR = 2 ** 15;

/** A tensor's integers and their scale, where they have one; `reader` is refused where they have none. */
export function linear(
  tensor: Tensor,
  reader: ImportedNode,
  lowering: Lowering,
): { readonly source: Source; readonly grid: Grid } {
  const { source, chain } = withoutMoves(tensor, reader, lowering);
  if (source.kind === "port") return refuseInput(reader, source.node, reader, lowering);
  const grid = gridOf(chain);
  if (!grid) return refuseUnquantized(reader, source);
  return { source, grid };
}

function refuseUnquantized(reader: ImportedNode, source: Source): never {
  return refuse(reader, "import/exact-unquantized", {
    node: describeNode(reader),
    input: `what follows ${describeNode(source.node)}`,
  });
}

/** A tensor as a value of at most 16 bits with a scale: what layers read. */
export function settled(tensor: Tensor, reader: ImportedNode, lowering: Lowering): Settled {
  const { source, grid } = linear(tensor, reader, lowering);
  const { bias, offset } = withoutBias({ source, grid });
  const emitted = emit(source, { ...AS_IT_IS, offsets: bias }, lowering);
  if (widthOfEmitted(emitted) > MAX_TENSOR_WIDTH) refuseUnquantized(reader, source);
  return { emitted, grid: { gain: grid.gain, offset } };
}

export function settledTensor(node: ImportedNode, { emitted, grid }: Settled): Tensor {
  return { source: valueSource(node, emitted), chain: gridChain(grid), moves: [], shape: emitted.shape };
}

/** Sums and differences channel by channel, in the largest unit of which both scales are multiples. */
export function sumTensor(node: Arithmetic, operands: readonly [Tensor, Tensor], lowering: Lowering): Tensor {
  const [a, b] = operands.map((tensor) => {
    const { source, grid } = linear(tensor, node, lowering);
    if (source.kind !== "value") return { source, grid };
    const whole = withoutBits(node, { emitted: source.value, grid }, lowering);
    return {
      source: whole.emitted === source.value ? source : valueSource(source.node, whole.emitted),
      grid,
    };
  });
  const other = node.kind === "subtract" ? b!.grid.gain.map(negated) : b!.grid.gain;
  const unit = combined(a!.grid.gain, other, commonUnit);
  const factors = [a!.grid.gain, other].map((gain) => combined(gain, unit, factorOf));
  const isFine = factors.flat().some((f) => f === 0 || Math.abs(f) >= LARGEST_FACTOR);
  const ratio = isFine ? ratioOf(a!.grid, b!.grid) : null;
  if (ratio !== null && !isEnumerableSum([a!.source, b!.source], factors))
    refuse(node, "import/exact-residual", { node: describeNode(node), ratio });
  const [first, second] = [withoutBias(a!), withoutBias(b!)];
  const source: SumSource = {
    kind: "sum",
    node,
    shape: node.shape,
    operands: [a!.source, b!.source],
    factors: factors as [PerChannel<number>, PerChannel<number>],
    offsets: [first.bias, second.bias],
    ratio,
    emitted: new Map(),
  };
  const rest = node.kind === "subtract" ? second.offset.map(negated) : second.offset;
  const offset = combined(first.offset, rest, plus);
  return { source, chain: [affine(unit, offset)], moves: [], shape: node.shape };
}

function ratioOf(a: Grid, b: Grid): string {
  const [first, second] = [a.gain[0]!, b.gain[0]!];
  return second.numerator === 0n ? "0" : rationalText(over(first, second));
}

/** What a product adds by itself, and the offset that is left. */
function withoutBias({ source, grid }: { readonly source: Source; readonly grid: Grid }): {
  readonly bias: PerChannel<number>;
  readonly offset: PerChannel<Rational>;
} {
  const bias = biasOf(source, grid);
  return bias ? { bias, offset: [ZERO] } : { bias: [0], offset: grid.offset };
}

function factorOf(gain: Rational, unit: Rational): number {
  return unit.numerator === 0n ? 0 : Number(over(gain, unit).numerator);
}

/** Products of two tensors, whose real zeros become integer zeros first. */
export function productTensor(
  node: Arithmetic,
  operands: readonly [Tensor, Tensor],
  lowering: Lowering,
): Tensor {
  const [a, b] = operands.map((tensor): Settled => {
    const { emitted, grid } = settled(tensor, node, lowering);
    const zeros = combined(grid.offset, grid.gain, (o, g) => (g.numerator === 0n ? null : over(o, g)));
    if (!zeros.every((zero) => zero !== null && isInteger(zero)))
      refuse(node, "import/exact-channel-scales", { node: describeNode(node) });
    const whole = withoutBits(node, { emitted, grid }, lowering);
    const offsets = zeros.map((zero) => Number(zero!.numerator));
    const source = valueSource(node, whole.emitted);
    return { emitted: emit(source, { ...AS_IT_IS, offsets }, lowering), grid };
  });
  const name = lowering.name(node.name);
  const inputs: [string, string] = [a!.emitted.name, b!.emitted.name];
  lowering.builder.multiply({ layer: layerOf(node), name, inputs });
  const ranges = combined(a!.emitted.ranges, b!.emitted.ranges, (x, y) => {
    const ends = [x.min * y.min, x.min * y.max, x.max * y.min, x.max * y.max];
    return { min: Math.min(...ends), max: Math.max(...ends) };
  });
  const fraction = (a!.emitted.format.fraction as number) + (b!.emitted.format.fraction as number);
  const wide: Emitted = { name, shape: node.shape, format: intFormat(true, 48, fraction), ranges };
  const emitted = { ...wide, format: intFormat(true, widthOfEmitted(wide), fraction) };
  const gain = combined(a!.grid.gain, b!.grid.gain, times);
  return {
    source: valueSource(node, emitted),
    chain: [affine(gain, [{ numerator: 0n, denominator: 1n }])],
    moves: [],
    shape: node.shape,
  };
}

/** Tensors side by side: by channels with the scales that they have, else on one scale. */
export function concatTensor(node: Concat, tensors: readonly Tensor[], lowering: Lowering): Tensor {
  const parts = inOneFormat(
    node,
    tensors.map((tensor) => settled(tensor, node, lowering)),
    lowering,
  );
  const isChannels = node.axis === node.shape.length - 1;
  const expanded = (values: PerChannel<Rational>, { emitted }: Settled): readonly Rational[] =>
    Array.from({ length: emitted.shape.at(-1)! }, (_, c) => at(values, c));
  const [first] = parts;
  const grid: Grid = isChannels
    ? {
        gain: parts.flatMap((part) => expanded(part.grid.gain, part)),
        offset: parts.flatMap((part) => expanded(part.grid.offset, part)),
      }
    : first!.grid;
  const same = (x: PerChannel<Rational>, y: PerChannel<Rational>): boolean =>
    combined(x, y, equal).every(Boolean);
  if (
    !isChannels &&
    parts.some((part) => !same(part.grid.gain, grid.gain) || !same(part.grid.offset, grid.offset))
  )
    refuse(node, "import/exact-concat", { node: describeNode(node) });
  const name = lowering.name(node.name);
  const inputs = parts.map((part) => part.emitted.name);
  lowering.builder.concat({ layer: layerOf(node), name, inputs, axis: node.axis });
  const spans = parts.flatMap((part) => part.emitted.ranges);
  const ranges = [{ min: Math.min(...spans.map((r) => r.min)), max: Math.max(...spans.map((r) => r.max)) }];
  const emitted: Emitted = { name, shape: node.shape, format: first!.emitted.format, ranges };
  return settledTensor(node, { emitted, grid });
}

/** Values in one format: the finest fraction, and as many bits as all of them need. */
function inOneFormat(node: Concat, given: readonly Settled[], lowering: Lowering): readonly Settled[] {
  const texts = new Set(given.map(({ emitted }) => JSON.stringify(emitted.format)));
  if (texts.size === 1) return given;
  const parts = given.map((part) => withoutBits(node, part, lowering));
  let [signed, fraction, whole] = [false, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { emitted } of parts) {
    const { format } = emitted;
    const own = format.fraction as number;
    signed ||= isSigned(format);
    fraction = Math.max(fraction, own);
    whole = Math.max(whole, widthOf(format) - (isSigned(format) ? 1 : 0) - own);
  }
  const width = whole + fraction + (signed ? 1 : 0);
  if (width > MAX_TENSOR_WIDTH)
    refuse(node, "import/exact-too-wide", {
      node: describeNode(node),
      operation: "a common scale",
      width,
      limit: MAX_TENSOR_WIDTH,
    });
  const format = intFormat(signed, width, fraction);
  return parts.map(({ emitted, grid }) => {
    if (JSON.stringify(emitted.format) === JSON.stringify(format)) return { emitted, grid };
    const name = lowering.name(emitted.name, "wider");
    lowering.builder.requantize({ layer: layerOf(node), name, input: emitted.name, format });
    const shift = fraction - (emitted.format.fraction as number);
    const ranges = emitted.ranges.map(({ min, max }) => ({ min: min * 2 ** shift, max: max * 2 ** shift }));
    const gain = grid.gain.map((g) => times(g, powerOfTwo(-shift)));
    return { emitted: { name, shape: emitted.shape, format, ranges }, grid: { gain, offset: grid.offset } };
  });
}
