// Training as a whole: the run itself, then the scores of both networks on the test split, which only this step sees.
// In: a project, its data, a backend. Out: the files of train/, in memory.
import { encodeNpy } from "../data/npy.ts";
import type { Graph } from "../graph/graph.ts";
import type { Project } from "../graph/project.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import { TRAIN_RESULT_SCHEMA, type TrainResult } from "../report/results.ts";
import { sha256Of } from "../support/digest.ts";
import type { FileSet } from "../support/file-set.ts";
import type { StopSignal, Yield } from "../support/host.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import { scoreFloat } from "../train/float-model.ts";
import { evaluateFrozen } from "../train/frozen.ts";
import type { TrainingEvents } from "../train/request.ts";
import { train } from "../train/train.ts";
import { BUILD_FILES } from "./build-files.ts";
import type { ProjectData } from "./project-data.ts";

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

export async function trainProject(request: TrainProjectRequest): Promise<TrainedProject> {
  const { tf, backend, project, data, identity } = request;
  const { trained, float } = await train(tf, {
    graph: withPlainOrigins(project.graph),
    training: project.training,
    samples: data.training,
    validation: data.validation,
    checkpoint: request.checkpoint,
    events: request.events,
    stop: request.stop,
    yieldToHost: request.yieldToHost,
    backend,
    now: request.now,
  });
  const frozen = evaluateFrozen(tf, trained, data.test);
  const { test } = data;
  const names = BUILD_FILES.train;
  const classes = frozen.logits.length / test.count;
  const left: FileSet = new Map<string, string | Uint8Array>([
    [names.source, project.source.text],
    [names.trained, `${JSON.stringify(trained)}\n`],
    [names.testInputs, encodeNpy([test.count, ...test.shape], dtypeOf(test.inputs), test.inputs)],
    [names.testLabels, encodeNpy([test.count], "int32", test.labels)],
    [names.testLogits, encodeNpy([test.count, classes], "float64", frozen.logits)],
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
    float: scoreFloat(tf, project.graph, float, data.test),
    quantized: frozen.score,
    noise: Object.fromEntries(
      trained.layers.map((layer) => [
        layer.node,
        { weights: layer.weightNoise.snrBits, activations: layer.activationNoise.snrBits },
      ]),
    ),
  };
  const files: FileSet = new Map([...left, [names.result, `${JSON.stringify(result, null, 2)}\n`]]);
  return { trained, result, files };
}

function dtypeOf(
  inputs: Uint8Array | Int8Array | Uint16Array | Int16Array,
): "uint8" | "int8" | "uint16" | "int16" {
  if (inputs instanceof Uint8Array) return "uint8";
  if (inputs instanceof Int8Array) return "int8";
  return inputs instanceof Uint16Array ? "uint16" : "int16";
}

/** The same graph from the same text, wherever the file stands: only its name is kept. */
function withPlainOrigins(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    const file = node.origin.file.replace(/^.*[\\/]/, "");
    return { ...node, origin: { ...node.origin, file } };
  });
  return { ...graph, nodes };
}
