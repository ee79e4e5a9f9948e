// Small programs for tests of the C back end: each instruction with the formats that change its code, and networks.
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { integerRange, type Rounding } from "../../../support/fixed-point.ts";
import type { Program } from "../../../program/program.ts";
import { createRandom, type RandomStream } from "../../../support/random.ts";

export function randomIntegers(random: RandomStream, count: number, width: number, signed: boolean): number[] {
  const { min, max } = integerRange(width, signed);
  return Array.from({ length: count }, () => random.integer(min, max));
}

export interface DenseCase {
  readonly inputs: number;
  readonly units: number;
  readonly inputWidth: number;
  readonly inputSigned: boolean;
  readonly weightWidth: number;
  readonly weightSigned: boolean;
  readonly bias: boolean;
}

/** One dense layer on its own; its weights hold both ends of their range. */
export function denseProgram(name: string, given: DenseCase): Program {
  const random = createRandom(7, name);
  const builder = createProgramBuilder(name);
  const x = builder.input({
    name: "x",
    shape: [given.inputs],
    format: intFormat(given.inputSigned, given.inputWidth, 3),
  });
  const data = randomIntegers(random, given.inputs * given.units, given.weightWidth, given.weightSigned);
  const { min, max } = integerRange(given.weightWidth, given.weightSigned);
  data[0] = min;
  data[data.length - 1] = max;
  const y = builder.dense({
    layer: "fc",
    name: "y",
    input: x,
    weights: { units: given.units, data, format: intFormat(given.weightSigned, given.weightWidth, 2) },
    ...(given.bias ? { bias: randomIntegers(random, given.units, 12, true) } : {}),
  });
  builder.output("y", y, "value");
  return builder.build();
}

/** Requantizes an input of the given format. */
export function requantizeProgram(
  name: string,
  given: {
    readonly from: readonly [signed: boolean, width: number];
    readonly to: readonly [signed: boolean, width: number];
    readonly shift: number | readonly number[];
    readonly activation: "none" | "relu";
    readonly rounding: Rounding;
    readonly elements: number;
  },
): Program {
  const builder = createProgramBuilder(name);
  const channels = typeof given.shift === "number" ? given.elements : given.shift.length;
  const shape = [given.elements / channels, channels];
  const x = builder.input({ name: "x", shape, format: intFormat(given.from[0], given.from[1], 20) });
  const fraction = typeof given.shift === "number" ? 20 - given.shift : given.shift.map((s) => 20 - s);
  const y = builder.requantize({
    layer: "q",
    name: "y",
    input: x,
    format: intFormat(given.to[0], given.to[1], fraction),
    activation: given.activation,
    rounding: given.rounding,
  });
  builder.output("y", y, "value");
  return builder.build();
}

/** A classifier like the real ones: requantized input, dense layers with rectifiers, logits and class. */
export function networkProgram(
  name: string,
  sizes: readonly number[],
  options: { readonly weightWidth: number; readonly activationWidth: number; readonly seed: number },
): Program {
  const random = createRandom(options.seed, name);
  const builder = createProgramBuilder(name);
  const image = builder.input({ name: "image", shape: [1, sizes[0]!, 1], format: intFormat(false, 8, 8) });
  const flat = builder.flatten({ layer: "flatten", name: "flat", input: image });
  const { activationWidth: width, weightWidth } = options;
  let x = builder.requantize({
    layer: "input",
    name: "image.q",
    input: flat,
    format: intFormat(false, width, width),
  });
  for (let l = 1; l < sizes.length; l++) {
    const layer = `fc${l}`;
    const units = sizes[l]!;
    const perChannel = l === 2;
    const fraction = perChannel ? Array.from({ length: units }, (_, c) => 3 + (c % 3)) : 4;
    const y = builder.dense({
      layer,
      name: `${layer}.sum`,
      input: x,
      weights: {
        units,
        data: randomIntegers(random, units * sizes[l - 1]!, weightWidth, true),
        format: intFormat(true, weightWidth, fraction),
      },
      bias: randomIntegers(random, units, 10, true),
    });
    if (l === sizes.length - 1 && !perChannel) x = y;
    else
      x = builder.requantize({
        layer,
        name: `${layer}.out`,
        input: y,
        format: intFormat(false, width, width - 2),
        activation: "relu",
      });
  }
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "argmax", name: "digit", input: x }), "class");
  return builder.build();
}
