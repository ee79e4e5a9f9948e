// Depths of the FIFOs where branches meet. In: a way to build the stages for any depths. Out: the stages with the depths
// that keep the full rate, and their cycles; null when depths that were given make the design stand still for good.
import type { MeetingStep } from "./build-branches.ts";
import { type Cycles, predictCycles } from "./cycles.ts";
import type { StageGraph } from "./stages.ts";

export type FifoDepth = (step: MeetingStep, operand: number) => number;

export interface FittedStages {
  readonly graph: StageGraph;
  readonly cycles: Cycles;
}

/** FIFOs that never hold more are tried without: the stages' own registers often do. */
const FEW = 2;

const keyOf = ({ result }: MeetingStep, operand: number): string => `${operand} ${result}`;

/**
 * Runs the stages with FIFOs that are never full and notes the most beats that each of them holds: with these depths
 * every cycle is the same. Where few are held, all of these FIFOs are left out if that costs no cycle of the interval.
 * `given` are depths that are not to be chosen, or null.
 */
export function fitFifos(
  build: (depth: FifoDepth) => StageGraph,
  given: (step: MeetingStep, operand: number) => number | null,
): FittedStages | null {
  const most = new Map<string, number>();
  const endless = build((step, operand) => given(step, operand) ?? Number.POSITIVE_INFINITY);
  const free = predictCycles(endless, (index, stored) => {
    const stage = endless.stages[index]!;
    if (stage.kind !== "fifo") return;
    const key = keyOf(stage.instruction, stage.operand);
    most.set(key, Math.max(most.get(key) ?? 0, stored));
  });
  if (!free) return null;
  if (most.size === 0) return { graph: endless, cycles: free };

  const fitted = (least: number): FittedStages | null => {
    const graph = build((step, operand) => {
      const held = most.get(keyOf(step, operand)) ?? 0;
      return given(step, operand) ?? (held > least ? held : 0);
    });
    const cycles = predictCycles(graph);
    return cycles && { graph, cycles };
  };
  const few = fitted(FEW);
  return few && few.cycles.intervalCycles <= free.intervalCycles ? few : fitted(0);
}
