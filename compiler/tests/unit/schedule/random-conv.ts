// Convolutions by themselves, of every kind and shape. In: a random source, sizes, formats. Out: shapes and programs.
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, type Format, mantissaRange, type Program } from "../../../program/program.ts";
import type { RandomStream } from "../../../support/random.ts";

/** A convolution of an image or a sequence, sizes along each axis. */
export interface ConvShape {
  readonly size: readonly number[];
  readonly channels: number;
  readonly units: number;
  readonly groups: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly spread: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Images and sequences; groups, depthwise with and without a multiplier; padding on one side, beyond the half; transposed. */
export function randomConv(random: RandomStream, [fewest, most]: readonly [number, number]): ConvShape {
  const sequence = random.integer(0, 5) === 0;
  const axes = sequence ? 1 : 2;
  const each = <T>(of: () => T): T[] => Array.from({ length: axes }, of);
  const transposed = random.integer(0, 5) === 0;
  const kernel = each(() => random.integer(transposed ? 2 : 1, 5));
  const dilations = kernel.map((taps) => (taps < 4 && !transposed ? random.integer(1, 2) : 1));
  const spread = each(() => (transposed ? random.integer(1, 2) : 1));
  const strides = kernel.map(() => (transposed ? 1 : random.integer(1, 3)));
  const extent = kernel.map((taps, a) => (taps - 1) * dilations[a]!);
  const sizes = sequence ? [random.integer(4 * fewest, 4 * most)] : each(() => random.integer(fewest, most));
  const channels = [2, 4, 6][random.integer(0, 2)]!;
  const kind = random.integer(0, 3);
  const groups = kind === 0 ? 1 : kind === 1 ? 2 : channels;
  const lone = random.integer(0, 1) === 0;
  return {
    size: sizes.map((size, a) => Math.max(size, extent[a]! + 1)),
    channels: kind === 1 ? 2 * channels : channels,
    units: groups * (kind === 2 ? 1 : random.integer(1, 4)),
    groups,
    kernel,
    dilations,
    strides,
    spread,
    before: extent.map((most) =>
      transposed ? random.integer(0, most) : random.integer(0, lone ? most : most >> 1),
    ),
    after: extent.map((e) => random.integer(0, lone && !transposed ? e >> 1 : e)),
  };
}

export interface ConvFormats {
  readonly x?: Format;
  readonly weights?: Format;
  readonly bias?: readonly number[];
  readonly padMantissa?: number;
}

/** It alone, with values of 4 bits and weights of 3, or others. */
export function convOf(
  { units, kernel, before, after, ...shape }: ConvShape,
  { x = intFormat(false, 4, 2), weights = intFormat(true, 3, 2), bias, padMantissa }: ConvFormats = {},
): Program {
  const { size, channels, ...windows } = shape;
  const b = createProgramBuilder("alone");
  const input = b.input({ name: "x", shape: [...size, channels], format: x });
  const { min, max } = mantissaRange(weights);
  const count = units * elementsOf(kernel) * (channels / shape.groups);
  const data = Array.from({ length: count }, (_, i) => min + ((i * 7 + (i >> 3)) % (max - min + 1)));
  const sums = b.conv({
    layer: "conv",
    name: "sums",
    input,
    weights: { units, kernel, data, format: weights },
    padding: { before, after },
    ...(bias ? { bias } : {}),
    ...(padMantissa ? { padMantissa } : {}),
    ...windows,
  });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: intFormat(false, 4, 2) });
  b.output("y", y, "value");
  return b.build();
}
