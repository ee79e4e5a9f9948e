// The convolutional examples at a reduced size: a moment of training on made-up samples, then the gate on the design that
// the model file asks for. Widths are given as four bits, so that the hardware is about as large as after the real training.
// The gate takes minutes for the Verilog of the larger ones: outside of the nightly run they have few packets through the bench
// instead, which compares every stage, latency and interval.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { runBench } from "../../../../rtl-tests/harness/bench.ts";
import { caseOfProgram } from "../../../../rtl-tests/harness/designs.ts";
import { verdict } from "../../../../rtl-tests/harness/programs.ts";
import type { Project, TrainingSpec } from "../../../graph/project.ts";
import type { SampleSet } from "../../../graph/samples.ts";
import { product } from "../../../graph/shapes.ts";
import { lower } from "../../../lower/lower.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { train } from "../../../train/train.ts";
import { isNightly } from "../../nightly.ts";
import { hasTool } from "../../tools-present.ts";
import { compileText } from "../dsl/model-text.ts";
import { openWasm, request } from "../train/small-data.ts";
import { designOf } from "./designs.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const TIMEOUT = 400_000;
const BITS = { min: 4, max: 4 };

/** Random images with random labels, as many for each as the network has outputs to label. */
function samplesOf({ graph }: Project, count: number, labelsEach: number, classes: number): SampleSet {
  const input = graph.nodes.find((n) => n.kind === "input")!;
  const { min, max } = input.stored.signed ? { min: -128, max: 127 } : { min: 0, max: 255 };
  const random = createRandom(count, "images");
  const values = Array.from({ length: count * product(input.shape) }, () => random.integer(min, max));
  const { shape, stored } = input;
  const mantissas = stored.signed ? Int8Array.from(values) : Uint8Array.from(values);
  const labels = Int32Array.from({ length: count * labelsEach }, () => random.integer(0, classes - 1));
  return { count, inputs: [{ shape, stored, mantissas }], answers: [{ labels, values: null }] };
}

function shortTraining({ layers, ...rest }: TrainingSpec): TrainingSpec {
  return {
    ...rest,
    epochs: { float: 1, noise: 1, rounding: 1 },
    batch: 16,
    objective: { kind: "budget", limits: { bitOperations: 1e12 } },
    layers: Object.fromEntries(
      Object.entries(layers).map(([name, layer]) => [
        name,
        {
          ...layer,
          weights: { ...layer.weights, bits: BITS },
          input: { ...layer.input, bits: BITS },
        },
      ]),
    ),
  };
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("an example", () => {
  test.each([
    ["lenet", 1, 10, true],
    ["resnet8", 1, 10, false],
    ["dscnn", 1, 10, false],
    ["unet", 32 * 32, 4, false],
    ["conv1d", 1, 6, true],
  ])(
    "%s passes the gate",
    async (name, labelsEach, classes, isSmall) => {
      const path = new URL(`../../../../examples/${name}/${name}.floor`, import.meta.url);
      const { project } = compileText(readFileSync(path, "utf8"));
      const { graph, training, hardware } = project!;
      const [samples, validation] = [32, 16].map((n) => samplesOf(project!, n, labelsEach, classes));
      const asked = request({ graph, samples: samples!, validation: validation! });
      const { trained } = await train(tf, { ...asked, training: shortTraining(training) });
      const { clockMHz, intervalCycles } = hardware;
      const design = designOf(lower(trained), { clockMHz, intervalCycles });
      expect(design.manifest.rtl!.intervalCycles).toBeLessThanOrEqual(intervalCycles);
      const isWhole = isSmall || isNightly();
      const { rtl: _, ...withoutVerilog } = design.manifest;
      const judged = isWhole ? design : { ...design, manifest: withoutVerilog };
      expect(await verdict(judged)).toEqual({ c: "passed", rtl: isWhole ? "passed" : "skipped" });
      if (isWhole) return;
      const options = { clockMHz, intervalCycles, folding: {}, outputs: "both" } as const;
      expect(await runBench([caseOfProgram(lower(trained), options, name, 1)])).toEqual([]);
    },
    TIMEOUT,
  );
});
