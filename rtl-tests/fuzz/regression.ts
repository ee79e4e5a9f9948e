// Files of rtl-tests/regressions: a case that once failed, with nothing beside it needed. In: a case, or the text of a file. Out:
// the text, or the case with who found it.
import { z } from "zod";
import { printProgram } from "../../compiler/program/print.ts";
import { elementsOf, valueNamed } from "../../compiler/program/program.ts";
import { readProgram } from "../../compiler/program/read.ts";
import type { ScheduleOptions } from "../../compiler/schedule/schedule.ts";
import { compilerAssert } from "../../compiler/support/assert.ts";
import type { RandomCase } from "../../compiler/tests/unit/verilog/random-program.ts";
import { JUDGE_NAMES, type JudgeName } from "./judges.ts";

const SCHEMA = "noisefloor.regression/1";

export interface Regression {
  readonly found: {
    readonly seed: number;
    readonly number: number;
    /** Who complained, and how. */
    readonly judge: JudgeName;
    readonly complaint: string;
  };
  readonly one: RandomCase;
}

const count = z.number().int().nonnegative();
const folding = z.strictObject({
  pe: count,
  simd: count,
  memory: z.enum(["auto", "block", "logic"]).optional(),
  multiply: z.enum(["auto", "logic", "shared"]).optional(),
});
const schema = z.strictObject({
  schema: z.literal(SCHEMA),
  found: z.strictObject({
    seed: count,
    number: count,
    judge: z.enum(JUDGE_NAMES as [JudgeName, ...JudgeName[]]),
    complaint: z.string(),
  }),
  options: z.strictObject({
    clockMHz: z.number(),
    intervalCycles: count,
    folding: z.record(z.string(), folding),
    multiplier: z.tuple([count, count]).optional(),
    outputs: z.enum(["class", "logits", "both"]),
  }),
  packets: count,
  /** By input: packets x elements mantissas. */
  inputs: z.record(z.string(), z.array(z.number().int())),
  program: z.unknown(),
});

/** A case as text, with a line end: the same for the same case. */
export function caseText({ options, packets, inputs, program }: RandomCase): string {
  const { clockMHz, intervalCycles, folding: own, multiplier, outputs } = options;
  const kept: ScheduleOptions = {
    clockMHz,
    intervalCycles,
    folding: own,
    ...(multiplier ? { multiplier } : {}),
    outputs,
  };
  const rows = Object.fromEntries([...inputs].map(([name, data]) => [name, [...data]]));
  return [
    `  "options": ${JSON.stringify(kept)},`,
    `  "packets": ${packets},`,
    `  "inputs": ${JSON.stringify(rows)},`,
    `  "program": ${printProgram(program).trimEnd()}`,
    "",
  ].join("\n");
}

/** Text of a file. */
export function regressionText({ found, one }: Regression): string {
  return `{\n  "schema": ${JSON.stringify(SCHEMA)},\n  "found": ${JSON.stringify(found)},\n${caseText(one)}}\n`;
}

/** Reads a file. Throws what is wrong with it; the program passes the verifier. */
export function readRegression(text: string): Regression {
  const { found, options, packets, inputs: rows, program: json } = schema.parse(JSON.parse(text));
  const program = readProgram(JSON.stringify(json));
  const inputs = new Map(Object.entries(rows).map(([name, data]) => [name, Float64Array.from(data)]));
  for (const name of program.inputs)
    compilerAssert(
      inputs.get(name)?.length === packets * elementsOf(valueNamed(program, name).shape),
      `input ${name} has another number of mantissas`,
    );
  const { multiplier, folding: given, ...rest } = options;
  const own = Object.fromEntries(
    Object.entries(given).map(([layer, { pe, simd, memory, multiply }]) => [
      layer,
      { pe, simd, ...(memory ? { memory } : {}), ...(multiply ? { multiply } : {}) },
    ]),
  );
  return {
    found,
    one: {
      program,
      options: { ...rest, folding: own, ...(multiplier ? { multiplier } : {}) },
      inputs,
      packets,
    },
  };
}
