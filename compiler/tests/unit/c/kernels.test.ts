// Generated C against the simulator: every instruction over the formats that change its code, and whole networks.
import { describe, expect, it } from "vitest";
import type { Program } from "../../../program/program.ts";
import type { Rounding } from "../../../support/fixed-point.ts";
import { hasTool } from "../../tools-present.ts";
import { CC, compareWithSimulator, SANITIZERS } from "./c-runner.ts";
import {
  branchingProgram,
  denseProgram,
  networkProgram,
  requantizeProgram,
  sumsProgram,
  thresholdProgram,
} from "./programs.ts";

const ROUNDINGS: readonly Rounding[] = ["half-up", "truncate", "half-even"];
/** Plain builds catch what only an optimiser does; sanitized ones what happens to work. */
const BUILDS: readonly (readonly string[])[] = [["-O1", ...SANITIZERS], ["-O3"]];

function expectExact(programs: readonly Program[], count: number): void {
  for (const flags of BUILDS)
    expect(compareWithSimulator(programs, { flags, count }), flags.join(" ")).toEqual([]);
}

describe.skipIf(!hasTool(CC))("generated C computes what the simulator computes", () => {
  it("dense: every weight width, signed and unsigned, packed in full, partial and single lanes", () => {
    const programs: Program[] = [];
    for (let width = 1; width <= 9; width++)
      for (const weightSigned of [true, false]) {
        const shared = {
          inputWidth: 8,
          inputSigned: false,
          weightWidth: width,
          weightSigned,
          bias: width % 2 === 0,
        };
        const name = `w${width}${weightSigned ? "s" : "u"}`;
        // 8 lanes of the rest and 3 codes after 16 full lanes; only a rest; less than one lane.
        programs.push(
          denseProgram(`${name}a`, { ...shared, inputs: 128 + 64 + 3, units: 2 }),
          denseProgram(`${name}b`, { ...shared, inputs: 17 + width, units: 3 }),
          denseProgram(`${name}c`, { ...shared, inputs: 5, units: 2 }),
        );
      }
    expectExact(programs, 5);
  });

  it("dense: every input type with int32_t and int64_t sums, up to the widest operands", () => {
    const programs: Program[] = [];
    for (const inputWidth of [1, 8, 9, 16])
      for (const inputSigned of [true, false])
        for (const weightWidth of [3, 8, 16])
          for (const weightSigned of weightWidth === 16 ? [true, false] : [true])
            programs.push(
              denseProgram(`d${inputWidth}${inputSigned}${weightWidth}${weightSigned}`, {
                inputs: weightWidth === 3 ? 24 : 9,
                units: 2,
                inputWidth,
                inputSigned,
                weightWidth,
                weightSigned,
                bias: true,
              }),
            );
    expectExact(programs, 6);
  });

  it("requantize: rounding modes, activations, shifts to both sides and beyond every width", () => {
    const programs: Program[] = [];
    for (const rounding of ROUNDINGS)
      for (const activation of ["none", "relu"] as const)
        for (const shift of [-40, -17, -3, 0, 1, 7, 16, 31, 32, 46]) {
          // A left shift may not leave the widest accumulator.
          const width = shift < -30 ? 6 : 16;
          const to = [activation === "none", shift % 2 === 0 ? 8 : 5] as const;
          const name = `q${programs.length}`;
          programs.push(
            requantizeProgram(name, { from: [true, width], to, shift, activation, rounding, elements: 40 }),
          );
        }
    for (const to of [
      [true, 1],
      [false, 1],
      [true, 16],
      [false, 16],
      [true, 3],
    ] as const)
      programs.push(
        requantizeProgram(`to${to}`, {
          from: [false, 16],
          to,
          shift: [3, -2, 0, 16, 40, 1, 12],
          activation: "none",
          rounding: "half-up",
          elements: 35,
        }),
      );
    expectExact(programs, 4);
  });

  it("requantize of wide sums: ties of every rounding mode, one shift per channel", () => {
    const programs = ROUNDINGS.flatMap((rounding) =>
      [12, 16].map((width) => sumsProgram(`wide${rounding}${width}`, { width, rounding })),
    );
    expectExact(programs, 40);
  });

  it("threshold: levels reached by none, some and all inputs", () => {
    const programs: Program[] = [];
    for (const [index, from] of (
      [
        [true, 6],
        [false, 8],
        [true, 16],
        [false, 16],
      ] as const
    ).entries())
      for (const levels of [1, 3, 15])
        programs.push(
          thresholdProgram(`t${index}x${levels}`, {
            from,
            positions: levels === 3 ? 4 : 1,
            channels: 5,
            levels,
            base: levels === 15 ? -8 : levels === 3 ? 2 : 0,
            thresholdWidth: index === 3 ? 40 : from[1] + 1,
          }),
        );
    expectExact(programs, 12);
  });

  it("branches, several inputs and outputs, renamed, repeated and unused values", () => {
    expectExact([branchingProgram("branching")], 20);
  });

  it("whole networks with every width of weights", () => {
    const programs = [1, 2, 3, 4, 5, 6, 7, 8, 12].map((weightWidth, index) =>
      networkProgram(`net${weightWidth}`, [49 + 40 * (index % 3), 20, 13, 10], {
        weightWidth,
        activationWidth: 1 + (index % 8) + 1,
        seed: weightWidth,
      }),
    );
    expectExact(programs, 6);
  });
});
