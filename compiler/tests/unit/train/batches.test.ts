// Batches: order, augmentation by shifts, mirrors and noise, left-out elements, targets; and the sets made of sets.
import { describe, expect, test } from "vitest";
import type { StoredType } from "../../../graph/graph.ts";
import type { Augmentation } from "../../../graph/project.ts";
import { pickSamples, type SampleSet } from "../../../graph/samples.ts";
import type { FrozenFormat } from "../../../graph/trained-graph.ts";
import { integerRange } from "../../../support/fixed-point.ts";
import { createRandom } from "../../../support/random.ts";
import {
  type Batch,
  type BatchSettings,
  createBatches,
  inputsAsTargets,
  partOf,
  roundInput,
  selectElements,
  valuesOf,
} from "../../../train/batches.ts";
import { onePort, sampleSet } from "./small-data.ts";

const UNSIGNED: StoredType = { signed: false, width: 8, fraction: 8 };
const SIGNED: StoredType = { signed: true, width: 8, fraction: 5 };
const NO_AUGMENT: Augmentation = { shiftPixels: 0, flip: "none", noise: 0 };
const SETTINGS: BatchSettings = {
  seed: 1,
  batch: 10,
  fractions: [8],
  augment: NO_AUGMENT,
  target: "data",
  kept: [null],
};

function samplesOf(count: number, shape: readonly number[], stored: StoredType): SampleSet {
  const elements = shape.reduce((a, b) => a * b, 1);
  const random = createRandom("batches", count, elements);
  const { min, max } = integerRange(stored.width, stored.signed);
  const inputs = stored.signed ? new Int8Array(count * elements) : new Uint8Array(count * elements);
  for (let i = 0; i < inputs.length; i++) inputs[i] = random.integer(min, max);
  return sampleSet({ count, shape, stored, inputs, labels: Int32Array.from({ length: count }, (_, i) => i) });
}

/** A batch of one input and one output. */
function partsOf({ count, inputs, answers }: Batch) {
  const { labels, values: targets } = answers[0]!;
  return { count, inputs: inputs[0]!, labels, targets };
}

const withAugment = (augment: Partial<Augmentation>): BatchSettings => ({
  ...SETTINGS,
  augment: { ...NO_AUGMENT, ...augment },
});

describe("the order", () => {
  const samples = samplesOf(50, [3, 2, 2], UNSIGNED);
  test("visits every sample once in each pass over the data, in another order each epoch", () => {
    const batches = createBatches(samples, SETTINGS);
    const rowsOf = (epoch: number): string[] =>
      [0, 1, 2, 3, 4].flatMap((step) => {
        const { count, inputs, labels } = partsOf(batches.batch("noise", epoch, step));
        return Array.from(
          { length: count },
          (_, r) => `${labels[r]}: ${inputs.slice(r * 12, r * 12 + 12).join()}`,
        );
      });
    const all = Array.from(
      { length: 50 },
      (_, r) =>
        `${r}: ${Float32Array.from(onePort(samples).inputs.subarray(r * 12, r * 12 + 12), (m) => m / 256).join()}`,
    );
    expect(rowsOf(0).toSorted()).toEqual(all.toSorted());
    expect(rowsOf(1).toSorted()).toEqual(all.toSorted());
    expect(rowsOf(1)).not.toEqual(rowsOf(0));
  });
  test("of a small set gives enough steps for an epoch", () => {
    expect(createBatches(samplesOf(5, [4], UNSIGNED), SETTINGS).stepsPerEpoch).toBeGreaterThanOrEqual(20);
  });
  test("and everything random depends on seed, purpose, epoch and step alone", () => {
    const settings = withAugment({ shiftPixels: 1, flip: "horizontal", noise: 0.1 });
    const at = (s: BatchSettings, purpose: string, epoch: number, step: number): Float32Array =>
      partsOf(createBatches(samples, s).batch(purpose, epoch, step)).inputs.slice();
    const one = createBatches(samples, settings);
    one.batch("noise", 0, 0);
    one.batch("noise", 7, 3);
    expect(partsOf(one.batch("noise", 2, 4)).inputs).toEqual(at(settings, "noise", 2, 4));
    for (const other of [
      at(settings, "float", 2, 4),
      at(settings, "noise", 3, 4),
      at(settings, "noise", 2, 3),
      at({ ...settings, seed: 2 }, "noise", 2, 4),
    ])
      expect(other).not.toEqual(at(settings, "noise", 2, 4));
  });
});

describe("images", () => {
  /** One image of 3 x 2 pixels of two channels that are 0 but for one pixel. */
  const bright = (row: number, column: number): SampleSet => {
    const image = new Uint8Array(12);
    image.set([10, 20], (row * 2 + column) * 2);
    return sampleSet({ ...onePort(samplesOf(1, [3, 2, 2], UNSIGNED)), inputs: image });
  };
  const seen = (samples: SampleSet, settings: BatchSettings): Map<string, number> => {
    const batches = createBatches(samples, { ...settings, batch: 1, fractions: [0] });
    const found = new Map<string, number>();
    for (let step = 0; step < 400; step++) {
      const key = partsOf(batches.batch("float", 0, step)).inputs.join();
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    return found;
  };
  const image = (row: number, column: number): string => {
    const values = new Float32Array(12);
    if (row >= 0 && row < 3 && column >= 0 && column < 2) values.set([10, 20], (row * 2 + column) * 2);
    return values.join();
  };
  const all = (rows: readonly number[], columns: readonly number[]): Set<string> =>
    new Set(rows.flatMap((row) => columns.map((column) => image(row, column))));

  test("are shifted by whole pixels, channels together, and filled with zeros", () => {
    const found = seen(bright(1, 0), withAugment({ shiftPixels: 1 }));
    expect(new Set(found.keys())).toEqual(all([0, 1, 2], [-1, 0, 1]));
  });
  test("are mirrored half of the time", () => {
    const horizontal = seen(bright(0, 0), withAugment({ flip: "horizontal" }));
    expect(new Set(horizontal.keys())).toEqual(new Set([image(0, 0), image(0, 1)]));
    const vertical = seen(bright(0, 0), withAugment({ flip: "vertical" }));
    expect(new Set(vertical.keys())).toEqual(new Set([image(0, 0), image(2, 0)]));
    for (const count of [...horizontal.values(), ...vertical.values()]) {
      expect(count).toBeGreaterThan(150);
      expect(count).toBeLessThan(250);
    }
  });
  test("are mirrored first, then shifted", () => {
    const found = seen(bright(0, 0), withAugment({ flip: "vertical", shiftPixels: 1 }));
    expect(new Set(found.keys())).toEqual(all([-1, 0, 1, 2, 3], [-1, 0, 1]));
  });
});

describe("labels at each pixel", () => {
  /** The label of a pixel is its first channel. */
  const labelled = (count: number): SampleSet => {
    const samples = onePort(samplesOf(count, [3, 2, 2], UNSIGNED));
    const labels = Int32Array.from({ length: 6 * count }, (_, i) => samples.inputs[2 * i]!);
    return sampleSet({ ...samples, labels });
  };
  const firstChannels = (inputs: Float32Array): Int32Array =>
    Int32Array.from({ length: inputs.length / 2 }, (_, i) => inputs[2 * i]! * 256);

  test.each(["none", "horizontal", "vertical"] as const)("are those of the image, mirrored %s", (flip) => {
    const batches = createBatches(labelled(20), withAugment({ flip, noise: 0 }));
    const seen = new Set<string>();
    for (let step = 0; step < 30; step++)
      for (const augmented of [true, false]) {
        const { inputs, labels } = partsOf(batches.batch("float", 0, step, augmented));
        expect(labels).toEqual(firstChannels(inputs));
        for (let row = 0; row < 10; row++) seen.add(labels.slice(row * 6, row * 6 + 6).join());
      }
    expect(seen.size).toBe(flip === "none" ? 20 : 40);
  });
  test("stay with their samples where some are taken", () => {
    const samples = labelled(9);
    const whole = valuesOf(samples, [8], 0, 9);
    for (const part of [
      valuesOf(samples, [8], 2, 5),
      partOf(whole, 2, 5),
      valuesOf(pickSamples(samples, [2, 3, 4]), [8], 0, 3),
    ]) {
      expect(part.count).toBe(3);
      const { inputs, labels } = partsOf(part);
      expect(labels).toEqual(onePort(samples).labels.subarray(12, 30));
      expect(labels).toEqual(firstChannels(inputs));
    }
  });
  test("are not shifted: what comes in from outside has no class", () => {
    expect(() => createBatches(labelled(3), withAugment({ shiftPixels: 1 }))).toThrow(/not shifted/);
  });
});

describe("noise", () => {
  const samples = samplesOf(100, [784], UNSIGNED);
  test("is normal, of the asked deviation, and another one for every step", () => {
    const settings = { ...withAugment({ noise: 0.25 }), batch: 100 };
    const noisy = createBatches(samples, settings);
    const clean = createBatches(samples, { ...SETTINGS, batch: 100 });
    const noiseOf = (step: number): Float32Array => {
      const { inputs } = partsOf(clean.batch("float", 0, step));
      return partsOf(noisy.batch("float", 0, step)).inputs.map((x, i) => x - inputs[i]!);
    };
    const noise = noiseOf(0);
    const mean = (f: (x: number, i: number) => number): number =>
      noise.reduce((sum, x, i) => sum + f(x, i), 0) / noise.length;
    expect(mean((x) => x)).toBeCloseTo(0, 2);
    expect(mean((x) => x * x) / 0.25 ** 2).toBeCloseTo(1, 1);
    expect(mean((x) => x ** 4) / 0.25 ** 4).toBeCloseTo(3, 0);
    expect(mean((x, i) => x * (noise[i + 1] ?? 0)) / 0.25 ** 2).toBeCloseTo(0, 1);
    const next = noiseOf(1);
    expect(mean((x, i) => x * next[i]!) / 0.25 ** 2).toBeCloseTo(0, 1);
  });
});

test("samples that are not augmented are those of the set, in the same order", () => {
  const samples = samplesOf(20, [4, 5], SIGNED);
  const plain = createBatches(samples, SETTINGS);
  const augmented = createBatches(samples, withAugment({ shiftPixels: 2, flip: "horizontal", noise: 0.1 }));
  for (let step = 0; step < 4; step++) {
    const { inputs, answers } = plain.batch("rounding", 2, step);
    expect(augmented.batch("rounding", 2, step).inputs).not.toEqual(inputs);
    expect(augmented.batch("rounding", 2, step, false)).toMatchObject({ inputs, answers });
  }
});

describe("elements that are left out", () => {
  const samples = samplesOf(20, [4, 5, 2], SIGNED);
  const kept = [0, 3, 4, 17, 30, 39];
  test("are missing in the augmented images, which are otherwise the same", () => {
    const settings = { ...withAugment({ shiftPixels: 2, flip: "horizontal" }), fractions: [5] };
    const whole = createBatches(samples, settings);
    const part = createBatches(samples, { ...settings, kept: [kept] });
    for (let step = 0; step < 20; step++) {
      const { inputs, labels } = partsOf(whole.batch("noise", 1, step));
      const expected = Float32Array.from({ length: 10 * kept.length }, (_, i) => {
        const row = Math.floor(i / kept.length);
        return inputs[row * 40 + kept[i % kept.length]!]!;
      });
      const found = partsOf(part.batch("noise", 1, step));
      expect(found.inputs).toEqual(expected);
      expect(found.labels).toEqual(labels);
    }
  });
  test("are missing in a set", () => {
    const input = selectElements(samples.inputs[0]!, 20, kept);
    expect(input.shape).toEqual([6]);
    const expected = partsOf(valuesOf(samples, [5], 0, 20));
    const { inputs } = partsOf(valuesOf({ ...samples, inputs: [input] }, [5], 0, 20));
    inputs.forEach((x, i) => {
      expect(x).toBe(expected.inputs[Math.floor(i / 6) * 40 + kept[i % 6]!]);
    });
  });
});

describe("targets", () => {
  const samples = sampleSet({
    ...onePort(samplesOf(30, [3, 3, 1], UNSIGNED)),
    labels: new Int32Array(0),
    targets: Float32Array.from({ length: 60 }, (_, i) => i / 4),
  });
  const rowOf = (values: Float32Array, row: number, size: number): string =>
    values.slice(row * size, (row + 1) * size).join();
  test("stay with their samples", () => {
    const known = new Map(
      Array.from({ length: 30 }, (_, r) => {
        const { inputs, targets } = partsOf(valuesOf(samples, [8], r, r + 1));
        return [inputs.join(), targets!.join()] as const;
      }),
    );
    const { inputs, labels, targets } = partsOf(createBatches(samples, SETTINGS).batch("float", 0, 0));
    expect(labels.length).toBe(0);
    for (let r = 0; r < 10; r++) expect(known.get(rowOf(inputs, r, 9))).toBe(rowOf(targets!, r, 2));
    const picked = onePort(pickSamples(samples, [4, 2]));
    expect([...picked.targets!]).toEqual([2, 2.25, 1, 1.25]);
    expect(picked.labels.length).toBe(0);
    const labelled = onePort(pickSamples(samplesOf(30, [3, 3, 1], UNSIGNED), [4, 2, 29]));
    expect([...labelled.labels]).toEqual([4, 2, 29]);
    expect(labelled.targets).toBeNull();
  });
  test("of a network that reproduces its input are the augmented image, whole and without the noise", () => {
    const settings: BatchSettings = {
      ...withAugment({ shiftPixels: 1, flip: "vertical" }),
      target: "input",
    };
    const clean = createBatches(samples, settings);
    const withNoise = { ...settings, augment: { ...settings.augment, noise: 0.5 } };
    const noisyWhole = createBatches(samples, withNoise);
    const noisy = createBatches(samples, { ...withNoise, kept: [[1, 7]] });
    for (let step = 0; step < 5; step++) {
      const whole = partsOf(clean.batch("noise", 0, step));
      expect(whole.targets).toEqual(whole.inputs);
      expect(partsOf(noisyWhole.batch("noise", 0, step)).targets).toEqual(whole.targets);
      const part = partsOf(noisy.batch("noise", 0, step));
      expect(part.inputs.length).toBe(20);
      expect(part.targets).toEqual(whole.targets);
      expect(part.inputs.some((x, i) => x !== whole.inputs[Math.floor(i / 2) * 9 + [1, 7][i % 2]!])).toBe(
        true,
      );
    }
  });
  test("of a whole set that is to be reproduced are its values", () => {
    const set = onePort(inputsAsTargets(samples, [8]));
    expect(set.targets).toEqual(partsOf(valuesOf(samples, [8], 0, 30)).inputs);
  });
});

describe("rounding beforehand", () => {
  const [set] = samplesOf(40, [4], SIGNED).inputs;
  const int = (signed: boolean, width: number, fraction: number): FrozenFormat => ({
    kind: "int",
    signed,
    width,
    fraction,
  });
  test("gives the mantissas of the format", () => {
    const rounded = roundInput(set!, 5, int(true, 3, 1));
    expect(rounded.stored).toEqual({ signed: true, width: 3, fraction: 1 });
    set!.mantissas.forEach((m, i) => {
      expect(rounded.mantissas[i]).toBe(Math.max(-4, Math.min(3, Math.floor(m / 16 + 0.5))));
    });
    const wide = roundInput(set!, 5, int(false, 12, 9));
    set!.mantissas.forEach((m, i) => {
      expect(wide.mantissas[i]).toBe(Math.max(0, m * 16));
    });
  });
  test("takes the sign for a bipolar format, so that values are the two of the format", () => {
    const rounded = roundInput(set!, 5, { kind: "bipolar", signed: false, width: 1, fraction: 2 });
    const [inputs] = valuesOf({ count: 40, inputs: [rounded], answers: [] }, [2], 0, 40).inputs;
    set!.mantissas.forEach((m, i) => {
      expect(inputs![i]).toBe(m >= 0 ? 0.25 : -0.25);
    });
  });
});
