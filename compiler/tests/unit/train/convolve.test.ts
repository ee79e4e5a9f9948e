// The three products of random convolutions against loops over the tables of their windows.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { type TensorFlow, withTensors } from "../../../support/tensorflow.ts";
import type { Layer } from "../../../train/network.ts";
import {
  enteringGradientOf,
  type ProductOperands,
  productSums,
  weightGradientOf,
} from "../../../train/products.ts";
import { withScratch } from "../../../train/scratch.ts";
import { convWindows, isSpread } from "../../../train/windows.ts";

let tf: TensorFlow;
beforeAll(async () => {
  const { openWasm } = await import("./small-data.ts");
  tf = await openWasm();
});

const axis = fc.record({
  input: fc.integer({ min: 1, max: 6 }),
  kernel: fc.integer({ min: 1, max: 5 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  before: fc.integer({ min: 0, max: 3 }),
  after: fc.integer({ min: 0, max: 3 }),
});

const shapes = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 2 }),
  transposed: fc.boolean(),
  groups: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 3 }),
  each: fc.integer({ min: 1, max: 3 }),
  count: fc.constantFrom(1, 3, 17),
});

/** Positions along an axis; null where no window fits. */
function resultOf(
  a: { input: number; kernel: number; stride: number; dilation: number; before: number; after: number },
  transposed: boolean,
) {
  const reach = (a.kernel - 1) * a.dilation + 1;
  const size = transposed
    ? (a.input - 1) * a.stride + reach - a.before - a.after
    : Math.floor((a.input + a.before + a.after - reach) / a.stride) + 1;
  return size >= 1 ? size : null;
}

test("the products are those of the windows", () => {
  let compared = 0;
  fc.assert(
    fc.property(shapes, ({ axes, transposed, groups, depth, each, count }) => {
      const results = axes.map((a) => resultOf(a, transposed));
      if (results.includes(null)) return;
      compared++;
      const [channels, units] = [groups * depth, groups * each];
      const of = (key: "kernel" | "stride" | "dilation" | "before" | "after"): number[] =>
        axes.map((a) => a[key]);
      const operator = {
        kind: "conv",
        units,
        groups,
        transposed,
        kernel: of("kernel"),
        strides: of("stride"),
        dilations: of("dilation"),
        padding: { before: of("before"), after: of("after") },
      } as const;
      const windows = convWindows(
        operator,
        axes.map((a) => a.input),
        results as number[],
      );
      const { positions, taps, sources, inputPositions } = windows;
      const inputs = taps * depth;
      const layer: Layer = {
        node: "c",
        inputs,
        units,
        positions,
        groups,
        windows,
        batchNorm: false,
        reads: 0,
        writes: 1,
      };
      const random = createRandom("convolve", JSON.stringify(axes));
      const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
      const [x, dy] = [normals(count * inputPositions * channels), normals(count * positions * units)];
      const [weights, bias] = [normals(units * inputs), normals(units)];
      // Between the elements of a spread tensor are zeros, so that it has none but those around it.
      const outside = isSpread(windows) ? 0 : random.normal();
      const operands: ProductOperands = { layer, weights, bias, channels, outside };

      const sums = new Float64Array(dy.length).map((_, i) => bias[i % units]!);
      const dw = new Float64Array(weights.length);
      const dx = new Float64Array(x.length);
      for (let n = 0; n < count; n++)
        for (let p = 0; p < positions; p++)
          for (let u = 0; u < units; u++)
            for (let k = 0; k < taps; k++) {
              const source = sources[p * taps + k]!;
              for (let c = 0; c < depth; c++) {
                const from = (n * inputPositions + source) * channels + Math.floor(u / each) * depth + c;
                const to = (n * positions + p) * units + u;
                const at = (u * taps + k) * depth + c;
                const value = source < 0 ? outside : x[from]!;
                sums[to]! += value * weights[at]!;
                dw[at]! += value * dy[to]!;
                if (source >= 0) dx[from]! += weights[at]! * dy[to]!;
              }
            }
      const found = withTensors(tf, () =>
        withScratch(() => ({
          sums: productSums(tf, count, x, operands).sums.slice(),
          dw: weightGradientOf(tf, count, x, null, dy, operands).slice(),
          dx: enteringGradientOf(tf, count, dy, operands).slice(),
        })),
      );
      for (const [name, expected] of Object.entries({ sums, dw, dx })) {
        const values = found[name as keyof typeof found];
        expect(values.length, name).toBe(expected.length);
        const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i]!)), 0);
        expect(worst, name).toBeLessThan(1e-3);
      }
    }),
    { numRuns: 600, seed: 1 },
  );
  expect(compared).toBeGreaterThan(200);
});
