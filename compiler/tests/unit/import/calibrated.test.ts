// Imported models as integers, without training: near the float model within what the widths allow, and the same in the
// simulator as in training's own evaluation.
import { beforeAll, describe, expect, test } from "vitest";
import { importQueries } from "../../../driver/imported-source.ts";
import { loadProjectData } from "../../../driver/project-data.ts";
import { trainAndScore } from "../../../driver/train-project.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import { lower } from "../../../lower/lower.ts";
import { valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { openWasm } from "../train/small-data.ts";
import { evaluate, type ModelBuilder, modelBuilder } from "./float-models.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const relu = { kind: "relu" } as const;
const flatten = { kind: "flatten" } as const;
const same = { padding: { before: [1, 1], after: [1, 1] } };
const pool = {
  kind: "pool",
  window: [2, 2],
  strides: [2, 2],
  padding: { before: [0, 0], after: [0, 0] },
} as const;
const positive = {
  scale: Float64Array.of(1.2, 0.8, 0.9, 1.1),
  variance: Float64Array.of(0.4, 0.5, 0.6, 0.7),
};

interface Calibrated {
  /** Root of the mean square difference from the float model, as a part of its outputs. */
  readonly noise: number;
  readonly bitOperations: number;
}

/** Calibrates a model on made samples; compares on those of the test. */
async function calibrate(make: (b: ModelBuilder) => string, body = "", train = ""): Promise<Calibrated> {
  const builder = modelBuilder(11);
  const model = builder.model(make(builder));
  const text = `floor 1\nmodel m from "m.onnx" {\n${body}\n}\n${train}`;
  const { project, diagnostics } = compileSource(createSourceFile("m.floor", text), {
    exists: () => "found",
    ...importQueries({ model, digest: "" }),
  });
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const data = loadProjectData(project!, { read: () => undefined });
  const { trained, integers, float } = await trainAndScore({
    tf,
    backend: "wasm",
    project: project!,
    data,
    events: { log: () => {}, progress: () => {}, checkpoint: () => {} },
    stop: { stopped: false },
    yieldToHost: async () => {},
    now: () => 0,
  });
  expect(float).toEqual({ accuracy: null, loss: 0 });
  const program = lower(trained);
  const { count } = data.test;
  const { mantissas, stored } = data.test.inputs[0]!;
  const [{ sums } = { sums: new Float64Array(0) }] = integers.outputs;
  const { values } = simulate(program, new Map([[program.inputs[0]!, mantissas]]), count);
  const output = program.outputs[0]!.value;
  expect(Array.from(values.get(output)!)).toEqual(Array.from(sums));
  const { fraction } = valueNamed(program, output).format;
  const elements = sums.length / count;
  const size = mantissas.length / count;
  let [squares, differences] = [0, 0];
  for (let i = 0; i < 60; i++) {
    const x = Array.from(mantissas.subarray(i * size, (i + 1) * size), (m) => m * 2 ** -stored.fraction);
    evaluate(model, x).forEach((y, e) => {
      const found = sums[i * elements + e]! * 2 ** -(fraction as number);
      squares += y * y;
      differences += (found - y) ** 2;
    });
  }
  const { bitOperations } = trained;
  return { noise: Math.sqrt(differences / squares), bitOperations };
}

const models: [string, (b: ModelBuilder) => string][] = [
  ["dense layers", (b) => b.dense(b.op(b.dense(b.input([12]), 16), relu), 4)],
  [
    "a convolution with a batch-norm, pools and a scaled input",
    (b) => {
      const c = b.op(b.norm(b.conv(b.affine(b.input([8, 8, 2])), 4), positive), relu);
      return b.dense(b.op(b.op(c, { ...pool, pooling: "max" }), flatten), 5);
    },
  ],
  [
    "a depthwise convolution and an average of all positions",
    (b) => {
      const stem = b.op(b.norm(b.conv(b.input([6, 6, 2]), 4, same), positive), relu);
      const depthwise = b.op(b.norm(b.conv(stem, 4, { ...same, groups: 4 }), positive), relu);
      const average = { ...pool, pooling: "average", window: [6, 6], strides: [6, 6] } as const;
      return b.dense(b.op(b.op(depthwise, average), flatten), 3);
    },
  ],
  [
    "a residual block",
    (b) => {
      const stem = b.op(b.conv(b.input([6, 6, 2]), 4, same), relu);
      const left = b.norm(b.conv(b.op(b.norm(b.conv(stem, 4, same), positive), relu), 4, same), positive);
      return b.dense(b.op(b.op(b.join("add", left, stem), relu), flatten), 4);
    },
  ],
  ["a sigmoid", (b) => b.dense(b.op(b.dense(b.input([12]), 16), { kind: "sigmoid" }), 4)],
];

describe("8 bits", () => {
  test.each(models)("%s", async (_, make) => {
    const { noise } = await calibrate(make);
    // Six to seven bits of every tensor are left of a power of two as the step.
    expect(noise).toBeLessThan(0.04);
    expect(noise).toBeGreaterThan(1e-4);
  });
});

test("fewer bits leave more noise, a step for each unit less", async () => {
  const make = models[0]![1];
  const four = await calibrate(
    make,
    "fc1 { weight_bits: 4, input_bits: 6 }\nfc3 { weight_bits: 4, input_bits: 6 }",
  );
  expect(four.noise).toBeGreaterThan((await calibrate(make)).noise * 3);
  const options = "weight_bits: 4, input_bits: 6, weight_alpha: channel";
  const channels = await calibrate(make, `fc1 { ${options} }\nfc3 { ${options} }`);
  expect(channels.noise).toBeLessThan(four.noise);
});

test("a budget is met on made samples too", async () => {
  const make = models[0]![1];
  const all = (12 * 16 + 16 * 4) * 64;
  const found = await calibrate(make, "", `train { objective: budget(${all / 4} bitops) }`);
  expect(found.bitOperations).toBeLessThanOrEqual(all / 4);
  expect(found.bitOperations).toBeGreaterThan(0.2 * all);
  expect(found.noise).toBeLessThan(0.2);
});

test("fine-tuning towards the float model's outputs leaves less noise at few bits", async () => {
  const make = models[0]![1];
  const objective = `objective: budget(${(12 * 16 + 16 * 4) * 9} bitops)`;
  const calibrated = await calibrate(make, "", `train { ${objective} }`);
  const tuned = await calibrate(make, "", `train { ${objective}, noise: 2, rounding: 4, batch: 64 }`);
  expect(tuned.bitOperations).toBeLessThanOrEqual((12 * 16 + 16 * 4) * 9);
  expect(tuned.noise).toBeLessThan(calibrated.noise);
});

test("the range of the input decides where its step lies", async () => {
  const make = models[0]![1];
  const wide = await calibrate(make, "input x as s12 { range: [-20, 20] }");
  expect(wide.noise).toBeLessThan(0.04);
});
