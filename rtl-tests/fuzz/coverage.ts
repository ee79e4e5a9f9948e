// What the drawn programs have in them. In: cases. Out: counts by group and kind, which add up over runs.
import {
  constantNamed,
  type Format,
  type Instruction,
  isSigned,
  operandsOf,
  type Program,
  valueNamed,
  widthOf,
} from "../../compiler/program/program.ts";
import { sameShape } from "../../compiler/program/shapes.ts";
import type { ScheduleOptions } from "../../compiler/schedule/schedule.ts";
import { simulate } from "../../compiler/sim/simulate.ts";
import type { RandomDesign } from "../../compiler/tests/unit/verilog/random-design.ts";
import { addCounts, branchesOf, noCounts } from "../../compiler/verify/branches.ts";
import { CONV_KINDS } from "../programs/sweep/strata.ts";

/** By group, then by kind. */
export type Coverage = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Adds up. */
export function merged(all: readonly Coverage[]): Coverage {
  const sum: Record<string, Record<string, number>> = {};
  for (const one of all)
    for (const [group, kinds] of Object.entries(one)) {
      const own = sum[group] ?? {};
      sum[group] = own;
      for (const [kind, count] of Object.entries(kinds)) own[kind] = (own[kind] ?? 0) + count;
    }
  return sum;
}

const operandKind = (format: Format): string =>
  format.kind === "bipolar" ? "bipolar" : isSigned(format) ? "signed" : "unsigned";
const fractionKind = ({ fraction }: Format): string =>
  typeof fraction === "number" ? "one fraction" : "a fraction per channel";

type Add = (group: string, kind: string) => void;

function counted(count: (add: Add) => void): Coverage {
  const found: Record<string, Record<string, number>> = {};
  count((group, kind) => {
    const own = found[group] ?? {};
    found[group] = own;
    own[kind] = (own[kind] ?? 0) + 1;
  });
  return found;
}

/** What stands in one design, and which branches its packets take. */
export function coverageOf({ program, options, manifest, inputs, packets }: RandomDesign): Coverage {
  const hardware = counted((add) => {
    for (const kind of hardwareKinds(options)) add("hardware", kind);
    if (manifest.stages.some(({ pe, simd }) => pe > 1 && simd > 1)) add("hardware", "several PE and SIMD");
  });
  return { ...coverageOfProgram(program), ...hardware, ...coverageOfBranches(program, inputs, packets) };
}

/** By kind of instruction how many branches the bounds allow and how many are taken; and of requantizations in how many each is. */
function coverageOfBranches(program: Program, inputs: RandomDesign["inputs"], packets: number): Coverage {
  const branches = branchesOf(program);
  const counts = noCounts(branches);
  addCounts(program, branches, simulate(program, inputs, packets).values, packets, counts);
  const totals: Record<string, number> = {};
  const taken: Record<string, number> = {};
  for (const [k, { instruction, names, possible }] of branches.entries())
    for (const [b, name] of names.entries()) {
      if (!possible[b]) continue;
      const isTaken = counts[k]![b]! > 0;
      for (const what of isTaken ? ["possible", "taken"] : ["possible"]) {
        const total = `${instruction.op} ${what}`;
        totals[total] = (totals[total] ?? 0) + 1;
        if (instruction.op !== "requantize") continue;
        const own = what === "taken" ? name : `${name}, where it is possible`;
        taken[own] = (taken[own] ?? 0) + 1;
      }
    }
  return { branches: totals, requantizers: taken };
}

/** What stands in one program. */
export function coverageOfProgram(program: Program): Coverage {
  return counted((add) => {
    add("instructions", `${program.instructions.length}`);
    for (const kind of programKinds(program)) add("programs", kind);
    for (const { format } of program.values) {
      add("values", `${operandKind(format)}, ${fractionKind(format)}`);
      add("widths", `${widthOf(format)}`);
    }
    for (const step of program.instructions) countStep(program, step, add);
  });
}

function countStep(program: Program, step: Instruction, add: Add): void {
  const operands = operandsOf(step).map((name) => valueNamed(program, name));
  for (const kind of new Set(operands.map(({ format }) => operandKind(format))))
    add("operands", `${step.op} ${kind}`);
  switch (step.op) {
    case "dense":
    case "conv": {
      const { format } = constantNamed(program, step.weights);
      add("weights", `${operandKind(format)}, ${fractionKind(format)}`);
      if (step.op === "conv")
        for (const [kind, isKind] of Object.entries(CONV_KINDS))
          if (isKind(program, step)) add("convs", kind);
      return;
    }
    case "requantize":
      add("requantizations", step.rounding);
      if (step.activation === "relu") add("requantizations", "relu");
      if (step.limit !== null) add("requantizations", "limit");
      return;
    case "pool":
      add("pools", step.kind);
      return;
    case "add":
    case "subtract":
    case "multiply":
      add(
        "joins",
        sameShape(operands[0]!.shape, operands[1]!.shape) ? "element by element" : "a row of channels",
      );
      return;
    default:
      return;
  }
}

function* programKinds(program: Program): Iterable<string> {
  yield "all";
  const read = new Map<string, number>();
  for (const name of program.instructions.flatMap(operandsOf)) read.set(name, (read.get(name) ?? 0) + 1);
  const parts = [...read.values()].some((times) => times > 1);
  const meets = program.instructions.some((step) => new Set(operandsOf(step)).size > 1);
  if (parts) yield "a value goes two ways";
  if (meets) yield "two values meet";
  if (parts || meets) yield "with a branch";
  if (program.inputs.length > 1) yield "several inputs";
  if (program.outputs.length > 1) yield "several outputs";
  if (program.outputs.some(({ role }) => role === "class")) yield "a class";
}

function* hardwareKinds({ folding, multiplier }: ScheduleOptions): Iterable<string> {
  const given = Object.values(folding);
  yield given.length > 0 ? "foldings that are stated" : "foldings by the interval";
  if (multiplier) yield "products that may share multipliers";
  if (given.some(({ memory }) => memory === "block")) yield "weights in block memory";
  if (given.some(({ memory }) => memory === "logic")) yield "weights in logic";
  if (given.some(({ multiply }) => multiply === "logic")) yield "products in logic";
}

/** The middle of the numbers of instructions. */
export function medianInstructions(coverage: Coverage): number {
  const counts = Object.entries(coverage.instructions ?? {})
    .map(([size, count]) => [Number(size), count] as const)
    .sort(([a], [b]) => a - b);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [size, count] of counts) {
    seen += count;
    if (2 * seen >= all) return size;
  }
  return 0;
}
