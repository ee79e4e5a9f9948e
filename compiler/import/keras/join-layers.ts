// Layers that join values. In: a layer's settings. Out: arithmetic of two values at a time, or one concat.
import { product, type Shape } from "../../graph/shapes.ts";
import type { LayerReader } from "./layer-reader.ts";
import type { LayerBuilder, Value } from "./node-builder.ts";
import type { Emit } from "./weighted-layers.ts";

function atLeastTwo(build: LayerBuilder, inputs: readonly Value[]): void {
  if (inputs.length < 2)
    build.misfit(`it has ${inputs.length} inputs, not two or more`, "give it two or more");
}

/** One value for each channel of `shape`. */
const isGate = (shape: Shape, other: Shape): boolean =>
  shape.length === other.length &&
  shape.length > 1 &&
  product(other) === shape.at(-1) &&
  other.at(-1) === shape.at(-1);

/** Add and Multiply take two or more, Subtract two; the one that is broadcast stands second. */
export const readArithmetic =
  (kind: "add" | "subtract" | "multiply") =>
  (_layer: LayerReader): Emit =>
  (build, inputs) => {
    atLeastTwo(build, inputs);
    if (kind === "subtract" && inputs.length > 2)
      build.misfit(`it has ${inputs.length} inputs, not two`, "subtract two values at a time");
    return inputs.slice(1).reduce((sum, next, i) => {
      const part = i === inputs.length - 2 ? undefined : `${i + 1}`;
      const swaps =
        kind !== "subtract" && isGate(next.shape, sum.shape) && product(sum.shape) < product(next.shape);
      return swaps ? build.join(kind, next, sum, part) : build.join(kind, sum, next, part);
    }, inputs[0]!);
  };

/** Concatenate: `axis` counts the batch as 0; negative from behind. */
export function readConcatenate(layer: LayerReader): Emit {
  const axis = layer.integer("axis", { least: -8, most: 8 }, -1);
  return (build, inputs) => {
    const rank = inputs[0]?.shape.length ?? 0;
    const ours = axis < 0 ? rank + axis : axis - 1;
    if (ours < 0 || ours >= rank)
      build.misfit(`its axis ${axis} is none of a value`, "join along an axis of the values");
    if (inputs.length === 1) return inputs[0]!;
    atLeastTwo(build, inputs);
    return build.concat(inputs, ours);
  };
}
