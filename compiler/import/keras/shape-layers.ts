// Layers without weights that move, pad or pool. In: a layer's settings. Out: the operators that do the same. Axes of
// Keras count the batch as 0; ours do not have it.
import type { Padding, Sizes } from "../../graph/graph.ts";
import { product, samePadding, spatialOf } from "../../graph/shapes.ts";
import type { LayerReader } from "./layer-reader.ts";
import type { LayerBuilder, Value } from "./node-builder.ts";
import { type Emit, single } from "./weighted-layers.ts";

const MAX_SIZE = 2 ** 20;

function checkAxes(build: LayerBuilder, input: Value, axes: number): void {
  if (input.shape.length === axes + 1) return;
  const wanted = axes === 1 ? "a sequence (positions, channels)" : "an image (rows, columns, channels)";
  build.misfit(`it takes ${wanted}, not ${input.shape.join("x")}`, "reshape what enters it");
}

const isEmpty = ({ before, after }: Padding): boolean => [...before, ...after].every((cells) => cells === 0);

/** MaxPooling and AveragePooling of one or two axes. */
export const readPool =
  (pooling: "max" | "average", axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const window = layer.sizes("pool_size", axes, Array(axes).fill(2));
    const strides = layer.sizes("strides", axes, window);
    const isSame = layer.word("padding", ["valid", "same"]) === "same";
    const ones = window.map(() => 1);
    const none = { before: window.map(() => 0), after: window.map(() => 0) };
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const padding = isSame ? samePadding(spatialOf(input.shape), window, strides, ones) : none;
      // Ours counts the zeros of the padding, Keras leaves them out of the mean.
      if (pooling === "average" && !isEmpty(padding))
        build.misfit(
          `padding "same" takes means of fewer elements at the border of ${input.shape.join("x")}`,
          'use padding "valid", or a size that the strides divide',
        );
      return build.operator(input, { kind: "pool", pooling, window, strides, padding });
    };
  };

/** GlobalMaxPooling and GlobalAveragePooling. */
export const readGlobalPool =
  (pooling: "max" | "average", axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const keepsAxes = layer.boolean("keepdims", false);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const window = spatialOf(input.shape);
      const zeros = window.map(() => 0);
      const padding = { before: zeros, after: zeros };
      const pooled = build.operator(
        input,
        { kind: "pool", pooling, window, strides: window.map(() => 1), padding },
        keepsAxes ? undefined : "pool",
      );
      return keepsAxes ? pooled : build.operator(pooled, { kind: "flatten" });
    };
  };

export function readFlatten(layer: LayerReader): Emit {
  layer.checkDataFormat();
  return (build, inputs) => build.operator(single(build, inputs), { kind: "flatten" });
}

/** Reshape: -1 stands for what is left. */
export function readReshape(layer: LayerReader): Emit {
  const value = layer.option("target_shape");
  const given = Array.isArray(value) ? (value as unknown[]) : [];
  const isSize = (size: unknown): size is number =>
    Number.isSafeInteger(size) && ((size as number) >= 1 || size === -1) && (size as number) <= MAX_SIZE;
  const sizes = given.filter(isSize);
  if (sizes.length === 0 || sizes.length !== given.length || sizes.filter((size) => size === -1).length > 1)
    layer.refuse("target_shape", "a list of sizes, of which one may be -1");
  return (build, inputs) => {
    const input = single(build, inputs);
    const known = product(sizes.filter((size) => size !== -1));
    const rest = product(input.shape) / known;
    if (sizes.includes(-1) && !Number.isInteger(rest))
      build.misfit(
        `${input.shape.join("x")} does not become ${sizes.join("x")} with a whole size for -1`,
        "correct the target shape",
      );
    return build.operator(input, {
      kind: "reshape",
      sizes: sizes.map((size) => (size === -1 ? rest : size)),
    });
  };
}

export function readPermute(layer: LayerReader): Emit {
  const value = layer.option("dims");
  const dims = Array.isArray(value) ? (value as unknown[]) : [];
  if (dims.length === 0 || !dims.every((axis) => Number.isSafeInteger(axis) && (axis as number) >= 1))
    layer.refuse("dims", "a list of axes, counted from 1");
  return (build, inputs) => {
    const permutation = dims.map((axis) => (axis as number) - 1);
    return build.operator(single(build, inputs), { kind: "transpose", permutation });
  };
}

/** One number, one for each axis, or a pair for each axis (of one axis: a pair). */
function readMargins(layer: LayerReader, key: string, axes: number): Padding | undefined {
  const value = layer.option(key) ?? 1;
  const isSize = (size: unknown): size is number =>
    Number.isSafeInteger(size) && (size as number) >= 0 && (size as number) <= MAX_SIZE;
  const pairOf = (item: unknown): readonly number[] | undefined => {
    if (isSize(item)) return [item, item];
    return Array.isArray(item) && item.length === 2 && item.every(isSize) ? item : undefined;
  };
  const isList = Array.isArray(value) && (axes > 1 || Array.isArray(value[0]));
  const items: readonly unknown[] = isList ? value : Array.from({ length: axes }, () => value);
  const pairs = items.map(pairOf);
  if (pairs.length === axes && pairs.every((pair) => pair !== undefined))
    return { before: pairs.map((pair) => pair[0]!), after: pairs.map((pair) => pair[1]!) };
  layer.refuse(key, "whole numbers: one, one for each axis, or two for each axis");
  return undefined;
}

const NO_MARGINS = (axes: number): Padding => ({ before: Array(axes).fill(0), after: Array(axes).fill(0) });

export const readZeroPadding =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const { before, after } = readMargins(layer, "padding", axes) ?? NO_MARGINS(axes);
    const padding = { before: [...before, 0], after: [...after, 0] };
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      return build.operator(input, { kind: "pad", padding, value: 0 });
    };
  };

export const readCropping =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const { before, after } = readMargins(layer, "cropping", axes) ?? NO_MARGINS(axes);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      const left = spatialOf(input.shape).map((size, i) => size - before[i]! - after[i]!);
      if (left.some((size) => size < 1))
        build.misfit(`cropping leaves nothing of ${input.shape.join("x")}`, "crop less");
      return build.operator(input, {
        kind: "slice",
        begin: [...before, 0],
        sizes: [...left, input.shape.at(-1)!],
      });
    };
  };

export const readUpSampling =
  (axes: number) =>
  (layer: LayerReader): Emit => {
    layer.checkDataFormat();
    const factors: Sizes = layer.sizes("size", axes, Array(axes).fill(2));
    layer.word("interpolation", ["nearest"]);
    return (build, inputs) => {
      const input = single(build, inputs);
      checkAxes(build, input, axes);
      return build.operator(input, { kind: "upsample", factors });
    };
  };
