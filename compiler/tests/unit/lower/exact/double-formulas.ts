// A QONNX file as one of standard ONNX operators in double precision: every Quant is its formula,
// (clip(round(x / scale + zero), least, greatest) - zero) * scale. In: a model of float32 with Quants. Out: a model that any
// ONNX runtime runs. It shares nothing with the reader or the lowering.
import type { AttributeProto, ModelProto, NodeProto, TensorProto } from "../../../../import/onnx/messages.ts";

const [FLOAT, DOUBLE] = [1, 11];
/** The first in which Clip and Round take doubles; what these files use else is as in their own. */
const OPSET = 12;

const bytesOf = (values: readonly number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

/** Numbers of a float32 or int64 tensor. */
function numbersOf({ dataType, rawData, floatData, int64Data }: TensorProto): number[] {
  if (!rawData) return [...(floatData ?? int64Data ?? [])];
  // Of a Buffer, slice is no copy.
  const { buffer } = Uint8Array.from(rawData);
  return dataType === FLOAT ? [...new Float32Array(buffer)] : [...new BigInt64Array(buffer)].map(Number);
}

const inDoubles = (tensor: TensorProto): TensorProto => {
  if (tensor.dataType !== FLOAT) return tensor;
  const { name, dims = [] } = tensor;
  return {
    ...(name === undefined ? {} : { name }),
    dims,
    dataType: DOUBLE,
    rawData: bytesOf(numbersOf(tensor)),
  };
};

/** The whole file. Roundings other than half to even are not needed, and not known. */
export function withFormulas(model: ModelProto): ModelProto {
  const graph = model.graph!;
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]));
  const made: TensorProto[] = [];
  const constant = (dims: readonly number[], values: readonly number[]): string => {
    const name = `formula ${made.length}`;
    made.push({ name, dims, dataType: DOUBLE, rawData: bytesOf(values) });
    return name;
  };
  const node = graph.node!.flatMap((one): NodeProto[] => {
    if (one.opType === "Relu") {
      // Max takes doubles.
      return [{ ...one, opType: "Max", input: [...one.input!, constant([], [0])] }];
    }
    if (one.opType === "Softmax") return [{ ...one, opType: "Identity", attribute: [] }];
    if (one.opType !== "Quant") return [{ ...one, attribute: (one.attribute ?? []).map(attributeInDoubles) }];
    return formulaOf(one, (name) => initializers.get(name), constant);
  });
  const read = new Set(node.flatMap(({ input }) => input ?? []));
  const isRead = ({ name }: TensorProto): boolean => read.has(name!);
  return {
    irVersion: 7,
    opsetImport: [{ domain: "", version: OPSET }],
    graph: {
      name: "formulas",
      node,
      initializer: [...[...initializers.values()].filter(isRead).map(inDoubles), ...made],
      input: graph
        .input!.filter(({ name }) => !initializers.has(name!))
        .map((input) => ({
          ...input,
          type: { tensorType: { ...input.type!.tensorType, elemType: DOUBLE } },
        })),
      output: graph.output!.map(({ name }) => ({
        name: name!,
        type: { tensorType: { elemType: DOUBLE } },
      })),
    },
  };
}

const attributeInDoubles = (attribute: AttributeProto): AttributeProto =>
  attribute.t ? { ...attribute, t: inDoubles(attribute.t) } : attribute;

function formulaOf(
  { input, output, attribute }: NodeProto,
  tensorOf: (name: string) => TensorProto | undefined,
  constant: (dims: readonly number[], values: readonly number[]) => string,
): NodeProto[] {
  const [x, scale, zero, width] = input as [string, string, string, string];
  const settings = new Map(attribute!.map((one) => [one.name, one]));
  const rounding = settings.get("rounding_mode")?.s;
  if (rounding && new TextDecoder().decode(rounding) !== "ROUND") throw new Error("another rounding");
  const numbered = (name: string): TensorProto => {
    const found = tensorOf(name);
    if (!found) throw new Error(`${name} is no constant`);
    return found;
  };
  const doubled = (name: string): string => constant(numbered(name).dims ?? [], numbersOf(numbered(name)));
  const bits = numbersOf(numbered(width))[0]!;
  const isSigned = settings.get("signed")?.i === 1;
  const narrow = settings.get("narrow")?.i ?? 0;
  const least = isSigned ? -(2 ** (bits - 1)) + narrow : 0;
  const greatest = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1 - narrow;
  const [s, z] = [doubled(scale), doubled(zero)];
  const [end] = output as [string];
  const step = (opType: string, operands: readonly string[], result: string): NodeProto => ({
    opType,
    name: result,
    input: operands,
    output: [result],
  });
  const at = (part: string): string => `${end} ${part}`;
  return [
    step("Div", [x, s], at("divided")),
    step("Add", [at("divided"), z], at("shifted")),
    step("Round", [at("shifted")], at("rounded")),
    step("Clip", [at("rounded"), constant([], [least]), constant([], [greatest])], at("clipped")),
    step("Sub", [at("clipped"), z], at("centred")),
    step("Mul", [at("centred"), s], end),
  ];
}
