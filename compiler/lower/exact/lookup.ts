// Tables of a file. In: integers, and a node that looks them up. Out: a tensor whose next quantizer makes a table of the program.
import type { LookupNode } from "../../graph/imported.ts";
import { operandRange } from "../../program/program.ts";
import { isInteger, plus, ratio, rationalOf, times } from "../../support/rational.ts";
import { combined, followedBy, gridChain, gridOf, type Step } from "./chain.ts";
import { describeNode, type Lowering, refuse, type Tensor } from "./context.ts";
import { settled, settledTensor } from "./joins.ts";

/** A table behind integers that are its places, all of them. */
export function lookupTensor(tensor: Tensor, node: LookupNode, lowering: Lowering): Tensor {
  const { source, chain } = settledTensor(node, settled(tensor, node, lowering));
  const grid = gridOf(chain)!;
  const isPlace = (m: number): boolean =>
    combined(grid.gain, grid.offset, (gain, offset) => plus(times(gain, ratio(m)), offset)).every(
      (place) => isInteger(place) && place.numerator >= 0n && place.numerator < BigInt(node.entries.length),
    );
  const format = source.kind === "value" ? source.value.format : null;
  // Where the first two are whole and the last one is, all between them are.
  const { min, max } = format ? operandRange(format) : { min: 0, max: 0 };
  const isWhole =
    format !== null &&
    (format.kind === "bipolar" ? [min, max] : [min, Math.min(max, min + 1), max]).every(isPlace);
  if (!isWhole)
    refuse(node, "import/exact-lookup", { node: describeNode(node), entries: node.entries.length });
  const step: Step = { kind: "lookup", entries: Array.from(node.entries, rationalOf) };
  return { source, chain: followedBy(gridChain(grid), step), moves: [], shape: source.shape };
}
