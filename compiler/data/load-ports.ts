// Samples with a file, an array or columns for each input and output. In: what the model's text says of its data, and a
// reader. Out: sample sets of stored integers with what every output is compared with.
import type { PortFile } from "../graph/project.ts";
import type { Answers, InputSamples, SampleSet } from "../graph/samples.ts";
import { compilerAssert } from "../support/assert.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { decodeCsv } from "./csv.ts";
import { arrayLabels, checkLabelShape, type KnownClasses, resolveLabels } from "./labels.ts";
import { diagnosticsOf } from "./load.ts";
import type { DataLimits, DataSource } from "./numeric-array.ts";
import type { NumberKind, RawLabels, RawTargets } from "./raw-samples.ts";
import { type DataReader, readDataFile, readRaw } from "./read-raw.ts";
import { arrayTargets, toTargets } from "./targets.ts";
import { type ComparedWith, type InputTarget, KIND_TEXT, loadInputs } from "./whole-file.ts";

/** What a model asks of its data, in the order of its inputs and outputs. */
export interface PortTargets {
  readonly inputs: readonly (InputTarget & { readonly name: string })[];
  readonly outputs: readonly { readonly name: string; readonly compared: ComparedWith }[];
}

/** Splits that have files of their own, in the order in which they are read. */
const SPLITS = ["train", "test"] as const;
type Split = (typeof SPLITS)[number];
type BySplit<S extends Split, T> = Readonly<Record<S, T>>;
type SplitPorts<S extends Split> = BySplit<S, readonly PortFile[]>;

function bySplit<S extends Split, T>(data: SplitPorts<S>, make: (split: S) => T): BySplit<S, T> {
  const splits = SPLITS.filter((split): split is S => split in data);
  return Object.fromEntries(splits.map((split) => [split, make(split)])) as BySplit<S, T>;
}

interface Options {
  readonly limits?: DataLimits | undefined;
}

/** Samples of one port in one split. */
interface Loaded<T> {
  readonly count: number;
  readonly samples: T;
  readonly warnings: readonly Diagnostic[];
}

/** A reader that reads every file once. */
function cached(reader: DataReader): DataReader {
  const known = new Map<string, Uint8Array | undefined>();
  return {
    read(path) {
      if (!known.has(path)) known.set(path, reader.read(path));
      return known.get(path);
    },
  };
}

function sourceOf({ file }: PortFile, { limits }: Options): DataSource {
  return { path: file.path, place: { span: file.span }, limits };
}

/** The labels of a file that holds nothing else of this output. */
function rawLabels(port: PortFile, reader: DataReader, options: Options): RawLabels {
  const { file } = port;
  const source = sourceOf(port, options);
  if (file.format !== "csv")
    return arrayLabels(
      readRaw(file, reader, { beside: "nothing", fits: () => true, ...source }).inputs.array,
    );
  const [label, ...others] = file.inputKeys ?? [];
  if (label === undefined || others.length > 0)
    fail("data/several-arrays", { path: file.path, names: file.inputKeys ?? [] }, source.place);
  const { labels } = decodeCsv(readDataFile(reader, source), { label, features: [] }, source);
  compilerAssert(labels, "the labels of a CSV were asked for");
  return labels;
}

/** The values of a file that holds nothing else of this output. */
function rawTargets(port: PortFile, reader: DataReader, options: Options): RawTargets {
  const { file } = port;
  const source = sourceOf(port, options);
  if (file.format !== "csv")
    return arrayTargets(
      readRaw(file, reader, { beside: "nothing", fits: () => true, ...source }).inputs.array,
    );
  const columns = { targets: file.inputKeys ?? [], features: [] };
  const { targets } = decodeCsv(readDataFile(reader, source), columns, source);
  compilerAssert(targets, "the targets of a CSV were asked for");
  return targets;
}

function loadLabels(
  port: PortFile,
  { count: classes, positions = [] }: Extract<ComparedWith, { kind: "classes" }>,
  reader: DataReader,
  options: Options,
  known?: KnownClasses,
): Loaded<Answers> & { readonly names: readonly string[] | undefined } {
  const source = sourceOf(port, options);
  const labels = rawLabels(port, reader, options);
  const count = labels.kind === "names" || !labels.shape ? labels.values.length : (labels.shape[0] ?? 0);
  if (count === 0) fail("data/empty", { path: source.path }, source.place);
  checkLabelShape(labels, count, positions, source);
  const { indices, names } = resolveLabels(labels, classes, source, known);
  return { count, samples: { labels: indices, values: null }, names, warnings: [] };
}

function loadValues(port: PortFile, outputs: number, reader: DataReader, options: Options): Loaded<Answers> {
  const source = sourceOf(port, options);
  const raw = rawTargets(port, reader, options);
  const count = raw.array.shape[0] ?? 0;
  if (count === 0) fail("data/empty", { path: source.path }, source.place);
  const values = toTargets(raw, count, outputs, source);
  return { count, samples: { labels: new Int32Array(0), values }, warnings: [] };
}

function fileOf<S extends Split>(data: SplitPorts<S>, split: S, name: string): PortFile {
  const found = data[split].find(({ port }) => port === name);
  if (!found) throw new DiagnosticError([createDiagnostic("data/missing-port", { port: name, split })]);
  return found;
}

/** Samples of one port in every split; what is wrong with them is said with the port's name. */
function eachOf<S extends Split, T, First extends Loaded<T>>(
  data: SplitPorts<S>,
  name: string,
  load: (port: PortFile, first: First | "unreadable" | undefined) => First,
): { readonly value?: BySplit<S, Loaded<T>>; readonly diagnostics: readonly Diagnostic[] } {
  let first: First | "unreadable" | undefined;
  const loaded = bySplit(data, (split) => {
    const found = diagnosticsOf(() => load(fileOf(data, split, name), first));
    first ??= found.value ?? "unreadable";
    return found;
  });
  const all: readonly ReturnType<typeof diagnosticsOf<First>>[] = Object.values(loaded);
  const diagnostics = all.flatMap((found) =>
    found.diagnostics.map((d) => ({ ...d, message: `${name}: ${d.message}` })),
  );
  return all.every((found) => found.value)
    ? { value: bySplit(data, (split) => loaded[split].value!), diagnostics }
    : { diagnostics };
}

function loadInput<S extends Split>(
  data: SplitPorts<S>,
  target: PortTargets["inputs"][number],
  reader: DataReader,
  options: Options,
) {
  type LoadedInput = Loaded<InputSamples> & { readonly numbers: NumberKind; readonly path: string };
  const { name, shape, stored } = target;
  return eachOf<S, InputSamples, LoadedInput>(data, name, ({ file }, first) => {
    const { count, inputs, numbers, warnings } = loadInputs(file, "nothing", target, reader, options);
    if (first && first !== "unreadable" && first.numbers !== numbers) {
      const kinds = { firstKind: KIND_TEXT[first.numbers], secondKind: KIND_TEXT[numbers] };
      fail("data/mixed-numbers", { first: first.path, second: file.path, ...kinds }, { span: file.span });
    }
    return { count, samples: { shape, stored, mantissas: inputs }, warnings, numbers, path: file.path };
  });
}

function loadOutput<S extends Split>(
  data: SplitPorts<S>,
  { name, compared }: PortTargets["outputs"][number],
  reader: DataReader,
  options: Options,
) {
  if (compared.kind === "classes")
    return eachOf<S, Answers, ReturnType<typeof loadLabels>>(data, name, (port, first) => {
      const known = first === undefined || first === "unreadable" ? first : (first.names ?? "numbers");
      return loadLabels(port, compared, reader, options, known);
    });
  compilerAssert(compared.kind === "values", "what reproduces its inputs has no answers");
  return eachOf<S, Answers, Loaded<Answers>>(data, name, (port) =>
    loadValues(port, compared.count, reader, options),
  );
}

/** Refuses ports of one split whose numbers of samples differ: all are compared with the first. */
function checkCounts<S extends Split>(
  data: SplitPorts<S>,
  split: S,
  ports: readonly (readonly [string, number])[],
): readonly Diagnostic[] {
  const [first] = ports;
  return ports.flatMap(([port, count]) => {
    if (count === first![1]) return [];
    const parameters = { port, count, first: first![0], expected: first![1] };
    return [createDiagnostic("data/port-count", parameters, { span: fileOf(data, split, port).file.span })];
  });
}

/**
 * The splits of a model whose inputs and outputs have their files apart. Class names of the test data are numbered as in
 * the training data, output by output. Reports what is wrong with all files in one go: what a file of samples may have, and
 * data/missing-port and data/port-count.
 */
export function loadPorts<S extends Split>(
  data: SplitPorts<S>,
  targets: PortTargets,
  reader: DataReader,
  options: Options = {},
): BySplit<S, SampleSet> & { readonly warnings: readonly Diagnostic[] } {
  const once = cached(reader);
  const inputs = targets.inputs.map((target) => loadInput(data, target, once, options));
  const compared = targets.outputs.filter((output) => output.compared.kind !== "input");
  const outputs = compared.map((target) => loadOutput(data, target, once, options));
  const diagnostics = [...inputs, ...outputs].flatMap((found) => found.diagnostics);
  if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
  const names = [...targets.inputs, ...compared].map(({ name }) => name);
  const wrong = bySplit(data, (split) =>
    checkCounts(
      data,
      split,
      [...inputs, ...outputs].map((found, i) => [names[i]!, found.value![split].count] as const),
    ),
  );
  const wrongCounts = Object.values<readonly Diagnostic[]>(wrong).flat();
  if (wrongCounts.length > 0) throw new DiagnosticError(wrongCounts);
  const setOf = (split: S): SampleSet => ({
    count: inputs[0]!.value![split].count,
    inputs: inputs.map((found) => found.value![split].samples),
    answers: targets.outputs.map(({ name }) => {
      const i = compared.findIndex((output) => output.name === name);
      return i < 0 ? NO_ANSWERS : outputs[i]!.value![split].samples;
    }),
  });
  const warnings = inputs.flatMap((found) =>
    Object.values<Loaded<InputSamples>>(found.value!).flatMap((loaded) => loaded.warnings),
  );
  return { ...bySplit(data, setOf), warnings };
}

/** Of an output that is compared with nothing of the data. */
const NO_ANSWERS: Answers = { labels: new Int32Array(0), values: null };
