// How fast a design runs on a part, without place and route: the longest path of each stage as the sum of what lies on it. In: a
// program, its schedule's stages, a target. Out: the clock, and the stage that holds it up; only for parts that it was fitted to.
import { type Program, widthOf } from "../program/program.ts";
import { placeOf, type Stage } from "../schedule/stages.ts";
import { COEFFICIENTS, type Delays } from "../targets/coefficients/coefficients.ts";
import { MAPPINGS } from "../targets/mapping.ts";
import type { Target } from "../targets/target.ts";
import { dotWidths, productRule } from "./dense.ts";
import { countBits } from "./windows.ts";

export type DelayName = keyof Delays;

/** What lies on a path from register to register, by what it is. */
export type Path = Readonly<Partial<Record<DelayName, number>>>;

export interface Timing {
  readonly fmaxMHz: number;
  /** Layer or port of the longest path. */
  readonly where: string;
}

/** The paths of a stage that may be its longest. */
export function pathsOf(program: Program, stage: Stage, target: Target): readonly Path[] {
  switch (stage.kind) {
    case "dense": {
      const widths = dotWidths(program, stage);
      const sums = { carry: 1, carryBit: widthOf(stage.result.format) };
      const [a, b] = widths.operands;
      const product = Math.min(widths.product, widths.tree);
      if (widths.kind !== "product") return [sums, { carry: 1, carryBit: widths.product }];
      if (stage.multiply !== "logic" && productRule(widths.operands, product, MAPPINGS[target.name]!))
        return [sums, { block: 1 }];
      return [sums, { product: 1, productRow: Math.min(a, b), carryBit: a + b }];
    }
    case "line-window": {
      const { before, kernel } = stage.geometry;
      const isPadded = before[0] + before[1] > 0 ? 1 : 0;
      const isLarge = kernel[0] * kernel[1] > 1 ? 1 : 0;
      return [{ window: 1, windowBit: countBits(stage), windowKernel: isLarge, windowPadding: isPadded }];
    }
    case "requantize":
      return [{ carry: 1, carryBit: widthOf(stage.source.format), cut: 1 }];
    case "threshold":
    case "join":
      return [{ carry: 1, carryBit: widthOf((stage.kind === "join" ? stage.result : stage.source).format) }];
    case "argmax":
      return [
        { carry: 1, carryBit: widthOf(stage.source.format) * Math.max(1, Math.log2(stage.lanes)), cut: 1 },
      ];
    case "pool":
      return [
        { carry: 1, carryBit: widthOf(stage.source.format) * Math.max(1, Math.log2(stage.side)), cut: 1 },
      ];
    default:
      return [{ control: 1 }];
  }
}

export function delayOf(path: Path, delays: Delays): number {
  return Object.entries(path).reduce((sum, [name, amount]) => sum + delays[name as DelayName] * amount, 0);
}

/** Fmax of a design in MHz; null on a part whose delays are not known. */
export function estimateTiming(program: Program, stages: readonly Stage[], target: Target): Timing | null {
  const { delays } = COEFFICIENTS[target.name]!;
  if (!delays) return null;
  let [longest, where] = [0, ""];
  for (const stage of stages)
    for (const path of pathsOf(program, stage, target)) {
      const delay = delayOf(path, delays);
      if (delay > longest) [longest, where] = [delay, placeOf(stage)];
    }
  return { fmaxMHz: Math.round(100_000 / longest) / 100, where };
}
