import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { createLoss } from "../../../train/losses.ts";
import { gradientsOf, type LayerPass, logitsOf } from "../../../train/network.ts";
import { openWasm } from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const random = createRandom("network");
const normal = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, () => random.normal() * scale);

describe("gradients of the chain", () => {
  const sizes = [6, 5, 4, 3] as const;
  const layers: LayerPass[] = [0, 1, 2].map((i) => ({
    inputs: sizes[i]!,
    units: sizes[i + 1]!,
    weights: normal(sizes[i]! * sizes[i + 1]!, 0.7),
    bias: normal(sizes[i + 1]!, 0.3),
    activation: { kind: "float", rectified: i === 1 },
  }));
  const rows = 9;
  const batch = {
    count: rows,
    inputs: normal(rows * 6, 1),
    labels: Int32Array.from({ length: rows }, (_, i) => i % 3),
  };
  const lossOf = (passes: readonly LayerPass[]): number =>
    createLoss({ kind: "cross-entropy", smoothing: 0, weights: null }, 3).evaluate({
      outputs: logitsOf(tf, rows, batch.inputs, passes),
      count: rows,
      targets: { labels: batch.labels, values: null },
    }).total / rows;

  test("are those of numeric differences, for every weight and bias", () => {
    const result = gradientsOf(tf, batch, layers);
    expect(result.loss).toBeCloseTo(lossOf(layers), 6);
    layers.forEach((layer, l) => {
      for (const name of ["weights", "bias"] as const) {
        for (let i = 0; i < layer[name].length; i++) {
          const moved = (d: number): number =>
            lossOf(layers.with(l, { ...layer, [name]: layer[name].with(i, layer[name][i]! + d) }));
          const difference = (moved(0.01) - moved(-0.01)) / 0.02;
          expect(result.layers[l]![name][i]).toBeCloseTo(difference, 2);
        }
      }
    });
  });

  test("of a quantizer under noise reach back through the layers after it", () => {
    const quantizer = { signed: true, range: 1.5, step: 0.25 };
    const withNoise = (l: number, q: typeof quantizer): LayerPass[] =>
      layers.with(l, {
        ...layers[l]!,
        activation: { kind: "noise", quantizer: q, noise: noise.subarray(0, rows * sizes[l]!) },
      });
    const noise = Float32Array.from({ length: 100 }, () => random.uniform() - 0.5);
    for (const l of [0, 2]) {
      const { quantizer: found } = gradientsOf(tf, batch, withNoise(l, quantizer)).layers[l]!;
      const moved = (d: number): number =>
        lossOf(withNoise(l, { ...quantizer, step: quantizer.step * 2 ** d }));
      expect(found!.logStep).toBeCloseTo((moved(1e-3) - moved(-1e-3)) / 2e-3, 2);
      const ranged = (d: number): number => lossOf(withNoise(l, { ...quantizer, range: 1.5 * 2 ** d }));
      expect(found!.logRange).toBeCloseTo((ranged(1e-3) - ranged(-1e-3)) / 2e-3, 2);
    }
  });
});
