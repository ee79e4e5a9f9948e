import { beforeAll, describe, expect, test } from "vitest";
import type { SampleSet } from "../../../graph/samples.ts";
import {
  type FrozenFormat,
  TRAINED_SCHEMA,
  type TrainedDense,
  type TrainedGraph,
} from "../../../graph/trained-graph.ts";
import { integerRange, saturate, shiftRound } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { crossEntropy } from "../../../train/cross-entropy.ts";
import { accumulatorFraction, evaluateFrozen } from "../../../train/frozen.ts";
import { gradientsOf, type LayerPass, logitsOf } from "../../../train/network.ts";
import { chainGraph, openWasm } from "./small-data.ts";

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
    crossEntropy(logitsOf(tf, rows, batch.inputs, passes), batch.labels, 3).total / rows;

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

/** The integers by plain loops over numbers: no TensorFlow, no code of the evaluation. */
function plainIntegers(layers: readonly TrainedDense[], samples: SampleSet): number[] {
  const out: number[] = [];
  for (let s = 0; s < samples.count; s++) {
    const first = layers[0]!;
    const round = (x: number, shift: number, f: FrozenFormat): number =>
      saturate(shiftRound(x, shift), integerRange(f.width, f.signed));
    let a = Array.from(samples.inputs.subarray(s * first.inputs, (s + 1) * first.inputs), (m) =>
      round(m, samples.stored.fraction - first.activationFormat.fraction, first.activationFormat),
    );
    layers.forEach((layer, l) => {
      const sums = Array.from({ length: layer.units }, (_, u) =>
        a.reduce((sum, x, i) => sum + x * layer.weights[u * layer.inputs + i]!, layer.bias[u]!),
      );
      const next = layers[l + 1]?.activationFormat;
      a = next ? sums.map((x) => round(x, accumulatorFraction(layer) - next.fraction, next)) : sums;
    });
    out.push(...a);
  }
  return out;
}

describe("the evaluation of the frozen network", () => {
  const integers = (count: number, width: number, signed: boolean): number[] => {
    const { min, max } = integerRange(width, signed);
    return Array.from({ length: count }, () => random.integer(min, max));
  };
  const layer = (
    inputs: number,
    units: number,
    w: FrozenFormat,
    a: FrozenFormat,
    bias: number,
  ): TrainedDense => {
    const noise = { alpha: 1, rms: 1, std: 1, snrBits: 0, varyingSnrBits: 0, residueRms: 0 };
    return {
      node: `d${inputs}`,
      units,
      inputs,
      weights: integers(inputs * units, w.width, true),
      weightFormat: w,
      weightNoise: noise,
      bias: Array.from({ length: units }, () => random.integer(-bias, bias)),
      activationFormat: a,
      activationNoise: noise,
    };
  };
  const format = (signed: boolean, width: number, fraction: number): FrozenFormat => ({
    signed,
    width,
    fraction,
  });
  const evaluate = (layers: TrainedDense[], stored: FrozenFormat, count: number): void => {
    const elements = layers[0]!.inputs;
    const samples: SampleSet = {
      count,
      shape: [elements],
      stored,
      inputs: (stored.signed ? Int16Array : Uint8Array).from(
        integers(count * elements, stored.width, stored.signed),
      ),
      labels: new Int32Array(count),
    };
    const trained: TrainedGraph = {
      schema: TRAINED_SCHEMA,
      graph: chainGraph([elements], stored, [layers.at(-1)!.units]),
      layers,
      seed: 1,
      backend: "wasm",
      bitOperations: 0,
      validation: { float: { accuracy: 0, loss: 0 }, quantized: { accuracy: 0, loss: 0 } },
    };
    const { logits, fraction } = evaluateFrozen(tf, trained, samples);
    expect(Array.from(logits, (x) => x + 0)).toEqual(plainIntegers(layers, samples).map((x) => x + 0));
    expect(fraction).toBe(accumulatorFraction(layers.at(-1)!));
  };

  test("is that of plain integers on narrow layers, signed and not, with shifts both ways", () => {
    evaluate(
      [
        layer(9, 7, format(true, 2, 3), format(false, 1, 0), 5),
        layer(7, 6, format(true, 3, 3), format(true, 4, 2), 40),
        layer(6, 5, format(true, 4, -1), format(false, 5, 8), 40),
        layer(5, 3, format(true, 5, 5), format(false, 6, -2), 100),
      ],
      format(false, 8, 8),
      1203,
    );
  });
  test("splits layers whose sums float32 does not hold", () => {
    evaluate(
      [
        layer(1500, 4, format(true, 8, 7), format(false, 8, 8), 1e6),
        layer(4, 3, format(true, 8, 7), format(true, 8, -3), 2 ** 27),
      ],
      format(false, 8, 8),
      30,
    );
    evaluate([layer(2000, 3, format(true, 8, 7), format(true, 8, 4), 1e8)], format(true, 16, 12), 20);
  });
});
