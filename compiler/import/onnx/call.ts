// One node of the file as its reader sees it: operands, attributes, and how to refuse it. Every reader of an operator
// takes a Call and hands back the values of its outputs.
import { fail } from "../../support/diagnostics.ts";
import { decodeUtf8 } from "../../support/text.ts";
import type { ExternalReader } from "../model-import.ts";
import type { Constant } from "./constant.ts";
import type { AttributeProto, NodeProto } from "./messages.ts";
import type { Maker, Network, Tensor } from "./network.ts";
import { INT64, tensorConstant } from "./tensors.ts";

export type Value = Tensor | Constant;

export interface Call extends Maker {
  readonly node: NodeProto;
  readonly opset: number;
  /** Undefined where an optional operand is left out. */
  readonly operands: readonly (Value | undefined)[];
  readonly network: Network;
  /** Samples in the file's batch dimension; 1 where it is open. */
  readonly batchSize: number;
  readonly readExternal: ExternalReader;
  /** Whether anything but the next node reads the node's result, or an output of the network is made of it. */
  isShared(tensor: Tensor): boolean;
  /** The nodes that read a tensor of the file. */
  readersOf(tensor: string): readonly NodeProto[];
  /** Whether only outputs of the network come after the first output of this node. */
  readonly isLast: boolean;
  warn(warning: Warning): void;
}

export type Warning =
  | { readonly code: "import/softmax-dropped" }
  | { readonly code: "import/batchnorm-axis"; readonly axis: number };

/** Reads a node: the values of its outputs, in their order; those left out are not to be used. */
export type Reader = (call: Call) => readonly Value[];

/** Throws import/unsupported-form of this node. */
export function refuse({ name, operator, opset }: Call, problem: string, advice: string): never {
  return fail("import/unsupported-form", { node: name, operator, opset, problem, advice });
}

const ASK = "export the model in another way, or write this part in another way before it is exported";

/** The operand at an index, whatever it is; refused where it is missing. */
export function operand(call: Call, index: number): Value {
  return (
    call.operands[index] ??
    refuse(call, `its operand ${index} is missing`, "the file is no sound ONNX graph; export the model again")
  );
}

/** An operand that depends on the network's inputs, as plain numbers. */
export function tensorOperand(call: Call, index: number): Tensor {
  const tensor = anyTensor(call, index);
  if (tensor.grid)
    refuse(
      call,
      `its operand ${index} holds quantized integers`,
      "put a DequantizeLinear before it, as quantizers that write QDQ do",
    );
  return tensor;
}

/** An operand that depends on the network's inputs; quantized integers too. */
export function anyTensor(call: Call, index: number): Tensor {
  const value = operand(call, index);
  if (value.kind !== "tensor") return refuse(call, `its operand ${index} is a constant`, ASK);
  if (value.truncated)
    refuse(call, `its operand ${index} are the places of a table`, "leave the values as floats");
  return value;
}

/** An operand that is known from the file. */
export function constantOperand(call: Call, index: number, what: string): Constant {
  const value = operand(call, index);
  if (value.kind === "constant") return value;
  return refuse(call, `its ${what} depends on the network's input`, `make the ${what} a constant`);
}

/** Whole numbers of an optional constant operand. */
export function intsOperand(call: Call, index: number, what: string): readonly number[] | undefined {
  if (!call.operands[index]) return undefined;
  const constant = constantOperand(call, index, what);
  if (constant.dims.length > 1 || (constant.dims[0] ?? 1) > MAX_LISTED)
    refuse(call, `its ${what} has the shape ${constant.dims.join("x")}`, "make it a list of whole numbers");
  const numbers = [...constant.numbers()];
  if (!numbers.every(Number.isInteger))
    refuse(call, `its ${what} is ${numbers.join(", ")}`, "make it a list of whole numbers");
  return numbers;
}

/** One number of an optional constant operand. */
export function numberOperand(call: Call, index: number, what: string): number | undefined {
  if (!call.operands[index]) return undefined;
  const { dims, numbers } = constantOperand(call, index, what);
  if (dims.some((size) => size !== 1))
    refuse(call, `its ${what} has the shape ${dims.join("x")}`, "make it one number");
  return numbers()[0]!;
}

/** Numbers of an operand or attribute that is a list of sizes. */
const MAX_LISTED = 64;

function attribute(call: Call, name: string): AttributeProto | undefined {
  const found = call.node.attribute?.find((a) => a.name === name);
  if (found?.refAttrName !== undefined)
    refuse(
      call,
      `its attribute ${name} is that of a function`,
      "inline the functions before the model is exported",
    );
  return found;
}

/** Whether an attribute is given at all. */
export const hasAttribute = (call: Call, name: string): boolean =>
  call.node.attribute?.some((a) => a.name === name) ?? false;

function badAttribute(call: Call, name: string): never {
  return refuse(
    call,
    `its attribute ${name} is of another kind than ONNX says`,
    "the file is no sound ONNX graph; export the model again",
  );
}

export function intAttribute(call: Call, name: string, absent: number): number {
  const found = attribute(call, name);
  if (!found) return absent;
  return Number.isSafeInteger(found.i) ? found.i! : badAttribute(call, name);
}

export function floatAttribute(call: Call, name: string, absent: number): number {
  const found = attribute(call, name);
  if (!found) return absent;
  return found.f ?? badAttribute(call, name);
}

export function intsAttribute(call: Call, name: string): readonly number[] | undefined {
  const found = attribute(call, name);
  if (!found) return undefined;
  const { ints = [] } = found;
  return ints.length <= MAX_LISTED ? ints : badAttribute(call, name);
}

export function floatsAttribute(call: Call, name: string): readonly number[] | undefined {
  const found = attribute(call, name);
  if (!found) return undefined;
  const { floats = [] } = found;
  return floats.length <= MAX_LISTED ? floats : badAttribute(call, name);
}

export function textAttribute(call: Call, name: string, absent: string): string {
  const found = attribute(call, name);
  if (!found) return absent;
  const text = found.s && found.s.length <= 256 ? decodeUtf8(found.s) : undefined;
  return text ?? badAttribute(call, name);
}

export function tensorAttribute(call: Call, name: string): Constant | undefined {
  const found = attribute(call, name);
  if (!found) return undefined;
  if (!found.t) return badAttribute(call, name);
  return tensorConstant(found.t, call.name, call.readExternal, call.network.allowance);
}

/** An axis from 0 of a tensor with `rank` axes; negative ones count from behind. */
export function axisOf(call: Call, axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(found) && found >= 0 && found < rank) return found;
  return refuse(
    call,
    `it is about axis ${axis} of a tensor with ${rank} ${rank === 1 ? "axis" : "axes"}`,
    "the file is no sound ONNX graph; export the model again",
  );
}

/** Axes of an attribute (older opsets) or of an operand. */
export function axesOf(call: Call, index: number): readonly number[] | undefined {
  return intsAttribute(call, "axes") ?? intsOperand(call, index, "axes");
}

/** A constant of whole numbers. */
export const intsConstant = (numbers: readonly number[]): Constant => ({
  kind: "constant",
  dims: [numbers.length],
  type: INT64,
  numbers: () => Float64Array.from(numbers),
  quantizer: null,
});
