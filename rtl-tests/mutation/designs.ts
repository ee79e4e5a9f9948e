// Small designs that together have a place for every kind of fault. Out: designs, as `compile` makes them.
import { createProgramBuilder, intFormat } from "../../compiler/program/builder.ts";
import { createRandom } from "../../compiler/support/random.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import type { Design } from "../../compiler/verify/verify.ts";

/** Pixels, two dense layers of several foldings with thresholds between them, scores and class. */
export function denseDesign(): Design {
  const random = createRandom("mutation", "dense");
  const b = createProgramBuilder("dense");
  const weights = (units: number, inputs: number) => ({
    units,
    data: Array.from({ length: units * inputs }, () => random.integer(-4, 3)),
    format: intFormat(true, 3, 2),
  });
  const bias = (units: number) => Array.from({ length: units }, () => random.integer(-20, 20));
  let x = b.input({ name: "image", shape: [12], format: intFormat(false, 8, 8) });
  x = b.requantize({ layer: "fc1", name: "fc1.in", input: x, format: intFormat(true, 4, 3) });
  x = b.dense({ layer: "fc1", name: "fc1.sum", input: x, weights: weights(10, 12), bias: bias(10) });
  const thresholds = Array.from({ length: 10 }, () => {
    const first = random.integer(-20, 0);
    return [first, first + random.integer(1, 9), first + random.integer(10, 20)];
  });
  x = b.threshold({
    layer: "fc2",
    name: "fc2.in",
    input: x,
    thresholds: thresholds.flat(),
    levels: 3,
    base: 0,
    format: intFormat(false, 2, 1),
  });
  x = b.dense({ layer: "fc2", name: "fc2.sum", input: x, weights: weights(6, 10), bias: bias(6) });
  x = b.requantize({
    layer: "fc3",
    name: "fc3.in",
    input: x,
    format: intFormat(false, 3, 1),
    activation: "relu",
  });
  x = b.dense({ layer: "fc3", name: "fc3.sum", input: x, weights: weights(4, 6), bias: bias(4) });
  b.output("logits", x, "logits");
  b.output("class", b.argmax({ layer: "class", name: "class", input: x }), "class");
  return designOf(b.build(), { folding: { fc1: { pe: 2, simd: 3 }, fc2: { pe: 1, simd: 2 } } });
}

/** An image, two convolutions side by side that are added, both kinds of pooling. */
export function convDesign(): Design {
  const random = createRandom("mutation", "conv");
  const b = createProgramBuilder("conv");
  const weights = (units: number, kernel: readonly number[], channels: number) => ({
    units,
    kernel,
    data: Array.from({ length: units * kernel.reduce((p, k) => p * k, 1) * channels }, () =>
      random.integer(-4, 3),
    ),
    format: intFormat(true, 3, 2),
  });
  const image = b.input({ name: "image", shape: [6, 6, 2], format: intFormat(true, 6, 3) });
  const x = b.requantize({ layer: "conv1", name: "conv1.in", input: image, format: intFormat(true, 4, 2) });
  const one = { before: [1, 1], after: [1, 1] };
  const left = b.conv({
    layer: "conv1",
    name: "conv1.sum",
    input: x,
    weights: weights(3, [3, 3], 2),
    padding: one,
  });
  const right = b.conv({ layer: "short", name: "short.sum", input: x, weights: weights(3, [1, 1], 2) });
  const added = b.add({ layer: "block", name: "block.sum", inputs: [left, right] });
  const narrow = b.requantize({
    layer: "pool",
    name: "pool.in",
    input: added,
    format: intFormat(true, 4, 1),
  });
  const largest = b.pool({ layer: "pool", name: "largest", input: narrow, kind: "max", window: [2, 2] });
  const mean = b.pool({ layer: "mean", name: "mean", input: largest, kind: "average", window: [3, 3] });
  const flat = b.reshape({ layer: "mean", name: "flat", input: mean, shape: [3] });
  b.output("value", flat, "value");
  return designOf(b.build(), { intervalCycles: 400 });
}
