// FIFOs where branches meet: the least depth that the analysis accepts moves in simulation, one beat less that is forced
// into the design stands still there.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import { type Program, valueNamed } from "../../../compiler/program/program.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../../../compiler/schedule/schedule.ts";
import { simulate } from "../../../compiler/sim/simulate.ts";
import { DiagnosticError } from "../../../compiler/support/diagnostics.ts";
import { mergeFileSets } from "../../../compiler/support/file-set.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { complaintsOfIcarus } from "../../../compiler/tests/unit/verilog/random-design.ts";
import { generateVerilog, tbVectors } from "../../../compiler/verilog/generate.ts";
import { integers, randomFor } from "../../harness/integers.ts";

const OPTIONS: ScheduleOptions = { clockMHz: 100, intervalCycles: 400, folding: {}, outputs: "both" };
const FORMAT = intFormat(true, 4, 2);
const PACKETS = 3;
const MOST = 200;

/** y = x + conv(x), with a kernel of `kernel` x `kernel` over 6 x 6 positions of 2 channels. */
function residual(kernel: number): Program {
  const b = createProgramBuilder("residual");
  const x = b.input({ name: "x", shape: [6, 6, 2], format: FORMAT });
  const data = integers(randomFor("fifos", kernel), 4 * kernel * kernel, 3, true);
  const weights = { units: 2, kernel: [kernel, kernel], data, format: intFormat(true, 3, 2) };
  const margin = [(kernel - 1) / 2, (kernel - 1) / 2];
  const padding = { before: margin, after: margin };
  const sums = b.conv({ layer: "conv", name: "sums", input: x, weights, padding });
  const y = b.requantize({ layer: "conv", name: "y", input: sums, format: FORMAT });
  b.output("sum", b.add({ layer: "sum", name: "sum", inputs: [y, x] }), "value");
  return b.build();
}

/** The schedule with this depth on the side that waits; null where the analysis refuses it. */
function scheduled(program: Program, depth: number): Schedule | null {
  try {
    return scheduleProgram(program, { ...OPTIONS, fifoDepths: { sum: [0, depth] } });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.map(({ code }) => code)).toEqual(["verilog/deadlock"]);
    return null;
  }
}

function leastAccepted(program: Program): number {
  let [refused, accepted] = [0, MOST];
  while (accepted - refused > 1) {
    const middle = (refused + accepted) >> 1;
    if (scheduled(program, middle)) accepted = middle;
    else refused = middle;
  }
  return accepted;
}

/** What simulation says of a schedule whose FIFO is forced to a depth. */
function complaintsAt(program: Program, schedule: Schedule, depth: number): string {
  const stages = schedule.stages.map((stage) => (stage.kind === "fifo" ? { ...stage, depth } : stage));
  const { files, manifest } = generateVerilog(program, { ...schedule, stages }, { version: "0.0.0" });
  const elements = valueNamed(program, "x").shape.reduce((a, b) => a * b, 1);
  const x = Float64Array.from(integers(randomFor("fifos", "x"), PACKETS * elements, 4, true));
  const inputs = new Map([["x", x]]);
  const outputs = new Map<string, ArrayLike<number>>([
    ...inputs,
    ...simulate(program, inputs, PACKETS).values,
  ]);
  const all = mergeFileSets(files, tbVectors(program, manifest, inputs, outputs));
  return complaintsOfIcarus({ program, options: OPTIONS, inputs, packets: PACKETS, files: all, manifest });
}

describe.skipIf(!hasTool("iverilog"))("a FIFO made smaller by hand", () => {
  it.each([3, 5])("is refused exactly where it stands still, kernel %i", (kernel) => {
    const program = residual(kernel);
    const least = leastAccepted(program);
    expect(least).toBeGreaterThan(2);
    const schedule = scheduled(program, least)!;
    expect(complaintsAt(program, schedule, least)).toBe("");
    expect(complaintsAt(program, schedule, least - 1)).toMatch(/beats of/);
    expect(complaintsAt(program, schedule, 1)).toMatch(/beats of/);
  });
});
