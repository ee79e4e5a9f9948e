import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { scheduleProgram } from "../../../schedule/schedule.ts";
import { biasWords, memoryText, packedWord, weightWords } from "../../../verilog/memory-files.ts";

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

  it("say what they are", () => {
    expect(memoryText(["Bias."], ["0", "1"])).toBe("// Bias.\n0\n1\n");
  });
});
