// What enters the program. In: inputs of a file, with what is known of their integers. Out: ports, and how a real number
// becomes the integer of one, exactly.
import type { ImportedInput, ImportedNode } from "../../graph/imported.ts";
import { intFormat } from "../../program/builder.ts";
import type { Format } from "../../program/program.ts";
import { integerRange } from "../../support/fixed-point.ts";
import {
  minus,
  ONE,
  over,
  powerOfTwo,
  type Rational,
  ratio,
  rationalText,
  times,
  toNumber,
  ZERO,
} from "../../support/rational.ts";
import { isRational, signOf } from "../../support/surd.ts";
import { type Chain, combined, functionOf, type Grid, gridChain, gridOf } from "./chain.ts";
import { type Lowering, refuseInput, type Tensor } from "./context.ts";
import { emittedAs, formatOfLevels } from "./formats.ts";
import type { Levels } from "./levels.ts";
import { levelAt } from "./search.ts";
import { valueSource } from "./sources.ts";

/** Stored integers of an input: value = integer * scale + offset. A byte of an image: unsigned, 8 bits, 1/255, 0. */
export interface InputGrid {
  readonly signed: boolean;
  readonly width: number;
  readonly scale: Rational;
  readonly offset?: Rational;
}

/** An input of the program as real numbers: value = integer * scale + offset, one or one for each channel. */
export interface ExactInput {
  /** Of the program's input, and of the file's. */
  readonly name: string;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  /** Who says which integers it has: the file, or who compiles it. */
  readonly statedBy: "file" | "user";
  /** The integer of a real number of the file's input in channel `c`: as the quantizer behind it decides, ties too. */
  mantissaOf(value: number, c: number): number;
}

/** Integers that are nearest, halves up, of a grid that the user states. */
function nearestLevels({ signed, width, scale, offset = ZERO }: InputGrid): Levels {
  const { min, max } = integerRange(width, signed);
  return {
    least: min,
    count: max - min,
    bipolar: false,
    grid: { gain: [scale], offset: [offset] },
    channels: 1,
    boundary: (_, k) => ({
      value: minus(times(ratio(2 * (min + k) - 1, 2), scale), minus(ZERO, offset)),
      strict: false,
    }),
    uniform: null,
  };
}

/** The port of an input whose integers are known: stated by the file, or by the user. */
export function statedPort(
  node: ImportedInput,
  given: InputGrid | undefined,
  lowering: Lowering,
): { readonly tensor: Tensor; readonly input: ExactInput } | null {
  const { stored } = node;
  const grid: InputGrid | null =
    given ?? (stored && { signed: stored.signed, width: stored.width, scale: powerOfTwo(-stored.fraction) });
  if (!grid) return null;
  const levels = nearestLevels(grid);
  const fraction = given ? undefined : stored?.fraction;
  const format =
    fraction === undefined ? formatOfLevels(levels) : intFormat(grid.signed, grid.width, fraction);
  const chain = gridChain({ gain: [ONE], offset: [ZERO] });
  return portOf(node, levels, chain, format, given ? "user" : "file", lowering);
}

/** The port of an input whose first quantizer says which integers it has; `chain` stands between them. */
export function quantizedPort(
  node: ImportedNode,
  levels: Levels,
  chain: Chain,
  lowering: Lowering,
): { readonly tensor: Tensor; readonly input: ExactInput } {
  return portOf(node, levels, chain, formatOfLevels(levels), "file", lowering);
}

function portOf(
  node: ImportedNode,
  levels: Levels,
  chain: Chain,
  format: Format,
  statedBy: ExactInput["statedBy"],
  lowering: Lowering,
): { readonly tensor: Tensor; readonly input: ExactInput } {
  const name = lowering.name(node.name);
  lowering.builder.input({ name, shape: node.shape, format });
  const emitted = emittedAs(name, node.shape, format);
  const { grid, least, count } = levels;
  const functions = new Map<number, ReturnType<typeof functionOf>>();
  const input: ExactInput = {
    name,
    ...beforeChain(levels, chain),
    statedBy,
    mantissaOf(value, c) {
      const f = functions.get(c) ?? functionOf(chain, c);
      functions.set(c, f);
      return least + levelAt(f, value, count, (k) => levels.boundary(c, k));
    },
  };
  const tensor = { source: valueSource(node, emitted), chain: gridChain(grid), moves: [], shape: node.shape };
  return { tensor, input };
}

/** Scale and offset of a port's integers as the file's input has them, before the chain to the quantizer. */
function beforeChain({ grid, bipolar }: Levels, chain: Chain): { scale: Float64Array; offset: Float64Array } {
  const own = gridOf(chain)!;
  // input * gain + offset = integer * scale + shift
  const scale = combined(grid.gain, own.gain, over);
  const shift = combined(combined(grid.offset, own.offset, minus), own.gain, over);
  const numbers = (values: readonly Rational[]): number[] => values.map(toNumber);
  if (!bipolar)
    return { scale: Float64Array.from(numbers(scale)), offset: Float64Array.from(numbers(shift)) };
  const bits = combined(shift, scale, minus);
  return {
    scale: Float64Array.from(numbers(scale.map((s) => times(s, ratio(2))))),
    offset: Float64Array.from(numbers(bits)),
  };
}

/** Whether a quantizer can stand at a port: what is before it is a scale and an offset. */
export function checkPortChain(
  node: ImportedNode,
  reader: ImportedNode,
  chain: Chain,
  lowering: Lowering,
): void {
  const grid: Grid | null = gridOf(chain);
  const isScale = grid?.gain.every((g) => isRational(g) && signOf(g) > 0);
  if (!isScale) refuseInput(reader, node, reader, lowering);
}

/** A text that two quantizers of an input have in common where they make the same integers of it. */
export function portKey(levels: Levels, chain: Chain): string {
  const grid = gridOf(chain)!;
  const texts = (values: readonly Rational[]): string =>
    values.map((v) => `${v.numerator}/${v.denominator}`).join();
  const { least, count, bipolar, uniform } = levels;
  const bounds = uniform
    ? uniform.rounding
    : Array.from({ length: Math.min(count, 256) }, (_, k) => {
        const { value, strict } = levels.boundary(0, k + 1);
        return `${rationalText(value)}${strict}`;
      }).join();
  return [
    least,
    count,
    bipolar,
    bounds,
    texts(levels.grid.gain),
    texts(levels.grid.offset),
    texts(grid.gain),
    texts(grid.offset),
  ].join("|");
}
