// Silent branches of frozen networks: which go, and that what is left computes the same.
import { beforeAll, describe, expect, test } from "vitest";
import type { TrainingSpec } from "../../../graph/project.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { pruneBranches } from "../../../train/branches.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import type { Frozen } from "../../../train/limits.ts";
import { networkOf } from "../../../train/network.ts";
import { initialParameters, variableOf } from "../../../train/parameters.ts";
import { outputsOf } from "../../../train/passes.ts";
import { momentsOf } from "../../../train/prune.ts";
import { roundedPass } from "../../../train/rounding-phase.ts";
import { networkText, projectOf } from "../dsl/model-text.ts";
import { clouds, onePort, openWasm, record, request, type SpecChanges, spec } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

function graphOf(body: string) {
  return projectOf(networkText(`  input x: 6 as s8\n${body}`)).graph;
}

const COUNT = 64;
const random = createRandom("branches");
const inputs = Float32Array.from({ length: COUNT * 6 }, () => Math.fround(random.integer(-100, 100) / 64));
const batch = { count: COUNT, inputs: [inputs], answers: [{ labels: new Int32Array(COUNT), values: null }] };

interface Model {
  readonly frozen: Frozen;
  readonly training: TrainingSpec;
}

/** A frozen network whose layer `constant` gives `value` whatever enters it. */
function modelOf(body: string, constant: string, value: number, changes: SpecChanges = {}): Model {
  const graph = graphOf(body);
  const network = networkOf(graph);
  const parameters = initialParameters(network, 3);
  const at = network.layers.findIndex((layer) => layer.node === constant);
  variableOf(parameters, at, "weights").fill(0);
  variableOf(parameters, at, "bias").fill(value);
  return {
    training: spec(graph, changes),
    frozen: {
      network,
      parameters,
      formats: {
        weights: network.layers.map(() => ({
          kind: "int",
          signed: true,
          width: 8,
          fraction: 6,
          groups: null,
        })),
        signals: network.signals.map(({ signed }) => ({ kind: "int", signed, width: 8, fraction: 4 })),
      },
      kept: network.signals.map(() => null),
    },
  };
}

function pruned({ frozen, training }: Model) {
  const every = { ...batch, inputs: frozen.network.inputs.map(() => inputs) };
  const found = pruneBranches(frozen, training, (f) => momentsOf(tf, f, training, every));
  return { ...found, left: found.frozen.network.layers.map((layer) => layer.node) };
}

/** Largest difference of the outputs of two networks. */
function distance(a: Frozen, b: Frozen, training: TrainingSpec): number {
  const [x, y] = [a, b].map((f) => outputsOf(tf, COUNT, [inputs], roundedPass(f, training, "running"))[0]!);
  return x!.reduce((most, v, i) => Math.max(most, Math.abs(v - y![i]!)), 0);
}

const TWO = (join: string) => `
  l = x -> a: dense(5) -> relu -> b: dense(4)
  r = x -> c: dense(4)
  j = ${join} -> relu
  output y = j -> d: dense(3) -> argmax`;
const SKIP = `
  s = x -> a: dense(4) -> relu
  l = s -> b: dense(4)
  j = add(l, s) -> relu
  output y = j -> d: dense(3) -> argmax`;

describe("a silent branch", () => {
  test("stays where it is all that reads an input: the hardware has its port", () => {
    const body = (operands: string) => `
  input z: 6 as s8
  l = z -> a: dense(4)
  r = x -> c: dense(4)
  s = z -> e: dense(3)
  j = ${operands} -> relu -> d: dense(3)`;
    const alone = body("add(l, r)").replace(/ {2}s = .*\n/, "");
    expect(pruned(modelOf(`${alone}\n  output y = j`, "a", 0)).left).toEqual(["a", "c", "d"]);
    const shared = `${body("add(l, r)")}\n  output y = j\n  output w = s`;
    expect(pruned(modelOf(shared, "a", 0)).left).toEqual(["c", "e", "d"]);
  });

  test.each(["add(l, r)", "add(r, l)", "subtract(r, l)"])("of %s goes, and its constant stays", (join) => {
    for (const value of [0, 0.75, -1.25]) {
      const model = modelOf(TWO(join), "b", value);
      const { left, layers, frozen } = pruned(model);
      expect(left).toEqual(["c", "d"]);
      expect(layers.map((layer) => layer.node)).toEqual(["a", "b"]);
      expect(layers[1]).toMatchObject({ weights: 20, macs: 20, bitOperations: 20 * 64 });
      expect(distance(model.frozen, frozen, model.training)).toBeLessThan(1e-5);
    }
  });

  test("stays where something is subtracted from it, and where it is the output", () => {
    expect(pruned(modelOf(TWO("subtract(l, r)"), "b", 0)).left).toEqual(["a", "b", "c", "d"]);
    const last = `
  l = x -> b: dense(3)
  r = x -> c: dense(3)
  output y = add(l, r) -> argmax`;
    expect(pruned(modelOf(last, "b", 0)).left).toEqual(["b", "c"]);
  });

  test("beside a skip path goes only where its constant rounds to 0", () => {
    const zero = modelOf(SKIP, "b", 0.01);
    const { left, frozen } = pruned(zero);
    expect(left).toEqual(["a", "d"]);
    expect(distance(zero.frozen, frozen, zero.training)).toBeLessThan(1e-5);
    expect(pruned(modelOf(SKIP, "b", 0.5)).left).toEqual(["a", "b", "d"]);
  });

  test("stays where a layer of it, or one that reads the sum, may not be pruned", () => {
    const off = { prune: false };
    for (const node of ["a", "b", "d"])
      expect(pruned(modelOf(TWO("add(l, r)"), "b", 0, { layers: { [node]: off } })).left).toHaveLength(4);
    expect(pruned(modelOf(TWO("add(l, r)"), "b", 0, { layers: { c: off } })).left).toEqual(["c", "d"]);
  });

  test("stays where the input would be quantized somewhere else, or nothing would be left", () => {
    const moved = `
  l = x -> b: dense(6)
  j = add(x, l) -> flatten
  output y = j -> d: dense(3) -> argmax`;
    expect(() => pruned(modelOf(moved, "b", 0))).not.toThrow();
    const sums = `
  j = add(x, x)
  l = x -> b: dense(6)
  k = add(j, l) -> relu
  m = add(k, x)
  output y = add(m, x) -> argmax`;
    expect(pruned(modelOf(sums, "b", 0)).left).toEqual(["b"]);
  });
});

test("a run that removed a branch goes on from a checkpoint with the same bytes", async () => {
  const graph = graphOf(TWO("add(l, r)").replace("l = x ->", "l = x -> slice(channels: 4..5) ->"));
  const { stored } = networkOf(graph).inputs[0]!.node;
  const [samples, validation] = [1, 2].map((seed) => {
    const found = clouds(seed === 1 ? 120 : 40, [6], 3, stored, seed);
    const { inputs: x } = onePort(found);
    x.set(x.map((v, i) => (i % 6 < 4 ? v : 40)));
    return found;
  });
  const training: SpecChanges = {
    limits: { bitOperations: 1e6 },
    epochs: { float: 1, noise: 1, rounding: 2 },
    weights: { bits: { min: 4, max: 4 } },
    input: { bits: { min: 4, max: 4 } },
    // Widths are to be found in the branch alone, whose input never changes.
    layers: { a: { weights: { granularity: { kind: "layer" }, bits: { min: 3, max: 4 } } } },
  };
  const asked = request({ graph, samples: samples!, validation: validation!, training });
  const whole = await record(tf, asked);
  expect(whole.result.trained.removed.map((layer) => layer.node)).toEqual(["a", "b"]);
  for (const bytes of whole.saved.slice(-3)) {
    const resumed = await record(tf, { ...asked, checkpoint: decodeCheckpoint(bytes).checkpoint });
    expect(JSON.stringify(resumed.result)).toBe(JSON.stringify(whole.result));
  }
});
