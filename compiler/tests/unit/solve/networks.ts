// Small networks for the solver.
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { createRandom } from "../../../support/random.ts";

/** Two dense layers: `inputs` of 6 bits, `hidden` sums by weights of some bits, 4 by weights of 3. */
export function twoLayers(inputs = 12, hidden = 6, bits = 4): Program {
  const random = createRandom("networks", inputs, hidden, bits);
  const numbers = (count: number, width: number): number[] =>
    Array.from({ length: count }, () => random.integer(-(2 ** (width - 1)), 2 ** (width - 1) - 1));
  const b = createProgramBuilder("two");
  const x = b.input({ name: "x", shape: [inputs], format: intFormat(false, 6, 6) });
  const format = intFormat(true, bits, bits - 1);
  const data = numbers(inputs * hidden, bits);
  const first = b.dense({
    layer: "fc1",
    name: "sums1",
    input: x,
    weights: { units: hidden, data, format },
    bias: numbers(hidden, 6),
  });
  const h = b.requantize({
    layer: "fc1",
    name: "h",
    input: first,
    format: intFormat(false, 3, 2),
    activation: "relu",
  });
  const sums = b.dense({
    layer: "fc2",
    name: "sums2",
    input: h,
    weights: { units: 4, data: numbers(4 * hidden, 3), format: intFormat(true, 3, 2) },
  });
  b.output("class", b.argmax({ layer: "fc2", name: "class", input: sums }), "class");
  return b.build();
}

/** A convolution of an image, and a dense layer. */
export function smallConv(): Program {
  const random = createRandom("conv");
  const numbers = (count: number): number[] => Array.from({ length: count }, () => random.integer(-4, 3));
  const b = createProgramBuilder("small");
  const x = b.input({ name: "x", shape: [6, 6, 2], format: intFormat(false, 4, 4) });
  const format = intFormat(true, 3, 2);
  const sums = b.conv({
    layer: "conv",
    name: "sums",
    input: x,
    weights: { units: 4, kernel: [3, 3], data: numbers(4 * 9 * 2), format },
  });
  const h = b.requantize({
    layer: "conv",
    name: "h",
    input: sums,
    format: intFormat(false, 3, 2),
    activation: "relu",
  });
  const flat = b.flatten({ layer: "flat", name: "flat", input: h });
  const logits = b.dense({
    layer: "fc",
    name: "logits",
    input: flat,
    weights: { units: 3, data: numbers(3 * 64), format },
  });
  b.output("class", b.argmax({ layer: "fc", name: "class", input: logits }), "class");
  return b.build();
}
