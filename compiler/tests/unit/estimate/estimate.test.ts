// Estimates of areas: what they are made of, and that they are fast.
import { expect, it } from "vitest";
import { columnsOf } from "../../../estimate/columns.ts";
import { dotWidths, productRule } from "../../../estimate/dense.ts";
import { billOf, estimateArea } from "../../../estimate/estimate.ts";
import { estimateTiming } from "../../../estimate/timing.ts";
import type { MultiplyStyle } from "../../../schedule/folding.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { MAPPINGS } from "../../../targets/mapping.ts";
import { TARGETS, targetNamed } from "../../../targets/targets.ts";
import { twoLayers } from "../solve/networks.ts";

const WISHES = { clockMHz: 50, intervalCycles: 64, folding: {}, outputs: "class" } as const;

it("count columns that differ, without constants and bits of the address", () => {
  // Columns: the address' low bit, constant 0, its complement, the high bit.
  const words = [0b0100, 0b0001, 0b1100, 0b1001];
  expect(columnsOf(4, 1, 4, (word) => words[word]!)).toEqual({ distinct: 3, functions: 1 });
  expect(columnsOf(1, 8, 8, () => 5)).toEqual({ distinct: 0, functions: 0 });
  expect(columnsOf(1000, 1, 1, () => 1)).toBeNull();
});

it("know which products become blocks", () => {
  const is = (target: string, a: number, b: number): boolean =>
    productRule([a, b], a + b, MAPPINGS[target]!) !== undefined;
  expect(is("xc7", 5, 4)).toBe(true);
  expect(is("xc7", 4, 4)).toBe(false);
  expect(is("xc7", 9, 1)).toBe(false);
  expect(is("ice40-up5k", 9, 2)).toBe(true);
  expect(is("ice40-up5k", 5, 5)).toBe(false);
  expect(is("ice40-hx8k", 9, 9)).toBe(false);
  expect(is("gowin", 9, 9)).toBe(false);
  expect(is("ecp5", 2, 2)).toBe(true);
});

it("count a block for each product, and none where they are kept out of blocks", () => {
  const program = twoLayers();
  const dsp = (multiply: MultiplyStyle): number => {
    const folding = { fc1: { pe: 3, simd: 4, multiply }, fc2: { pe: 2, simd: 2, multiply } };
    const { stages } = scheduleProgram(program, { ...WISHES, folding, multiplier: [25, 18] });
    return estimateArea(program, stages, targetNamed("xc7")!).total.dsp;
  };
  expect(dsp("auto")).toBe(3 * 4);
  expect(dsp("logic")).toBe(0);
  // Of 6 x 4 bits three would fit, and of 3 x 3 bits both.
  expect(dsp("shared")).toBe(4 + 2);
});

it("are of every stage, and of every target, in milliseconds", () => {
  const program = twoLayers();
  const { stages } = scheduleProgram(program, WISHES);
  for (const target of TARGETS) {
    const { total, stages: each } = estimateArea(program, stages, target);
    expect(each).toHaveLength(stages.length);
    expect(total.lut).toBeGreaterThan(100);
    expect(total.ff).toBeGreaterThan(100);
    expect(Number.isInteger(total.lut + total.ff + total.dsp + total.bram)).toBe(true);
    const timing = estimateTiming(program, stages, target);
    expect(timing !== null).toBe(target.name === "ice40-hx8k");
    if (timing) expect(timing.fmaxMHz).toBeGreaterThan(10);
  }
  const start = performance.now();
  for (let n = 0; n < 100; n++) estimateArea(program, stages, targetNamed("xc7")!);
  expect((performance.now() - start) / 100).toBeLessThan(50);
});

it("have the widths of nf_dot", () => {
  const { stages } = scheduleProgram(twoLayers(), WISHES);
  const widths = stages.flatMap((stage) => (stage.kind === "dense" ? [dotWidths(twoLayers(), stage)] : []));
  expect(widths.map(({ kind, operands, product }) => ({ kind, operands, product }))).toEqual([
    { kind: "product", operands: [7, 4], product: 11 },
    { kind: "product", operands: [4, 3], product: 7 },
  ]);
});

it("of more products take more", () => {
  const program = twoLayers();
  const lut = (pe: number): number => {
    const { stages } = scheduleProgram(program, { ...WISHES, folding: { fc1: { pe, simd: 1 } } });
    const dense = stages.find((stage) => stage.kind === "dense")!;
    return billOf(program, dense, targetNamed("ice40-hx8k")!).logic.partialProduct;
  };
  expect(lut(4)).toBe(4 * lut(1));
});
