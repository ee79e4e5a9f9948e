// Generated C against the simulator for random programs with branches: each instruction among others of its kind, and
// all of them together, with sanitizers and optimised.
import { describe, expect, it } from "vitest";
import { generateC } from "../../../c/generate.ts";
import type { Opcode, Program } from "../../../program/program.ts";
import { hasTool } from "../../tools-present.ts";
import { randomBranchingProgram } from "../program/random-branching.ts";
import { CC, compareWithSimulator, SANITIZERS } from "./c-runner.ts";

/** Milliseconds: one build is long on a machine that does much else. */
const TIMEOUT = 400_000;
const BUILDS: readonly (readonly string[])[] = [["-O1", ...SANITIZERS], ["-O3"]];

/** For each group: what makes its operands, and how many programs. */
const GROUPS: readonly { readonly ops: readonly Opcode[]; readonly width?: number }[] = [
  { ops: ["conv", "requantize"] },
  { ops: ["conv", "requantize", "threshold"], width: 16 },
  { ops: ["pool", "requantize"], width: 16 },
  { ops: ["pool", "pad", "conv"] },
  { ops: ["add", "subtract", "multiply", "pool", "requantize"], width: 16 },
  { ops: ["concat", "slice", "select", "reshape", "requantize"] },
  { ops: ["pad", "transpose", "upsample", "slice", "requantize"] },
  { ops: ["table", "requantize", "threshold", "argmax", "transpose"] },
];
const EACH = 4;
const MIXED = 24;

const grouped: readonly Program[] = GROUPS.flatMap((group, g) =>
  Array.from({ length: EACH }, (_, n) =>
    randomBranchingProgram(1000 + EACH * g + n, { elements: 300, ...group }),
  ),
);
const mixed: readonly Program[] = Array.from({ length: MIXED }, (_, seed) =>
  randomBranchingProgram(seed, { width: seed % 3 === 0 ? 16 : 8 }),
);

describe.skipIf(!hasTool(CC))("programs with branches compute what the simulator computes", () => {
  it.each(BUILDS)(
    "each instruction among its kind %s",
    (...flags) => {
      expect(compareWithSimulator(grouped, { flags, count: 5 })).toEqual([]);
    },
    TIMEOUT,
  );

  it.each(BUILDS)(
    "all instructions together %s",
    (...flags) => {
      expect(compareWithSimulator(mixed, { flags, count: 4 })).toEqual([]);
    },
    TIMEOUT,
  );
});

describe("the random programs", () => {
  it("have every instruction, and arrays that a result shares with an input", () => {
    const functions = [...grouped, ...mixed].flatMap((program) => {
      const { files, manifest } = generateC(program, { version: "1" });
      const source = `${files.get(`c/${manifest.prefix}.c`)}`;
      return manifest.layers.map((layer) => ({
        op: layer.op,
        shared: !source.split(`void ${layer.function}(`)[1]!.split(")")[0]!.includes("restrict"),
      }));
    });
    const ops = new Set(functions.map(({ op }) => op));
    for (const { ops: wanted } of GROUPS)
      for (const op of wanted) if (op !== "reshape") expect(ops).toContain(op);
    expect(functions.some(({ shared }) => shared)).toBe(true);
  });
});
