// An exported model in onnxruntime: QONNX's operators are replaced by their formulas in ONNX's own.
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { expect } from "vitest";
import { exportQonnx } from "../../../export/qonnx.ts";
import { decodeMessage } from "../../../import/onnx/decode.ts";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import type { AttributeProto, ModelProto, NodeProto, TensorProto } from "../../../import/onnx/messages.ts";
import { operandOf } from "../../../program/bounds.ts";
import { channelsOf, elementsOf, fractionOf, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { floats, ints } from "../import/build-onnx.ts";
import { randomInputs } from "../program/random-branching.ts";

env.wasm.numThreads = 1;
env.logLevel = "fatal";

const text = ({ s }: AttributeProto): string => new TextDecoder().decode(s);

/** The model in standard operators; `rankOf` says how many axes a tensor has. */
function standard(model: ModelProto, rankOf: (node: string) => number): ModelProto {
  const graph = model.graph!;
  const initializer: TensorProto[] = [...graph.initializer!];
  const nodes: NodeProto[] = [];
  let count = 0;
  const keep = (tensor: TensorProto): string => {
    const name = `standard${count++}`;
    initializer.push({ ...tensor, name });
    return name;
  };
  const number = (value: number): string => keep(floats([], [value]));
  const valuesOf = (name: string): Float32Array => {
    const { rawData, dataType } = initializer.find((tensor) => tensor.name === name)!;
    const bytes = rawData!.slice().buffer;
    return dataType === 11 ? Float32Array.from(new Float64Array(bytes)) : new Float32Array(bytes);
  };
  const add = (
    opType: string,
    input: readonly string[],
    attribute: AttributeProto[] = [],
    output?: string,
  ) => {
    const result = output ?? `standard${count++}`;
    nodes.push({ opType, name: result, input, output: [result], attribute });
    return result;
  };
  const toFloat: AttributeProto = { name: "to", type: 2, i: 1 };
  for (const node of graph.node!) {
    const [x, second, third, fourth] = node.input as [string, string, string, string];
    const [output] = node.output as [string];
    const attribute = (name: string): AttributeProto => node.attribute!.find((a) => a.name === name)!;
    if (node.opType === "Quant") {
      const bits = valuesOf(fourth)[0]!;
      const [least, greatest] = attribute("signed").i
        ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
        : [0, 2 ** bits - 1];
      const y = add("Add", [add("Div", [x, second]), third]);
      const clipped = add("Clip", [y, number(least), number(greatest)]);
      const rounded = add(text(attribute("rounding_mode")) === "FLOOR" ? "Floor" : "Round", [clipped]);
      add("Mul", [add("Sub", [rounded, third]), second], [], output);
    } else if (node.opType === "BipolarQuant") {
      const sign = add("Cast", [add("GreaterOrEqual", [x, number(0)])], [toFloat]);
      add("Mul", [add("Sub", [add("Mul", [sign, number(2)]), number(1)]), second], [], output);
    } else if (node.opType === "MultiThreshold") {
      const [rows, levels] = initializer.find(({ name }) => name === second)!.dims as [number, number];
      const isFirst = text(attribute("data_layout")) === "NCHW";
      const rank = rankOf(node.name!);
      const channels = isFirst
        ? [1, rows, ...new Array(rank - 2).fill(1)]
        : [...new Array(rank - 1).fill(1), rows];
      const thresholds = keep(floats([...channels, levels], [...valuesOf(second)]));
      const wide = add("Unsqueeze", [x, keep(ints([1], [-1]))]);
      const reached = add("Cast", [add("GreaterOrEqual", [wide, thresholds])], [toFloat]);
      const keepdims: AttributeProto = { name: "keepdims", type: 2, i: 0 };
      const sum = add("ReduceSum", [reached, keep(ints([1], [-1]))], [keepdims]);
      const scaled = add("Mul", [sum, number(attribute("out_scale").f!)]);
      add("Add", [scaled, number(attribute("out_bias").f!)], [], output);
    } else nodes.push(node);
  }
  const opsetImport = model.opsetImport!.filter(({ domain = "" }) => domain === "");
  return { ...model, opsetImport, graph: { ...graph, node: nodes, initializer } };
}

/** Every output of the exported model is what the simulator computes, for random inputs. */
export async function expectSameNumbersAsOnnxruntime(program: Program, count: number): Promise<void> {
  const rankOf = (name: string): number => 1 + valueNamed(program, name).shape.length;
  const model = standard(decodeMessage("ModelProto", exportQonnx(program)), rankOf);
  const session = await InferenceSession.create(encodeMessage("ModelProto", model), {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 3,
  });
  const inputs = randomInputs(program, count, 5);
  const { values } = simulate(program, inputs, count);
  const realOf = (name: string, data: Float64Array): Float64Array => {
    const value = valueNamed(program, name);
    return data.map(
      (m, i) => operandOf(value.format, m) * 2 ** -fractionOf(value.format, i % channelsOf(value)),
    );
  };
  for (let n = 0; n < count; n++) {
    const feeds = Object.fromEntries(
      program.inputs.map((name) => {
        const { shape } = valueNamed(program, name);
        const size = elementsOf(shape);
        const real = realOf(name, inputs.get(name)!.subarray(n * size, (n + 1) * size));
        return [name, new Tensor("float32", Float32Array.from(real), [1, ...shape])];
      }),
    );
    const results = await session.run(feeds);
    for (const { name, value } of program.outputs) {
      const { shape } = valueNamed(program, value);
      const size = elementsOf(shape);
      const integers = values.get(value)!.subarray(n * size, (n + 1) * size);
      const { data, dims } = results[name]!;
      const isClass = data instanceof BigInt64Array;
      expect(dims).toEqual([1, ...shape]);
      const got = isClass ? Array.from(data, Number) : Array.from(data as Float32Array, (m) => m + 0);
      expect(got, `${program.name}: ${name}`).toEqual(
        Array.from(isClass ? integers : realOf(value, integers), (m) => m + 0),
      );
    }
  }
  await session.release();
}
