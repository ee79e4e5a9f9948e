// The comfortable way to make an integer program: each call adds one instruction and returns its value's name.
// Result types are derived here; build() verifies.
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Rounding, widthOfRange } from "../support/fixed-point.ts";
import {
  accumulatorFraction,
  accumulatorWidth,
  boundsOfDense,
  originOf,
  requantizeIntermediate,
  selectedFraction,
  shiftsOf,
} from "./bounds.ts";
import {
  type Constant,
  channelsOf,
  elementsOf,
  type Format,
  type Instruction,
  type OutputRole,
  PROGRAM_SCHEMA,
  type Program,
  type ProgramOutput,
  type Value,
} from "./program.ts";
import { verifyProgram } from "./verify.ts";

interface Step {
  readonly layer: string;
  /** Name of the result. */
  readonly name: string;
  readonly input: string;
}

export interface ProgramBuilder {
  /** An input of stored integers. */
  input(value: Value): string;
  requantize(step: Step & { format: Format; activation?: "none" | "relu"; rounding?: Rounding }): string;
  /** `weights.data` is [units, in] row-major; the accumulator's width is proved when the program is built. */
  dense(
    step: Step & {
      weights: { units: number; data: readonly number[]; format: Format };
      bias?: readonly number[];
    },
  ): string;
  /** `thresholds` is [channels, levels] row-major, ascending in each channel. */
  threshold(
    step: Step & { thresholds: readonly number[]; levels: number; base: number; format: Format },
  ): string;
  flatten(step: Step): string;
  /** `indices` ascend; the input is flat. */
  select(step: Step & { indices: readonly number[] }): string;
  argmax(step: Step): string;
  output(name: string, value: string, role: OutputRole): void;
  /** The verified program. Throws DiagnosticError when it breaks a rule of SEMANTICS.md. */
  build(): Program;
}

/** Starts an empty program. */
export function createProgramBuilder(name: string): ProgramBuilder {
  const inputs: string[] = [];
  const outputs: ProgramOutput[] = [];
  const values: Value[] = [];
  const constants: Constant[] = [];
  const instructions: Instruction[] = [];

  const get = (valueName: string): Value => {
    const found = values.find((v) => v.name === valueName);
    compilerAssert(found, `builder: no value ${valueName}`);
    return found;
  };
  const define = (value: Value): string => {
    compilerAssert(!values.some((v) => v.name === value.name), `builder: ${value.name} is defined twice`);
    values.push(value);
    return value.name;
  };

  /** Accumulators, copied ones too, hold their sums and what their requantizations make of them before saturation. */
  const withProvedWidths = (): Value[] =>
    values.map((value) => {
      const origin = originOf(instructions, value.name);
      const dense = instructions.find((i) => i.op === "dense" && i.result === origin);
      if (dense?.op !== "dense" || value.format.kind !== "int") return value;
      const weights = constants.find((c) => c.name === dense.weights)!;
      const bias = constants.find((c) => c.name === dense.bias) ?? null;
      const sums = boundsOfDense(weights, bias, get(dense.input).format);
      let { min, max } = sums;
      for (const user of instructions) {
        if (user.op !== "requantize" || originOf(instructions, user.input) !== origin) continue;
        for (const shift of shiftsOf(get(user.input), get(user.result))) {
          const range = requantizeIntermediate(sums, shift);
          min = Math.min(min, range.min);
          max = Math.max(max, range.max);
        }
      }
      // Beyond the widest accumulator the verifier says so with the user's layer.
      const width = accumulatorWidth({ min, max }) ?? 64;
      return { ...value, format: { ...value.format, width } };
    });

  return {
    input(value) {
      inputs.push(value.name);
      return define(value);
    },
    requantize({ layer, name: result, input, format, activation = "none", rounding = "half-up" }) {
      instructions.push({ op: "requantize", layer, input, result, activation, rounding });
      return define({ name: result, shape: get(input).shape, format });
    },
    dense({ layer, name: result, input, weights, bias }) {
      const source = get(input);
      const size = elementsOf(source.shape);
      const fraction = accumulatorFraction(weights.format, source.format);
      const weightsName = `${result}.weights`;
      constants.push({
        name: weightsName,
        shape: [weights.units, size],
        format: weights.format,
        data: weights.data,
      });
      let biasName: string | null = null;
      if (bias) {
        biasName = `${result}.bias`;
        const range = { min: Math.min(0, ...bias), max: Math.max(0, ...bias) };
        const format: Format = { kind: "int", signed: true, width: widthOfRange(range, true), fraction };
        constants.push({ name: biasName, shape: [weights.units], format, data: bias });
      }
      instructions.push({ op: "dense", layer, input, result, weights: weightsName, bias: biasName });
      return define({
        name: result,
        shape: [weights.units],
        format: { kind: "int", signed: true, width: 1, fraction },
      });
    },
    threshold({ layer, name: result, input, thresholds, levels, base, format }) {
      const source = get(input);
      const constant = `${result}.thresholds`;
      const range = { min: Math.min(0, ...thresholds), max: Math.max(0, ...thresholds) };
      constants.push({
        name: constant,
        shape: [channelsOf(source), levels],
        format: {
          kind: "int",
          signed: true,
          width: widthOfRange(range, true),
          fraction: source.format.fraction,
        },
        data: thresholds,
      });
      instructions.push({ op: "threshold", layer, input, result, thresholds: constant, base });
      return define({ name: result, shape: source.shape, format });
    },
    flatten({ layer, name: result, input }) {
      const source = get(input);
      instructions.push({ op: "flatten", layer, input, result });
      return define({ name: result, shape: [elementsOf(source.shape)], format: source.format });
    },
    select({ layer, name: result, input, indices }) {
      const { format } = get(input);
      instructions.push({ op: "select", layer, input, result, indices });
      const fraction = selectedFraction(format, indices);
      return define({ name: result, shape: [indices.length], format: { ...format, fraction } });
    },
    argmax({ layer, name: result, input }) {
      const source = get(input);
      instructions.push({ op: "argmax", layer, input, result });
      const width = widthOfRange({ min: 0, max: channelsOf(source) - 1 }, false);
      return define({
        name: result,
        shape: [...source.shape.slice(0, -1), 1],
        format: { kind: "int", signed: false, width, fraction: 0 },
      });
    },
    output(outputName, value, role) {
      outputs.push({ name: outputName, value, role });
    },
    build() {
      const program: Program = {
        schema: PROGRAM_SCHEMA,
        name,
        inputs,
        outputs,
        values: withProvedWidths(),
        constants,
        instructions,
      };
      verifyProgram(program);
      return program;
    },
  };
}

/** Int format in one call. */
export function intFormat(signed: boolean, width: number, fraction: number | readonly number[]): Format {
  compilerAssert(width >= 1, "a width is at least 1");
  compilerAssert(integerRange(width, signed).max < 2 ** 52, "a width is at most 52");
  return { kind: "int", signed, width, fraction };
}
