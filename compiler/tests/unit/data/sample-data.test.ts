import { describe, expect, it } from "vitest";
import { loadDataSet } from "../../../data/load.ts";
import { makeSampleCsv } from "../../../data/sample-data.ts";
import type { DataFile } from "../../../graph/project.ts";
import { createRandom } from "../../../support/random.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";

const span = { file: createSourceFile("motor.floor", ""), start: 0, end: 0 };
const csv = (path: string): DataFile => ({ format: "csv", path, labelKey: "condition", span });
const target = {
  shape: [4],
  stored: { signed: false, width: 8, fraction: 8 },
  outputs: { kind: "classes", count: 3 } as const,
};

function load(seed: number) {
  const files = makeSampleCsv(seed);
  const read = (path: string) => encodeUtf8(path === "train" ? files.train : files.test);
  return loadDataSet({ train: csv("train"), test: csv("test") }, target, { read });
}

describe("makeSampleCsv", () => {
  it("makes the same text for the same seed", () => {
    expect(makeSampleCsv(1)).toEqual(makeSampleCsv(1));
    expect(makeSampleCsv(1).train).not.toBe(makeSampleCsv(2).train);
  });

  it("makes 600 and 200 rows of four readings and a condition", () => {
    const { train, test } = makeSampleCsv(1);
    const lines = train.trimEnd().split("\n");
    expect(lines[0]).toBe("vibration,current,temperature,speed,condition");
    expect(lines).toHaveLength(601);
    expect(test.trimEnd().split("\n")).toHaveLength(201);
    for (const line of lines.slice(1)) expect(line).toMatch(/^(0\.\d\d,){4}(normal|worn|blocked)$/);
  });

  it("loads as three classes, none rare", () => {
    const { train, test } = load(1);
    expect(train.classNames).toEqual(["blocked", "normal", "worn"]);
    for (const set of [train, test])
      for (let c = 0; c < 3; c++)
        expect(set.labels.filter((l) => l === c).length / set.count).toBeGreaterThan(0.2);
  });

  it("lets a net of 12 hidden neurons pass 95 % of the test rows", () => {
    for (const seed of [1, 2, 3]) {
      const { train, test } = load(seed);
      const net = trainSmallNet(train, 12, 3);
      let right = 0;
      for (let i = 0; i < test.count; i++) if (net(test.inputs, i) === test.labels[i]) right++;
      expect(right / test.count, `seed ${seed}`).toBeGreaterThan(0.95);
    }
  });
});

/** One hidden ReLU layer, softmax, plain stochastic gradient descent: the plainest net there is. */
function trainSmallNet(
  set: { count: number; inputs: ArrayLike<number>; labels: Int32Array },
  hidden: number,
  classes: number,
) {
  const random = createRandom("small net");
  const make = (rows: number, columns: number) =>
    Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => random.normal() / Math.sqrt(columns)),
    );
  const w1 = make(hidden, 5);
  const w2 = make(classes, hidden + 1);
  const forward = (inputs: ArrayLike<number>, i: number) => {
    const x = [0, 1, 2, 3].map((k) => inputs[4 * i + k]! / 128 - 1).concat(1);
    const h = w1
      .map((w) =>
        Math.max(
          0,
          w.reduce((s, v, k) => s + v * x[k]!, 0),
        ),
      )
      .concat(1);
    const z = w2.map((w) => w.reduce((s, v, k) => s + v * h[k]!, 0));
    return { x, h, z };
  };
  for (let step = 0; step < 40 * set.count; step++) {
    const i = random.integer(0, set.count - 1);
    const { x, h, z } = forward(set.inputs, i);
    const top = Math.max(...z);
    const e = z.map((v) => Math.exp(v - top));
    const total = e.reduce((a, b) => a + b, 0);
    const dz = e.map((v, c) => v / total - (set.labels[i] === c ? 1 : 0));
    const dh = h.map((_, j) => dz.reduce((s, d, c) => s + d * w2[c]![j]!, 0));
    const rate = 0.05;
    for (const [c, w] of w2.entries()) for (const j of w.keys()) w[j]! -= rate * dz[c]! * h[j]!;
    for (const [j, w] of w1.entries())
      if (h[j]! > 0) for (const k of w.keys()) w[k]! -= rate * dh[j]! * x[k]!;
  }
  return (inputs: ArrayLike<number>, i: number): number => {
    const { z } = forward(inputs, i);
    return z.indexOf(Math.max(...z));
  };
}
