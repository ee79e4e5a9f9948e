// A sweep: budgets in a ladder, points that a training of their own would give, and the front.
import { describe, expect, it } from "vitest";
import { makeSampleCsv } from "../../../data/sample-data.ts";
import { loadProjectData } from "../../../driver/project-data.ts";
import { isBeforeBudget, markFront, sweepBudgets, trainPoint } from "../../../driver/sweep.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { Project } from "../../../graph/project.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { openTensorFlow } from "../../../tools/tensorflow.ts";
import { type Checkpoint, copyPlain } from "../../../train/checkpoint.ts";

const TEXT = `floor 1
data {
  train: csv("train.csv", label: "condition")
  test: csv("test.csv", label: "condition")
  validation: 100 samples
}
model tiny {
  input sensors: 4 as u8
  output state = sensors -> fc1: dense(6) -> relu -> fc2: dense(3) -> argmax
}
train { objective: lossless, float: 2, noise: 2, rounding: 1, batch: 64, seed: 3 }
`;

function projectOf(text: string): Project {
  const { project, diagnostics } = compileSource(createSourceFile("tiny.floor", text), {
    exists: () => "found",
  });
  expect(diagnostics).toEqual([]);
  return project!;
}

function codesOf(work: () => unknown): string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map((d) => d.code);
  }
}

describe("sweepBudgets", () => {
  const project = projectOf(TEXT);
  const free = { from: null, to: null };

  it("climbs geometrically from above the least possible to eight times that", () => {
    // 4 -> 6 -> 3: 42 multiplications of one bit by one bit at least.
    const budgets = sweepBudgets(project, { points: 4, ...free });
    expect(budgets).toEqual([49, 98, 196, 392]);
  });

  it("keeps to the ends that are asked for, and counts equal budgets once", () => {
    expect(sweepBudgets(project, { points: 3, from: 100, to: 400 })).toEqual([100, 200, 400]);
    expect(sweepBudgets(project, { points: 32, from: 100, to: 103 })).toEqual([100, 101, 102, 103]);
  });

  it("ends at the most that the widths allow", () => {
    const narrow = projectOf(
      TEXT.replace("dense(6)", "dense(6) { weight_bits: 1..2, input_bits: 2 }").replace(
        "dense(3)",
        "dense(3) { weight_bits: 2, input_bits: 1..2 }",
      ),
    );
    expect(sweepBudgets(narrow, { points: 2, ...free }).at(-1)).toBe(24 * 4 + 18 * 4);
  });

  it("refuses what is no sweep", () => {
    const given = projectOf(
      TEXT.replace("dense(6)", "dense(6) { weight_bits: 2, input_bits: 2 }").replace(
        "dense(3)",
        "dense(3) { weight_bits: 2, input_bits: 2 }",
      ),
    );
    expect(codesOf(() => sweepBudgets(given, { points: 2, ...free }))).toEqual(["cli/nothing-to-sweep"]);
    const whole = projectOf(
      TEXT.replace("dense(6)", "dense(6) { prune: off }").replace("dense(3)", "dense(3) { prune: off }"),
    );
    expect(codesOf(() => sweepBudgets(whole, { points: 2, from: 10, to: null }))).toEqual([
      "train/budget-too-small",
    ]);
    // Pruning goes below what the widths allow.
    expect(sweepBudgets(project, { points: 2, from: 10, to: null })[0]).toBe(10);
    expect(codesOf(() => sweepBudgets(project, { points: 2, from: 300, to: 200 }))).toEqual([
      "cli/bad-option",
    ]);
  });
});

describe("trainPoint", () => {
  it("gives the same point from the shared float phase as from the start", { timeout: 60_000 }, async () => {
    const { tf } = await openTensorFlow({ projectFolder: process.cwd() });
    const csv: Record<string, string> = { ...renamed(makeSampleCsv(1)) };
    const project = projectOf(TEXT);
    const data = loadProjectData(project, { read: (path) => encodeUtf8(csv[path]!) });
    const train = async (budget: number, checkpoint: Checkpoint | undefined) => {
      const seen: Checkpoint[] = [];
      const trained = await trainPoint(
        {
          tf,
          backend: "wasm",
          project,
          data,
          checkpoint: checkpoint && copyPlain(checkpoint),
          events: { log: () => {}, progress: () => {}, checkpoint: (c) => seen.push(c) },
          stop: { stopped: false },
          yieldToHost: async () => {},
          now: () => 0,
        },
        budget,
      );
      return { trained, seen };
    };
    const first = await train(200, undefined);
    const shared = first.seen.filter(isBeforeBudget).at(-1)!;
    expect([shared.phase, shared.epoch]).toEqual(["float", 2]);
    const alone = await train(600, undefined);
    const after = await train(600, shared);
    expect(after.trained).toEqual(alone.trained);
    expect(after.seen.some(isBeforeBudget)).toBe(false);
    for (const { trained } of [first, after])
      expect(trained.point.bitOperations).toBeLessThanOrEqual(trained.point.budget);
    expect(after.trained.float).toEqual(first.trained.float);
  });
});

function renamed({ train, test }: { readonly train: string; readonly test: string }) {
  return { "train.csv": train, "test.csv": test };
}

describe("markFront", () => {
  const score = (accuracy: number | null, loss: number) => ({ accuracy, loss });
  const point = (bitOperations: number, validation: { accuracy: number | null; loss: number }) => ({
    budget: bitOperations,
    bitOperations,
    weightBits: 1,
    meanWeightBits: 1,
    validation,
    test: validation,
    bound: "",
    formats: [],
  });
  const flags = (...points: ReturnType<typeof point>[]) => markFront(points).map((p) => p.nonDominated);

  it("keeps what is smaller or better than every other point, by accuracy", () => {
    const points = [
      point(100, score(0.8, 3)),
      point(200, score(0.7, 1)),
      point(300, score(0.9, 2)),
      point(300, score(0.9, 4)),
      point(400, score(0.9, 0)),
    ];
    expect(flags(...points)).toEqual([true, false, true, true, false]);
  });

  it("goes by the loss where there are no classes", () => {
    expect(flags(point(1, score(null, 3)), point(2, score(null, 4)), point(3, score(null, 2)))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
