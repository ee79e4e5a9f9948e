import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import {
  biasWords,
  maskWords,
  memoryText,
  packedWord,
  shiftTable,
  thresholdTable,
  weightWords,
} from "../../../verilog/memory-files.ts";

const WISHES = { clockMHz: 1, intervalCycles: 2, folding: {}, outputs: "both" } as const;

/** The stage of one instruction on an input, on ceil(elements / 2) lanes. */
function onlyStage(
  shape: readonly number[],
  add: (builder: ReturnType<typeof createProgramBuilder>, x: string) => string,
) {
  const builder = createProgramBuilder("m");
  const x = builder.input({ name: "x", shape, format: intFormat(false, 4, 0) });
  builder.output("y", add(builder, x), "value");
  const program = builder.build();
  const stage = scheduleProgram(program, WISHES).stages[1]!;
  return { program, stage };
}

function thresholds(shape: readonly number[], table: readonly number[], levels: number) {
  const { program, stage } = onlyStage(shape, (builder, x) =>
    builder.threshold({
      layer: "t",
      name: "y",
      input: x,
      thresholds: table,
      levels,
      base: 0,
      format: intFormat(false, 4, 0),
    }),
  );
  if (stage.kind !== "threshold") throw new Error("no threshold stage");
  return thresholdTable(program, stage);
}

function shifts(fraction: readonly number[], width = 4) {
  const { stage } = onlyStage([fraction.length], (builder, x) =>
    builder.requantize({ layer: "q", name: "y", input: x, format: intFormat(false, width, fraction) }),
  );
  if (stage.kind !== "requantize") throw new Error("no requantize stage");
  return shiftTable(stage);
}

function denseStage() {
  const builder = createProgramBuilder("m");
  const x = builder.input({ name: "x", shape: [3], format: intFormat(false, 4, 0) });
  const data = [1, 2, 3, -1, -2, -3, 7, 6, 5];
  const weights = { units: 3, data, format: intFormat(true, 4, 0) };
  const y = builder.dense({ layer: "fc", name: "y", input: x, weights, bias: [1, -1, 2] });
  builder.output("y", y, "value");
  const program = builder.build();
  const folding = { fc: { pe: 2, simd: 2 } };
  const { stages } = scheduleProgram(program, { clockMHz: 1, intervalCycles: 4, folding, outputs: "both" });
  const stage = stages.find((s) => s.kind === "dense");
  if (stage?.kind !== "dense") throw new Error("no dense stage");
  return { program, stage };
}

describe("memory images", () => {
  it("pack lane 0 into the lowest bits, in two's complement", () => {
    expect(packedWord([1, -1], 4)).toBe("f1");
    expect(packedWord([1, 0, 1], 1)).toBe("5");
    expect(packedWord([-1], 48)).toBe("ffffffffffff");
    expect(packedWord([1, 2], 3)).toBe("11");
  });

  it("go fold by fold and fill the edges with 0", () => {
    const { program, stage } = denseStage();
    // (p1,s1) (p1,s0) (p0,s1) (p0,s0)
    expect(weightWords(program, stage)).toEqual(["ef21", "0d03", "0067", "0005"]);
  });

  it("hold biases at the width of the sums", () => {
    const { program, stage } = denseStage();
    const width = stage.result.format.kind === "int" ? stage.result.format.width : 0;
    expect(width).toBe(10);
    expect(biasWords(program, stage)).toEqual(["ffc01", "00002"]);
  });

  it("hold the thresholds of every lane, level 0 lowest", () => {
    expect(thresholds([4], [1, 2, 3, 4, 5, 6, 7, 8], 2)).toEqual({
      levels: 2,
      width: 4,
      words: ["4321", "8765"],
    });
  });

  it("hold repeated thresholds once, whatever stands in the last beat's unused lanes", () => {
    expect(thresholds([5, 1], [9], 1).words).toEqual(["999"]);
    expect(thresholds([5], [9, 9, 9, 9, 9], 1).words).toEqual(["999"]);
    expect(thresholds([2, 2], [1, 2], 1).words).toEqual(["21"]);
    expect(thresholds([5], [1, 2, 3, 4, 5], 1).words).toEqual(["321", "154"]);
  });

  it("bring thresholds that are out of reach next to the range, with one more bit where none is reached", () => {
    expect(thresholds([2], [-1000, 3], 1)).toMatchObject({ width: 4, words: ["0", "3"] });
    expect(thresholds([2], [1000, 3], 1)).toMatchObject({ width: 5, words: ["10", "03"] });
  });

  it("hold shifts to the right behind the longest one to the left", () => {
    expect(shifts([0, -3])).toEqual({ left: 0, width: 2, words: ["0", "3"] });
    expect(shifts([2, -3])).toEqual({ left: 2, width: 3, words: ["0", "5"] });
    expect(shifts([1, 2])).toEqual({ left: 2, width: 1, words: ["1", "0"] });
    // 4 bits: from 5 on to either side nothing changes any more.
    expect(shifts([40, -40])).toEqual({ left: 5, width: 4, words: ["0", "a"] });
  });

  it("mark the lanes that a select keeps", () => {
    const { stage } = onlyStage([7], (builder, x) =>
      builder.select({ layer: "keep", name: "y", input: x, indices: [1, 2, 6] }),
    );
    expect(stage.kind === "select" && maskWords(stage)).toEqual(["6", "4"]);
  });

  it("say what they are", () => {
    expect(memoryText(["Bias."], ["0", "1"])).toBe("// Bias.\n0\n1\n");
  });
});
