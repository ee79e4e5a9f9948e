// Compiling a trained graph: the same bytes every time, hashes that fit, and figures that follow from the program.
import { describe, expect, it } from "vitest";
import { decodeNpy } from "../../../data/npy.ts";
import { compileDesign } from "../../../driver/compile-design.ts";
import { explainDesign, explainNetwork, printExplanations } from "../../../driver/explain.ts";
import type { LossSpec, TrainingSpec } from "../../../graph/project.ts";
import { readProgram } from "../../../program/read.ts";
import { designResultSchema } from "../../../report/results.ts";
import { sha256Of } from "../../../support/digest.ts";
import { classifier, convolution, hardware, regression, vectorsOf } from "./small-trained.ts";

type Compared = Pick<TrainingSpec, "losses" | "target">;

const comparedBy = (loss: LossSpec, target: Compared["target"] = "data"): Compared => ({
  losses: [{ loss, weight: 1 }],
  target,
});
const classes = comparedBy({ kind: "cross-entropy", smoothing: 0, weights: null });
const squares = comparedBy({ kind: "mse", weights: [1, 3] });
const test = vectorsOf(classifier, null);
const compile = () => compileDesign(classifier, classes, hardware, test);

describe("compileDesign", () => {
  it("gives the same bytes every time", () => {
    expect([...compile().files]).toEqual([...compile().files]);
  });

  it("hashes every file but the manifest, and reads its program back", () => {
    const { files, manifest, program } = compile();
    const listed = Object.entries(manifest.files);
    expect(listed.length).toBe(files.size - 1);
    for (const [path, hash] of listed) expect(sha256Of(files.get(`design/${path}`)!)).toBe(hash);
    expect(readProgram(files.get("design/program.json") as string)).toEqual(program);
  });

  it("counts what is left of the layers, and what was pruned", () => {
    const { result } = compile();
    expect(designResultSchema.parse(result)).toEqual(result);
    expect(result.totals.bitOperations).toBe(classifier.bitOperations);
    expect(result.totals.weightBits).toBe((20 + 15) * 3);
    expect(result.totals.parameters).toBe(20 + 5 + 15 + 3);
    expect(result.layers.map((l) => [l.name, l.macs, l.weights.width, l.activations.width])).toEqual([
      ["fc1", 20, 3, 2],
      ["fc2", 15, 3, 4],
    ]);
    expect(result.layers.map((l) => l.pruned)).toEqual([
      { inputs: 2, outputs: 0, weights: 10 },
      { inputs: 0, outputs: 0, weights: 0 },
    ]);
    expect(result.hardware.intervalCycles).toBeLessThanOrEqual(14);
  });

  it("scores a regression whose outputs have fractions of their own, by the plain mean square", () => {
    const given = vectorsOf(regression, [0.25, -0.5]);
    const { result, files } = compileDesign(regression, squares, hardware, given);
    // By hand: inputs to 2 bits with 2 fraction digits, sums with 5 and 4.
    const [fc] = regression.layers;
    let loss = 0;
    for (let n = 0; n < given.samples.count; n++)
      for (let u = 0; u < 2; u++) {
        let sum = fc!.bias![u]!;
        for (let i = 0; i < 3; i++) {
          const x = Math.min(3, Math.floor(given.samples.inputs[0]!.mantissas[n * 3 + i]! / 64 + 0.5));
          sum += fc!.weights[u * 3 + i]! * x;
        }
        const [value, target] = u === 0 ? [sum / 32, 0.25] : [sum / 16, -0.5];
        loss += (value - target) ** 2 / 2 / given.samples.count;
      }
    expect(result.quantized).toEqual({ accuracy: null, loss: expect.closeTo(loss, 9) });
    expect(result.layers[0]!.weights.fraction).toEqual([3, 2]);
    const targets = decodeNpy(files.get("design/vectors/targets.npy") as Uint8Array, { path: "targets" });
    expect([targets.shape, targets.data]).toEqual([[20, 2], given.samples.answers[0]!.values]);
    expect(files.has("design/vectors/labels.npy")).toBe(false);
  });

  it("compares a network that reproduces its input with the input", () => {
    const [x, fc] = regression.graph.nodes;
    const copy = {
      ...regression,
      graph: { ...regression.graph, nodes: [{ ...x!, shape: [2] }, fc!] },
      layers: [
        {
          ...regression.layers[0]!,
          inputs: 2,
          weights: [1, 0, 0, 1],
          bias: [0, 0],
          weightFormat: { kind: "int", signed: true, width: 2, fraction: 0 },
        },
      ],
    } as typeof regression;
    const given = vectorsOf(copy, null);
    const { result, files } = compileDesign(
      copy,
      comparedBy({ kind: "mse", weights: null }, "input"),
      hardware,
      {
        samples: { ...given.samples, answers: [{ labels: new Int32Array(0), values: null }] },
        outputs: [new Float64Array(40)],
      },
    );
    // The copy is the input to 2 bits: what is left is the rounding.
    let loss = 0;
    for (const m of given.samples.inputs[0]!.mantissas)
      loss += (Math.min(3, Math.floor(m / 64 + 0.5)) / 4 - m / 256) ** 2;
    expect(result.quantized).toEqual({ accuracy: null, loss: expect.closeTo(loss / 40, 9) });
    expect([...files.keys()].filter((path) => /labels|targets/.test(path))).toEqual([]);
  });
});

describe("a convolution", () => {
  const design = compileDesign(
    convolution,
    comparedBy({ kind: "mse", weights: null }),
    { ...hardware, intervalCycles: 100 },
    vectorsOf(convolution, [0.5]),
  );

  it("is a layer of the report, whose weights work at every position", () => {
    const { layers, totals } = design.result;
    expect(layers.map((l) => [l.name, l.kind, l.macs, l.weights.width])).toEqual([["c", "conv", 72, 3]]);
    expect(totals).toMatchObject({ parameters: 20, weightBits: 54, meanWeightBits: 3, bitOperations: 432 });
  });

  it("is explained", () => {
    const [c, ...others] = explainDesign(design.program, design.manifest, convolution);
    expect(others).toEqual([]);
    const facts = Object.fromEntries(c!.facts.map((f) => [f.what, f]));
    expect(facts["bit operations"]!.because).toBe("72 MACs x 3 x 2 bits");
    expect(facts.folding!.value).toMatch(/^PE \d+, SIMD \d+: \d+ cycles$/);
    expect(facts.folding!.because).toContain("4 positions of 2 units with 3x3x1 weights each");
    expect(facts.share!.value).toBe("100.0 %");
    // The bits of 16 pixels, not of the nine of a window.
    expect(facts.information!.value).toBe("16.0 bits enter per inference");
  });
});

describe("explainDesign", () => {
  const { program, manifest } = compile();

  it("explains every layer", () => {
    const text = printExplanations(explainDesign(program, manifest, classifier));
    for (const words of ["fc1", "fc2", "SNR bits", "accumulator", "PE ", "20 MACs x 3 x 2 bits"])
      expect(text).toContain(words);
  });

  it("says what the bits carry, cost and are worth", () => {
    const [fc1] = explainDesign(program, manifest, classifier);
    const facts = Object.fromEntries(fc1!.facts.map((f) => [f.what, f]));
    expect(facts.weights!.value).toBe("3 bits, integers -4..3, step 2^-(3), values -0.5..0.375");
    expect(facts.weights!.because).toContain("alpha 0.100");
    expect(facts.weights!.because).toContain("measured residue 0.0900");
    expect(facts.share!.value).toBe("40.0 %");
    expect(facts.information!.value).toBe("4.0 bits enter per inference");
    expect(facts["weights +-1 bit"]!.value).toBe(
      "4 bits: +6.02 dB, loss -0.0020, +40 bit operations; 2 bits: -6.02 dB, loss +0.0300, -40 bit operations",
    );
    expect(facts.pruned!.value).toBe(
      "2 inputs (1 constant, 0 by bit allocation), 0 units (0 by bit allocation), 10 weights",
    );
  });

  it("ends with the network: the outcome, and constant inputs on a line of their own", () => {
    const facts = explainNetwork(program, classifier);
    expect(facts.map((f) => [f.what, f.value])).toEqual([
      ["objective", "lossless"],
      ["difference", "loss +0.0040 with standard error 0.0010"],
      ["bit operations", "300"],
      ["pruned", "1 inputs, 0 units: 30 bit operations saved"],
      ["constant", "1 inputs: 30 bit operations saved"],
    ]);
    expect(facts[1]!.because).toContain("at most 0.0056 with 95 % confidence, 0.0100 allowed: it holds");
    expect(explainNetwork(program, undefined).map((f) => f.what)).toEqual(["bit operations"]);
  });
});
