// The optimizers against their published recurrences in float64, and what all of them have in common.
import { describe, expect, test } from "vitest";
import type { OptimizerSpec } from "../../../graph/project.ts";
import { createOptimizer, type OptimizerState, optimizerUpdate } from "../../../train/optimizers.ts";

const SGD: OptimizerSpec = { kind: "sgd", momentum: 0.9 };
const ADAM: OptimizerSpec = { kind: "adam" };
const RADAM: OptimizerSpec = { kind: "radam" };
const ALL = [SGD, { kind: "sgd", momentum: 0 }, ADAM, RADAM] as const;

const gradientAt = (t: number, i: number): number => Math.sin(t * (i + 1)) + 0.1 * i;

/** Parameters after `updates`, by the optimizer and by a recurrence in float64. */
function compare(spec: OptimizerSpec, updates: number, next: (t: number, g: number, x: Reference) => void) {
  const start = [1, -2, 0.5];
  const p = { a: Float32Array.from(start) };
  const state = createOptimizer(() => spec, p);
  const reference = start.map((x): Reference => ({ x, m: 0, v: 0 }));
  for (let t = 1; t <= updates; t++) {
    const g = start.map((_, i) => gradientAt(t, i));
    optimizerUpdate(
      () => spec,
      p,
      { a: Float32Array.from(g) },
      state,
      () => 0.01,
      () => 0,
    );
    reference.forEach((r, i) => {
      next(t, g[i]!, r);
      expect(p.a[i], `update ${t} of parameter ${i}`).toBeCloseTo(r.x, 4);
    });
  }
}

interface Reference {
  x: number;
  m: number;
  v: number;
}

const moments = (r: Reference, g: number): void => {
  r.m = 0.9 * r.m + 0.1 * g;
  r.v = 0.999 * r.v + 0.001 * g * g;
};

describe("the recurrence", () => {
  test("of SGD with momentum, its first steps by hand", () => {
    const p = { a: Float32Array.of(1) };
    const state = createOptimizer(() => SGD, p);
    const seen = [1, 1, 1].map((g) => {
      optimizerUpdate(
        () => SGD,
        p,
        { a: Float32Array.of(g) },
        state,
        () => 0.5,
        () => 0,
      );
      return p.a[0]!;
    });
    // Momentum: 1, 1.9, 2.71.
    expect(seen[0]).toBeCloseTo(0.5, 6);
    expect(seen[1]).toBeCloseTo(-0.45, 6);
    expect(seen[2]).toBeCloseTo(-1.805, 6);
    compare(SGD, 50, (_, g, r) => {
      r.m = 0.9 * r.m + g;
      r.x -= 0.01 * r.m;
    });
  });
  test("of Adam", () => {
    compare(ADAM, 50, (t, g, r) => {
      moments(r, g);
      r.x -= (0.01 * (r.m / (1 - 0.9 ** t))) / (Math.sqrt(r.v / (1 - 0.999 ** t)) + 1e-8);
    });
  });
  test("of RAdam: four steps of momentum, then the rectified ones of Adam", () => {
    compare(RADAM, 200, (t, g, r) => {
      moments(r, g);
      const mean = r.m / (1 - 0.9 ** t);
      const longest = 1999;
      const length = longest - (2 * t * 0.999 ** t) / (1 - 0.999 ** t);
      // 1, 2, 3, 4 after so many updates, and 4.997 after the fifth: a table made by hand.
      if (t <= 5) expect(length).toBeCloseTo(t, 1);
      if (t <= 4) r.x -= 0.01 * mean;
      else {
        const rectified = Math.sqrt(((length - 4) * (length - 2) * 1999) / (1995 * 1997 * length));
        r.x -= (0.01 * rectified * mean) / (Math.sqrt(r.v / (1 - 0.999 ** t)) + 1e-8);
      }
    });
  });
});

describe.each(ALL)("$kind", (spec) => {
  const run = (state: OptimizerState, p: Record<string, Float32Array>, from: number, to: number): void => {
    for (let t = from; t < to; t++) {
      const g = Float32Array.from(p.a!, (_, i) => gradientAt(t, i));
      optimizerUpdate(
        () => spec,
        p,
        { a: g },
        state,
        () => 0.01,
        () => 0.1,
      );
    }
  };
  const fresh = () => ({ a: Float32Array.of(1, -2, 0.5), b: Float32Array.of(3) });

  test("leaves parameters without a gradient as they are", () => {
    const p = fresh();
    run(
      createOptimizer(() => spec, p),
      p,
      1,
      20,
    );
    expect([...p.b]).toEqual([3]);
  });
  test("goes on bit for bit from its state as plain data", () => {
    const whole = fresh();
    run(
      createOptimizer(() => spec, whole),
      whole,
      1,
      20,
    );
    const halves = fresh();
    const state = createOptimizer(() => spec, halves);
    run(state, halves, 1, 9);
    run(structuredClone(state), halves, 9, 20);
    expect(halves).toEqual(whole);
  });
  test("decays by rate times decay, apart from the gradient", () => {
    const p = { a: Float32Array.of(8), b: Float32Array.of(8) };
    const zero = { a: new Float32Array(1), b: new Float32Array(1) };
    const state = createOptimizer(() => spec, p);
    for (let t = 0; t < 3; t++)
      optimizerUpdate(
        () => spec,
        p,
        zero,
        state,
        (name) => (name === "a" ? 0.5 : 0.25),
        () => 0.5,
      );
    expect(p.a[0]).toBeCloseTo(8 * 0.75 ** 3, 5);
    expect(p.b[0]).toBeCloseTo(8 * 0.875 ** 3, 5);
    expect([...state.first.a!]).toEqual([0]);
  });
  test("finds the least of a parabola", () => {
    const p = { a: Float32Array.of(3, -2) };
    const state = createOptimizer(() => spec, p);
    for (let t = 0; t < 3000; t++)
      optimizerUpdate(
        () => spec,
        p,
        { a: p.a.map((x, i) => x - i) },
        state,
        () => 0.02 * (1 - t / 3000),
        () => 0,
      );
    expect(p.a[0]).toBeCloseTo(0, 2);
    expect(p.a[1]).toBeCloseTo(1, 2);
  });
});

test("SGD keeps no second moments", () => {
  expect(createOptimizer(() => SGD, { a: new Float32Array(2) }).second).toEqual({});
});
