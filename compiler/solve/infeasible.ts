// Why a design does not fit a part, and what would make it fit. In: the least area that was found. Out: a diagnostic that names the
// resource, the layer that takes the most of it, a rate, a part and weights that would do.
import { estimateArea } from "../estimate/estimate.ts";
import { constantNamed, type Program, widthOf } from "../program/program.ts";
import { fail } from "../support/diagnostics.ts";
import type { Target } from "../targets/target.ts";
import { TARGETS } from "../targets/targets.ts";
import { overOf } from "./cost.ts";
import type { Solution, SolveTask } from "./solve.ts";

/** Throws solve/too-large. */
export function failTooLarge(
  task: SolveTask,
  interval: number,
  solution: Solution,
  fastest: (task: SolveTask) => Solution | null,
): never {
  const { target, clockMHz } = task;
  const { total, stages } = solution.estimate;
  const resource = overOf(total, target)[0]!;
  const most = stages.toSorted((a, b) => b[resource] - a[resource])[0]!;
  const slower = fastest(task);
  return fail("solve/too-large", {
    part: target.title,
    resource,
    used: total[resource],
    has: target.has[resource],
    where: most.where,
    takes: Math.ceil(most[resource]),
    interval,
    slower: slower && {
      cycles: slower.schedule.intervalCycles,
      perSecond: Math.floor((clockMHz * 1e6) / slower.schedule.intervalCycles),
    },
    larger: TARGETS.filter((other) => fitsOn(task, solution, other)).map(({ name }) => name),
    weights: fewerBits(task, solution),
  });
}

/** Whether the stages as they are fit another part. */
function fitsOn({ program, target }: SolveTask, { schedule }: Solution, other: Target): boolean {
  if (other.name === target.name) return false;
  return overOf(estimateArea(program, schedule.stages, other).total, other).length === 0;
}

export interface Weights {
  /** Width of the widest, and bits of all. */
  readonly bits: number;
  readonly total: number;
}

/** The widest weights with which the same foldings fit; null when none do. */
export function fewerBits({ program, target }: SolveTask, { schedule }: Solution): Weights | null {
  const layers = schedule.stages.filter((stage) => stage.kind === "dense");
  const widest = Math.max(
    ...layers.map(({ instruction }) => widthOf(constantNamed(program, instruction.weights).format)),
  );
  for (let bits = widest - 1; bits >= 1; bits--) {
    const narrow = withWeightBits(
      program,
      new Set(layers.map(({ instruction }) => instruction.weights)),
      bits,
    );
    if (overOf(estimateArea(narrow, schedule.stages, target).total, target).length > 0) continue;
    const total = layers.reduce((sum, { instruction }) => {
      const { data, format } = constantNamed(narrow, instruction.weights);
      return sum + data.length * widthOf(format);
    }, 0);
    return { bits, total };
  }
  return null;
}

/** The program with weights of at most so many bits, rounded down: of the same sizes, for estimates. */
function withWeightBits(program: Program, weights: ReadonlySet<string>, bits: number): Program {
  const constants = program.constants.map((constant) => {
    const { format } = constant;
    if (!weights.has(constant.name) || format.kind === "bipolar" || format.width <= bits) return constant;
    const step = 2 ** (format.width - bits);
    return {
      ...constant,
      format: { ...format, width: bits },
      data: constant.data.map((m) => Math.floor(m / step)),
    };
  });
  return { ...program, constants };
}
