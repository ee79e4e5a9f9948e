// Training as a whole: the run itself, then the scores of both networks on the test split, which only this step sees.
// In: a project, its data, a backend. Out: the files of train/, in memory.
import { encodeNpy } from "../data/npy.ts";
import type { Graph } from "../graph/graph.ts";
import type { Project, TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score, TrainedGraph } from "../graph/trained-graph.ts";
import { TRAIN_RESULT_SCHEMA, type TrainResult } from "../report/results.ts";
import { compilerAssert } from "../support/assert.ts";
import { sha256Of } from "../support/digest.ts";
import type { FileSet } from "../support/file-set.ts";
import type { StopSignal, Yield } from "../support/host.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import { inputsAsTargets } from "../train/batches.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import { scoreFloat, withFloatTargets } from "../train/float-model.ts";
import { evaluateFrozen, type FrozenEvaluation } from "../train/frozen.ts";
import type { TrainingEvents } from "../train/request.ts";
import { train } from "../train/train.ts";
import { BUILD_FILES, portFile } from "./build-files.ts";
import { importedText } from "./imported-source.ts";
import { accountsOf, plainOutcome, removedAccounts } from "./ledger.ts";
import type { ProjectData } from "./project-data.ts";
import { answerFiles, inputFiles } from "./sample-files.ts";

export interface TrainProjectRequest {
  readonly tf: TensorFlow;
  /** Name and version of the backend. */
  readonly backend: string;
  readonly project: Project;
  readonly data: ProjectData;
  readonly identity: Readonly<Record<string, string>>;
  readonly checkpoint?: Checkpoint | undefined;
  readonly events: TrainingEvents;
  readonly stop: StopSignal;
  readonly yieldToHost: Yield;
  readonly now: () => number;
}

export interface TrainedProject {
  readonly trained: TrainedGraph;
  readonly result: TrainResult;
  /** Files of train/ but for checkpoint and log. */
  readonly files: FileSet;
}

/** What a run of the trainer gave, scored on the test split. */
export interface ScoredTraining {
  readonly trained: TrainedGraph;
  /** The test split with what its outputs were compared with. */
  readonly test: SampleSet;
  readonly float: Score;
  readonly integers: FrozenEvaluation;
}

/** Runs the trainer, and then both networks on the test split. */
export async function trainAndScore(request: Omit<TrainProjectRequest, "identity">): Promise<ScoredTraining> {
  const { tf, backend, project } = request;
  const { training } = project;
  const data = comparedData(tf, project, request.data);
  const { trained, float } = await train(tf, {
    graph: withPlainOrigins(project.graph),
    training,
    weights: project.imported?.weights,
    samples: data.training,
    validation: data.validation,
    intervalCycles: project.hardware.intervalCycles,
    checkpoint: request.checkpoint,
    events: request.events,
    stop: request.stop,
    yieldToHost: request.yieldToHost,
    backend,
    now: request.now,
  });
  return {
    trained,
    test: data.test,
    float: scoreFloat(tf, project.graph, training, float, data.test),
    integers: evaluateFrozen(tf, trained, comparedSamples(data.test, training), training.losses),
  };
}

export async function trainProject(request: TrainProjectRequest): Promise<TrainedProject> {
  const { backend, project, identity } = request;
  const { trained, test, float, integers } = await trainAndScore(request);
  const names = BUILD_FILES.train;
  const left: FileSet = new Map<string, string | Uint8Array>([
    [names.source, project.source.text],
    ...(project.imported ? [[names.imported, importedText(project)] as const] : []),
    [names.trained, `${JSON.stringify(trained)}\n`],
    ...inputFiles(test, names.testInputs),
    ...answerFiles(test, { labels: names.testLabels, targets: names.testTargets }),
    ...integers.outputs.map(({ sums }, i): [string, Uint8Array] => {
      const shape = [test.count, sums.length / test.count];
      return [portFile(names.testOutputs, i), encodeNpy(shape, "float64", sums)];
    }),
  ]);
  const result: TrainResult = {
    schema: TRAIN_RESULT_SCHEMA,
    model: project.graph.name,
    seed: project.training.seed,
    backend,
    identity,
    files: Object.fromEntries(
      [...left].filter(([path]) => path !== names.source).map(([path, content]) => [path, sha256Of(content)]),
    ),
    float,
    quantized: integers.score,
    ledger: accountsOf(trained),
    removed: removedAccounts(trained),
    outcome: plainOutcome(trained),
    ...(project.training.target === "float" ? { accuracy: "unknown" } : {}),
  };
  const files: FileSet = new Map([...left, [names.result, `${JSON.stringify(result, null, 2)}\n`]]);
  return { trained, result, files };
}

/** Data of which the float network's outputs are the targets, where nothing else is to be compared with. */
function comparedData(
  tf: TensorFlow,
  { graph, training, imported }: Project,
  data: ProjectData,
): ProjectData {
  if (training.target !== "float") return data;
  compilerAssert(imported, "a network without weights has no outputs to compare with");
  const { weights } = imported;
  const compared = (samples: SampleSet): SampleSet => withFloatTargets(tf, graph, training, weights, samples);
  const [samples, validation, test] = [data.training, data.validation, data.test];
  return { ...data, training: compared(samples), validation: compared(validation), test: compared(test) };
}

/** The samples with what the outputs are compared with: their labels or targets, or their own values. */
export function comparedSamples(samples: SampleSet, { target }: Pick<TrainingSpec, "target">): SampleSet {
  if (target !== "input") return samples;
  const fractions = samples.inputs.map(({ stored }) => stored.fraction);
  return inputsAsTargets(samples, fractions);
}

/** The same graph from the same text, wherever the file stands: only its name is kept. */
function withPlainOrigins(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    const file = node.origin.file.replace(/^.*[\\/]/, "");
    return { ...node, origin: { ...node.origin, file } };
  });
  return { ...graph, nodes };
}
