// How much of a part a design will take, without synthesis: in milliseconds. In: a program, its schedule's stages, a target. Out:
// look-up tables, flip-flops, DSP and memory blocks by stage and together.
import { mantissaRange, type Program } from "../program/program.ts";
import type { Stage } from "../schedule/stages.ts";
import { placeOf } from "../schedule/stages.ts";
import { assertNever } from "../support/assert.ts";
import { widthOfRange } from "../support/fixed-point.ts";
import { COEFFICIENTS, type Coefficients } from "../targets/coefficients/coefficients.ts";
import { MAPPINGS } from "../targets/mapping.ts";
import type { Resources, Target } from "../targets/target.ts";
import { type Bill, createBill, type GrowingBill, LOGIC } from "./bill.ts";
import { billDense } from "./dense.ts";
import {
  billArgmax,
  billBox,
  billConcat,
  billFork,
  billInput,
  billJoin,
  billLimit,
  billMeet,
  billMerge,
  billOutput,
  billRequantize,
  billScale,
  billSelect,
  billTable,
  billThreshold,
} from "./elementwise.ts";
import { billAdapter, billFifo, billLineWindow, billPool, billWindow } from "./windows.ts";

export interface StageEstimate extends Resources {
  /** Layer or port. */
  readonly where: string;
  readonly kind: Stage["kind"];
}

export interface Estimate {
  readonly total: Resources;
  readonly stages: readonly StageEstimate[];
}

/** What a stage is made of. */
export function billOf(program: Program, stage: Stage, target: Target): Bill {
  const bill = createBill({ target, mapping: MAPPINGS[target.name]! });
  makeOut(bill, program, stage);
  return bill.finish();
}

function makeOut(bill: GrowingBill, program: Program, stage: Stage): void {
  switch (stage.kind) {
    case "input":
      return billInput(bill, stage);
    case "output":
      return billOutput(bill, stage);
    case "window":
      return billWindow(bill, stage);
    case "meet":
      return billMeet(bill, stage);
    case "requantize":
      return billRequantize(bill, stage);
    case "limit":
      return billLimit(bill, stage);
    case "threshold":
      return billThreshold(bill, program, stage);
    case "table":
      return billTable(bill, program, stage);
    case "scale":
      return billScale(bill, program, stage);
    case "select":
      return billSelect(bill, stage);
    case "line-window":
      return billLineWindow(bill, stage);
    case "dense":
      return billDense(bill, program, stage);
    case "pool": {
      const { min, max } = mantissaRange(stage.result.format);
      const sums = { min: Math.min(0, min * stage.taps), max: max * stage.taps };
      return billPool(bill, stage, widthOfRange(sums, true));
    }
    case "fork":
      return billFork(bill, stage);
    case "fifo":
      return billFifo(bill, stage);
    case "join":
      return billJoin(bill, stage);
    case "concat":
      return billConcat(bill, stage);
    case "merge":
      return billMerge(bill, stage);
    case "crop":
    case "pad":
      return billBox(bill, stage);
    case "adapter":
      return billAdapter(bill, stage);
    case "argmax":
      return billArgmax(bill, stage);
    default:
      return assertNever(stage, "billOf");
  }
}

/** The area of a bill by coefficients. Fractions of blocks and of tables stay: they are rounded in the total. */
export function areaOf(bill: Bill, { lut, register }: Coefficients): Resources {
  const logic = LOGIC.reduce((sum, name) => sum + (lut[name] ?? 0) * bill.logic[name], 0);
  return {
    lut: logic + bill.lutRam,
    ff: Math.max(0, register * bill.registers),
    dsp: bill.dsp,
    bram: bill.bram,
  };
}

/** Areas of the stages of layers with products, whose constants take the longest to look at, for one program and target. */
export type BillCache = Map<string, Resources>;

/** What makes many estimates of one program for one target fast. */
export const createBillCache = (): BillCache => new Map();

/** The area of a design on a part, by stage. What the part has is not compared. */
export function estimateArea(
  program: Program,
  stages: readonly Stage[],
  target: Target,
  cache?: BillCache,
): Estimate {
  const coefficients = COEFFICIENTS[target.name]!;
  const stageArea = (stage: Stage): Resources => {
    const make = (): Resources => areaOf(billOf(program, stage, target), coefficients);
    if (!cache || stage.kind !== "dense") return make();
    const { instruction, pe, simd, windows, memory, multiply } = stage;
    const key = `${instruction.result} ${pe} ${simd} ${windows} ${memory} ${multiply}`;
    const found = cache.get(key) ?? make();
    cache.set(key, found);
    return found;
  };
  const estimates = stages.map((stage): StageEstimate => {
    const area = stageArea(stage);
    return { where: placeOf(stage), kind: stage.kind, ...area };
  });
  const sum = (name: keyof Resources): number =>
    Math.max(0, Math.ceil(estimates.reduce((all, stage) => all + stage[name], 0) - 1e-6));
  return { total: { lut: sum("lut"), ff: sum("ff"), dsp: sum("dsp"), bram: sum("bram") }, stages: estimates };
}
