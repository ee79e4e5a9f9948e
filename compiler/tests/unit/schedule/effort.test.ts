// What a schedule takes, in steps of the cycle model: they follow from the beats that move, not from the cycles that pass.
import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat, type ProgramBuilder } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { checkSchedule, scheduleProgram } from "../../../schedule/schedule.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";

const SMALL = intFormat(false, 4, 2);
const OPTIONS = { clockMHz: 100, folding: {}, outputs: "both" } as const;

function conv(
  b: ProgramBuilder,
  layer: string,
  input: string,
  [channels, units]: readonly [number, number],
  stride = 1,
): string {
  const data = new Array<number>(units * 9 * channels).fill(1);
  const weights = { units, kernel: [3, 3], data, format: intFormat(true, 3, 2) };
  const padding = { before: [1, 1], after: [1, 1] };
  const sums = b.conv({
    layer,
    name: `${layer}.sums`,
    input,
    weights,
    strides: [stride, stride],
    padding,
  });
  return b.requantize({ layer, name: layer, input: sums, format: SMALL, activation: "relu" });
}

/** Two blocks whose input is added to what two convolutions make of it. */
function residual(): Program {
  const b = createProgramBuilder("residual");
  let x = conv(b, "stem", b.input({ name: "x", shape: [16, 16, 1], format: SMALL }), [1, 8], 2);
  for (const block of ["one", "two"]) {
    const left = conv(b, `${block}.b`, conv(b, `${block}.a`, x, [8, 8]), [8, 8]);
    const sum = b.add({ layer: block, name: `${block}.sum`, inputs: [left, x] });
    x = b.requantize({ layer: block, name: block, input: sum, format: SMALL });
  }
  b.output("y", x, "value");
  return b.build();
}

/** A concat of what comes down with what was pooled and comes up again. */
function hourglass(): Program {
  const b = createProgramBuilder("hourglass");
  const fine = conv(b, "fine", b.input({ name: "x", shape: [16, 16, 1], format: SMALL }), [1, 4]);
  const pooled = b.pool({ layer: "pool", name: "pooled", input: fine, kind: "max", window: [2, 2] });
  const coarse = conv(b, "coarse", pooled, [4, 4]);
  const up = b.upsample({ layer: "up", name: "up", input: coarse, factors: [2, 2] });
  const both = b.concat({ layer: "both", name: "both", inputs: [fine, up], axis: 2 });
  b.output("y", conv(b, "last", both, [8, 4]), "value");
  return b.build();
}

describe("what a schedule takes", () => {
  it.each([
    ["residual", residual, 600_000],
    ["hourglass", hourglass, 450_000],
  ] as const)("hardly grows with the interval: %s", (_, programOf, most) => {
    const program = programOf();
    for (const intervalCycles of [5000, 100_000]) {
      const { stages, modelSteps, latencyCycles, even } = scheduleProgram(program, {
        ...OPTIONS,
        intervalCycles,
      });
      expect(even).toBe(true);
      expect(modelSteps, `interval ${intervalCycles}`).toBeLessThan(most);
      // All runs together take less than the first packet of one that steps everything in every cycle.
      if (intervalCycles > 5000) expect(modelSteps).toBeLessThan(latencyCycles * stages.length);
    }
  });

  it("is less where only a refusal is asked for, which is the same", () => {
    const program = residual();
    const refusals = (run: typeof checkSchedule | typeof scheduleProgram, given: object): string[] => {
      try {
        run(program, { ...OPTIONS, intervalCycles: 5000, ...given });
        return [];
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        return error.diagnostics.map((d) => d.message);
      }
    };
    for (const given of [
      {},
      { intervalCycles: 0 },
      { folding: { "one.a": { pe: 5, simd: 7 } } },
      { fifoDepths: { one: [0, 1] } },
      { outputs: "class" },
    ])
      expect(refusals(checkSchedule, given), JSON.stringify(given)).toEqual(refusals(scheduleProgram, given));
    expect(refusals(checkSchedule, { fifoDepths: { one: [0, 1] } })).toHaveLength(1);
  });
});
