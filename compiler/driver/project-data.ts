// The data of a project. In: a project and a reader of the user's files. Out: training, validation and test samples,
// and a digest of all that training depends on.
import { type LoadedSamples, loadDataSet, splitValidation } from "../data/load.ts";
import { type Graph, nodeNamed } from "../graph/graph.ts";
import type { Project } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import { compilerAssert } from "../support/assert.ts";
import { digestOf } from "../support/digest.ts";
import type { FileReader } from "../support/host.ts";
import { VERSION } from "../support/version.ts";

export interface ProjectData {
  readonly training: SampleSet;
  readonly validation: SampleSet;
  /** Never handed to the trainer. */
  readonly test: LoadedSamples;
  readonly digest: string;
}

/** Shape, stored type and number of classes that the data must have. */
export function sampleTargetOf(graph: Graph): Parameters<typeof loadDataSet>[1] {
  const input = graph.nodes.find((n) => n.kind === "input");
  compilerAssert(input?.kind === "input", "a checked graph has an input");
  const output = nodeNamed(graph, graph.outputs[0]!.node);
  const logits = output.kind === "argmax" ? nodeNamed(graph, output.input) : output;
  return { shape: input.shape, stored: input.stored, classes: logits.shape[logits.shape.length - 1]! };
}

/** Reads and checks all data of a project; throws DiagnosticError with everything that is wrong with it. */
export function loadProjectData(project: Project, reader: Pick<FileReader, "read">): ProjectData {
  const { train, test } = loadDataSet(project.data, sampleTargetOf(project.graph), reader);
  const split = splitValidation(train, project.data.validation, project.training.seed);
  return {
    training: split.train,
    validation: split.validation,
    test,
    digest: digestOf(bytesOfSamples(train), bytesOfSamples(test)),
  };
}

function bytesOfSamples(samples: SampleSet): Uint8Array {
  const { inputs, labels } = samples;
  const bytes = new Uint8Array(inputs.byteLength + labels.byteLength);
  bytes.set(new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
  bytes.set(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength), inputs.byteLength);
  return bytes;
}

/** What a training run depends on, by name: a checkpoint or a trained graph of another identity is not this run's. */
export function identityOf(project: Project, dataDigest: string, backend: string): Record<string, string> {
  const { seed, ...settings } = project.training;
  const nodes = project.graph.nodes.map(({ origin: _, ...node }) => node);
  return {
    network: digestOf(JSON.stringify({ ...project.graph, nodes })),
    "training settings": digestOf(JSON.stringify({ ...settings, validation: project.data.validation })),
    data: dataDigest,
    seed: `${seed}`,
    backend,
    version: VERSION,
  };
}

/** Names of the parts in which two identities differ. */
export function identityDifferences(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
}
