// The simulator against tables worked out by hand and against BigInt arithmetic on random programs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { simulate } from "../../../sim/simulate.ts";

function requantizeOnce(
  values: number[],
  from: number,
  to: ReturnType<typeof intFormat>,
  activation: "none" | "relu",
) {
  const b = createProgramBuilder("r");
  const x = b.input({ name: "x", shape: [values.length], format: intFormat(true, 16, from) });
  const y = b.requantize({ layer: "r", name: "y", input: x, format: to, activation });
  b.output("y", y, "value");
  return [...simulate(b.build(), new Map([["x", values]]), 1).values.get("y")!];
}

describe("requantize", () => {
  it("adds half, shifts down, saturates", () => {
    expect(
      requantizeOnce([-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6, 7], 2, intFormat(true, 8, 0), "none"),
    ).toEqual([-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
    expect(requantizeOnce([-9, 9, 100, -100], 0, intFormat(true, 4, 0), "none")).toEqual([-8, 7, 7, -8]);
  });
  it("multiplies on a left shift", () => {
    expect(requantizeOnce([-3, 3, 30], 0, intFormat(true, 6, 2), "none")).toEqual([-12, 12, 31]);
  });
  it("clamps at zero for relu and for unsigned results", () => {
    expect(requantizeOnce([-8, 8], 2, intFormat(true, 4, 0), "relu")).toEqual([0, 2]);
    expect(requantizeOnce([-8, 8], 2, intFormat(false, 4, 0), "none")).toEqual([0, 2]);
  });
});

describe("argmax", () => {
  it("takes the lowest index on ties", () => {
    const b = createProgramBuilder("a");
    const x = b.input({ name: "x", shape: [4], format: intFormat(true, 8, 0) });
    b.output("y", b.argmax({ layer: "a", name: "y", input: x }), "value");
    const rows = [3, 7, 7, 1, -1, -1, -1, -1, -5, -4, -6, -4];
    expect([...simulate(b.build(), new Map([["x", rows]]), 3).values.get("y")!]).toEqual([1, 0, 1]);
  });
});

describe("threshold", () => {
  it("counts the thresholds that are reached, per channel", () => {
    const b = createProgramBuilder("t");
    const x = b.input({ name: "x", shape: [2], format: intFormat(true, 8, 0) });
    const y = b.threshold({
      layer: "t",
      name: "y",
      input: x,
      thresholds: [-1, 0, 5, 10, 10, 11],
      levels: 3,
      base: -1,
      format: intFormat(true, 3, 0),
    });
    b.output("y", y, "value");
    expect([...simulate(b.build(), new Map([["x", [0, 10, 5, 9]]]), 2).values.get("y")!]).toEqual([
      1, 1, 2, -1,
    ]);
  });
});

describe("dense", () => {
  it("equals BigInt arithmetic at the widest formats", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: -32768, max: 32767 })),
        (units, size, relu, stream) => {
          const draw = (n: number): number[] =>
            Array.from({ length: n }, () => stream.next().value as number);
          const w = draw(units * size);
          const bias = draw(units).map((v) => v * 1021);
          const xs = draw(2 * size);
          const b = createProgramBuilder("d");
          const x = b.input({ name: "x", shape: [size], format: intFormat(true, 16, 3) });
          const acc = b.dense({
            layer: "d",
            name: "acc",
            input: x,
            weights: { units, data: w, format: intFormat(true, 16, 9) },
            bias,
          });
          const y = b.requantize({
            layer: "d",
            name: "y",
            input: acc,
            format: intFormat(true, 16, -8),
            activation: relu ? "relu" : "none",
          });
          b.output("y", y, "value");
          const { values } = simulate(b.build(), new Map([["x", xs]]), 2);
          for (let n = 0; n < 2; n++)
            for (let o = 0; o < units; o++) {
              let sum = BigInt(bias[o]!);
              for (let i = 0; i < size; i++) sum += BigInt(w[o * size + i]!) * BigInt(xs[n * size + i]!);
              expect(values.get("acc")![n * units + o]).toBe(Number(sum));
              let q = (sum + (1n << 19n)) >> 20n;
              if (relu && q < 0n) q = 0n;
              q = q > 32767n ? 32767n : q < -32768n ? -32768n : q;
              expect(values.get("y")![n * units + o]).toBe(Number(q));
            }
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });

  it("counts bipolar bits as -1 and +1", () => {
    const b = createProgramBuilder("b");
    const x = b.input({ name: "x", shape: [3], format: { kind: "bipolar", fraction: 0 } });
    const y = b.dense({
      layer: "b",
      name: "y",
      input: x,
      weights: { units: 2, data: [1, 1, 0, 0, 0, 0], format: { kind: "bipolar", fraction: 1 } },
    });
    b.output("y", y, "value");
    expect([...simulate(b.build(), new Map([["x", [1, 0, 0]]]), 1).values.get("y")!]).toEqual([1, 1]);
  });
});
