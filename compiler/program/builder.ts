// The comfortable way to make an integer program: each call adds one instruction and returns its value's name.
// Result shapes and formats are derived here; build() proves the widths of sums and verifies.
import { compilerAssert } from "../support/assert.ts";
import { integerRange, type Rounding, widthOfRange } from "../support/fixed-point.ts";
import { accumulatorFraction, arithmeticFraction, selectedFraction } from "./bounds.ts";
import {
  type ArithmeticInstruction,
  type Constant,
  type ConvInstruction,
  channelsOf,
  elementsOf,
  type Format,
  type Instruction,
  type OutputRole,
  type Padding,
  type PoolInstruction,
  PROGRAM_SCHEMA,
  type Program,
  type ProgramOutput,
  type Sizes,
  type Value,
} from "./program.ts";
import { concatShape, convShape, everyAxis, noPadding, poolShape, upsampleShape } from "./shapes.ts";
import { verifyProgram } from "./verify.ts";
import { withProvedWidths } from "./widths.ts";

interface Naming {
  readonly layer: string;
  /** Name of the result. */
  readonly name: string;
}

interface Step extends Naming {
  readonly input: string;
}

interface RequantizeStep extends Step {
  readonly format: Format;
  readonly activation?: "none" | "relu";
  readonly rounding?: Rounding;
  readonly limit?: number | null;
}

interface DenseStep extends Step {
  /** `data` is [units, in], row-major. */
  readonly weights: { readonly units: number; readonly data: readonly number[]; readonly format: Format };
  readonly bias?: readonly number[];
}

interface ConvStep extends Step {
  /** `data` is [units, ...kernel, in / groups], row-major. */
  readonly weights: {
    readonly units: number;
    readonly kernel: Sizes;
    readonly data: readonly number[];
    readonly format: Format;
  };
  readonly bias?: readonly number[];
  /** 1 along each axis unless given; likewise dilations and spread. */
  readonly strides?: Sizes;
  readonly dilations?: Sizes;
  /** None unless given. */
  readonly padding?: Padding;
  readonly spread?: Sizes;
  readonly groups?: number;
  readonly padMantissa?: number;
}

interface PoolStep extends Step {
  readonly kind: "max" | "average";
  readonly window: Sizes;
  /** The window's sizes unless given. */
  readonly strides?: Sizes;
  readonly padding?: Padding;
}

interface ArithmeticStep extends Naming {
  /** The second may be one row of channels for all positions of the first. */
  readonly inputs: readonly [string, string];
}

export interface ProgramBuilder {
  /** An input of stored integers. */
  input(value: Value): string;
  requantize(step: RequantizeStep): string;
  /** The accumulator's width is proved when the program is built; likewise that of the other sums. */
  dense(step: DenseStep): string;
  conv(step: ConvStep): string;
  pool(step: PoolStep): string;
  /** `thresholds` is [channels, levels] row-major, ascending in each channel. */
  threshold(
    step: Step & { thresholds: readonly number[]; levels: number; base: number; format: Format },
  ): string;
  /** `table` has one mantissa of `format` for each mantissa of the input's format, the least first. */
  table(step: Step & { table: readonly number[]; format: Format }): string;
  /** One integer for each channel: `multipliers`, of the given fraction, and `offsets`, none unless given. */
  scale(
    step: Step & {
      multipliers: readonly number[];
      fraction?: number | readonly number[];
      offsets?: readonly number[];
    },
  ): string;
  add(step: ArithmeticStep): string;
  subtract(step: ArithmeticStep): string;
  multiply(step: ArithmeticStep): string;
  concat(step: Naming & { inputs: readonly string[]; axis: number }): string;
  reshape(step: Step & { shape: readonly number[] }): string;
  /** A reshape to one axis. */
  flatten(step: Step): string;
  /** `indices` ascend; the input is flat. */
  select(step: Step & { indices: readonly number[] }): string;
  slice(step: Step & { begin: readonly number[]; size: readonly number[] }): string;
  /** The mantissa is 0 unless given. */
  pad(step: Step & { before: readonly number[]; after: readonly number[]; mantissa?: number }): string;
  transpose(step: Step & { permutation: readonly number[] }): string;
  upsample(step: Step & { factors: Sizes }): string;
  argmax(step: Step): string;
  output(name: string, value: string, role: OutputRole): void;
  /** All values as they stand: a sum is as wide as what reads it so far asks for. */
  values(): readonly Value[];
  /** The verified program. Throws DiagnosticError when it breaks a rule of SEMANTICS.md. */
  build(): Program;
}

/** Int format in one call. */
export function intFormat(signed: boolean, width: number, fraction: number | readonly number[]): Format {
  compilerAssert(width >= 1, "a width is at least 1");
  compilerAssert(integerRange(width, signed).max < 2 ** 52, "a width is at most 52");
  return { kind: "int", signed, width, fraction };
}

/** Signed format of constants that hold some integers. */
function formatHolding(data: readonly number[], fraction: number | readonly number[]): Format {
  let min = 0;
  let max = 0;
  for (const m of data) {
    min = Math.min(min, m);
    max = Math.max(max, m);
  }
  return intFormat(true, widthOfRange({ min, max }, true), fraction);
}

/** Starts an empty program. */
export function createProgramBuilder(name: string): ProgramBuilder {
  const inputs: string[] = [];
  const outputs: ProgramOutput[] = [];
  const values = new Map<string, Value>();
  const constants: Constant[] = [];
  const instructions: Instruction[] = [];

  const get = (valueName: string): Value => {
    const found = values.get(valueName);
    compilerAssert(found, `builder: no value ${valueName}`);
    return found;
  };
  const define = (value: Value): string => {
    compilerAssert(!values.has(value.name), `builder: ${value.name} is defined twice`);
    values.set(value.name, value);
    return value.name;
  };
  const keep = (constant: Constant): string => {
    constants.push(constant);
    return constant.name;
  };
  const emit = (instruction: Instruction, shape: readonly number[], format: Format): string => {
    instructions.push(instruction);
    return define({ name: instruction.result, shape, format });
  };
  /** A sum until its width is proved. */
  const sumFormat = (fraction: number | readonly number[]): Format => intFormat(true, 1, fraction);

  /** Constants of a dense or conv, and the format of its sums. */
  const product = (
    { name: result, bias, weights }: DenseStep,
    source: Value,
    shape: readonly number[],
  ): { weights: string; bias: string | null; format: Format } => {
    const fraction = accumulatorFraction(weights.format, source.format);
    return {
      weights: keep({ name: `${result}.weights`, shape, format: weights.format, data: weights.data }),
      bias: bias
        ? keep({
            name: `${result}.bias`,
            shape: [weights.units],
            format: formatHolding(bias, fraction),
            data: bias,
          })
        : null,
      format: sumFormat(fraction),
    };
  };

  const arithmetic = (
    op: ArithmeticInstruction["op"],
    { layer, name: result, inputs: operands }: ArithmeticStep,
  ): string => {
    const [a, b] = [get(operands[0]), get(operands[1])];
    const format = sumFormat(arithmeticFraction(op, a.format, b.format));
    return emit({ op, layer, inputs: operands, result }, a.shape, format);
  };

  const reshape = ({ layer, name: result, input }: Step, shape: readonly number[]): string =>
    emit({ op: "reshape", layer, input, result }, shape, get(input).format);

  return {
    input(value) {
      inputs.push(value.name);
      return define(value);
    },
    requantize({
      layer,
      name: result,
      input,
      format,
      activation = "none",
      rounding = "half-up",
      limit = null,
    }) {
      const { shape } = get(input);
      return emit({ op: "requantize", layer, input, result, activation, rounding, limit }, shape, format);
    },
    dense(step) {
      const { layer, name: result, input } = step;
      const source = get(input);
      const { units } = step.weights;
      const { format, ...names } = product(step, source, [units, elementsOf(source.shape)]);
      return emit({ op: "dense", layer, input, result, ...names }, [units], format);
    },
    conv(step) {
      const { layer, name: result, input, weights } = step;
      const source = get(input);
      const axes = weights.kernel.length;
      const groups = step.groups ?? 1;
      const shape = [weights.units, ...weights.kernel, channelsOf(source) / groups];
      const { format, ...names } = product(step, source, shape);
      const instruction: ConvInstruction = {
        op: "conv",
        layer,
        input,
        result,
        ...names,
        strides: step.strides ?? everyAxis(axes, 1),
        dilations: step.dilations ?? everyAxis(axes, 1),
        padding: step.padding ?? noPadding(axes),
        spread: step.spread ?? everyAxis(axes, 1),
        groups,
        padMantissa: step.padMantissa ?? 0,
      };
      return emit(instruction, convShape(source.shape, shape, instruction), format);
    },
    pool({ layer, name: result, input, kind, window, strides = window, padding }) {
      const source = get(input);
      const instruction: PoolInstruction = {
        op: "pool",
        layer,
        input,
        result,
        kind,
        window,
        strides,
        padding: padding ?? noPadding(window.length),
      };
      return emit(instruction, poolShape(source.shape, instruction), source.format);
    },
    threshold({ layer, name: result, input, thresholds, levels, base, format }) {
      const source = get(input);
      const constant = keep({
        name: `${result}.thresholds`,
        shape: [channelsOf(source), levels],
        format: formatHolding(thresholds, source.format.fraction),
        data: thresholds,
      });
      return emit(
        { op: "threshold", layer, input, result, thresholds: constant, base },
        source.shape,
        format,
      );
    },
    table({ layer, name: result, input, table: data, format }) {
      const table = keep({ name: `${result}.table`, shape: [data.length], format, data });
      return emit({ op: "table", layer, input, result, table }, get(input).shape, format);
    },
    scale({ layer, name: result, input, multipliers, fraction = 0, offsets }) {
      const source = get(input);
      const shape = [channelsOf(source)];
      const format = formatHolding(multipliers, fraction);
      const sum = accumulatorFraction(format, source.format);
      return emit(
        {
          op: "scale",
          layer,
          input,
          result,
          multipliers: keep({ name: `${result}.multipliers`, shape, format, data: multipliers }),
          offsets: offsets
            ? keep({ name: `${result}.offsets`, shape, format: formatHolding(offsets, sum), data: offsets })
            : null,
        },
        source.shape,
        sumFormat(sum),
      );
    },
    add: (step) => arithmetic("add", step),
    subtract: (step) => arithmetic("subtract", step),
    multiply: (step) => arithmetic("multiply", step),
    concat({ layer, name: result, inputs: operands, axis }) {
      const sources = operands.map(get);
      compilerAssert(sources[0], "builder: a concat has inputs");
      const shape = concatShape(
        sources.map((source) => source.shape),
        axis,
      );
      return emit({ op: "concat", layer, inputs: operands, result, axis }, shape, sources[0].format);
    },
    reshape: (step) => reshape(step, step.shape),
    flatten: (step) => reshape(step, [elementsOf(get(step.input).shape)]),
    select({ layer, name: result, input, indices }) {
      const { format } = get(input);
      const fraction = selectedFraction(format, indices);
      return emit({ op: "select", layer, input, result, indices }, [indices.length], { ...format, fraction });
    },
    slice({ layer, name: result, input, begin, size }) {
      const { format } = get(input);
      const first = begin[begin.length - 1] ?? 0;
      const channels = Array.from({ length: size[size.length - 1] ?? 0 }, (_, c) => first + c);
      const fraction = selectedFraction(format, channels);
      return emit({ op: "slice", layer, input, result, begin }, size, { ...format, fraction });
    },
    pad({ layer, name: result, input, before, after, mantissa = 0 }) {
      const { shape, format } = get(input);
      const padded = shape.map((size, a) => before[a]! + size + after[a]!);
      return emit({ op: "pad", layer, input, result, before, after, mantissa }, padded, format);
    },
    transpose({ layer, name: result, input, permutation }) {
      const { shape, format } = get(input);
      const permuted = permutation.map((a) => shape[a]!);
      return emit({ op: "transpose", layer, input, result, permutation }, permuted, format);
    },
    upsample({ layer, name: result, input, factors }) {
      const { shape, format } = get(input);
      return emit(
        { op: "upsample", layer, input, result, factors },
        upsampleShape(shape, { factors }),
        format,
      );
    },
    argmax({ layer, name: result, input }) {
      const source = get(input);
      const width = widthOfRange({ min: 0, max: channelsOf(source) - 1 }, false);
      const shape = [...source.shape.slice(0, -1), 1];
      return emit({ op: "argmax", layer, input, result }, shape, intFormat(false, width, 0));
    },
    output(outputName, value, role) {
      outputs.push({ name: outputName, value, role });
    },
    values: () => withProvedWidths([...values.values()], constants, instructions),
    build() {
      const program: Program = {
        schema: PROGRAM_SCHEMA,
        name,
        inputs,
        outputs,
        values: withProvedWidths([...values.values()], constants, instructions),
        constants,
        instructions,
      };
      verifyProgram(program);
      return program;
    },
  };
}
