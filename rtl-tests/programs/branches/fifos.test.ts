// FIFOs where branches meet: the least depth that the analysis accepts moves in simulation, one beat less that is forced
// into the design stands still there.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { type Schedule, type ScheduleOptions, scheduleProgram } from "../../../compiler/schedule/schedule.ts";
import { simulate } from "../../../compiler/sim/simulate.ts";
import { DiagnosticError } from "../../../compiler/support/diagnostics.ts";
import { mergeFileSets } from "../../../compiler/support/file-set.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { randomInputs } from "../../../compiler/tests/unit/program/random-branching.ts";
import { complaintsOfIcarus } from "../../../compiler/tests/unit/verilog/random-design.ts";
import { generateVerilog, tbVectors } from "../../../compiler/verilog/generate.ts";
import { integers, randomFor } from "../../harness/integers.ts";

const OPTIONS: ScheduleOptions = { clockMHz: 100, intervalCycles: 400, folding: {}, outputs: "both" };
const FORMAT = intFormat(true, 4, 2);
const PACKETS = 3;
const MOST = 200;

/** requantize(conv(input)), with a kernel of `kernel` x `kernel` and as many channels. */
function block(b: ProgramBuilder, name: string, input: string, kernel: number): string {
  const data = integers(randomFor("fifos", kernel), 4 * kernel * kernel, 3, true);
  const weights = { units: 2, kernel: [kernel, kernel], data, format: intFormat(true, 3, 2) };
  const margin = [(kernel - 1) / 2, (kernel - 1) / 2];
  const padding = { before: margin, after: margin };
  const sums = b.conv({ layer: name, name: `${name}.sums`, input, weights, padding });
  return b.requantize({ layer: name, name, input: sums, format: FORMAT });
}

/** Two streams over 6 x 6 positions of 2 channels that meet in a layer named `meet`. */
function program(meet: (b: ProgramBuilder, x: string) => string): Program {
  const b = createProgramBuilder("meeting");
  const x = b.input({ name: "x", shape: [6, 6, 2], format: FORMAT });
  b.output("y", meet(b, x), "value");
  return b.build();
}

const step = { layer: "meet", name: "meet" };

/** x + conv(x), with a kernel of `kernel` x `kernel`. */
const residual = (kernel: number): Program =>
  program((b, x) => b.add({ ...step, inputs: [block(b, "conv", x, kernel), x] }));

/** The same with the operands the other way round. */
const turned = (): Program => program((b, x) => b.subtract({ ...step, inputs: [x, block(b, "conv", x, 3)] }));

/** Channels side by side. */
const inception = (): Program =>
  program((b, x) => b.concat({ ...step, inputs: [block(b, "conv", x, 3), x], axis: 2 }));

/** A whole image waits for the mean of its channels. */
const gate = (): Program =>
  program((b, x) => {
    const means = b.pool({ layer: "means", name: "means", input: x, kind: "average", window: [6, 6] });
    return b.multiply({ ...step, inputs: [x, means] });
  });

/** Two branches of different lengths. */
const uneven = (): Program =>
  program((b, x) => {
    const long = block(b, "third", block(b, "second", x, 3), 3);
    return b.add({ ...step, inputs: [long, block(b, "first", x, 1)] });
  });

/** Branches of one of two inputs. */
const twoInputs = (): Program =>
  program((b, x) => {
    const other = b.input({ name: "other", shape: [6, 6, 2], format: FORMAT });
    const both = b.add({ layer: "both", name: "both", inputs: [x, other] });
    const small = b.requantize({ layer: "both", name: "small", input: both, format: FORMAT });
    return b.add({ ...step, inputs: [block(b, "conv", small, 3), small] });
  });

/** The schedule with this depth on the side that waits; null where the analysis refuses it. */
function scheduled(program: Program, waits: 0 | 1, depth: number): Schedule | null {
  try {
    const meet = waits === 0 ? [depth, 0] : [0, depth];
    return scheduleProgram(program, { ...OPTIONS, fifoDepths: { meet } });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.map(({ code }) => code)).toEqual(["verilog/deadlock"]);
    return null;
  }
}

function leastAccepted(program: Program, waits: 0 | 1): number {
  let [refused, accepted] = [0, MOST];
  while (accepted - refused > 1) {
    const middle = (refused + accepted) >> 1;
    if (scheduled(program, waits, middle)) accepted = middle;
    else refused = middle;
  }
  return accepted;
}

/** What simulation says of a schedule whose FIFO is forced to a depth. */
function complaintsAt(program: Program, schedule: Schedule, depth: number): string {
  const stages = schedule.stages.map((stage) =>
    stage.kind === "fifo" && stage.instruction.layer === "meet" ? { ...stage, depth } : stage,
  );
  const { files, manifest } = generateVerilog(program, { ...schedule, stages }, { version: "0.0.0" });
  const inputs = randomInputs(program, PACKETS, depth);
  const outputs = new Map<string, ArrayLike<number>>([
    ...inputs,
    ...simulate(program, inputs, PACKETS).values,
  ]);
  const all = mergeFileSets(files, tbVectors(program, manifest, inputs, outputs));
  return complaintsOfIcarus({ program, options: OPTIONS, inputs, packets: PACKETS, files: all, manifest });
}

describe.skipIf(!hasTool("iverilog"))("a FIFO made smaller by hand", () => {
  it.each([
    ["a sum, kernel 3", residual(3), 1],
    ["a sum, kernel 5", residual(5), 1],
    ["a difference, first operand", turned(), 0],
    ["a concat", inception(), 1],
    ["a gate of channels", gate(), 0],
    ["a branch of two inputs", twoInputs(), 1],
  ] as const)("is refused exactly where it stands still: %s", (_, program, waits) => {
    const least = leastAccepted(program, waits);
    expect(least).toBeGreaterThan(2);
    expect(least).toBeLessThan(MOST);
    const schedule = scheduled(program, waits, least)!;
    expect(complaintsAt(program, schedule, least)).toBe("");
    expect(complaintsAt(program, schedule, least - 1)).toMatch(/beats of/);
    expect(complaintsAt(program, schedule, 1)).toMatch(/beats of/);
  });

  // Registers of the shorter branch hold beats too, which the proof does not count on.
  it("is refused before it stands still where both branches have stages of their own", () => {
    const program = uneven();
    const least = leastAccepted(program, 1);
    const schedule = scheduled(program, 1, least)!;
    expect(complaintsAt(program, schedule, least)).toBe("");
    expect(complaintsAt(program, schedule, least - 1)).toMatch(/^latency/);
    expect(complaintsAt(program, schedule, least - 3)).toMatch(/beats of/);
  });
});
