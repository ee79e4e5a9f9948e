// Each instruction of a program in operators of ONNX and QONNX that compute the same numbers. In: an instruction whose operands
// are in the file. Out: its nodes there; what has no words is refused by name.
import { operandOf } from "../program/bounds.ts";
import {
  type ArgmaxInstruction,
  type ArithmeticInstruction,
  type ConcatInstruction,
  fractionOf,
  type Instruction,
  mantissaRange,
  type PadInstruction,
  type PoolInstruction,
  type ReshapeInstruction,
  type ScaleInstruction,
  type SelectInstruction,
  type SliceInstruction,
  type TableInstruction,
  type TransposeInstruction,
  type UpsampleInstruction,
} from "../program/program.ts";
import { byFileAxis, channelDims, fileAxis } from "./layout.ts";
import { areFloats } from "./onnx-file.ts";
import { convNodes, denseNodes } from "./products.ts";
import { requantizeNodes, thresholdNodes } from "./thresholds.ts";
import { isStated, quantizerOf, scaleOf, stepsOf, type Writer, withAdded } from "./writer.ts";

/** Adds the nodes of an instruction. */
export function addInstruction(writer: Writer, instruction: Instruction): void {
  switch (instruction.op) {
    case "requantize":
      return requantizeNodes(writer, instruction);
    case "dense":
      return denseNodes(writer, instruction);
    case "conv":
      return convNodes(writer, instruction);
    case "pool":
      return poolNodes(writer, instruction);
    case "threshold":
      return thresholdNodes(writer, instruction);
    case "table":
      return tableNodes(writer, instruction);
    case "scale":
      return scaleNodes(writer, instruction);
    case "add":
    case "subtract":
    case "multiply":
      return arithmeticNode(writer, instruction);
    case "concat":
      return concatNode(writer, instruction);
    case "reshape":
      return reshapeNodes(writer, instruction);
    case "select":
      return selectNode(writer, instruction);
    case "slice":
      return sliceNode(writer, instruction);
    case "pad":
      return padNode(writer, instruction);
    case "transpose":
      return transposeNode(writer, instruction);
    case "upsample":
      return upsampleNode(writer, instruction);
    case "argmax":
      return argmaxNode(writer, instruction);
  }
}

/** The mean in real numbers, rounded half up to the steps that the input has. */
function poolNodes(writer: Writer, instruction: PoolInstruction): void {
  const { kind, input, result, window, strides, padding } = instruction;
  const attributes = { kernel_shape: window, strides, pads: [...padding.before, ...padding.after] };
  const inputs = [writer.tensor(input)];
  if (kind === "max") return writer.result(instruction, { operator: "MaxPool", inputs, attributes });
  const { format, shape } = writer.value(result);
  if (!isStated(format)) return writer.refuse(instruction, "it averages one signed bit");
  const steps = stepsOf(format);
  const mean = writer.step(instruction, "mean", {
    operator: "AveragePool",
    inputs,
    attributes: { ...attributes, count_include_pad: 1 },
  });
  const half = writer.numbers(
    instruction,
    "half.value",
    channelDims(steps.length, shape.length),
    steps.map((s) => s / 2),
  );
  const added = writer.step(instruction, "half", { operator: "Add", inputs: [mean, half] });
  const scale = scaleOf(writer, result, format, shape.length);
  writer.result(instruction, quantizerOf(writer.file, result, added, format, scale, "FLOOR"));
}

/** The table's values, at places that are cast to integers. */
function tableNodes(writer: Writer, instruction: TableInstruction): void {
  const { input, result } = instruction;
  const { data, format } = writer.constant(instruction.table);
  const { format: from } = writer.value(input);
  if (!isStated(format)) return writer.refuse(instruction, "its result is one signed bit");
  const isBit = from.kind === "bipolar";
  const gain = 2 ** (fractionOf(from, 0) - (isBit ? 1 : 0));
  const first = isBit ? 0.5 : -mantissaRange(from).min;
  const scaled = writer.step(instruction, "scaled", {
    operator: "Mul",
    inputs: [writer.tensor(input), writer.numbers(instruction, "gain", [], [gain])],
  });
  const place = writer.step(instruction, "place", {
    operator: "Add",
    inputs: [scaled, writer.numbers(instruction, "first", [], [first])],
  });
  const index = writer.step(instruction, "index", {
    operator: "Cast",
    inputs: [place],
    attributes: { to: 7 },
  });
  const values = data.map((m) => operandOf(format, m) * 2 ** -fractionOf(format, 0));
  const found = writer.step(instruction, "entry", {
    operator: "Gather",
    inputs: [writer.numbers(instruction, "table", [values.length], values), index],
    attributes: { axis: 0 },
  });
  const scale = scaleOf(writer, result, format, 1);
  writer.result(instruction, quantizerOf(writer.file, result, found, format, scale, "FLOOR"));
}

function scaleNodes(writer: Writer, instruction: ScaleInstruction): void {
  const { input, result, multipliers, offsets } = instruction;
  const { data, format } = writer.constant(multipliers);
  const gains = data.map((m, c) => m * 2 ** -fractionOf(format, c));
  if (!areFloats(gains)) return writer.refuse(instruction, "a multiplier has more than 24 bits");
  const value = writer.value(result);
  const rank = value.shape.length;
  const product = {
    operator: "Mul",
    inputs: [
      writer.tensor(input),
      writer.numbers(instruction, "gain", channelDims(gains.length, rank), gains),
    ],
  };
  if (offsets === null) return writer.result(instruction, product);
  const scaled = writer.step(instruction, "scaled", product);
  writer.result(
    instruction,
    withAdded(writer, instruction, scaled, writer.constant(offsets).data, value.format, rank),
  );
}

const OPERATORS = { add: "Add", subtract: "Sub", multiply: "Mul" } as const;

function arithmeticNode(writer: Writer, instruction: ArithmeticInstruction): void {
  const inputs = instruction.inputs.map((name) => writer.tensor(name));
  writer.result(instruction, { operator: OPERATORS[instruction.op], inputs });
}

function concatNode(writer: Writer, instruction: ConcatInstruction): void {
  const { axis, result } = instruction;
  const inputs = instruction.inputs.map((name) => writer.tensor(name));
  const attributes = { axis: fileAxis(axis, writer.value(result).shape) };
  writer.result(instruction, { operator: "Concat", inputs, attributes });
}

function reshapeNodes(writer: Writer, instruction: ReshapeInstruction): void {
  const { input, result } = instruction;
  const { shape } = writer.value(result);
  const sizes = writer.file.ints(`${result}.shape`, [1, ...shape]);
  const reshape = { operator: "Reshape", inputs: [writer.lastTensor(input), sizes] };
  if (shape.length === 1) return writer.result(instruction, reshape);
  writer.lastResult(instruction, reshape);
}

function selectNode(writer: Writer, instruction: SelectInstruction): void {
  const { input, result, indices } = instruction;
  const inputs = [writer.tensor(input), writer.file.ints(`${result}.indices`, indices)];
  writer.result(instruction, { operator: "Gather", inputs, attributes: { axis: 1 } });
}

function sliceNode(writer: Writer, instruction: SliceInstruction): void {
  const { input, result, begin } = instruction;
  const { shape } = writer.value(result);
  const ends = begin.map((first, a) => first + shape[a]!);
  const { file } = writer;
  const inputs = [
    writer.tensor(input),
    file.ints(`${result}.starts`, byFileAxis(begin)),
    file.ints(`${result}.ends`, byFileAxis(ends)),
    file.ints(
      `${result}.axes`,
      begin.map((_, a) => a + 1),
    ),
  ];
  writer.result(instruction, { operator: "Slice", inputs });
}

function padNode(writer: Writer, instruction: PadInstruction): void {
  const { input, result, before, after, mantissa } = instruction;
  const { format } = writer.value(input);
  const value = mantissa * 2 ** -fractionOf(format, 0);
  const pads = [0, ...byFileAxis(before), 0, ...byFileAxis(after)];
  const inputs = [
    writer.tensor(input),
    writer.file.ints(`${result}.pads`, pads),
    writer.numbers(instruction, "outside", [], [value]),
  ];
  writer.result(instruction, { operator: "Pad", inputs, attributes: { mode: "constant" } });
}

function transposeNode(writer: Writer, instruction: TransposeInstruction): void {
  const { input, permutation } = instruction;
  const { shape } = writer.value(input);
  const perm = [0, ...byFileAxis(permutation.map((axis) => fileAxis(axis, shape)))];
  writer.result(instruction, { operator: "Transpose", inputs: [writer.tensor(input)], attributes: { perm } });
}

function upsampleNode(writer: Writer, instruction: UpsampleInstruction): void {
  const { input, factors } = instruction;
  const scales = [1, 1, ...factors];
  const inputs = [writer.tensor(input), "", writer.numbers(instruction, "factors", [scales.length], scales)];
  const attributes = {
    coordinate_transformation_mode: "asymmetric",
    mode: "nearest",
    nearest_mode: "floor",
  };
  writer.result(instruction, { operator: "Resize", inputs, attributes });
}

function argmaxNode(writer: Writer, instruction: ArgmaxInstruction): void {
  const { input, result } = instruction;
  const isRead = writer.program.instructions.some((other) =>
    "inputs" in other ? other.inputs.includes(result) : other.input === result,
  );
  if (isRead) return writer.refuse(instruction, "another instruction reads the class");
  const attributes = { axis: 1, keepdims: 1 };
  writer.result(instruction, { operator: "ArgMax", inputs: [writer.tensor(input)], attributes });
}
