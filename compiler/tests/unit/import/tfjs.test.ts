// model.json and its weight files: numbers of 8 and 16 bits unpack as TensorFlow.js does it, files may be cut anywhere, and
// what leads out of the folder or does not add up is refused.
import { describe, expect, it } from "vitest";
import { readTfjs, tfjsWeightFiles } from "../../../import/tfjs/read-tfjs.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { codesOf, diagnosticsOf, messagesOf } from "../data/diagnostics-of.ts";
import { type TestModel, tfjsFiles } from "./keras-files.ts";
import { createDraws, inputLayer, tensorOf } from "./random-keras.ts";

const draws = createDraws(11);
const model: TestModel = {
  layers: [
    inputLayer([3]),
    {
      type: "Dense",
      name: "dense_Dense1",
      config: { units: 2 },
      uses: [["image"]],
      weights: [tensorOf(draws, "kernel", [3, 2]), tensorOf(draws, "bias", [2])],
    },
  ],
  outputs: ["dense_Dense1"],
};
const [kernel, bias] = model.layers[1]!.weights!.map((t) => [...t.data]);
/** From (inputs, units) to [units, inputs]. */
const turned = (list: readonly number[]): readonly number[] => [0, 2, 4, 1, 3, 5].map((i) => list[i]!);

type Json = {
  format: string;
  modelTopology: unknown;
  weightsManifest: { paths: string[]; weights: Record<string, unknown>[] }[];
};

/** The model's files after a change of model.json; `data` replaces the weights. */
function changed(change: (json: Json) => void, data?: Uint8Array) {
  const files = tfjsFiles(model);
  const json = JSON.parse(new TextDecoder().decode(files.modelJson)) as Json;
  const [path] = json.weightsManifest[0]!.paths;
  change(json);
  const weightFiles = data ? new Map([[path!, data]]) : files.weightFiles;
  return { name: "model.json", modelJson: encodeUtf8(JSON.stringify(json)), weightFiles };
}

const constants = (files: Parameters<typeof readTfjs>[0]) =>
  readTfjs(files).model.constants.get("dense_Dense1")!;

describe("a model of TensorFlow.js", () => {
  it.each([1, 7, 12, 1000])("is read from files of %i bytes", (bytes) => {
    const files = { name: "model.json", ...tfjsFiles(model, bytes) };
    expect(tfjsWeightFiles(files.modelJson, files.name)).toEqual([...files.weightFiles.keys()]);
    const { weights, bias: offsets } = constants(files);
    expect([...weights]).toEqual(turned(kernel!));
    expect([...offsets!]).toEqual(bias);
  });

  it("may hold its layers as text, or without a model_config around them", () => {
    const bare = changed((json) => {
      json.modelTopology = JSON.stringify((json.modelTopology as { model_config: unknown }).model_config);
    });
    expect([...constants(bare).bias!]).toEqual(bias);
  });

  it("unpacks 8 and 16 bits", () => {
    const stored = [0, 1, 100, 255, 7, 128, 3, 4];
    const quantization = { scale: 0.003, min: -0.4, original_dtype: "float32" };
    const values = stored.map((q) => Math.fround(q * 0.003 - 0.4));
    for (const dtype of ["uint8", "uint16"]) {
      const data =
        dtype === "uint8" ? Uint8Array.from(stored) : new Uint8Array(Uint16Array.from(stored).buffer);
      const files = changed((json) => {
        for (const weight of json.weightsManifest[0]!.weights)
          weight.quantization = { dtype, ...quantization };
      }, data);
      expect([...constants(files).weights]).toEqual(turned(values.slice(0, 6)));
      expect([...constants(files).bias!]).toEqual(values.slice(6));
    }
  });

  it("unpacks half precision", () => {
    const halves = [0x3c00, 0xc000, 0x3800, 0x0001, 0x7bff, 0x0000, 0x3555, 0xbc00];
    const values = [1, -2, 0.5, 2 ** -24, 65504, 0, 0.333251953125, -1];
    const files = changed(
      (json) => {
        for (const weight of json.weightsManifest[0]!.weights) weight.quantization = { dtype: "float16" };
      },
      new Uint8Array(Uint16Array.from(halves).buffer),
    );
    expect([...constants(files).weights]).toEqual(turned(values.slice(0, 6)));
    expect([...constants(files).bias!]).toEqual(values.slice(6));
  });
});

describe("what is no model of TensorFlow.js", () => {
  it.each(["../secret.bin", "/etc/passwd", "a/../../b", "http://host/w.bin", "C:\\w.bin", "", "a\0b"])(
    "may not name the file %j",
    (path) => {
      const files = changed((json) => {
        json.weightsManifest[0]!.paths = [path];
      });
      expect(codesOf(() => tfjsWeightFiles(files.modelJson, "model.json"))).toEqual(["import/tfjs-shard"]);
      expect(codesOf(() => readTfjs(files))).toEqual(["import/tfjs-shard"]);
    },
  );

  const weight = (fields: object) =>
    changed((json) => {
      Object.assign(json.weightsManifest[0]!.weights[0]!, fields);
    });
  it.each([
    ["is missing", { ...changed(() => {}), weightFiles: new Map() }],
    ["need 32 bytes, but", changed(() => {}, new Uint8Array(31))],
    ["need 36 bytes, but", weight({ shape: [7] })],
    ["has the shape [-3]", weight({ shape: [-3] })],
    ['has the shape "x"', weight({ shape: "x" })],
    ["above the limit", weight({ shape: [2 ** 31, 2 ** 31] })],
    ['numbers of type "complex64"', weight({ dtype: "complex64" })],
    ["has no name", weight({ name: 3 })],
    ['is stored as {"dtype":"uint4"}', weight({ quantization: { dtype: "uint4" } })],
    [
      'is stored as {"dtype":"uint8","scale":null}',
      weight({ quantization: { dtype: "uint8", scale: null } }),
    ],
    [
      "is not finite",
      changed(() => {}, new Uint8Array(Float32Array.of(Number.NaN, 1, 1, 1, 1, 1, 1, 1).buffer)),
    ],
    [
      "the file holds no weights of it",
      changed((json) => {
        for (const entry of json.weightsManifest[0]!.weights) entry.name = "other/kernel";
      }),
    ],
    [
      "only layers models",
      changed((json) => {
        json.format = "graph-model";
      }),
    ],
    [
      "has no weightsManifest",
      changed((json) => {
        json.weightsManifest = {} as never;
      }),
    ],
    [
      "a group of weights is 3",
      changed((json) => {
        json.weightsManifest = [3] as never;
      }),
    ],
    [
      "no Sequential or functional model",
      changed((json) => {
        json.modelTopology = 7;
      }),
    ],
    ["no valid JSON", { ...changed(() => {}), modelJson: encodeUtf8("{") }],
  ])("is refused: %s", (text, files) => {
    expect(messagesOf(() => readTfjs(files))).toContain(text);
    for (const { hint } of diagnosticsOf(() => readTfjs(files))) expect(hint).toBeTruthy();
  });
});
