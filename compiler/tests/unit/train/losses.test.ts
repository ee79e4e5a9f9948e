// The losses: gradients against numeric differences, values against tables made by hand.
import { describe, expect, test } from "vitest";
import type { LossSpec } from "../../../graph/project.ts";
import type { Answers } from "../../../graph/samples.ts";
import { createRandom } from "../../../support/random.ts";
import { createLoss, judgedLoss, type LossRequest, scoredLoss, scoreOf } from "../../../train/losses.ts";

const random = createRandom("losses");
const ROWS = 5;
const UNITS = 3;
const normals = (scale: number): Float32Array =>
  Float32Array.from({ length: ROWS * UNITS }, () => random.normal() * scale);

const outputs = normals(1);
const labelled: Answers = { labels: Int32Array.of(2, 0, 1, 1, 0), values: null };
const valued: Answers = { labels: new Int32Array(0), values: normals(1) };
const plain: LossSpec = { kind: "cross-entropy", smoothing: 0, weights: null };

const SPECS: readonly (readonly [string, LossSpec])[] = [
  ["cross entropy", plain],
  ["smoothed cross entropy", { kind: "cross-entropy", smoothing: 0.2, weights: null }],
  ["weighted cross entropy", { kind: "cross-entropy", smoothing: 0.1, weights: [0.5, 2, 3] }],
  ["mean square", { kind: "mse", weights: null }],
  ["weighted mean square", { kind: "mse", weights: [0, 1, 4] }],
  ["Huber", { kind: "huber", delta: 0.7, weights: null }],
  ["weighted Huber", { kind: "huber", delta: 0.3, weights: [2, 1, 0.5] }],
];
const TEACHERS = [
  undefined,
  { outputs: normals(2), weight: 0.3, temperature: 2.5 },
  { outputs: normals(2), weight: 1, temperature: 1 },
];

describe.each(SPECS)("%s", (_, spec) => {
  const targets = spec.kind === "cross-entropy" ? labelled : valued;
  const loss = createLoss(spec, UNITS);

  test.each(TEACHERS)("has the gradient of its numeric differences (teacher %#)", (teacher) => {
    for (const scale of [1, 0.25]) {
      const gradient = new Float32Array(ROWS * UNITS).fill(99);
      loss.evaluate({ outputs, count: ROWS, targets, scale, gradient, teacher });
      const at = Array.from(outputs);
      const meanAt = (i: number, d: number): number =>
        loss.evaluate({ outputs: at.with(i, at[i]! + d), count: ROWS, targets, scale, teacher }).total / ROWS;
      for (let i = 0; i < at.length; i++)
        expect(gradient[i]).toBeCloseTo((meanAt(i, 1e-4) - meanAt(i, -1e-4)) / 2e-4, 4);
    }
  });

  test("is the sum of what each sample alone has", () => {
    const request: LossRequest = { outputs, count: ROWS, targets, teacher: TEACHERS[1] };
    const perSample = new Float64Array(ROWS);
    const { total, hits } = loss.evaluate({ ...request, perSample });
    expect(perSample.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 12);
    let alone = 0;
    for (let row = 0; row < ROWS; row++) {
      const part = (all: Float32Array) => all.subarray(row * UNITS, (row + 1) * UNITS);
      const result = loss.evaluate({
        outputs: part(outputs),
        count: 1,
        targets: {
          labels: targets.labels.subarray(row, row + 1),
          values: targets.values && part(targets.values),
        },
        teacher: { ...TEACHERS[1]!, outputs: part(TEACHERS[1]!.outputs) },
      });
      alone += result.hits;
      expect(perSample[row]).toBeCloseTo(result.total, 12);
    }
    expect(hits).toBe(alone);
  });

  test("takes accumulators with their scale", () => {
    const sums = outputs.map((x) => x * 64);
    const values = loss.evaluate({ outputs, count: ROWS, targets });
    expect(loss.evaluate({ outputs: sums, count: ROWS, targets, scale: 1 / 64 })).toEqual(values);
  });

  test("of a teacher alone is 0 where both agree, and never below", () => {
    const alike = { outputs, weight: 1, temperature: 3 };
    expect(loss.evaluate({ outputs, count: ROWS, targets, teacher: alike }).total).toBeCloseTo(0, 12);
    const other = loss.evaluate({
      outputs,
      count: ROWS,
      targets,
      teacher: { ...alike, outputs: normals(1) },
    });
    expect(other.total).toBeGreaterThan(0);
  });
});

describe("with a label at each position", () => {
  // Two samples of three positions with three classes each: the same rows as six samples of one position.
  const [count, positions] = [2, 3];
  const rows = count * positions;
  const values = Float32Array.from({ length: rows * UNITS }, () => random.normal());
  const labels = Int32Array.of(0, 2, 1, 1, 1, 0);
  const targets: Answers = { labels, values: null };
  const teacher = {
    outputs: Float32Array.from(values, () => random.normal()),
    weight: 0.4,
    temperature: 2,
  };
  const specs = SPECS.filter(([, { kind }]) => kind === "cross-entropy");

  test.each(specs)("%s is the mean over them", (_, spec) => {
    // A network's outputs may be counted by sample or by class: the labels say how many classes there are.
    for (const units of [UNITS, positions * UNITS]) {
      const loss = createLoss(spec, units);
      const flat = { outputs: values, targets, teacher, scale: 0.5 };
      const [byRow, bySample] = [new Float64Array(rows), new Float64Array(count)];
      const [rowGradient, gradient] = [new Float32Array(rows * UNITS), new Float32Array(rows * UNITS)];
      const alone = loss.evaluate({ ...flat, count: rows, perSample: byRow, gradient: rowGradient });
      const found = loss.evaluate({ ...flat, count, perSample: bySample, gradient });
      expect(found.total / count).toBeCloseTo(alone.total / rows, 12);
      expect(found.hits / count).toBeCloseTo(alone.hits / rows, 12);
      expect(gradient).toEqual(rowGradient);
      for (let n = 0; n < count; n++) {
        const own = byRow.slice(n * positions, (n + 1) * positions);
        expect(bySample[n]).toBeCloseTo(own.reduce((a, b) => a + b, 0) / positions, 12);
      }
    }
  });
  test("scores are means over them, with one fraction or one for each class", () => {
    const score = scoreOf(plain, values, UNITS, targets);
    const right = labels.filter((label, row) => {
      const logits = [...values.subarray(row * UNITS, (row + 1) * UNITS)];
      return logits.indexOf(Math.max(...logits)) === label;
    });
    expect(score.accuracy).toBeCloseTo(right.length / rows, 12);
    const whole = scoreOf(plain, values, positions * UNITS, targets);
    expect(whole.accuracy).toBeCloseTo(score.accuracy!, 12);
    expect(whole.loss).toBeCloseTo(score.loss, 12);
    const sums = Float64Array.from(values, (x, i) => x * 2 ** [3, -2, 9][i % UNITS]!);
    expect(scoreOf(plain, sums, positions * UNITS, targets, [3, -2, 9])).toEqual(whole);
  });
  test("labels that do not fit the outputs are a bug", () => {
    expect(() => createLoss(plain, UNITS).evaluate({ outputs: values, count: 4, targets })).toThrow();
  });
});

describe("by hand", () => {
  const one = (spec: LossSpec, y: readonly number[], targets: Answers): number =>
    createLoss(spec, y.length).evaluate({ outputs: y, count: 1, targets }).total;
  // Softmax 1/4, 3/4.
  const logits = [0, Math.log(3)];
  const first: Answers = { labels: Int32Array.of(0), values: null };

  test("cross entropy, its smoothing and its weights", () => {
    expect(one(plain, logits, first)).toBeCloseTo(Math.log(4), 12);
    // Targets 0.9 and 0.1.
    const smoothed = 0.9 * Math.log(4) + 0.1 * Math.log(4 / 3);
    expect(one({ ...plain, smoothing: 0.2 }, logits, first)).toBeCloseTo(smoothed, 12);
    expect(one({ ...plain, smoothing: 0.2, weights: [3, 7] }, logits, first)).toBeCloseTo(3 * smoothed, 12);
  });
  test("ties go to the first class", () => {
    const loss = createLoss(plain, 3);
    const hitsOf = (label: number): number =>
      loss.evaluate({
        outputs: [0, 2, 2],
        count: 1,
        targets: { labels: Int32Array.of(label), values: null },
      }).hits;
    expect([0, 1, 2].map(hitsOf)).toEqual([0, 1, 0]);
  });
  test("large sums overflow nothing", () => {
    expect(one(plain, [0, 1e5], first)).toBe(1e5);
    expect(one(plain, [1e5, 0], first)).toBe(0);
  });
  test("the distance to a teacher is symmetric", () => {
    // Softmax 1/4, 3/4 against 1/2, 1/2: both divergences, halved; at temperature 1.
    const teacher = { outputs: Float32Array.of(1, 1), weight: 1, temperature: 1 };
    const distance = createLoss(plain, 2).evaluate({ outputs: logits, count: 1, targets: first, teacher });
    const there = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5);
    const back = 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3);
    expect(distance.total).toBeCloseTo((there + back) / 2, 12);
  });
  test("mean square and Huber", () => {
    const targets: Answers = { labels: new Int32Array(0), values: Float32Array.of(1, 1) };
    // Differences 2 and -0.5.
    expect(one({ kind: "mse", weights: null }, [3, 0.5], targets)).toBe((4 + 0.25) / 2);
    expect(one({ kind: "mse", weights: [1, 4] }, [3, 0.5], targets)).toBe((4 + 1) / 2);
    expect(one({ kind: "huber", delta: 1, weights: null }, [3, 0.5], targets)).toBe((1.5 + 0.125) / 2);
  });
});

describe("scores", () => {
  test("leave out smoothing and the weights of classes", () => {
    const spec: LossSpec = { kind: "cross-entropy", smoothing: 0.3, weights: [9, 9, 9] };
    expect([scoredLoss(spec), judgedLoss(spec)]).toEqual([plain, plain]);
    const score = scoreOf(spec, outputs, UNITS, labelled);
    const { total, hits } = createLoss(plain, UNITS).evaluate({ outputs, count: ROWS, targets: labelled });
    expect(score).toEqual({ accuracy: hits / ROWS, loss: total / ROWS });
  });
  test("of a regression are the plain mean square, whatever it is trained and judged by", () => {
    const specs: LossSpec[] = [
      { kind: "huber", delta: 0.1, weights: null },
      { kind: "mse", weights: [1, 0, 4] },
    ];
    for (const spec of specs) {
      const off = valued.values!.map((x) => x + 0.5);
      expect(scoreOf(spec, off, UNITS, valued).loss).toBeCloseTo(0.25, 6);
      expect(judgedLoss(spec)).toEqual(spec);
    }
  });
  test("of a regression have no accuracy", () => {
    const spec: LossSpec = { kind: "mse", weights: null };
    const values = valued.values!;
    expect(scoreOf(spec, values, UNITS, valued)).toEqual({ accuracy: null, loss: 0 });
    const off = values.map((x) => x + 0.5);
    expect(scoreOf(spec, off, UNITS, valued).loss).toBeCloseTo(0.25, 6);
  });
  test("take accumulators with one fraction or one for each unit", () => {
    const values = scoreOf(plain, outputs, UNITS, labelled);
    const sums = Float64Array.from(outputs, (x) => x * 16);
    expect(scoreOf(plain, sums, UNITS, labelled, 4)).toEqual(values);
    const each = Float64Array.from(outputs, (x, i) => x * 2 ** [3, -2, 40][i % 3]!);
    expect(scoreOf(plain, each, UNITS, labelled, [3, -2, 40])).toEqual(values);
  });
});
