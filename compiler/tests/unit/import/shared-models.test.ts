// Published models, where their folder stands beside the clone: they are read, and those that onnxruntime runs agree.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "../../../import/onnx/decode.ts";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { compareWithOnnxruntime } from "./against-onnxruntime.ts";

const folder = fileURLToPath(new URL("../../../../../shared/models/", import.meta.url));
const isThere = existsSync(folder);
if (!isThere) console.warn(`no models in ${folder}: the tests of published models are skipped`);

const bytesOf = (name: string): Uint8Array => readFileSync(join(folder, name));
const kindsOf = (name: string): string =>
  readOnnx(bytesOf(name), { path: name })
    .model.nodes.map(({ kind }) => kind)
    .join(" ");

describe.skipIf(!isThere)("published models", () => {
  it.each([
    ["three_layer_keras.onnx", "input dense relu dense relu dense relu dense"],
    ["conv2d_small_mp_keras.onnx", "input conv elu norm conv elu pool flatten dense elu dense"],
  ])("%s agrees with onnxruntime on 1,000 inputs but for its Softmax", async (name, kinds) => {
    const bytes = bytesOf(name);
    const model = decodeMessage("ModelProto", bytes);
    const nodes = model.graph!.node!;
    // The reader leaves the Softmax out; so does the file that onnxruntime runs.
    const reference = encodeMessage("ModelProto", {
      ...model,
      graph: {
        ...model.graph,
        node: nodes.map((node) =>
          node.opType === "Softmax" ? { ...node, opType: "Identity", attribute: [] } : node,
        ),
      },
    });
    const { imported, difference } = await compareWithOnnxruntime(bytes, { runs: 1000, range: 1, reference });
    expect(imported.model.nodes.map(({ kind }) => kind).join(" ")).toBe(kinds);
    expect(imported.warnings.map(({ code }) => code)).toEqual(["import/softmax-dropped"]);
    expect(difference).toBeLessThan(1e-5);
  });

  it("three_layer_bn_keras.onnx agrees with onnxruntime without its broken Transposes", async () => {
    const bytes = bytesOf("three_layer_bn_keras.onnx");
    const model = decodeMessage("ModelProto", bytes);
    const reference = encodeMessage("ModelProto", {
      ...model,
      graph: {
        ...model.graph,
        valueInfo: [],
        node: model.graph!.node!.map((node) =>
          ["Softmax", "Transpose"].includes(node.opType!)
            ? { ...node, opType: "Identity", attribute: [] }
            : node,
        ),
      },
    });
    const { imported, difference } = await compareWithOnnxruntime(bytes, { runs: 1000, range: 1, reference });
    expect(imported.model.nodes.map(({ kind }) => kind).join(" ")).toBe(
      "input dense norm relu dense norm relu dense norm relu dense norm",
    );
    expect(imported.warnings.map(({ code }) => code)).toEqual([
      ...Array(4).fill("import/batchnorm-axis"),
      "import/softmax-dropped",
    ]);
    expect(difference).toBeLessThan(1e-5);
  });

  it("qkeras_jettagging.onnx states its quantizers", () => {
    const { model } = readOnnx(bytesOf("qkeras_jettagging.onnx"), { path: "jets.onnx" });
    expect(model.nodes.map(({ kind }) => kind).join(" ")).toBe(
      "input dense relu quantize dense relu quantize dense relu quantize dense",
    );
    for (const { weightQuantizer, biasQuantizer, bias } of model.constants.values()) {
      expect(weightQuantizer).toMatchObject({ kind: "int", rounding: "ROUND" });
      expect(biasQuantizer).toMatchObject({ kind: "int", rounding: "ROUND" });
      expect(bias).not.toBeNull();
    }
  });

  it("TFC_2W2A.onnx states its quantizers", () => {
    const layer = "dense norm quantize";
    expect(kindsOf("TFC_2W2A.onnx")).toBe(
      `input affine affine flatten quantize ${layer} ${layer} ${layer} dense affine affine affine`,
    );
    const { model, inputs } = readOnnx(bytesOf("TFC_2W2A.onnx"), { path: "TFC_2W2A.onnx" });
    expect(model.nodes[0]).toMatchObject({ kind: "input", shape: [28, 28, 1] });
    expect(inputs[0]!.axes).toEqual([2, 3, 1]);
    const first = [...model.constants.values()][0]!;
    expect(first.weightQuantizer).toMatchObject({ kind: "int", least: -1, greatest: 1 });
    expect(first.weights.length).toBe(64 * 784);
  });
});
