// Widths of accumulators, for the builder. In: values whose sums have no width yet, constants, instructions. Out: the
// values, each sum as wide as its proved range and its requantizations ask for, and what copies a sum as wide as that.
import { MAX_ACCUMULATOR_WIDTH, type Range } from "../support/fixed-point.ts";
import { accumulatorWidth, originOf, requantizeIntermediate, resultRange, shiftsOf } from "./bounds.ts";
import {
  type Constant,
  type Instruction,
  isSum,
  mantissaRange,
  operandsOf,
  type Value,
  widthOf,
} from "./program.ts";

/** Instructions whose result has the width of their operands. */
const KEEP_WIDTH: ReadonlySet<Instruction["op"]> = new Set([
  "pool",
  "concat",
  "reshape",
  "select",
  "slice",
  "pad",
  "transpose",
  "upsample",
]);

/** Values in their order, with proved widths. Accumulators hold their sums and what their requantizations make of them. */
export function withProvedWidths(
  values: readonly Value[],
  constants: readonly Constant[],
  instructions: readonly Instruction[],
): readonly Value[] {
  const settled = new Map(values.map((v) => [v.name, v]));
  const constantsByName = new Map(constants.map((c) => [c.name, c]));
  const ranges = new Map<string, Range>();
  const lookup = {
    value: (name: string): Value => settled.get(name)!,
    constant: (name: string): Constant => constantsByName.get(name)!,
    range: (name: string): Range => ranges.get(name) ?? mantissaRange(settled.get(name)!.format),
  };
  const origins = new Map(instructions.map((i) => [i.result, originOf(instructions, i.result)]));

  /** The sums of one instruction with the intermediate results of every requantization that reads them. */
  const withRequantizations = (result: string, sums: Range): Range => {
    let { min, max } = sums;
    for (const user of instructions) {
      if (user.op !== "requantize" || origins.get(user.input) !== result) continue;
      for (const shift of shiftsOf(settled.get(user.input)!, settled.get(user.result)!)) {
        const intermediate = requantizeIntermediate(sums, shift);
        min = Math.min(min, intermediate.min);
        max = Math.max(max, intermediate.max);
      }
    }
    return { min, max };
  };
  const settle = (name: string, width: number): void => {
    const value = settled.get(name)!;
    if (value.format.kind === "int") settled.set(name, { ...value, format: { ...value.format, width } });
  };

  for (const instruction of instructions) {
    const { result } = instruction;
    if (KEEP_WIDTH.has(instruction.op))
      settle(result, widthOf(lookup.value(operandsOf(instruction)[0]!).format));
    const range = resultRange(instruction, lookup);
    ranges.set(result, range);
    // Beyond the widest accumulator the verifier says so with the user's layer.
    if (isSum(instruction))
      settle(result, accumulatorWidth(withRequantizations(result, range)) ?? MAX_ACCUMULATOR_WIDTH);
  }
  return values.map((v) => settled.get(v.name)!);
}
