// The front of accuracy against bit operations: one network trained to several budgets, all from the same float phase.
// In: a project and how many points. Out: budgets, trained points, and which of them no other point beats.
import type { Project } from "../graph/project.ts";
import type { FrozenFormat, Score, TrainedGraph } from "../graph/trained-graph.ts";
import type { SweepPoint, SweepResult } from "../report/sweep-result.ts";
import { fail } from "../support/diagnostics.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import { foldedNetwork } from "../train/fold.ts";
import { bitOperationsOf, leastBits, mayPrune, mostBits } from "../train/limits.ts";
import { networkOf } from "../train/network.ts";
import { widthsAreGiven } from "../train/noise-phase.ts";
import { plainFraction } from "./ledger.ts";
import { type TrainProjectRequest, trainAndScore } from "./train-project.ts";

export interface SweepWish {
  readonly points: number;
  /** First and last budget in bit operations; null: chosen here. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Room above the least possible that leaves training a choice. */
const FIRST_BUDGET = 1.15;
const LAST_BUDGET = 8;

/**
 * Budgets in a geometric ladder, ascending, equal ones once: from 1.15 times the least that the model's widths allow to
 * 8 times that, or to the most that they allow. Throws when there is nothing to choose or the ladder has no length.
 */
export function sweepBudgets({ graph, training }: Project, { points, from, to }: SweepWish): number[] {
  const network = foldedNetwork(networkOf(graph), training);
  if (widthsAreGiven(network, training)) fail("cli/nothing-to-sweep", { model: graph.name });
  const least = bitOperationsOf(network, leastBits(network, training));
  const most = bitOperationsOf(network, mostBits(network, training));
  const first = from ?? Math.min(Math.ceil(FIRST_BUDGET * least), most);
  const last = to ?? Math.min(LAST_BUDGET * first, most);
  if (first < least && !mayPrune(network, training))
    fail("train/budget-too-small", { limit: "bitOperations", budget: first, least });
  if (last <= first)
    fail("cli/bad-option", {
      option: "--sweep",
      problem: `the last budget, ${last} bit operations, is not above the first, ${first}`,
    });
  const ratio = last / first;
  const ladder = Array.from({ length: points }, (_, i) => Math.round(first * ratio ** (i / (points - 1))));
  return [...new Set(ladder)];
}

/** The project with a budget of bit operations in place of its objective. */
export function withBudget(project: Project, bitOperations: number): Project {
  return {
    ...project,
    training: { ...project.training, objective: { kind: "budget", limits: { bitOperations } } },
  };
}

/** Whether nothing in a checkpoint depends on the budget yet: other points can start from it too. */
export function isBeforeBudget({ phase }: Checkpoint): boolean {
  return phase === "baseline" || phase === "float";
}

export interface TrainedPoint {
  readonly point: Omit<SweepPoint, "nonDominated">;
  readonly float: NonNullable<SweepResult["float"]>;
}

/**
 * Trains the network to one budget, from the start or from a checkpoint: the same network either way, and that of a
 * training with the objective budget(bitOperations).
 */
export async function trainPoint(
  request: Omit<TrainProjectRequest, "identity">,
  budget: number,
): Promise<TrainedPoint> {
  const { trained, float, integers } = await trainAndScore({
    ...request,
    project: withBudget(request.project, budget),
  });
  const { validation } = trained;
  return {
    point: {
      budget,
      ...sizeOf(trained),
      validation: validation.quantized,
      test: integers.score,
      bound: trained.outcome.bound,
      formats: trained.layers.map((layer) => ({
        layer: layer.node,
        inputs: layer.inputs,
        units: layer.units,
        weights: plainFormat(layer.weightFormat),
        activations: plainFormat(layer.activationFormat),
      })),
    },
    float: { validation: validation.float, test: float },
  };
}

function sizeOf({
  layers,
  bitOperations,
}: TrainedGraph): Pick<SweepPoint, "bitOperations" | "weightBits" | "meanWeightBits"> {
  const weights = layers.reduce((sum, l) => sum + l.units * l.inputs, 0);
  const weightBits = layers.reduce((sum, l) => sum + l.units * l.inputs * l.weightFormat.width, 0);
  return { bitOperations, weightBits, meanWeightBits: weightBits / weights };
}

function plainFormat({
  kind,
  width,
  fraction,
  signed,
}: FrozenFormat): SweepPoint["formats"][number]["weights"] {
  return { kind, width, fraction: plainFraction(fraction), signed };
}

/** Higher is better: accuracy, or the negative loss where there are no classes. */
function qualityOf({ accuracy, loss }: Score): number {
  return accuracy ?? -loss;
}

/** Marks the points that no other one beats in bit operations or validation score without being worse in the other. */
export function markFront(points: readonly Omit<SweepPoint, "nonDominated">[]): SweepPoint[] {
  return points.map((p) => {
    const quality = qualityOf(p.validation);
    const beaten = points.some((q) => {
      const other = qualityOf(q.validation);
      const asGood = q.bitOperations <= p.bitOperations && other >= quality;
      return asGood && (q.bitOperations < p.bitOperations || other > quality);
    });
    return { ...p, nonDominated: !beaten };
  });
}
