// Quantized models, published ones too where their folder stands beside the clone: their integers against the formulas of their
// quantizers, built of standard ONNX operators and run by onnxruntime in double precision.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "../../../../import/onnx/decode.ts";
import { encodeMessage } from "../../../../import/onnx/encode.ts";
import { readOnnx } from "../../../../import/onnx/read.ts";
import { type InputGrid, lowerImported } from "../../../../lower/exact/lower-imported.ts";
import { elementsOf, mantissaRange, valueNamed } from "../../../../program/program.ts";
import { simulate } from "../../../../sim/simulate.ts";
import { createRandom } from "../../../../support/random.ts";
import { powerOfTwo, ratio, rationalOf, toNumber } from "../../../../support/rational.ts";
import { fileIndices } from "../../import/against-onnxruntime.ts";
import { createOnnx } from "../../import/build-onnx.ts";
import { withFormulas } from "./double-formulas.ts";
import { evaluate, FINE } from "./evaluate.ts";

env.wasm.numThreads = 1;
env.logLevel = "fatal";

const folder = fileURLToPath(new URL("../../../../../../shared/models/", import.meta.url));
const isThere = existsSync(folder);
if (!isThere) console.warn(`no models in ${folder}: their formulas are not compared`);

const RUNS = 1000;

interface Difference {
  readonly sample: number;
  readonly element: number;
  /** Whether numbers of 400 bits agree with the program: doubles had rounded a tie, or next to one. */
  readonly isTie: boolean;
}

/** Every integer of a uniform choice of inputs, and the outputs that differ. */
async function differencesOf(
  file: string,
  bytes: Uint8Array,
  grid: InputGrid,
): Promise<readonly Difference[]> {
  const { model, inputs, outputs: ports } = readOnnx(bytes, { path: file });
  const [port] = inputs as [(typeof inputs)[number]];
  const formulas = withFormulas(decodeMessage("ModelProto", bytes));
  const session = await InferenceSession.create(encodeMessage("ModelProto", formulas), {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 3,
  });
  const { program, outputs } = lowerImported(model, { inputs: new Map([[port.name, grid]]) });
  const [{ value, scale, offset }] = outputs as [(typeof outputs)[number]];
  expect([scale.length, offset.length]).toEqual([1, 1]);
  const { shape, format } = valueNamed(program, port.name);
  const [size, units] = [elementsOf(shape), elementsOf(valueNamed(program, value).shape)];
  const { min, max } = mantissaRange(format);
  const random = createRandom("formulas", file);
  const integers = Int16Array.from({ length: RUNS * size }, () => random.integer(min, max));
  const { values } = simulate(program, new Map([[port.name, integers]]), RUNS);
  // Inputs that tell nothing apart would agree with anything.
  expect(new Set(values.get(value)).size).toBeGreaterThan(8);
  const indices = fileIndices(port, shape);
  const places = fileIndices(ports[0]!, valueNamed(program, value).shape);
  const dims = port.fileShape.map((axis) => axis ?? 1);
  const found: Difference[] = [];
  for (let sample = 0; sample < RUNS; sample++) {
    const real = Array.from(
      integers.subarray(sample * size, (sample + 1) * size),
      (m) => m * toNumber(grid.scale),
    );
    const data = new Float64Array(size);
    indices.forEach((index, e) => {
      data[index] = real[e]!;
    });
    const result = await session.run({ [port.name]: new Tensor("float64", data, dims) });
    const wanted = result[session.outputNames[0]!]!.data as Float64Array;
    expect(wanted).toBeInstanceOf(Float64Array);
    for (let element = 0; element < units; element++) {
      const ours = values.get(value)![sample * units + element]! * scale[0]! + offset[0]!;
      // One step of the integers is a million times as far.
      const isSame = (y: number): boolean => Math.abs(ours - y) <= 1e-6 * Math.abs(scale[0]!);
      if (isSame(wanted[places[element]!]!)) continue;
      const fine = evaluate(model, new Map([[port.name, real]]), FINE).get(model.outputs[0]!.node)!;
      found.push({ sample, element, isTie: isSame(FINE.toNumber(fine[element]!)) });
    }
  }
  await session.release();
  return found;
}

/** Two layers with an activation between them, and a Quant behind each. */
function smallNet(activation: string): Uint8Array {
  const b = createOnnx(7);
  const scalar = (value: number): string => b.weights([], [value]);
  const quant = (x: string, scale: number, bits: number): string =>
    b.node("qonnx.custom_op.general:Quant", [x, scalar(Math.fround(scale)), scalar(0), scalar(bits)], {
      signed: 1,
      narrow: 0,
      rounding_mode: "ROUND",
    });
  const dense = (x: string, inputs: number, units: number): string => {
    const w = quant(b.weights([inputs, units]), 0.13, 4);
    return b.node("Add", [b.node("MatMul", [x, w]), b.weights([units])]);
  };
  const x = quant(b.input("x", [null, 12]), 0.1, 6);
  const hidden = quant(b.node(activation, [dense(x, 12, 10)]), 0.021, 6);
  return b.finish([quant(dense(hidden, 10, 6), 0.05, 7)], 13);
}

describe("the formulas of Quant in double precision", () => {
  it.each(["Relu", "Sigmoid", "Tanh"])("behind %s", async (activation) => {
    const grid: InputGrid = { signed: true, width: 6, scale: rationalOf(Math.fround(0.1)) };
    expect(await differencesOf("net.onnx", smallNet(activation), grid)).toEqual([]);
  });
});

describe.skipIf(!isThere)("the formulas of published models in double precision", () => {
  it.each<[string, InputGrid]>([
    ["qkeras_jettagging.onnx", { signed: true, width: 8, scale: powerOfTwo(-7) }],
    ["qkeras_jettagging.onnx", { signed: true, width: 16, scale: powerOfTwo(-12) }],
    ["TFC_2W2A.onnx", { signed: false, width: 8, scale: ratio(1, 255) }],
  ])("%s", async (file, grid) => {
    const differences = await differencesOf(file, readFileSync(join(folder, file)), grid);
    // What doubles get wrong would be ties; there are none.
    expect(differences.filter(({ isTie }) => !isTie)).toEqual([]);
    expect(differences).toHaveLength(0);
  });
});
