// What training is asked for, what it tells while it runs, and what it gives back. The test split is no part of it.
import type { FirstWeights } from "../graph/first-weights.ts";
import type { Graph, InputNode, StoredType } from "../graph/graph.ts";
import type { Limit, TrainingSpec } from "../graph/project.ts";
import type { InputSamples, SampleSet } from "../graph/samples.ts";
import { product } from "../graph/shapes.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import { compilerAssert } from "../support/assert.ts";
import { createCollector } from "../support/diagnostics.ts";
import type { StopSignal, Yield } from "../support/host.ts";
import type { Checkpoint, EpochRecord } from "./checkpoint.ts";
import type { FloatModel } from "./float-model.ts";
import {
  bitOperationsOf,
  leastBits,
  limitsGiven,
  lutsOf,
  mayPrune,
  meanWeightBits,
  weightBitsOf,
} from "./limits.ts";
import { type Network, networkOf, outputElements, weightsOf } from "./network.ts";
import type { Phase } from "./schedule.ts";
import { inputReader } from "./settings.ts";
import { isSpread, readsOutside } from "./windows.ts";

/** State of the running epoch, after every step. */
export interface ProgressRecord {
  readonly phase: Phase;
  /** Of the rounding phase, from 1: each round trains other formats. */
  readonly round: number;
  /** The running epoch of the phase or round, from 1, of `epochs`. */
  readonly epoch: number;
  readonly epochs: number;
  /** Finished steps of the epoch, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Finished part of the whole training, in [0, 1]. */
  readonly fraction: number;
  /** Means over the epoch's batches so far: the loss, and accuracy in [0, 1], null for a regression or several outputs. */
  readonly loss: number;
  readonly accuracy: number | null;
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
  /** What the network starts from, in place of random weights; for inputs that are not normalised. */
  readonly weights?: FirstWeights | undefined;
  /** The training split without the validation samples. */
  readonly samples: SampleSet;
  readonly validation: SampleSet;
  /** Cycles from one inference to the next that the hardware is wished to have: what an estimate of its area needs. */
  readonly intervalCycles: number;
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
export function checkRequest(request: TrainRequest): Network {
  const { graph, training } = request;
  const network = networkOf(graph);
  const problems = createCollector();
  compilerAssert(training.losses.length === graph.outputs.length, "every output has a loss");
  for (const [set, samples] of [
    ["training", request.samples],
    ["validation", request.validation],
  ] as const) {
    if (samples.count === 0) problems.add("train/no-samples", { set });
    const { length } = network.inputs;
    if (samples.inputs.length !== length)
      problems.add("train/missing-inputs", { set, found: samples.inputs.length, wanted: length });
    else
      network.inputs.forEach(({ node }, i) => {
        checkInput(node, set, samples.inputs[i]!, problems);
      });
    network.outputs.forEach((_, i) => {
      checkAnswers(request, network, i, set, samples, problems);
    });
  }
  const shapes = network.inputs.map(({ node }) => node.shape);
  if (training.augment.shiftPixels > 0 && shapes.every((shape) => shape.length < 2))
    problems.add("train/shift-needs-image", { shape: shapes.map((shape) => shape.join("x")).join(", ") });
  network.inputs.forEach(({ node: { name, origin } }, i) => {
    if (training.normalize === "none") return;
    for (const feature of notNormalized(network, i))
      problems.add("train/unsupported", { node: name, feature }, { file: origin.file });
  });
  checkLimits(request, network, problems);
  const saved = request.checkpoint;
  if (saved) {
    const parameters = saved.baseline?.model.parameters ?? saved.parameters;
    network.layers.forEach((layer, i) => {
      if (parameters[`${i}.weights`]?.length !== weightsOf(layer))
        problems.add("train/checkpoint-mismatch", { what: `layer ${layer.node} has another size` });
    });
  }
  problems.throwIfErrors();
  return network;
}

/** What the integers cannot do to an input that was normalised: outside of it, or between its elements, they have zeros. */
function notNormalized(network: Network, input: number): string[] {
  const reader = inputReader(network, input);
  const { signal, values } = network.inputs[input]!;
  const found: string[] = [];
  for (const step of network.steps) {
    if (!("reads" in step)) continue;
    const before = network.values[step.reads]!;
    if (!values.includes(step.reads) && !(before.isInput && before.signals.includes(signal))) continue;
    if (step.kind === "move" && step.sources?.some((source) => source < 0))
      found.push("pad around an input that is normalised (give the convolution behind it the padding)");
    if (step.kind === "pool" && step.pooling === "average" && readsOutside(step.windows))
      found.push("an average that is padded of an input that is normalised");
  }
  if (reader === null)
    return found.length > 0 ? found : ["an input that is normalised and not read by one layer alone"];
  const { windows } = network.layers[reader]!;
  if (windows && isSpread(windows))
    found.push(
      "a transposed convolution that puts zeros between the elements of an input that is normalised",
    );
  return found;
}

type Problems = ReturnType<typeof createCollector>;

function checkInput(
  { name, shape, stored }: InputNode,
  set: string,
  input: InputSamples,
  problems: Problems,
) {
  const describe = (s: readonly number[], { signed, width }: StoredType): string =>
    `${s.join("x")} ${signed ? "s" : "u"}${width}`;
  const found = describe(input.shape, input.stored);
  const wanted = describe(shape, stored);
  if (found !== wanted || input.stored.fraction !== stored.fraction)
    problems.add("train/bad-samples", { input: name, found, wanted, set });
}

/** Labels are classes of an output's last layer; a regression has a value for each of its elements. */
function checkAnswers(
  { graph, training }: TrainRequest,
  network: Network,
  index: number,
  set: string,
  samples: SampleSet,
  problems: Problems,
): void {
  const output = graph.outputs[index]!.name;
  const elements = outputElements(network)[index]!;
  const answers = samples.answers[index];
  if (training.target === "input") {
    const found = product(network.inputs[index]?.node.shape ?? [0]);
    if (elements !== found) problems.add("train/bad-targets", { output, set, found, wanted: elements });
    return;
  }
  if (training.losses[index]!.loss.kind !== "cross-entropy") {
    const found = (answers?.values?.length ?? 0) / Math.max(1, samples.count);
    if (found !== elements) problems.add("train/bad-targets", { output, set, found, wanted: elements });
    return;
  }
  const classes = network.values[network.outputs[index]!]!.channels;
  const positions = elements / classes;
  const labels = answers?.labels ?? new Int32Array(0);
  const wrong =
    labels.length === samples.count * positions ? labels.find((label) => label < 0 || label >= classes) : -1;
  if (wrong !== undefined) problems.add("train/bad-labels", { output, label: wrong, classes, set });
}

/** Where nothing may be pruned, every limit must be reachable with the narrowest widths that the layers allow. */
function checkLimits({ training, intervalCycles }: TrainRequest, network: Network, problems: Problems): void {
  if (training.objective.kind !== "budget" || mayPrune(network, training)) return;
  const bits = leastBits(network, training);
  const leastOf: Readonly<Record<Limit, number>> = {
    bitOperations: bitOperationsOf(network, bits),
    // A weight may be zero, and then has no digits.
    ebops: 0,
    weightBits: weightBitsOf(network, bits),
    luts: lutsOf(network, bits, intervalCycles),
    meanWeightBits: meanWeightBits(network, bits),
  };
  for (const { limit, asked } of limitsGiven(training.objective.limits))
    if (asked < leastOf[limit])
      problems.add("train/budget-too-small", { limit, budget: asked, least: leastOf[limit] });
}
