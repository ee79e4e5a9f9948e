// The rates over the course of a phase.
import { describe, expect, test } from "vitest";
import type { RateSchedule } from "../../../graph/project.ts";
import { isAugmented, rateAt, weightRate } from "../../../train/schedule.ts";

const COSINE: RateSchedule = { kind: "cosine" };
const at = (schedule: RateSchedule, progress: number, epoch = 0): number =>
  rateAt(schedule, 0.1, { progress, epoch }, { start: 1, end: 0.2 });

describe("rates", () => {
  test("go from start to end along half a cosine", () => {
    expect(at(COSINE, 0)).toBeCloseTo(0.1, 12);
    expect(at(COSINE, 0.5)).toBeCloseTo(0.06, 12);
    expect(at(COSINE, 1)).toBeCloseTo(0.02, 12);
    expect(at(COSINE, 0.25)).toBeCloseTo(0.02 + (0.08 * (1 + Math.SQRT1_2)) / 2, 12);
  });
  test("stay, or fall by steps of epochs", () => {
    expect(at({ kind: "constant" }, 0.7)).toBe(0.1);
    const step: RateSchedule = { kind: "step", epochs: 3, factor: 0.5 };
    expect([0, 2, 3, 5, 6].map((epoch) => at(step, 0.5, epoch))).toEqual([0.1, 0.1, 0.05, 0.05, 0.025]);
  });
  test("of the cosine end every phase slowly", () => {
    const rate = (phase: Parameters<typeof weightRate>[0], step: number): number =>
      weightRate(phase, COSINE, 1e-3, { round: 0, epoch: 0, step, steps: 100 });
    expect(rate("rounding", 99)).toBeLessThan(5e-5);
    expect(rate("baseline", 99)).toBeLessThan(5e-5);
    expect(rate("noise", 0)).toBe(1e-3);
    expect(rate("float", 99)).toBe(1e-3);
  });
});

test("augmentation ends where asked for, in the baseline and in a round", () => {
  for (const phase of ["baseline", "rounding"] as const)
    expect([0, 0.74, 0.75, 0.99].map((p) => isAugmented(phase, 0.75, p))).toEqual([true, true, false, false]);
  for (const phase of ["float", "noise"] as const) expect(isAugmented(phase, 0.75, 0.99)).toBe(true);
  expect(isAugmented("rounding", 1, 1 - 2 ** -20)).toBe(true);
  expect(isAugmented("rounding", 0, 0)).toBe(false);
});
