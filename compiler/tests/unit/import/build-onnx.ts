// Makes ONNX files for tests: one call for each node, with seeded random constants.
import { encodeMessage } from "../../../import/onnx/encode.ts";
import type { AttributeProto, ModelProto, NodeProto, TensorProto } from "../../../import/onnx/messages.ts";
import { createRandom } from "../../../support/random.ts";
import { encodeUtf8 } from "../../../support/text.ts";

export type AttributeValue =
  | number
  | string
  | readonly number[]
  /** Floats; a number alone is an int. */
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorProto };

export type Attributes = Readonly<Record<string, AttributeValue>>;

export const float = (value: number): AttributeValue => ({ float: value });

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: encodeUtf8(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("floats" in value) return { name, type: 6, floats: value.floats };
  if ("tensor" in value) return { name, type: 4, t: value.tensor };
  return { name, type: 7, ints: value };
}

/** A float32 tensor with raw data. */
export function floats(dims: readonly number[], values: readonly number[]): TensorProto {
  return { dims, dataType: 1, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

/** An int64 tensor with raw data. */
export function ints(dims: readonly number[], values: readonly number[]): TensorProto {
  return { dims, dataType: 7, rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) };
}

export interface OnnxBuilder {
  /** An input; null leaves a size open. Returns its name, as all do. */
  input(name: string, dims: readonly (number | null)[], elemType?: number): string;
  /** An initialiser of normal random floats, or of the given ones. */
  weights(dims: readonly number[], values?: readonly number[]): string;
  /** An initialiser of positive random floats. */
  positive(dims: readonly number[]): string;
  /** An int64 initialiser. */
  list(values: readonly number[]): string;
  constant(tensor: TensorProto): string;
  /** A node; the names of its outputs. */
  nodes(operator: string, inputs: readonly string[], attributes?: Attributes, outputs?: number): string[];
  /** A node with one output. An operator of another domain is "domain:Operator". */
  node(operator: string, inputs: readonly string[], attributes?: Attributes): string;
  model(outputs: readonly string[], opset: number): ModelProto;
  /** The file. */
  finish(outputs: readonly string[], opset: number): Uint8Array;
}

export function createOnnx(seed = 1): OnnxBuilder {
  const random = createRandom(seed, "onnx");
  const initializer: TensorProto[] = [];
  const node: NodeProto[] = [];
  const inputs: NonNullable<NonNullable<ModelProto["graph"]>["input"]>[number][] = [];
  const domains = new Set<string>();
  const constant = (tensor: TensorProto): string => {
    const name = `c${initializer.length}`;
    initializer.push({ ...tensor, name });
    return name;
  };
  const filled = (dims: readonly number[], make: () => number): string =>
    constant(floats(dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, make)));
  const builder: OnnxBuilder = {
    input(name, dims, elemType = 1) {
      const dim = dims.map((size) => (size === null ? { dimParam: "N" } : { dimValue: size }));
      inputs.push({ name, type: { tensorType: { elemType, shape: { dim } } } });
      return name;
    },
    weights: (dims, values) =>
      values ? constant(floats(dims, values)) : filled(dims, () => random.normal() / 2),
    positive: (dims) => filled(dims, () => 0.5 + random.uniform()),
    list: (values) => constant(ints([values.length], values)),
    constant,
    nodes(operator, operands, attributes = {}, outputs = 1) {
      const [opType, domain = ""] = operator.split(":").reverse() as [string, string?];
      domains.add(domain);
      const output = Array.from({ length: outputs }, (_, i) => `t${node.length}_${i}`);
      const list = Object.entries(attributes).map(([name, value]) => attribute(name, value));
      const name = `${opType}_${node.length}`;
      node.push({ name, opType, domain, input: operands, output, attribute: list });
      return output;
    },
    node: (operator, operands, attributes) => builder.nodes(operator, operands, attributes)[0]!,
    model: (outputs, opset) => ({
      irVersion: opset > 20 ? 10 : 7,
      producerName: "test",
      opsetImport: [...new Set(["", ...domains])].map((domain) => ({
        domain,
        version: domain === "" ? opset : 1,
      })),
      graph: {
        name: "test",
        node,
        initializer,
        input: inputs,
        output: outputs.map((name) => {
          const maker = node.find(({ output }) => output?.includes(name));
          return { name, type: { tensorType: { elemType: maker?.opType === "ArgMax" ? 7 : 1 } } };
        }),
      },
    }),
    finish: (outputs, opset) => encodeMessage("ModelProto", builder.model(outputs, opset)),
  };
  return builder;
}
