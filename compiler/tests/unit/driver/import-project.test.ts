// A model that states its quantizers from its file to a design: ports, samples, scores, and the report's account of it. The
// models are small enough to work out by hand.
import { describe, expect, it } from "vitest";
import { encodeNpy } from "../../../data/npy.ts";
import { compileImported } from "../../../driver/compile-imported.ts";
import { exactStep, importProject } from "../../../driver/import-project.ts";
import { importQueries } from "../../../driver/imported-source.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { ImportedModel, Quantizer } from "../../../graph/imported.ts";
import type { OpenedImport } from "../../../import/open.ts";
import { designResultSchema, importResultSchema } from "../../../report/results.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { modelOf, type NodeParts, numbers } from "../lower/exact/random-imported.ts";

const int = (scale: readonly number[], least: number, greatest: number, zero = 0): Quantizer => ({
  kind: "int",
  scale: numbers(...scale),
  zeroPoint: numbers(zero),
  least,
  greatest,
  rounding: "ROUND",
});
const input = (name: string, size: number): NodeParts => ({
  kind: "input",
  name,
  shape: [size],
  stored: null,
});
const quantize = (name: string, of: string, size: number, quantizer: Quantizer): NodeParts => ({
  kind: "quantize",
  name,
  input: of,
  shape: [size],
  quantizer,
});

const opened = (model: ImportedModel): OpenedImport => ({
  model,
  inputs: model.nodes
    .filter(({ kind }) => kind === "input")
    .map(({ name, shape }) => ({ name, fileShape: shape, axes: shape.map((_, i) => i) })),
  outputs: model.outputs.map(({ name, node }) => {
    const { shape } = model.nodes.find((one) => one.name === node)!;
    return { name, fileShape: shape, axes: shape.map((_, i) => i) };
  }),
  warnings: [],
  digest: "of the file",
});

function imported(model: ImportedModel, text = "", files: Readonly<Record<string, Uint8Array>> = {}) {
  const [items = "", rest = ""] = text.split("---");
  const source = createSourceFile("test.floor", `floor 1\nmodel m from "m.onnx" {\n${items}\n}\n${rest}`);
  const file = opened(model);
  const { stated, diagnostics } = compileSource(source, {
    exists: (path) => (path in files ? "found" : "missing"),
    ...importQueries(file),
  });
  if (!stated) throw new DiagnosticError(diagnostics);
  const found = importProject(file, stated, { read: (path) => files[path] });
  const program = JSON.parse(found.files.get("import/program.json") as string);
  return { ...found, project: stated, program };
}

/** Integers of three inputs in quarters; every unit sums up one of them, by two weights of its own scale. */
function picking(scales: readonly number[], more: readonly NodeParts[] = [], quantized = int([0.25], -8, 7)) {
  const model = modelOf(
    [
      input("x", 3),
      quantize("q", "x", 3, quantized),
      { kind: "dense", name: "fc", input: "q", shape: [3], units: 3 },
      ...more,
    ],
    {
      fc: {
        weights: numbers(...scales.flatMap((s, u) => [0, 1, 2].map((i) => (i === u ? s : 0)))),
        weightQuantizer: int(
          scales.map((s) => Math.abs(s)),
          -1,
          1,
        ),
        bias: null,
        biasQuantizer: null,
      },
    },
  );
  return model;
}

describe("what comes in", () => {
  it("has the integers of the first quantizer, or those that are asked for", () => {
    const stated = imported(picking([1, 1, 1], [], int([0.25], -8, 7, 2)));
    expect(importResultSchema.parse(stated.result)).toEqual(stated.result);
    expect(stated.result).toMatchObject({ model: "m", seed: 1, accuracy: "unknown" });
    expect(stated.result.imported).toMatchObject({
      inputs: [
        { name: "x", shape: [3], signed: true, width: 4, scale: 0.25, zeroPoint: 2, statedBy: "file" },
      ],
      formats: [{ node: "q" }, { node: "fc" }],
      samples: { count: 1000, from: "random" },
    });
    expect(stated.warnings).toEqual([]);
    const asked = imported(picking([1, 1, 1]), "input x as u8 { scale: 0.00392156862745098 }");
    expect(asked.result.imported.inputs).toMatchObject([
      { signed: false, width: 8, scale: 1 / 255, zeroPoint: 0, statedBy: "user" },
    ]);
  });

  it("has 8 bits where nothing states them, with a warning", () => {
    const model = picking([1, 1, 1]);
    const nodes = model.nodes.flatMap((node) =>
      node.name === "q" ? [] : [node.name === "fc" ? { ...node, input: "x" } : node],
    ) as ImportedModel["nodes"];
    const found = imported({ ...model, nodes });
    expect(found.result.imported.inputs).toMatchObject([
      { signed: true, width: 8, scale: 1 / 128, zeroPoint: 0, statedBy: "default" },
    ]);
    expect(found.warnings.map(({ code, severity }) => [code, severity])).toEqual([
      ["import/assumed-input", "warning"],
    ]);
  });

  it("is run by random integers of the whole range, others for another seed", () => {
    const model = picking([1, 1, 1]);
    const file = opened(model);
    const { project, samples } = imported(model);
    const found = new Set(samples.inputs[0]!.mantissas);
    expect([...found].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i - 8));
    const other = importProject(file, { ...project, seed: 2 }, { read: () => undefined });
    expect(other.samples.inputs[0]!.mantissas).not.toEqual(samples.inputs[0]!.mantissas);
    expect(imported(model).files).toEqual(imported(model).files);
  });

  it("is run by fewer random integers where the network is large", () => {
    const size = 2 ** 17;
    const large = modelOf([
      input("x", size),
      quantize("q", "x", size, int([0.25], -8, 7)),
      quantize("coarse", "q", size, int([1], -2, 1)),
    ]);
    expect(imported(large).result.imported.samples).toEqual({ count: 128, from: "random" });
  });

  it("a step next to one part of a whole is that part", () => {
    expect(exactStep(1 / 255)).toEqual({ numerator: 1n, denominator: 255n });
    expect(exactStep(1 / 3)).toEqual({ numerator: 1n, denominator: 3n });
    expect(exactStep(0.25)).toEqual({ numerator: 1n, denominator: 4n });
    expect(exactStep(3)).toEqual({ numerator: 3n, denominator: 1n });
    expect(exactStep(0.3).denominator).toBe(2n ** 54n);
  });

  it("values of a file become integers as the quantizer rounds them: ties to even", () => {
    const values = Float32Array.of(0.125, 0.375, -0.125, 9, -9, 0.26);
    const files = { "x.npy": encodeNpy([2, 3], "float32", values) };
    const { samples } = imported(picking([1, 1, 1]), '---data { test: npy("x.npy") }', files);
    expect([...samples.inputs[0]!.mantissas]).toEqual([0, 2, 0, 7, -8, 1]);
    expect(imported(picking([1, 1, 1]), '---data { test: npy("x.npy") }', files).result).toMatchObject({
      accuracy: "unknown",
      imported: { samples: { count: 2, from: "data" } },
    });
  });
});

describe("what goes out", () => {
  const files = {
    "x.npy": encodeNpy([3, 3], "int8", Int8Array.of(7, 1, 2, -8, -1, 3, 2, 3, -4)),
    "y.npy": encodeNpy([3], "uint8", Uint8Array.of(0, 2, 1)),
    "wrong.npy": encodeNpy([3], "uint8", Uint8Array.of(1, 1, 1)),
  };
  const scored = (model: ImportedModel, labels = "y.npy") => {
    const { result, samples, program, project } = imported(
      model,
      `---data { test: npy("x.npy", labels: "${labels}") }`,
      files,
    );
    const design = compileImported({ program, imported: result.imported, samples }, project);
    expect(designResultSchema.parse(design.result)).toEqual(design.result);
    return { ...design, account: result.imported, accuracy: result.accuracy };
  };

  it("is counted by the largest value, whatever the scales' signs", () => {
    const plain = scored(picking([1, 1, 1]));
    expect(plain.result.quantized!.accuracy).toBe(1);
    expect(plain.accuracy).toBeUndefined();
    expect(scored(picking([1, 1, 1]), "wrong.npy").result.quantized!.accuracy).toBeCloseTo(1 / 3, 12);
    // The file turns all sums around: the smallest integer is the largest value.
    const turned = (gain: number): NodeParts => ({
      kind: "affine",
      name: "turned",
      input: "fc",
      shape: [3],
      gain: numbers(gain),
      offset: numbers(0),
    });
    const negative = scored(picking([1, 1, 1], [turned(-1)]));
    // Smallest of (7, 1, 2), (-8, -1, 3), (2, 3, -4): 1, 0, 2.
    expect(negative.result.quantized!.accuracy).toBe(0);
    expect(scored(picking([-1, -1, -1], [turned(-1)])).result.quantized!.accuracy).toBe(1);
  });

  it("is counted by real values where channels have scales of their own", () => {
    // 7, 1, 2 times 0.01, 1, 1: the third; -0.08, -1, 3: the third; 0.02, 3, -4: the second.
    const { result, account, manifest } = scored(picking([0.01, 1, 1].map(Math.fround)));
    expect(result.quantized!.accuracy).toBeCloseTo(2 / 3, 12);
    const [output] = account.outputs as [(typeof account.outputs)[number]];
    expect(output.scale).toHaveLength(3);
    expect(manifest.scales![output.value]).toEqual({ scale: output.scale, offset: 0 });
    expect(manifest.scales!.x).toEqual({ scale: 0.25, offset: 0 });
  });

  it("is a class that the program decides on, beside its scores", () => {
    const argmax: NodeParts = { kind: "argmax", name: "best", input: "fc", shape: [1] };
    const { result, account, program, manifest } = scored(picking([1, 1, 1], [argmax]));
    expect(account.outputs.map(({ role }) => role)).toEqual(["logits", "class"]);
    expect(result.quantized!.accuracy).toBe(1);
    expect(result.quantized!.loss).toBeGreaterThan(0);
    const { values } = simulate(program, new Map([["x", [7, 1, 2]]]), 1);
    expect([...values.get(account.outputs[1]!.value)!]).toEqual([0]);
    // The class alone is streamed, as for models that are trained.
    expect(manifest.rtl!.outputs.map(({ values: streamed }) => streamed.map(({ role }) => role))).toEqual([
      ["class"],
    ]);
  });

  it("has no noise, no pruning and no binary point, and the layers' widths", () => {
    const { result } = scored(picking([1, 1, 1]));
    expect(result.layers).toEqual([
      {
        name: "fc",
        kind: "dense",
        macs: 9,
        weights: { kind: "int", width: 2, signed: true },
        activations: { kind: "int", width: 4, signed: true },
        accumulatorWidth: expect.any(Number),
      },
    ]);
    expect(result.totals.bitOperations).toBe(9 * 2 * 4);
  });

  it("is compared with real values where the samples have some", () => {
    const targets = {
      ...files,
      "t.npy": encodeNpy([3, 3], "float32", Float32Array.of(1.75, 0.25, 0.5, -2, -0.25, 0.75, 0.5, 0.75, 0)),
    };
    const { result, samples, program, project } = imported(
      picking([1, 1, 1]),
      '---data { test: npy("x.npy", targets: "t.npy") }',
      targets,
    );
    const design = compileImported({ program, imported: result.imported, samples }, project);
    // One of nine values is off, by 1.
    expect(design.result.quantized).toEqual({ accuracy: null, loss: expect.closeTo(1 / 9, 9) });
  });
});

describe("several inputs and outputs", () => {
  const model = (): ImportedModel => {
    const made = modelOf(
      [
        input("a", 2),
        input("b", 2),
        quantize("qa", "a", 2, int([0.5], 0, 15)),
        quantize("qb", "b", 2, int([0.5], -8, 7)),
        { kind: "add", name: "sum", inputs: ["qa", "qb"], shape: [2] },
        { kind: "subtract", name: "rest", inputs: ["qa", "qb"], shape: [2] },
        { kind: "argmax", name: "best", input: "sum", shape: [1] },
      ],
      {},
    );
    return {
      ...made,
      outputs: [
        { name: "kind", node: "best" },
        { name: "distance", node: "rest" },
      ],
    };
  };

  it("have ports of their own, and scores where there is something to compare with", () => {
    const files = {
      "a.npy": encodeNpy([2, 2], "uint8", Uint8Array.of(3, 9, 4, 0)),
      "b.npy": encodeNpy([2, 2], "int8", Int8Array.of(1, -8, -2, 1)),
      "k.npy": encodeNpy([2], "uint8", Uint8Array.of(0, 1)),
      "d.npy": encodeNpy([2, 2], "float32", Float32Array.of(1, 8.5, 3, -0.5)),
    };
    const data = (more: string): string => `---data { test: { a: npy("a.npy"), b: npy("b.npy")${more} } }`;
    const scoreOf = (more: string) => {
      const { result, samples, program, project } = imported(model(), data(more), files);
      return compileImported({ program, imported: result.imported, samples }, project);
    };
    const both = scoreOf(', kind: npy("k.npy"), distance: npy("d.npy")').result.quantized!;
    // Sums 4, 1 and 2, 1: the first both times; differences are as the file has them.
    expect(both.accuracy).toBeNull();
    expect(both.outputs!.map(({ name, accuracy }) => [name, accuracy])).toEqual([
      ["kind", 0.5],
      ["distance", null],
    ]);
    expect(both.outputs![1]!.loss).toBe(0);
    expect(scoreOf(', kind: npy("k.npy")').result.quantized!.accuracy).toBe(0.5);
    expect(scoreOf(', distance: npy("d.npy")').result.quantized).toEqual({ accuracy: null, loss: 0 });
    expect(scoreOf("").result.quantized).toBeUndefined();
    expect(scoreOf("").manifest.rtl!.inputs).toHaveLength(2);
  });
});
