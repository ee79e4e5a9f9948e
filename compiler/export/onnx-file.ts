// An ONNX file that grows: constants and nodes by name. In: tensors, operators and attributes. Out: the model's bytes, the
// same for the same calls.
import { encodeMessage } from "../import/onnx/encode.ts";
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from "../import/onnx/messages.ts";
import { LAYERS_KEY } from "../import/onnx/read.ts";
import { compilerAssert } from "../support/assert.ts";
import { encodeUtf8 } from "../support/text.ts";
import { VERSION } from "../support/version.ts";

/** QONNX's own operators. */
export const QONNX = "qonnx.custom_op.general";

const OPSET = 13;
const IR_VERSION = 8;
/** ONNX's numbers of element types. */
const FLOAT = 1;
const INT64 = 7;
const DOUBLE = 11;

export type AttributeValue = string | number | readonly number[] | { readonly float: number };

export interface NodeSpec {
  /** Of the node, and of its result unless `output` is given. */
  readonly name: string;
  readonly output?: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly domain?: string;
  /** Numbers are ints. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** The layer that the node belongs to. */
  readonly layer?: string;
}

export interface OnnxFile {
  /** A name that no tensor has yet, made of the wished one. */
  free(wished: string): string;
  /** A float32 constant; double where a number is none. Returns its name, as all do. */
  numbers(wished: string, dims: readonly number[], values: ArrayLike<number>): string;
  ints(wished: string, values: readonly number[]): string;
  node(spec: NodeSpec): string;
  input(name: string, dims: readonly number[]): string;
  output(name: string, dims: readonly number[], type: "float" | "int64"): void;
  /** The file, with further texts in its metadata. */
  finish(name: string, metadata?: Readonly<Record<string, string>>): Uint8Array;
}

/** Whether every number is a float32. */
export function areFloats(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Math.fround(values[i]!) !== values[i]) return false;
  return true;
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "string") return { name, s: encodeUtf8(value), type: 3 };
  if (typeof value === "number") return { name, i: value, type: 2 };
  if ("float" in value) return { name, f: value.float, type: 1 };
  return { name, ints: value, type: 7 };
}

function rawOf(dataType: number, values: ArrayLike<number>): Uint8Array {
  const size = dataType === FLOAT ? 4 : 8;
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    if (dataType === FLOAT) view.setFloat32(4 * i, values[i]!, true);
    else if (dataType === DOUBLE) view.setFloat64(8 * i, values[i]!, true);
    else view.setBigInt64(8 * i, BigInt(values[i]!), true);
  }
  return bytes;
}

const portOf = (name: string, dims: readonly number[], elemType: number): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

/** Starts an empty file; `reserved` are names that only their own nodes and ports get. */
export function createOnnxFile(reserved: Iterable<string>): OnnxFile {
  const kept = new Set(reserved);
  const taken = new Set<string>();
  const [nodes, initializers]: [NodeProto[], TensorProto[]] = [[], []];
  const [inputs, outputs]: [ValueInfoProto[], ValueInfoProto[]] = [[], []];
  const layers: Record<string, string> = {};
  const domains = new Set<string>();

  const free = (wished: string): string => {
    let name = wished;
    while (taken.has(name) || kept.has(name)) name += "'";
    return name;
  };
  const take = (name: string): string => {
    compilerAssert(!taken.has(name), `export: two tensors are called ${name}`);
    taken.add(name);
    return name;
  };
  const constant = (wished: string, dims: readonly number[], dataType: number, values: ArrayLike<number>) => {
    const name = take(free(wished));
    initializers.push({ dims, dataType, name, rawData: rawOf(dataType, values) });
    return name;
  };

  return {
    free,
    numbers: (wished, dims, values) => constant(wished, dims, areFloats(values) ? FLOAT : DOUBLE, values),
    ints: (wished, values) => constant(wished, [values.length], INT64, values),
    node({ name, output = name, operator, inputs: operands, domain = "", attributes = {}, layer }) {
      if (domain !== "") domains.add(domain);
      if (layer !== undefined) layers[name] = layer;
      nodes.push({
        input: operands,
        output: [take(output)],
        name,
        opType: operator,
        attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
        ...(domain === "" ? {} : { domain }),
      });
      return output;
    },
    input(name, dims) {
      inputs.push(portOf(take(name), dims, FLOAT));
      return name;
    },
    output: (name, dims, type) => outputs.push(portOf(name, dims, type === "float" ? FLOAT : INT64)),
    finish: (name, metadata = {}) =>
      encodeMessage("ModelProto", {
        irVersion: IR_VERSION,
        producerName: "noisefloor",
        producerVersion: VERSION,
        graph: { node: nodes, name, initializer: initializers, input: inputs, output: outputs },
        opsetImport: [
          { domain: "", version: OPSET },
          ...[...domains].sort().map((domain) => ({ domain, version: 1 })),
        ],
        metadataProps: [
          { key: LAYERS_KEY, value: JSON.stringify(layers) },
          ...Object.entries(metadata).map(([key, value]) => ({ key, value })),
        ],
      }),
  };
}
