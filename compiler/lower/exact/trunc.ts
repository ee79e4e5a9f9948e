// QONNX Trunc as a quantizer: the low bits of integers dropped. In: a tensor and such a node. Out: levels that count them.
import type { TruncNode } from "../../graph/imported.ts";
import { powerOfTwo, ratio, rationalOf, times } from "../../support/rational.ts";
import { isSurd } from "../../support/real.ts";
import { isRational } from "../../support/surd.ts";
import { at, type Chain, channelsOfChain, combined, functionOf, gridOf } from "./chain.ts";
import { describeNode, type Lowering, refuse, type Tensor } from "./context.ts";
import { type Levels, type TruncScale, truncated, truncLevels } from "./levels.ts";
import { withoutMoves } from "./moves.ts";
import { AS_IT_IS, emit, rangesOf, valueSource } from "./sources.ts";
import { checkQuantizer } from "./weights.ts";

/** The tensor that a Trunc quantizes, and the levels: the integers that can come say how many there are. */
export function truncOf(
  tensor: Tensor,
  node: TruncNode,
  lowering: Lowering,
): { readonly tensor: Tensor; readonly levels: Levels } {
  const zeroPoint = node.zeroPoint;
  checkQuantizer(
    node,
    { kind: "int", scale: node.scale, zeroPoint, least: 0, greatest: 1, rounding: node.rounding },
    node.shape.at(-1)!,
  );
  const trunc: TruncScale = {
    scale: Array.from(node.scale, rationalOf),
    zero: Array.from(zeroPoint, rationalOf),
    shift: node.inputWidth - node.outputWidth,
    rounding: node.rounding,
  };
  const whole = withoutMoves(tensor, node, lowering);
  const { chain } = whole;
  // Of a sum of tensors the range is known when it is a value.
  const source =
    whole.source.kind === "sum"
      ? valueSource(whole.source.node, emit(whole.source, AS_IT_IS, lowering))
      : whole.source;
  const ranges = rangesOf(source, [0]);
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const channels = Math.max(channelsOfChain(chain), ranges.length, trunc.scale.length, trunc.zero.length);
  for (let c = 0; c < channels; c++) {
    const f = functionOf(chain, c);
    const { min, max } = at(ranges, c);
    for (const end of [min, max]) {
      const real = f.evaluate(ratio(end));
      if (!isSurd(real) || !isRational(real))
        refuse(node, "import/exact-unquantized", {
          node: describeNode(node),
          input: `what follows ${describeNode(source.node)}`,
        });
      const integer = Number(truncated(trunc, c, real));
      least = Math.min(least, integer);
      greatest = Math.max(greatest, integer);
    }
  }
  const levels = withShift(truncLevels(trunc, least, greatest), trunc, chain);
  return { tensor: { ...whole, source }, levels };
}

/** Levels of a Trunc that finds integers of its grid: one rounding, which a shift may do. */
function withShift(levels: Levels, { scale, zero, shift, rounding }: TruncScale, chain: Chain): Levels {
  const grid = gridOf(chain);
  if (!grid) return levels;
  const steps = combined(
    grid.gain,
    scale,
    (g, s) => (g.numerator * s.denominator) % (s.numerator * g.denominator),
  );
  const starts = combined(
    combined(grid.offset, scale, (o, s) => times(o, ratio(s.denominator, s.numerator))),
    zero,
    (o, z) => (o.numerator * z.denominator + z.numerator * o.denominator) % (o.denominator * z.denominator),
  );
  if ([...steps, ...starts].some((rest) => rest !== 0n)) return levels;
  const unit = powerOfTwo(shift);
  const uniform = {
    scale: scale.map((s) => times(s, unit)),
    zero: zero.map((z) => times(z, powerOfTwo(-shift))),
    rounding,
    least: levels.least,
    greatest: levels.least + levels.count,
  };
  return { ...levels, uniform };
}
