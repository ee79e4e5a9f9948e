// The data of a project. In: a project and a reader of the user's files. Out: training, validation and test samples,
// and a digest of all that training depends on.
import { createMantissas } from "../data/inputs.ts";
import { loadDataSet, loadSamples } from "../data/load.ts";
import { loadPorts, type PortTargets } from "../data/load-ports.ts";
import { sampleSetOf, splitValidation } from "../data/select-samples.ts";
import type { ComparedWith, LoadedSamples, SampleTarget } from "../data/whole-file.ts";
import { nodeNamed } from "../graph/graph.ts";
import {
  type DataSpec,
  type HeldBack,
  isByPort,
  isHeldBack,
  type MadeData,
  type Project,
  type SampleFiles,
} from "../graph/project.ts";
import type { Answers, SampleSet } from "../graph/samples.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { digestOf } from "../support/digest.ts";
import type { FileReader } from "../support/host.ts";
import { createRandom } from "../support/random.ts";
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
  if (training.target !== "data") return { kind: "input" };
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

/** Training data with the validation samples, and test data: files of their own, or samples taken out. */
function loadSets(
  { train, test }: DataSpec,
  targets: PortTargets,
  reader: Pick<FileReader, "read">,
  seed: number,
): { readonly train: SampleSet; readonly test: SampleSet; readonly warnings: readonly Diagnostic[] } {
  if (isHeldBack(test)) {
    const whole = loadWhole(train, targets, reader);
    const split = splitValidation(whole.samples, countOf(test, whole.samples.count), seed);
    return { train: split.train, test: split.validation, warnings: whole.warnings };
  }
  if (isByPort(train) && isByPort(test)) return loadPorts({ train, test }, targets, reader);
  compilerAssert(!isByPort(train) && !isByPort(test), "both splits are given in one way");
  const loaded = loadDataSet({ train, test }, oneTarget(targets), reader);
  const setOf = (samples: LoadedSamples): SampleSet => withAnswers(sampleSetOf(samples), targets);
  return { ...loaded, train: setOf(loaded.train), test: setOf(loaded.test) };
}

/** All samples of a split that is the only one. */
export function loadWhole(
  train: SampleFiles,
  targets: PortTargets,
  reader: Pick<FileReader, "read">,
): { readonly samples: SampleSet; readonly warnings: readonly Diagnostic[] } {
  if (!isByPort(train)) {
    const loaded = loadSamples(train, oneTarget(targets), reader);
    return { samples: withAnswers(sampleSetOf(loaded), targets), warnings: loaded.warnings };
  }
  const { train: samples, warnings } = loadPorts({ train }, targets, reader);
  return { samples, warnings };
}

/** What a file with all of a sample is to have: one input, and one output that is compared with something of the file. */
function oneTarget({ inputs, outputs }: PortTargets): SampleTarget {
  const [input, ...moreInputs] = inputs;
  const [output, ...moreOutputs] = outputs;
  const isAlone = moreOutputs.length === 0 || output?.compared.kind === "input";
  compilerAssert(
    input && output && moreInputs.length === 0 && isAlone,
    "a file of samples has one input and one output",
  );
  return { ...input, outputs: output.compared };
}

/** Of an output that is compared with nothing of the data. */
const NO_ANSWERS: Answers = { labels: new Int32Array(0), values: null };

/** Samples of one file, where further outputs are compared with nothing of it. */
function withAnswers(samples: SampleSet, { outputs }: PortTargets): SampleSet {
  return { ...samples, answers: outputs.map((_, i) => samples.answers[i] ?? NO_ANSWERS) };
}

/** Reads and checks all data of a project; throws DiagnosticError with everything that is wrong with it. */
export function loadProjectData(project: Project, reader: Pick<FileReader, "read">): ProjectData {
  const { data } = project;
  const { seed } = project.training;
  const targets = portTargetsOf(project);
  if ("made" in data) return makeData(data, targets, seed);
  const { train, test, warnings } = loadSets(data, targets, reader, seed);
  const split = splitValidation(train, countOf(data.validation, train.count), seed);
  return {
    training: split.train,
    validation: split.validation,
    test,
    digest: digestOf(...bytesOfSamples(train), ...bytesOfSamples(test)),
    warnings,
  };
}

/** One sample has no standard error. */
const LEAST_HELD = 2;

function countOf(held: HeldBack, all: number): number {
  return typeof held === "number" ? held : Math.max(LEAST_HELD, Math.round(held.share * all));
}

/** Samples that are made: to calibrate on, to judge by, and for the vectors of the design. */
const MADE = { training: 1000, validation: 250, test: 250 };

/** Uniform stored integers. There is nothing to compare with but what the given network makes of them. */
function makeData({ made }: MadeData, targets: PortTargets, seed: number): ProjectData {
  const make = (purpose: keyof typeof MADE): SampleSet => {
    const random = createRandom(seed, "made samples", purpose);
    const count = MADE[purpose];
    const inputs = targets.inputs.map(({ shape, stored }, at) => {
      const { least, greatest } = made[at]!;
      const mantissas = createMantissas(stored, count * product(shape));
      for (let i = 0; i < mantissas.length; i++) mantissas[i] = random.integer(least, greatest);
      return { shape, stored, mantissas };
    });
    return { count, inputs, answers: targets.outputs.map(() => NO_ANSWERS) };
  };
  const [training, validation, test] = [make("training"), make("validation"), make("test")];
  const digest = digestOf(...[training, validation, test].flatMap(bytesOfSamples));
  return { training, validation, test, digest, warnings: [] };
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
    "training settings": digestOf(JSON.stringify({ ...settings, ...heldBackOf(project) })),
    ...(project.imported ? { "model file": project.imported.digest } : {}),
    data: dataDigest,
    seed: `${seed}`,
    // An estimate of the area depends on how many multipliers work at a time.
    ...(limits.luts === undefined ? {} : { interval: `${project.hardware.intervalCycles}` }),
    backend,
    version: VERSION,
  };
}

/** What of the data section picks the samples. */
function heldBackOf({ data }: Project): object {
  if ("made" in data) return {};
  const { validation, test } = data;
  return { validation, ...(typeof test === "object" && "path" in test ? {} : { test }) };
}

/** Names of the parts in which two identities differ. */
export function identityDifferences(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
}
