// Padded convolutions of normalised inputs: what stands outside is the mean, in the float phases, in the integers of training,
// in the program, in C and in Verilog.
import { beforeAll, describe, expect, test } from "vitest";
import { verdict } from "../../../../rtl-tests/harness/programs.ts";
import type { Graph } from "../../../graph/graph.ts";
import type { FrozenFormat, TrainedGraph } from "../../../graph/trained-graph.ts";
import { lower } from "../../../lower/lower.ts";
import type { ConvInstruction, Program } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import { floatPass, scoreFloat } from "../../../train/float-model.ts";
import { evaluateFrozen } from "../../../train/frozen.ts";
import { networkOf } from "../../../train/network.ts";
import { createNoisePool } from "../../../train/noise.ts";
import { noisyGradients, noisyPass, plainGradients, startNoise } from "../../../train/noise-phase.ts";
import { momentsOf, normalizedPass, unfoldGradient } from "../../../train/normalize.ts";
import type { ParameterSet } from "../../../train/optimizers.ts";
import { copyParameters, initialParameters } from "../../../train/parameters.ts";
import { gradientsOf, type LossOf, outputsOf, rawSignals } from "../../../train/passes.ts";
import { checkRequest, type TrainRequest } from "../../../train/request.ts";
import { padMantissaOf, roundedPass } from "../../../train/rounding-phase.ts";
import { hasTool } from "../../tools-present.ts";
import { compileText } from "../dsl/model-text.ts";
import { designOf } from "../verify/designs.ts";
import { clouds, onePort, openWasm, record, request, type SpecChanges, spec } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const SHAPE = [6, 5, 2];
const ELEMENTS = 60;
const CLASSES = " -> relu -> flatten -> d: dense(3) -> argmax";
const PADDED = `output y = x -> c: conv(4, kernel: 3x3, padding: same)${CLASSES}`;
const STRIDED = `output y = x -> c: conv(4, kernel: 3x2, stride: 2x1, dilation: 1x2, padding: same)${CLASSES}`;
const NORMED = `output y = x -> c: conv(4, kernel: 3x3, padding: same) -> batchnorm${CLASSES}`;
const POOLED = `output y = x -> maxpool(2x2) -> c: conv(4, kernel: 3x3, padding: same)${CLASSES}`;
const MEANS = `output y = x -> avgpool(2x2) -> c: conv(4, kernel: 3x3, padding: same)${CLASSES}`;

/** The graph of a model's text about an image x of 6x5 with 2 channels. */
function graphOf(body: string, stored = "u8"): Graph {
  const { project, diagnostics } = compileText(`floor 1
model small {
  input x: ${SHAPE.join("x")} as ${stored}
  ${body}
}
data {
  train: npy("a.npy", labels: "b.npy")
  test: npy("a.npy", labels: "b.npy")
  validation: 10 samples
}
train { objective: budget(100 kbitops) }
`);
  if (!project) throw new Error(JSON.stringify(diagnostics));
  return project.graph;
}

const normals = (seed: string, count: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};
const meanOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;

const ROWS = 6;
const wish = normals("wish", ROWS * 3);
const lossOf: LossOf = ([outputs], [gradient]) => {
  let total = 0;
  outputs!.forEach((y, i) => {
    total += y * wish[i]!;
    gradient![i] = wish[i]! / ROWS;
  });
  return { total, hits: 0 };
};

/** A network's variables, with biases that are not 0, and samples. */
function netOf(body: string, mode: "tensor" | "element") {
  const graph = graphOf(body);
  const network = networkOf(graph);
  const parameters = initialParameters(network, 3);
  for (const [name, values] of Object.entries(parameters))
    if (/bias|shift|mean/.test(name)) values.set(normals(name, values.length).map((v) => 0.2 * v));
  const { stored } = network.inputs[0]!.node;
  const [samples] = clouds(ROWS, SHAPE, 3, stored, 4).inputs;
  const moments = momentsOf(samples!, stored.fraction, mode, 2);
  const inputs = Float32Array.from(samples!.mantissas, (m) => m * 2 ** -stored.fraction);
  return { graph, network, training: spec(graph), parameters, moments, inputs };
}

describe("in the float phases", () => {
  test.each([PADDED, STRIDED, NORMED, POOLED, MEANS])(
    "0 of the normalised values stands outside: %s",
    (body) => {
      const { network, training, parameters, moments, inputs } = netOf(body, "tensor");
      // Weights on values that are normalised already, around which the pass has 0.
      const normalized = inputs.map((v, i) => (v - moments.mean[i % 2]!) * moments.inverse[i % 2]!);
      const pass = () => floatPass(network, training, copyParameters(parameters), "batch");
      const [expected] = outputsOf(tf, ROWS, [normalized], pass());
      const [found] = outputsOf(tf, ROWS, [inputs], normalizedPass(pass(), 0, moments));
      for (const [i, y] of found!.entries()) expect(y).toBeCloseTo(expected![i]!, 3);
    },
  );

  test.each(["tensor", "element"] as const)("by %s the mean of all inputs stands outside", (mode) => {
    const { network, training, parameters, moments, inputs } = netOf(PADDED, mode);
    expect(moments.outside).toBeCloseTo(meanOf(inputs), 6);
    expect(moments.outside).toBeCloseTo(meanOf(moments.mean), 6);
    const pass = normalizedPass(floatPass(network, training, parameters, "batch"), 0, moments);
    const [, sums] = rawSignals(tf, 1, [new Float32Array(ELEMENTS).fill(moments.outside)], pass);
    expect(sums).toHaveLength(30 * 4);
    for (const [i, sum] of sums!.entries()) expect(sum).toBeCloseTo(sums![i % 4]!, 4);
    // It is the mean that does it.
    const [, others] = rawSignals(tf, 1, [new Float32Array(ELEMENTS).fill(moments.outside + 0.2)], pass);
    expect(Math.abs(others![0]! - others![4 * 12]!)).toBeGreaterThan(0.02);
  });

  test.each([
    ["tensor", PADDED],
    ["element", PADDED],
    ["element", STRIDED],
    ["element", NORMED],
    ["tensor", POOLED],
  ] as const)("by %s, gradients are those of the weights on normalised values: %s", (mode, body) => {
    const { network, training, parameters, moments, inputs } = netOf(body, mode);
    const passOf = (p: ParameterSet) =>
      normalizedPass(floatPass(network, training, copyParameters(p), "batch"), 0, moments);
    const gradients = plainGradients(
      gradientsOf(tf, { count: ROWS, inputs: [inputs] }, passOf(parameters), lossOf),
    );
    unfoldGradient(gradients, 0, moments, network.layers[0]!);
    for (const [name, found] of Object.entries(gradients))
      expectSlopes(found, parameters, name, (p) => outputsOf(tf, ROWS, [inputs], passOf(p))[0]!);
  });
});

/** Compares a gradient of the outputs' sum by `wish` with numeric slopes, where two distances agree on them. */
function expectSlopes(
  found: Float32Array,
  parameters: ParameterSet,
  name: string,
  outputs: (p: ParameterSet) => Float32Array,
): void {
  const loss = (i: number, d: number): number => {
    const moved = copyParameters(parameters);
    moved[name]![i] = moved[name]![i]! + d;
    return outputs(moved).reduce((sum, y, k) => sum + y * wish[k]!, 0) / ROWS;
  };
  let [error, size, compared] = [0, 0, 0];
  found.forEach((g, i) => {
    const [wide, narrow] = [-7, -9].map((e) => (loss(i, 2 ** e) - loss(i, -(2 ** e))) / 2 ** (e + 1));
    if (Math.abs(wide! - narrow!) > 0.05 * Math.abs(wide!) + 2e-3) return;
    compared++;
    error += (g - narrow!) ** 2;
    size += narrow! ** 2;
  });
  expect(compared, name).toBeGreaterThan(found.length * 0.4);
  expect(Math.sqrt(error / Math.max(size, 1e-4 * compared)), name).toBeLessThan(0.05);
}

describe("in the noise phase", () => {
  /** A noisy pass whose input has this step and range. Without a ReLU no sum jumps, from 0 to one that has noise. */
  function noisy(step: number, range: number, outside: number) {
    const { network, training, parameters, inputs } = netOf(PADDED.replace(" -> relu", ""), "tensor");
    parameters["0.outside"] = Float32Array.of(outside);
    startNoise(
      network,
      training,
      parameters,
      rawSignals(tf, ROWS, [inputs], floatPass(network, training, parameters, "batch")),
    );
    parameters["0.activationLogStep"] = Float32Array.of(Math.log2(step));
    parameters["0.activationLogRange"] = Float32Array.of(Math.log2(range));
    const passOf = (p: ParameterSet) => noisyPass(network, training, p, createNoisePool(1), ROWS, 1, 1);
    return { network, parameters, inputs, passOf };
  }

  test.each([
    [0.01, 0.9, 0.333, 0.33],
    [0.3, 0.9, 0.46, 0.6],
    [0.3, 0.9, 0.44, 0.3],
    [0.1, 0.25, 0.4, 0.25],
    [0.1, 0.9, -0.4, 0],
  ])("with steps of %d up to %d, of %d stands %d outside", (step, range, outside, expected) => {
    const { parameters, passOf } = noisy(step, range, outside);
    expect(passOf(parameters).pass.layers.map((l) => l.outside)).toEqual([expect.closeTo(expected, 6), 0]);
  });

  test("gradients are those of the rim too", () => {
    const { network, parameters, inputs, passOf } = noisy(0.01, 0.99, 0.4);
    const result = gradientsOf(tf, { count: ROWS, inputs: [inputs] }, passOf(parameters).pass, lossOf);
    const gradients = noisyGradients(network, parameters, passOf(parameters), result, {}, 16);
    // The quantizers' ranges follow the weights, whose own gradient is straight: by the weights as the pass has them.
    const { pass } = passOf(parameters);
    const quantized = { w: pass.layers[0]!.weights };
    const found = gradients["0.weights"]!;
    expectSlopes(
      found,
      quantized,
      "w",
      ({ w }) =>
        outputsOf(tf, ROWS, [inputs], {
          ...pass,
          layers: pass.layers.with(0, { ...pass.layers[0]!, weights: w! }),
        })[0]!,
    );
  });
});

describe("in a frozen format", () => {
  const { network, parameters } = netOf(PADDED, "tensor");
  const frozenWith = (format: Partial<FrozenFormat>, outside: number) => {
    const int = { kind: "int", signed: true, width: 4, fraction: 2, groups: null } as const;
    const signals = network.signals.map(() => ({ ...int, signed: false }));
    return {
      network,
      parameters: { ...parameters, "0.outside": Float32Array.of(outside) },
      formats: {
        weights: network.layers.map(() => int),
        signals: signals.with(0, { ...signals[0]!, ...format } as (typeof signals)[0]),
      },
      kept: network.signals.map(() => null),
    };
  };
  test.each([
    [{ width: 8, fraction: 8 }, 0.4, 102],
    [{ width: 4, fraction: 4 }, 0.4, 6],
    // A half goes up, whatever its sign.
    [{ width: 4, fraction: 2 }, 0.375, 2],
    [{ width: 4, fraction: 2, signed: true }, -0.375, -1],
    // Saturated as inputs are.
    [{ width: 2, fraction: 4 }, 0.4, 3],
    [{ width: 3, fraction: 4, signed: true }, -0.9, -4],
    [{ width: 3, fraction: 4 }, -0.9, 0],
  ])("%j, %d has the mantissa %d", (format, outside, mantissa) => {
    const frozen = frozenWith(format, outside);
    expect(padMantissaOf(frozen, 0)).toBe(mantissa);
    const { layers } = roundedPass(frozen, spec(network.graph), "running");
    expect(layers.map((l) => l.outside)).toEqual([mantissa * 2 ** -format.fraction, 0]);
    expect(padMantissaOf(frozen, 1)).toBe(0);
  });
});

const SHORT: SpecChanges = {
  limits: { bitOperations: 10_000_000 },
  epochs: { float: 1, noise: 1, rounding: 1 },
  weights: { bits: { min: 4, max: 4 } },
  input: { bits: { min: 4, max: 4 } },
  normalize: "tensor",
};

function requestOf(body: string, changes: SpecChanges = {}, stored = "u8"): TrainRequest {
  const graph = graphOf(body, stored);
  const type = networkOf(graph).inputs[0]!.node.stored;
  const [samples, validation] = [clouds(120, SHAPE, 3, type, 1), clouds(40, SHAPE, 3, type, 2)];
  return request({ graph, samples, validation, training: { ...SHORT, ...changes } });
}

const convOf = ({ instructions }: Program): ConvInstruction =>
  instructions.find((i): i is ConvInstruction => i.op === "conv")!;

/** The program's logits are those of training's own evaluation. */
function expectSame(trained: TrainedGraph, { validation, training }: TrainRequest): Program {
  const program = lower(trained);
  const outputs = evaluateFrozen(tf, trained, validation, training.losses).outputs[0]!.sums;
  const inputs = new Map([[program.inputs[0]!, onePort(validation).inputs]]);
  const { values } = simulate(program, inputs, validation.count);
  const logits = program.outputs.find((o) => o.role === "logits")!;
  expect(Array.from(values.get(logits.value)!)).toEqual(Array.from(outputs));
  expect(new Set(outputs).size).toBeGreaterThan(5);
  return program;
}

/** Trains, and compares what stands outside with the mean of the stored inputs. */
async function expectMean(asked: TrainRequest): Promise<{ trained: TrainedGraph; program: Program }> {
  const { result, log } = await record(tf, asked);
  const { trained } = result;
  const program = expectSame(trained, asked);
  expect(log).toContainEqual(expect.stringMatching(/normalised.* and pads with their mean$/));
  const samples = onePort(asked.samples);
  const [first] = trained.layers;
  const { fraction, width, signed } = first!.activationFormat;
  const { min, max } = integerRange(width, signed);
  const mean = meanOf(samples.inputs) * 2 ** -samples.stored.fraction;
  const mantissa = Math.min(max, Math.max(min, Math.floor(mean * 2 ** (fraction as number) + 0.5)));
  expect(mantissa).not.toBe(0);
  expect(first!.padMantissa).toBe(mantissa);
  expect(convOf(program).padMantissa).toBe(mantissa);
  expect(trained.layers.slice(1).every((l) => l.padMantissa === undefined)).toBe(true);
  return { trained, program };
}

describe("the integers of training, whose rounded mean stands outside, are the program's", () => {
  test.each([
    ["u8", "tensor", PADDED, {}],
    ["s8", "element", PADDED, {}],
    ["u8", "element", STRIDED, { augment: { shiftPixels: 1, flip: "none", noise: 0.02 } }],
    ["u8", "tensor", POOLED, {}],
    ["s8", "tensor", MEANS, {}],
    ["u8", "element", NORMED, { weights: { bits: { min: 1, max: 1 } } }],
    ["u8", "tensor", NORMED, { search: "rounding" }],
    [
      "u8",
      "element",
      PADDED,
      {
        weights: { bits: { min: 2, max: 6 }, granularity: { kind: "channel" } },
        input: { bits: { min: 2, max: 8 }, granularity: "channel" },
        limits: { bitOperations: 30_000 },
        distillation: { weight: 0.5, temperature: 2 },
      },
    ],
    [
      "u8",
      "tensor",
      PADDED,
      {
        objective: { kind: "lossless", epsilon: 0.5 },
        weights: { bits: { min: 2, max: 8 } },
        input: { bits: { min: 3, max: 8 } },
        epochs: { float: 0, noise: 2, rounding: 3 },
      },
    ],
  ] as const)("%s by %s: %s, %j", async (stored, normalize, body, changes) => {
    await expectMean(requestOf(body, { ...changes, normalize } as SpecChanges, stored));
  });

  test("and every position of an image of the mean has the same sum", async () => {
    const asked = requestOf(PADDED);
    const { trained, program } = await expectMean(asked);
    const { activationFormat, padMantissa } = trained.layers[0]!;
    const { stored } = onePort(asked.samples);
    const shift = stored.fraction - (activationFormat.fraction as number);
    const image = new Uint8Array(ELEMENTS).fill(padMantissa! * 2 ** shift);
    const sumsOf = (inputs: Uint8Array): number[] => {
      const { values } = simulate(program, new Map([[program.inputs[0]!, inputs]]), 1);
      return Array.from(values.get(convOf(program).result)!);
    };
    const sums = sumsOf(image);
    expect(sums).toEqual(sums.map((_, i) => sums[i % 4]!));
    // Not so where a step is between them.
    const others = sumsOf(image.map((m) => m + 2 ** shift));
    expect(others).not.toEqual(others.map((_, i) => others[i % 4]!));
  });

  test("and the float baseline is scored with the mean outside of the inputs", async () => {
    const asked = requestOf(PADDED);
    const { trained, float } = (await record(tf, asked)).result;
    const score = (parameters: ParameterSet) =>
      scoreFloat(tf, asked.graph, asked.training, { ...float, parameters }, asked.validation);
    expect(score(float.parameters)).toEqual(trained.validation.float);
    const { "0.outside": outside, ...others } = float.parameters;
    expect(outside).toHaveLength(1);
    expect(score(others).loss).not.toBe(trained.validation.float.loss);
  });

  test("resumed too", async () => {
    const asked = requestOf(NORMED, { weights: { bits: { min: 2, max: 6 } }, normalize: "element" });
    const whole = await record(tf, asked);
    for (const bytes of whole.saved) {
      const { checkpoint } = decodeCheckpoint(bytes);
      const resumed = await record(tf, { ...asked, checkpoint });
      expect(JSON.stringify(resumed.result), checkpoint.phase).toBe(JSON.stringify(whole.result));
    }
  });

  test("of groups, whose windows are summed one by one", async () => {
    const body = `output y = x -> c: conv(4, kernel: 3x3, groups: 2, padding: same)${CLASSES}`;
    const asked = requestOf(body, { normalize: "none" });
    const { trained } = (await record(tf, asked)).result;
    const outputs = [undefined, 3].map((padMantissa) => {
      const [first, ...others] = trained.layers;
      const layers = padMantissa ? [{ ...first!, padMantissa }, ...others] : trained.layers;
      expectSame({ ...trained, layers }, asked);
      return evaluateFrozen(tf, { ...trained, layers }, asked.validation, asked.training.losses).outputs;
    });
    expect(outputs[0]).not.toEqual(outputs[1]);
  });
});

describe("nothing else stands outside", () => {
  test.each([
    ["without normalisation", PADDED, "none"],
    ["without padding", `output y = x -> c: conv(4, kernel: 3x3)${CLASSES}`, "tensor"],
    ["of a dense layer", "output y = x -> flatten -> c: dense(4) -> relu -> d: dense(3) -> argmax", "tensor"],
  ] as const)("%s", async (_, body, normalize) => {
    const asked = requestOf(body, { normalize });
    const { trained } = (await record(tf, asked)).result;
    const program = expectSame(trained, asked);
    for (const layer of trained.layers) expect("padMantissa" in layer).toBe(false);
    expect(convOf(program)?.padMantissa ?? 0).toBe(0);
  });

  test.each([
    [
      "an average that is padded",
      `output y = x -> avgpool(3x3, stride: 1x1, padding: same) -> c: conv(4, kernel: 3x3)${CLASSES}`,
    ],
    ["pad around", `output y = x -> pad(rows: 1, columns: 1) -> c: conv(4, kernel: 3x3)${CLASSES}`],
    ["puts zeros between", `output y = x -> c: conv_transpose(4, kernel: 3x3, stride: 2x2)${CLASSES}`],
    [
      "not read by one layer alone",
      `a = x -> c: conv(2, kernel: 3x3, padding: same)
  k = concat(a, x)
  output y = k -> e: conv(3, kernel: 3x3)${CLASSES}`,
    ],
  ])("%s of a normalised input is refused by name", (feature, body) => {
    const messages = (changes: SpecChanges): string[] => {
      try {
        checkRequest(requestOf(body, changes));
        return [];
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        return error.diagnostics.map((d) => d.message);
      }
    };
    expect(messages({})).toEqual([expect.stringContaining(feature)]);
    expect(messages({ normalize: "none" })).toEqual([]);
  });

  test.each([
    `output y = x -> maxpool(3x3, stride: 1x1, padding: same) -> c: conv(4, kernel: 3x3, padding: same)${CLASSES}`,
    `output y = x -> c: conv_transpose(4, kernel: 3x3)${CLASSES}`,
    `output y = x -> upsample(2x2) -> c: conv(4, kernel: 3x3, padding: same)${CLASSES}`,
  ])("what has no zeros of its own is exact: %s", async (body) => {
    await expectMean(requestOf(body));
  });
});

test.skipIf(!hasTool("verilator") || !hasTool("cc"))(
  "C and Verilog of a trained network have the mean outside",
  async () => {
    for (const [stored, normalize, body] of [
      ["u8", "tensor", PADDED],
      ["s8", "element", STRIDED],
    ] as const) {
      const asked = requestOf(body, { normalize, weights: { bits: { min: 3, max: 3 } } }, stored);
      if (stored === "s8")
        for (const samples of [asked.samples, asked.validation]) {
          const { inputs } = onePort(samples);
          inputs.set(inputs.map((m) => -1 - m));
        }
      const { program } = await expectMean(asked);
      expect(Math.sign(convOf(program).padMantissa)).toBe(stored === "s8" ? -1 : 1);
      expect(await verdict(designOf(program))).toEqual({ c: "passed", rtl: "passed" });
    }
  },
  400_000,
);
