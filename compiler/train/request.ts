// What training is asked for, what it tells while it runs, and what it gives back. The test split is no part of it.
import type { Graph } from "../graph/graph.ts";
import type { TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import { createCollector } from "../support/diagnostics.ts";
import type { StopSignal, Yield } from "../support/host.ts";
import { bitOperationsOf, leastBitOperations } from "./bit-operations.ts";
import { type Chain, chainOf } from "./chain.ts";
import type { Checkpoint, EpochRecord } from "./checkpoint.ts";
import type { FloatModel } from "./float-model.ts";
import type { Phase } from "./schedule.ts";

/** State of the running epoch, after every step. */
export interface ProgressRecord {
  readonly phase: Phase;
  /** The running epoch of the phase, from 1, of `epochs`. */
  readonly epoch: number;
  readonly epochs: number;
  /** Finished steps of the epoch, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Finished part of the whole training, in [0, 1]. */
  readonly fraction: number;
  /** Means over the epoch's batches so far: cross entropy in nats, and accuracy in [0, 1]. */
  readonly loss: number;
  readonly accuracy: number;
  /** Mean width of the weights and bit operations, if they were frozen now; null while nothing is quantized. */
  readonly meanBits: number | null;
  readonly bitOperations: number | null;
  /** Null until there is something to judge by. */
  readonly etaSeconds: number | null;
}

export interface TrainingEvents {
  /** After every step. */
  progress(record: ProgressRecord): void;
  /** After every epoch; the checkpoint is a copy. Its history's last record is that of the epoch. */
  checkpoint(checkpoint: Checkpoint): void;
  /** A line for the log. */
  log(line: string): void;
}

export interface TrainRequest {
  readonly graph: Graph;
  readonly training: TrainingSpec;
  /** The training split without the validation samples. */
  readonly samples: SampleSet;
  readonly validation: SampleSet;
  /** Where to go on from. */
  readonly checkpoint?: Checkpoint | undefined;
  readonly events: TrainingEvents;
  readonly stop: StopSignal;
  readonly yieldToHost: Yield;
  /** Name and version of the TensorFlow backend, kept in the result. */
  readonly backend: string;
  /** Milliseconds of a clock, for the time left. */
  readonly now?: () => number;
}

export interface TrainingResult {
  readonly trained: TrainedGraph;
  /** The float baseline, to be scored on the test split by `scoreFloat`. */
  readonly float: FloatModel;
  readonly history: readonly EpochRecord[];
}

/** Thrown at the step after the user asked to stop. The last checkpoint is where to go on. */
export class TrainingStopped extends Error {
  constructor() {
    super("training was stopped");
    this.name = "TrainingStopped";
  }
}

/** Checks all that can be known before the first step, and throws every problem found. */
export function checkRequest(request: TrainRequest): Chain {
  const chain = chainOf(request.graph);
  const problems = createCollector();
  const { stored, shape } = chain.input;
  const describe = (s: readonly number[], signed: boolean, width: number): string =>
    `${s.join("x")} ${signed ? "s" : "u"}${width}`;
  for (const [set, samples] of [
    ["training", request.samples],
    ["validation", request.validation],
  ] as const) {
    if (samples.count === 0) problems.add("train/no-samples", { set });
    const found = describe(samples.shape, samples.stored.signed, samples.stored.width);
    const wanted = describe(shape, stored.signed, stored.width);
    if (found !== wanted || samples.stored.fraction !== stored.fraction)
      problems.add("train/bad-samples", { found, wanted, set });
    const wrong = samples.labels.find((label) => label < 0 || label >= chain.classes);
    if (wrong !== undefined) problems.add("train/bad-labels", { label: wrong, classes: chain.classes, set });
  }
  if (request.training.shiftPixels > 0 && shape.length < 2)
    problems.add("train/shift-needs-image", { shape: shape.join("x") });
  const budget = request.training.objective.bitOperations;
  const least = leastBitOperations(chain);
  if (budget < least) problems.add("train/budget-too-small", { budget, least });
  const saved = request.checkpoint;
  if (saved) {
    chain.layers.forEach((layer, i) => {
      if (saved.parameters[`${i}.weights`]?.length !== layer.inputs * layer.units)
        problems.add("train/checkpoint-mismatch", { what: `layer ${layer.node} has another size` });
    });
    if (saved.formats && bitOperationsOf(chain, saved.formats) > budget)
      problems.add("train/checkpoint-mismatch", { what: "its formats are above the budget" });
  }
  problems.throwIfErrors();
  return chain;
}
