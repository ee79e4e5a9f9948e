// The data of a project. In: a project and a reader of the user's files. Out: training, validation and test samples,
// and a digest of all that training depends on.
import { loadDataSet } from "../data/load.ts";
import { loadPorts, type PortSet, type PortTargets } from "../data/load-ports.ts";
import { sampleSetOf, splitValidation } from "../data/select-samples.ts";
import type { ComparedWith } from "../data/whole-file.ts";
import { nodeNamed } from "../graph/graph.ts";
import { isByPort, type Project } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { digestOf } from "../support/digest.ts";
import type { FileReader } from "../support/host.ts";
import { VERSION } from "../support/version.ts";

export interface ProjectData {
  readonly training: SampleSet;
  readonly validation: SampleSet;
  /** Never handed to the trainer. */
  readonly test: SampleSet;
  readonly digest: string;
  /** Such as rows that were skipped. */
  readonly warnings: readonly Diagnostic[];
}

/** What an output is compared with: a loss over classes has labels, the others have real values. */
function comparedWith({ graph, training }: Project, index: number): ComparedWith {
  if (training.target === "input") return { kind: "input" };
  const output = nodeNamed(graph, graph.outputs[index]!.node);
  const last = output.kind === "argmax" ? nodeNamed(graph, output.input) : output;
  if (training.losses[index]!.loss.kind !== "cross-entropy")
    return { kind: "values", count: product(last.shape) };
  const count = last.shape.at(-1)!;
  const positions = spatialOf(last.shape);
  return positions.length === 0 ? { kind: "classes", count } : { kind: "classes", count, positions };
}

/** What a project asks of its data: shapes and stored types of its inputs, and what its outputs are compared with. */
export function portTargetsOf(project: Project): PortTargets {
  const { nodes, outputs } = project.graph;
  return {
    inputs: nodes
      .filter((n) => n.kind === "input")
      .map(({ name, shape, stored }) => ({ name, shape, stored })),
    outputs: outputs.map(({ name }, i) => ({ name, compared: comparedWith(project, i) })),
  };
}

function loadSets(project: Project, reader: Pick<FileReader, "read">): PortSet {
  const { train, test } = project.data;
  const targets = portTargetsOf(project);
  if (isByPort(train) && isByPort(test)) return loadPorts({ train, test }, targets, reader);
  compilerAssert(!isByPort(train) && !isByPort(test), "both splits are given in one way");
  const [input, ...moreInputs] = targets.inputs;
  const [output, ...moreOutputs] = targets.outputs;
  compilerAssert(
    input && output && moreInputs.length + moreOutputs.length === 0,
    "a file of samples has one input and one output",
  );
  const { shape, stored } = input;
  const loaded = loadDataSet({ train, test }, { shape, stored, outputs: output.compared }, reader);
  return { ...loaded, train: sampleSetOf(loaded.train), test: sampleSetOf(loaded.test) };
}

/** Reads and checks all data of a project; throws DiagnosticError with everything that is wrong with it. */
export function loadProjectData(project: Project, reader: Pick<FileReader, "read">): ProjectData {
  const { train, test, warnings } = loadSets(project, reader);
  const split = splitValidation(train, project.data.validation, project.training.seed);
  return {
    training: split.train,
    validation: split.validation,
    test,
    digest: digestOf(...bytesOfSamples(train), ...bytesOfSamples(test)),
    warnings,
  };
}

function bytesOfSamples({ inputs, answers }: SampleSet): readonly Uint8Array[] {
  const compared = answers.flatMap(({ labels, values }) => (values === null ? [labels] : [labels, values]));
  const arrays = [...inputs.map(({ mantissas }) => mantissas), ...compared];
  return arrays.map((a) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
}

/** What a training run depends on, by name: a checkpoint or a trained graph of another identity is not this run's. */
export function identityOf(project: Project, dataDigest: string, backend: string): Record<string, string> {
  const { seed, ...settings } = project.training;
  const limits = settings.objective.kind === "budget" ? settings.objective.limits : {};
  const nodes = project.graph.nodes.map(({ origin: _, ...node }) => node);
  return {
    network: digestOf(JSON.stringify({ ...project.graph, nodes })),
    "training settings": digestOf(JSON.stringify({ ...settings, validation: project.data.validation })),
    data: dataDigest,
    seed: `${seed}`,
    // An estimate of the area depends on how many multipliers work at a time.
    ...(limits.luts === undefined ? {} : { interval: `${project.hardware.intervalCycles}` }),
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
