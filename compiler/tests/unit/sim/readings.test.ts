// The simulator against the second reading of SEMANTICS.md where it hurts: every instruction of random chains and of random branching
// programs alone, on inputs that bring it to its own bounds, to ties and thresholds. Bipolar tensors, thresholds and fractions for
// each channel are in the chains.
import { describe, expect, test } from "vitest";
import { elementsOf, operandsOf, type Program, valueNamed } from "../../../program/program.ts";
import { runAlone } from "../../../verify/instruction-alone.ts";
import { stageInputs } from "../../../verify/stage-inputs.ts";
import { randomProgram } from "../c/random-programs.ts";
import { randomBranchingProgram } from "../program/random-branching.ts";
import { readingOf } from "./readings.ts";

const ROWS = 8;
const CHAINS = 120;
const BRANCHING = 60;

/** Instructions that were compared. */
function compare(program: Program, seed: number): readonly string[] {
  return program.instructions.map((instruction) => {
    const operands = stageInputs(program, instruction, ROWS, seed);
    const result = runAlone(program, instruction, operands, ROWS);
    const elements = elementsOf(valueNamed(program, instruction.result).shape);
    const row = (data: Float64Array, n: number): Float64Array =>
      data.subarray((n * data.length) / ROWS, ((n + 1) * data.length) / ROWS);
    for (let n = 0; n < ROWS; n++)
      expect(
        [...result.subarray(n * elements, (n + 1) * elements)],
        `${instruction.op} ${instruction.result} of seed ${seed}, row ${n}`,
      ).toEqual(
        readingOf(
          program,
          instruction,
          operands.map((data) => row(data, n)),
        ),
      );
    const isBipolar = operandsOf(instruction).some(
      (name) => valueNamed(program, name).format.kind === "bipolar",
    );
    return isBipolar ? `${instruction.op} of bits` : instruction.op;
  });
}

describe("every instruction alone, at its bounds", () => {
  test("of random chains", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < CHAINS; seed++)
      for (const op of compare(randomProgram(seed), seed)) seen.add(op);
    for (const op of ["dense", "dense of bits", "requantize", "threshold", "select", "argmax"])
      expect(seen).toContain(op);
  });

  test("of random branching programs", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < BRANCHING; seed++) {
      const program = randomBranchingProgram(seed, { elements: 100, size: 5, channels: 4, width: 6 });
      for (const op of compare(program, seed)) seen.add(op.split(" ")[0]!);
    }
    expect(seen.size).toBe(18);
  });
});
