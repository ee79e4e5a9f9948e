// Whether a trained network fits a part at what is wished on it. In: the trained graph, hardware wishes with a part. Out: nothing
// where it fits, else how few bits of weights would.
import type { HardwareSpec, PartWish, Project } from "../graph/project.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { narrowerWeights, type Weights } from "../solve/solve.ts";
import { keptFoldings } from "./compile-design.ts";
import { solveTaskOf } from "./compile-program.ts";

/**
 * Null where a folding fits; else the widest weights with which the foldings of least area would. Throws the DiagnosticError of
 * the solver where no weights do, or no folding keeps the rate.
 */
export function shortageOf(trained: TrainedGraph, hardware: HardwareSpec, part: PartWish): Weights | null {
  const program = lower(trained);
  const folding = keptFoldings(program, hardware);
  return narrowerWeights(solveTaskOf(program, { ...hardware, folding }, part));
}

/** The project with a budget of weight bits, beside the limits of a budget that it has; in place of a lossless objective. */
export function withinWeightBits(project: Project, most: number): Project {
  const { objective } = project.training;
  const limits = objective.kind === "budget" ? objective.limits : {};
  const weightBits = Math.min(most, limits.weightBits ?? most);
  return {
    ...project,
    training: { ...project.training, objective: { kind: "budget", limits: { ...limits, weightBits } } },
  };
}
