// What the operators of an exported model share: tensors of the file by value of the program, quantizers, biases, and how an
// instruction is refused. In: the program. Out: calls that add to the file.
import {
  type Constant,
  constantNamed,
  type Format,
  fractionOf,
  type Instruction,
  type Program,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";
import { channelDims, toChannelsFirst, toChannelsLast } from "./layout.ts";
import { areFloats, createOnnxFile, type NodeSpec, type OnnxFile, QONNX } from "./onnx-file.ts";

export interface Writer {
  readonly program: Program;
  readonly file: OnnxFile;
  readonly collector: DiagnosticCollector;
  value(name: string): Value;
  constant(name: string): Constant;
  /** The file's tensor of a value, channels first. */
  tensor(value: string): string;
  /** The same with the channels last: of a flat one the tensor itself. */
  lastTensor(value: string): string;
  /** Adds the node that computes a value, called after it. */
  result(instruction: Instruction, spec: Bare): void;
  /** The same where the node has the channels last. */
  lastResult(instruction: Instruction, spec: Bare): void;
  /** The node that is called after a value, and the one behind it that completes the value. */
  inner(instruction: Instruction, spec: Bare): string;
  outer(instruction: Instruction, suffix: string, spec: Bare): void;
  /** Adds a node on the way to a value. Returns its tensor. */
  step(instruction: Instruction, suffix: string, spec: Bare): string;
  /** A constant on the way to a value. */
  numbers(
    instruction: Instruction,
    suffix: string,
    dims: readonly number[],
    values: ArrayLike<number>,
  ): string;
  /** The value under the name of an output, channels last. */
  addOutput(name: string, value: string): string;
  refuse(instruction: Instruction, problem: string): void;
}

export type Bare = Omit<NodeSpec, "name" | "layer" | "output">;

/** Value of one step of a format, for each channel where they differ. */
export function stepsOf(format: Format): readonly number[] {
  const { fraction } = format;
  return typeof fraction === "number" ? [2 ** -fraction] : fraction.map((f) => 2 ** -f);
}

export function createWriter(program: Program): Writer {
  const outputs = program.outputs.map(({ name }) => name);
  const file = createOnnxFile([...program.inputs, ...outputs, ...program.values.map(({ name }) => name)]);
  const collector = createCollector();
  const tensors = new Map<string, string>();
  const lasts = new Map<string, string>();
  const names = (result: string, suffix: string): string => file.free(`${result}.${suffix}`);
  // A name that an output has stays with that.
  const outputOf = (result: string): string => (outputs.includes(result) ? names(result, "value") : result);
  const writer: Writer = {
    program,
    file,
    collector,
    value: (name) => valueNamed(program, name),
    constant: (name) => constantNamed(program, name),
    tensor(name) {
      const known = tensors.get(name);
      if (known !== undefined) return known;
      // An input that only its own order is known of so far.
      const { shape } = valueNamed(program, name);
      const tensor = file.node({
        name: file.free(`${name}.first`),
        operator: "Transpose",
        inputs: [lasts.get(name)!],
        attributes: { perm: toChannelsFirst(shape.length) },
      });
      tensors.set(name, tensor);
      return tensor;
    },
    lastTensor(name) {
      const known = lasts.get(name);
      if (known !== undefined) return known;
      const { shape } = valueNamed(program, name);
      const tensor =
        shape.length === 1
          ? writer.tensor(name)
          : file.node({
              name: file.free(`${name}.last`),
              operator: "Transpose",
              inputs: [writer.tensor(name)],
              attributes: { perm: toChannelsLast(shape.length) },
            });
      lasts.set(name, tensor);
      return tensor;
    },
    result({ result, layer }, spec) {
      tensors.set(result, file.node({ ...spec, name: result, output: outputOf(result), layer }));
    },
    lastResult({ result, layer }, spec) {
      const last = file.node({ ...spec, name: result, output: names(result, "last"), layer });
      lasts.set(result, last);
      const { shape } = valueNamed(program, result);
      const attributes = { perm: toChannelsFirst(shape.length) };
      const first = { name: names(result, "first"), operator: "Transpose", inputs: [last], attributes };
      tensors.set(result, file.node({ ...first, output: outputOf(result) }));
    },
    inner: ({ result, layer }, spec) =>
      file.node({ ...spec, name: result, output: names(result, "sums"), layer }),
    outer({ result, layer }, suffix, spec) {
      tensors.set(
        result,
        file.node({ ...spec, name: names(result, suffix), output: outputOf(result), layer }),
      );
    },
    step: ({ result, layer }, suffix, spec) => file.node({ ...spec, name: names(result, suffix), layer }),
    numbers: ({ result }, suffix, dims, values) => file.numbers(`${result}.${suffix}`, dims, values),
    addOutput(name, value) {
      const { shape } = valueNamed(program, value);
      const port = { name: file.free(`${name}.output`), output: name };
      const last = shape.length === 1 ? writer.tensor(value) : lasts.get(value);
      if (last !== undefined) return file.node({ ...port, operator: "Identity", inputs: [last] });
      const attributes = { perm: toChannelsLast(shape.length) };
      return file.node({ ...port, operator: "Transpose", inputs: [writer.tensor(value)], attributes });
    },
    refuse({ op, layer, result }, problem) {
      collector.add("export/unsupported", { instruction: op, layer, result, problem });
    },
  };
  for (const name of program.inputs) addPort(writer, name, lasts, tensors);
  return writer;
}

/** An input as real numbers, which a quantizer makes the stored integers of. */
function addPort(
  { file, program, collector }: Writer,
  name: string,
  lasts: Map<string, string>,
  tensors: Map<string, string>,
): void {
  const { shape, format } = valueNamed(program, name);
  const port = file.input(name, [1, ...shape]);
  const steps = stepsOf(format);
  if (!isStated(format)) collector.add("export/unsupported-input", { input: name });
  const quantizer = file.free(`${name}.stored`);
  const scale = file.numbers(`${quantizer}.scale`, steps.length === 1 ? [] : [steps.length], steps);
  // Stored integers lie on the steps, where no rounding matters.
  lasts.set(
    name,
    file.node({ name: quantizer, ...quantizerOf(file, quantizer, port, format, scale, "ROUND") }),
  );
  if (shape.length === 1) tensors.set(name, lasts.get(name)!);
}

/** Quant or BipolarQuant to a format, of steps that are a constant of the file. */
export function quantizerOf(
  file: OnnxFile,
  name: string,
  input: string,
  format: Format,
  scale: string,
  rounding: "FLOOR" | "ROUND",
): Bare {
  if (format.kind === "bipolar") return { operator: "BipolarQuant", domain: QONNX, inputs: [input, scale] };
  const inputs = [
    input,
    scale,
    file.numbers(`${name}.zero`, [], [0]),
    file.numbers(`${name}.bits`, [], [format.width]),
  ];
  const signed = format.signed ? 1 : 0;
  return {
    operator: "Quant",
    domain: QONNX,
    inputs,
    attributes: { narrow: 0, rounding_mode: rounding, signed },
  };
}

/** Whether a Quant states a format: one signed bit is a sign to QONNX. */
export function isStated(format: Format): boolean {
  return format.kind === "bipolar" || format.width > 1 || !format.signed;
}

/** A scale with one number for each channel of a value, or one. */
export function scaleOf({ file }: Writer, name: string, format: Format, rank: number): string {
  const steps = stepsOf(format);
  return file.numbers(`${name}.scale`, channelDims(steps.length, rank), steps);
}

/** Adds integers of a format to a tensor, one or one for each channel: twice where float32 needs two parts. */
export function withAdded(
  writer: Writer,
  instruction: Instruction,
  input: string,
  integers: readonly number[],
  format: Format,
  rank: number,
): Bare {
  const value = (parts: readonly number[]): number[] => parts.map((m, c) => m * 2 ** -fractionOf(format, c));
  const add = (tensor: string, suffix: string, parts: readonly number[]): Bare => ({
    operator: "Add",
    inputs: [tensor, writer.numbers(instruction, suffix, channelDims(parts.length, rank), value(parts))],
  });
  if (areFloats(value(integers))) return add(input, "bias", integers);
  const high = integers.map((m) => Math.round(m / 2 ** 24) * 2 ** 24);
  const first = writer.step(instruction, "high", add(input, "bias.high", high));
  return add(
    first,
    "bias",
    integers.map((m, c) => m - high[c]!),
  );
}
