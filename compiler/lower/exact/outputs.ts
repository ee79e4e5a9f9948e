// What leaves the program. In: tensors that the file names as outputs. Out: their integers, with the real scale and offset
// of each channel; and the class whose logit is the largest, which integers decide exactly.
import type { ImportedNode } from "../../graph/imported.ts";
import type { OutputRole } from "../../program/program.ts";
import {
  commonUnit,
  compare,
  floorOf,
  minus,
  over,
  type Rational,
  ratio,
  ZERO,
} from "../../support/rational.ts";
import { approximately, signOf } from "../../support/surd.ts";
import { at, type Chain, gridOf, regridded } from "./chain.ts";
import {
  describeNode,
  type Emitted,
  type Lowering,
  layerOf,
  refuse,
  refuseInput,
  type Tensor,
} from "./context.ts";
import { withoutMoves } from "./moves.ts";
import { AS_IT_IS, asItIs, biasOf, type Demand, emit, scaledValue, valueSource } from "./sources.ts";

const isZero = (offsets: readonly number[]): boolean => offsets.every((o) => o === 0);

/** An output of the program as real numbers: value = integer * scale + offset, one or one for each channel. */
export interface ExactOutput {
  /** Of the program's output. */
  readonly name: string;
  readonly value: string;
  readonly role: OutputRole;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

const LARGEST_OFFSET = 2 ** 46;

/** The class of a tensor's logits, and the logits that it was decided on. */
export function classOf(
  node: ImportedNode,
  tensor: Tensor,
  lowering: Lowering,
): { readonly logits: Tensor; readonly index: Emitted } {
  const whole = withoutMoves(tensor, node, lowering);
  const demand = comparable(node, whole);
  const { multipliers, offsets } = demand;
  // Signs and biases are the layer's own matter; what multiplies them is not to widen its weights.
  const isOwn =
    multipliers.every((m) => Math.abs(m) === 1) && (whole.source.kind === "product" || isZero(offsets));
  const emitted = isOwn
    ? emit(whole.source, demand, lowering)
    : scaledValue(
        node,
        emit(whole.source, AS_IT_IS, lowering),
        demand,
        lowering.name(node.name, "logits"),
        lowering,
      );
  const name = lowering.name(node.name);
  lowering.builder.argmax({ layer: layerOf(node), name, input: emitted.name });
  const channels = emitted.shape.at(-1)!;
  const index: Emitted = {
    name,
    shape: node.shape,
    format: { kind: "int", signed: false, width: Math.max(1, Math.ceil(Math.log2(channels))), fraction: 0 },
    ranges: [{ min: 0, max: channels - 1 }],
  };
  return {
    logits: {
      source: valueSource(whole.source.node, emitted),
      chain: regridded(whole.chain, demand.multipliers, demand.offsets),
      moves: [],
      shape: whole.shape,
    },
    index,
  };
}

/** Integers that are ordered as the real numbers of all channels are, equal ones included. */
function comparable(node: ImportedNode, { source, chain }: Tensor): Demand {
  const [step] = chain;
  if (chain.length !== 1 || step?.kind !== "affine")
    return refuse(node, "import/exact-unquantized", {
      node: describeNode(node),
      input: `what follows ${describeNode(source.node)}`,
    });
  const tooFine = (): never => refuse(node, "import/exact-argmax", { node: describeNode(node) });
  const { gain, offset } = step;
  const grid = gridOf(chain);
  // Whole biases are the layer's own, those that are the same in all channels too.
  const biases = grid && biasOf(source, grid);
  if (gain.length === 1 && biases && grid!.gain[0]!.numerator > 0n) return { ...AS_IT_IS, offsets: biases };
  if (gain.length === 1 && offset.length === 1) {
    const sign = signOf(gain[0]!);
    return sign === 0 ? tooFine() : { ...AS_IT_IS, multipliers: [sign] };
  }
  if (!grid || grid.gain.some(({ numerator }) => numerator === 0n)) return tooFine();
  // value = unit * (integer * factor + rest): compared by the whole part, and where that is equal by the part behind.
  const unit = grid.gain.reduce<Rational>(commonUnit, ZERO);
  const factors = grid.gain.map((g) => over(g, unit).numerator);
  const rests = grid.offset.map((o) => over(o, unit));
  const parts = rests.map((rest) => minus(rest, ratio(floorOf(rest))));
  const distinct = parts
    .toSorted(compare)
    .filter((part, i, all) => i === 0 || compare(part, all[i - 1]!) !== 0);
  const ranks = BigInt(distinct.length);
  const multipliers = factors.map((factor) => Number(factor * ranks));
  const offsets = rests.map((rest, i) => {
    const rank = distinct.findIndex((part) => compare(part, parts[i]!) === 0);
    return Number(floorOf(rest) * ranks + BigInt(rank));
  });
  const isPlain = offsets.every((o) => o === offsets[0]);
  if (multipliers.some((m) => Math.abs(m) >= 2 ** 31) || offsets.some((o) => Math.abs(o) > LARGEST_OFFSET))
    return tooFine();
  return { multipliers, offsets: isPlain ? [0] : offsets, fraction: null };
}

/** Integers of an output, with whole biases in them. */
export function outputOf(
  node: ImportedNode,
  output: string,
  tensor: Tensor,
  lowering: Lowering,
): { readonly emitted: Emitted; readonly chain: Chain } {
  const { source, chain } = withoutMoves(tensor, node, lowering);
  if (source.kind === "port") return refuseInput(node, source.node, null, lowering);
  const [step] = chain;
  if (chain.length !== 1 || step?.kind !== "affine")
    return refuse(node, "import/exact-output", { output, node: describeNode(node) });
  const grid = gridOf(chain);
  const biases = grid && biasOf(source, grid);
  const own = asItIs(source);
  const demand: Demand = biases ? { ...own, offsets: biases } : own;
  return {
    emitted: emit(source, demand, lowering),
    chain: regridded(chain, demand.multipliers, demand.offsets),
  };
}

/** Scale and offset of a chain's integers; of bits, of the bit itself. */
export function scaleOf(chain: Chain, { format }: Emitted): { scale: Float64Array; offset: Float64Array } {
  const [step] = chain;
  if (step?.kind !== "affine") return { scale: new Float64Array([1]), offset: new Float64Array([0]) };
  const gain = step.gain.map(approximately);
  const offset = step.offset.map(approximately);
  if (format.kind === "int") return { scale: Float64Array.from(gain), offset: Float64Array.from(offset) };
  const shifted = Array.from(
    { length: Math.max(gain.length, offset.length) },
    (_, c) => at(offset, c) - at(gain, c),
  );
  return { scale: Float64Array.from(gain, (g) => 2 * g), offset: Float64Array.from(shifted) };
}
