// The gate's vectors: deterministic, complete at the corners, checked against the input's range.
import { expect, test } from "vitest";
import { simulate } from "../../../sim/simulate.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { makeVectors, selectVectors, sliceInputs } from "../../../verify/vectors.ts";
import { classifier } from "./designs.ts";

const program = classifier("vectors", [6, 4, 3]);

test("the same seed gives the same vectors, another seed others", () => {
  const first = makeVectors(program, undefined, 1);
  expect(makeVectors(program, undefined, 1).inputs).toEqual(first.inputs);
  expect(makeVectors(program, undefined, 2).inputs).not.toEqual(first.inputs);
});

test("samples come first, then named corners within the range", () => {
  const set = makeVectors(program, { count: 1, inputs: [1, 2, 3, 4, 5, 255] }, 1);
  const rows = set.inputs.get("image")!;
  expect([...rows.subarray(0, 6)]).toEqual([1, 2, 3, 4, 5, 255]);
  expect(set.nameOf(0)).toBe("sample 0");
  const names = Array.from({ length: set.count }, (_, n) => set.nameOf(n));
  for (const name of [
    "all-min",
    "all-max",
    "checkerboard 0",
    "random 0",
    "largest sum of fc1[0]",
    "smallest sum of fc2[2]",
  ])
    expect(names).toContain(name);
  expect(Math.min(...rows)).toBe(0);
  expect(Math.max(...rows)).toBe(255);
});

test("the largest-sum vector drives its accumulator higher than any other one", () => {
  const set = makeVectors(program, undefined, 1);
  const sums = simulate(program, sliceInputs(set, 0, set.count), set.count).values.get("fc1.sum")!;
  for (let o = 0; o < 4; o++) {
    const best = Array.from({ length: set.count }, (_, n) => n).find(
      (n) => set.nameOf(n) === `largest sum of fc1[${o}]`,
    )!;
    for (let n = 0; n < set.count; n++) expect(sums[n * 4 + o]).toBeLessThanOrEqual(sums[best * 4 + o]!);
  }
});

test("a selection keeps names and rows", () => {
  const set = makeVectors(program, { count: 2, inputs: [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2] }, 1);
  const chosen = selectVectors(set, [1, 3]);
  expect([...chosen.inputs.get("image")!.subarray(0, 6)]).toEqual([2, 2, 2, 2, 2, 2]);
  expect([chosen.nameOf(0), chosen.nameOf(1), chosen.samples]).toEqual(["sample 1", set.nameOf(3), 1]);
});

test.each([
  ["too few", { count: 1, inputs: [1, 2] }, /takes 6 integers per sample/],
  ["out of range", { count: 1, inputs: [0, 0, 0, 256, 0, 0] }, /holds 256, the range is 0 to 255/],
  ["not an integer", { count: 1, inputs: [0, 0, 0, 0.5, 0, 0] }, /holds 0.5/],
  ["not a number", { count: 1, inputs: [0, 0, 0, Number.NaN, 0, 0] }, /holds NaN/],
  ["for another input", { count: 1, inputs: new Map([["sound", [0]]]) }, /there are none for input image/],
])("samples that are %s are refused", (_, samples, message) => {
  const make = (): unknown => makeVectors(program, samples, 1);
  expect(make).toThrow(DiagnosticError);
  expect(make).toThrow(message);
});
