// Graphs of stages: depths of FIFOs, legal foldings of convolutions, and what is refused by name.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { operandsOf, type Program } from "../../../program/program.ts";
import { predictCycles } from "../../../schedule/cycles.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../../../schedule/schedule.ts";
import { busyCycles, type FifoStage } from "../../../schedule/stages.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { randomDataflow } from "../verilog/random-dataflow.ts";

const OPTIONS: ScheduleOptions = { clockMHz: 100, intervalCycles: 300, folding: {}, outputs: "both" };
const SMALL = intFormat(false, 4, 2);

/** y = x + conv(x), with a kernel of 3 x 3 over 5 x 5 positions of 2 channels. */
function residual(): Program {
  const b = createProgramBuilder("residual");
  const x = b.input({ name: "x", shape: [5, 5, 2], format: SMALL });
  const data = Array.from({ length: 36 }, (_, i) => (i % 5) - 2);
  const weights = { units: 2, kernel: [3, 3], data, format: intFormat(true, 3, 2) };
  const padding = { before: [1, 1], after: [1, 1] };
  const sums = b.conv({ layer: "conv", name: "sums", input: x, weights, padding });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: SMALL });
  b.output("sum", b.add({ layer: "sum", name: "sum", inputs: [y, x] }), "value");
  return b.build();
}

const schedule = (options: Partial<ScheduleOptions> = {}): Schedule =>
  scheduleProgram(residual(), { ...OPTIONS, ...options });
const fifos = ({ stages }: Schedule): FifoStage[] => stages.filter((s) => s.kind === "fifo");

function problems(run: () => unknown): { code: string; hint: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError)
      return error.diagnostics.map(({ code, hint }) => ({ code, hint: hint ?? "" }));
    throw error;
  }
  return [];
}

describe("branches that meet again", () => {
  it("get the depth that keeps the rate, on the side that waits", () => {
    const result = schedule();
    const busiest = Math.max(...result.stages.map(busyCycles));
    expect(result.intervalCycles).toBe(busiest);
    expect(fifos(result).map((f) => f.operand)).toEqual([1]);
    expect(predictCycles(result)).toMatchObject({ intervalCycles: busiest, even: true });
  });

  it("are refused where a FIFO that is given makes them stand still", () => {
    const depths = (a: number, b: number) => ({ fifoDepths: { sum: [a, b] } });
    expect(problems(() => schedule(depths(0, 2))).map((p) => p.code)).toEqual(["verilog/deadlock"]);
    expect(problems(() => schedule(depths(0, 0))).map((p) => p.code)).toEqual(["verilog/deadlock"]);
    expect(schedule(depths(0, 100)).intervalCycles).toBe(schedule().intervalCycles);
  });

  it("keep one interval on random programs", () => {
    let built = 0;
    const kinds = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { program, options } = randomDataflow(seed);
      const found = problems(() => {
        const { stages, renamed, even } = scheduleProgram(program, options);
        expect(even, `seed ${seed}`).toBe(true);
        built++;
        for (const stage of stages) {
          kinds.add(stage.kind);
          if (stage.kind === "argmax" && stage.positions > 1) kinds.add("argmax at positions");
        }
        if (renamed.length > 0) kinds.add("transpose");
        const read = new Set(program.instructions.flatMap(operandsOf));
        if (program.outputs.some(({ value }) => read.has(value))) kinds.add("output that is read");
        if (program.outputs.length > 1) kinds.add("several outputs");
      });
      for (const { code } of found) expect(code).toBe("verilog/unsupported");
    }
    expect(built).toBeGreaterThan(25);
    const rare = [
      "argmax at positions",
      "meet",
      "output that is read",
      "pad",
      "several outputs",
      "transpose",
    ];
    expect([...kinds]).toEqual(expect.arrayContaining(rare));
  });
});

describe("foldings of a convolution", () => {
  it("are chosen for the interval", () => {
    const dense = (interval: number) => {
      const stage = schedule({ intervalCycles: interval }).stages.find((s) => s.kind === "dense");
      return stage && [stage.pe, stage.simd];
    };
    expect(dense(900)).toEqual([1, 1]);
    expect(dense(225)).toEqual([2, 2]);
    expect(dense(25)).toEqual([2, 18]);
  });

  it("name the legal ones", () => {
    expect(problems(() => schedule({ folding: { conv: { pe: 3, simd: 5 } } }))).toEqual([
      { code: "verilog/folding-illegal", hint: "choose PE among 1, 2" },
      { code: "verilog/folding-illegal", hint: "choose SIMD among 1, 2, 4, 6, 8, 10, 12, 14, 16, 18" },
    ]);
  });
});
