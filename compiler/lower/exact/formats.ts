// Formats of the integers that quantizers make. In: grids, levels, bounds. Out: the narrowest format that holds them.

import type { ImportedNode } from "../../graph/imported.ts";
import { intFormat } from "../../program/builder.ts";
import { MAX_FRACTION, MAX_TENSOR_WIDTH } from "../../program/constraints.ts";
import { type Format, operandRange } from "../../program/program.ts";
import { widthOfRange } from "../../support/fixed-point.ts";
import { equal, exponentOf } from "../../support/rational.ts";
import type { Grid } from "./chain.ts";
import { describeNode, type Emitted, refuse } from "./context.ts";
import type { Levels } from "./levels.ts";

/** Tensors whose shift a format states: the fraction of a scale that is a power of two, else 0. */
export function fractionOfGrid({ gain }: Grid): number {
  const [first] = gain;
  if (!first || !gain.every((g) => equal(g, first))) return 0;
  const exponent = exponentOf(first);
  return exponent !== null && Math.abs(exponent) <= MAX_FRACTION / 2 ? -exponent || 0 : 0;
}

/** The narrowest format of integers from least on. */
export function formatOfIntegers(least: number, greatest: number, fraction: number): Format {
  return intFormat(least < 0, widthOfRange({ min: least, max: greatest }, least < 0), fraction);
}

/** What a new value holds: all of its format, or bits as -1 and +1. */
export function emittedAs(name: string, shape: readonly number[], format: Format): Emitted {
  return { name, shape, format, ranges: [operandRange(format)] };
}

/** Format of the integers of some levels. */
export function formatOfLevels({ least, count, bipolar, grid }: Levels): Format {
  if (bipolar) return { kind: "bipolar", fraction: fractionOfGrid(grid) };
  // Thresholds have one level at least.
  return formatOfIntegers(least, least + Math.max(1, count), fractionOfGrid(grid));
}

/** Refuses levels that a tensor has no bits for; `node` is the quantizer. */
export function checkWidth({ least, count }: Levels, node: ImportedNode): void {
  const max = least + count;
  const width = widthOfRange({ min: Math.min(least, 0), max: Math.max(max, 0) }, least < 0);
  if (width > MAX_TENSOR_WIDTH)
    refuse(node, "import/exact-too-wide", {
      node: describeNode(node),
      operation: "quantizing",
      width,
      limit: MAX_TENSOR_WIDTH,
    });
}
