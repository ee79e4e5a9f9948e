// The data of a project. In: a project and a reader of the user's files. Out: training, validation and test samples,
// and a digest of all that training depends on.
import { createMantissas } from "../data/inputs.ts";
import { loadDataSet, loadSamples } from "../data/load.ts";
import { splitValidation } from "../data/select-samples.ts";
import type { ComparedWith, LoadedSamples, SampleTarget } from "../data/whole-file.ts";
import { nodeNamed } from "../graph/graph.ts";
import type { DataSpec, HeldBack, MadeData, Project } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
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
  readonly test: LoadedSamples;
  readonly digest: string;
  /** Such as rows that were skipped. */
  readonly warnings: readonly Diagnostic[];
}

/** What the outputs are compared with: a loss over classes has labels, the others have real values. */
function comparedWith({ graph, training }: Project): ComparedWith {
  if (training.target !== "data") return { kind: "input" };
  const output = nodeNamed(graph, graph.outputs[0]!.node);
  const last = output.kind === "argmax" ? nodeNamed(graph, output.input) : output;
  if (training.loss.kind !== "cross-entropy") return { kind: "values", count: product(last.shape) };
  const count = last.shape.at(-1)!;
  const positions = spatialOf(last.shape);
  return positions.length === 0 ? { kind: "classes", count } : { kind: "classes", count, positions };
}

/** Shape and stored type of the samples, and what they hold beside the input. */
export function sampleTargetOf(project: Project): SampleTarget {
  const input = project.graph.nodes.find((n) => n.kind === "input");
  compilerAssert(input?.kind === "input", "a checked graph has an input");
  return { shape: input.shape, stored: input.stored, outputs: comparedWith(project) };
}

/** Reads and checks all data of a project; throws DiagnosticError with everything that is wrong with it. */
export function loadProjectData(project: Project, reader: Pick<FileReader, "read">): ProjectData {
  const { data } = project;
  const target = sampleTargetOf(project);
  const { seed } = project.training;
  if ("made" in data) return makeData(data, target, seed);
  const { train, test, warnings } = loadFiles(data, target, reader, seed);
  const split = splitValidation(train, countOf(data.validation, train.count), seed);
  return {
    training: split.train,
    validation: split.validation,
    test,
    digest: digestOf(...bytesOfSamples(train), ...bytesOfSamples(test)),
    warnings,
  };
}

/** Training data with the validation samples, and test data: a file of its own, or samples taken out. */
function loadFiles(
  { train, test }: DataSpec,
  target: SampleTarget,
  reader: Pick<FileReader, "read">,
  seed: number,
): ReturnType<typeof loadDataSet> {
  if (typeof test === "object" && "path" in test) return loadDataSet({ train, test }, target, reader);
  const whole = loadSamples(train, target, reader);
  const split = splitValidation(whole, countOf(test, whole.count), seed);
  return {
    train: { ...whole, ...split.train },
    test: { ...whole, ...split.validation },
    warnings: whole.warnings,
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
function makeData({ made }: MadeData, { shape, stored }: SampleTarget, seed: number): ProjectData {
  const make = (purpose: keyof typeof MADE): LoadedSamples => {
    const random = createRandom(seed, "made samples", purpose);
    const count = MADE[purpose];
    const inputs = createMantissas(stored, count * product(shape));
    for (let i = 0; i < inputs.length; i++) inputs[i] = random.integer(made.least, made.greatest);
    const labels = new Int32Array(0);
    return { count, shape, stored, inputs, labels, targets: null, numbers: "stored", warnings: [] };
  };
  const [training, validation, test] = [make("training"), make("validation"), make("test")];
  const digest = digestOf(...[training, validation, test].flatMap(bytesOfSamples));
  return { training, validation, test, digest, warnings: [] };
}

function bytesOfSamples({ inputs, labels, targets }: SampleSet): readonly Uint8Array[] {
  const arrays = targets === null ? [inputs, labels] : [inputs, labels, targets];
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
