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

export interface PortSet {
  readonly train: SampleSet;
  readonly test: SampleSet;
  readonly warnings: readonly Diagnostic[];
}

interface SplitPorts {
  readonly train: readonly PortFile[];
  readonly test: readonly PortFile[];
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

type Split = keyof SplitPorts;
type Both<T> = Readonly<Record<Split, Loaded<T>>>;

function fileOf(data: SplitPorts, split: Split, name: string): PortFile {
  const found = data[split].find(({ port }) => port === name);
  if (!found) throw new DiagnosticError([createDiagnostic("data/missing-port", { port: name, split })]);
  return found;
}

/** Training and test samples of one port; what is wrong with both is said with the port's name. */
function bothOf<T, First extends Loaded<T>>(
  data: SplitPorts,
  name: string,
  load: (port: PortFile, train: First | "unreadable" | undefined) => First,
): { readonly value?: Both<T>; readonly diagnostics: readonly Diagnostic[] } {
  const train = diagnosticsOf(() => load(fileOf(data, "train", name), undefined));
  const test = diagnosticsOf(() => load(fileOf(data, "test", name), train.value ?? "unreadable"));
  const diagnostics = [...train.diagnostics, ...test.diagnostics].map((d) => ({
    ...d,
    message: `${name}: ${d.message}`,
  }));
  return train.value && test.value
    ? { value: { train: train.value, test: test.value }, diagnostics }
    : { diagnostics };
}

function loadInput(
  data: SplitPorts,
  target: PortTargets["inputs"][number],
  reader: DataReader,
  options: Options,
) {
  type LoadedInput = Loaded<InputSamples> & { readonly numbers: NumberKind; readonly path: string };
  const { name, shape, stored } = target;
  return bothOf<InputSamples, LoadedInput>(data, name, ({ file }, train) => {
    const { count, inputs, numbers, warnings } = loadInputs(file, "nothing", target, reader, options);
    if (train && train !== "unreadable" && train.numbers !== numbers) {
      const kinds = { firstKind: KIND_TEXT[train.numbers], secondKind: KIND_TEXT[numbers] };
      fail("data/mixed-numbers", { first: train.path, second: file.path, ...kinds }, { span: file.span });
    }
    return { count, samples: { shape, stored, mantissas: inputs }, warnings, numbers, path: file.path };
  });
}

function loadOutput(
  data: SplitPorts,
  { name, compared }: PortTargets["outputs"][number],
  reader: DataReader,
  options: Options,
) {
  if (compared.kind === "classes")
    return bothOf<Answers, ReturnType<typeof loadLabels>>(data, name, (port, train) => {
      const known = train === undefined || train === "unreadable" ? train : (train.names ?? "numbers");
      return loadLabels(port, compared, reader, options, known);
    });
  compilerAssert(compared.kind === "values", "what reproduces its inputs has no answers");
  return bothOf<Answers, Loaded<Answers>>(data, name, (port) =>
    loadValues(port, compared.count, reader, options),
  );
}

/** Refuses ports of one split whose numbers of samples differ: all are compared with the first. */
function checkCounts(data: SplitPorts, split: Split, ports: readonly (readonly [string, number])[]) {
  const [first] = ports;
  const found = ports.flatMap(([port, count]) => {
    if (count === first![1]) return [];
    const parameters = { port, count, first: first![0], expected: first![1] };
    return [createDiagnostic("data/port-count", parameters, { span: fileOf(data, split, port).file.span })];
  });
  return found;
}

/**
 * Both splits of a model whose inputs and outputs have their files apart. Class names of the test data are numbered as in
 * the training data, output by output. Reports what is wrong with all files in one go: what a file of samples may have, and
 * data/missing-port and data/port-count.
 */
export function loadPorts(
  data: SplitPorts,
  targets: PortTargets,
  reader: DataReader,
  options: Options = {},
): PortSet {
  const once = cached(reader);
  const inputs = targets.inputs.map((target) => loadInput(data, target, once, options));
  const compared = targets.outputs.filter((output) => output.compared.kind !== "input");
  const outputs = compared.map((target) => loadOutput(data, target, once, options));
  const diagnostics = [...inputs, ...outputs].flatMap((found) => found.diagnostics);
  if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
  const names = [...targets.inputs, ...compared].map(({ name }) => name);
  const wrong = (["train", "test"] as const).flatMap((split) =>
    checkCounts(
      data,
      split,
      [...inputs, ...outputs].map((found, i) => [names[i]!, found.value![split].count] as const),
    ),
  );
  if (wrong.length > 0) throw new DiagnosticError(wrong);
  const setOf = (split: Split): SampleSet => ({
    count: inputs[0]!.value![split].count,
    inputs: inputs.map((found) => found.value![split].samples),
    answers: targets.outputs.map(({ name }) => {
      const i = compared.findIndex((output) => output.name === name);
      return i < 0 ? NO_ANSWERS : outputs[i]!.value![split].samples;
    }),
  });
  const warnings = inputs.flatMap((found) => [...found.value!.train.warnings, ...found.value!.test.warnings]);
  return { train: setOf("train"), test: setOf("test"), warnings };
}

/** Of an output that is compared with nothing of the data. */
const NO_ANSWERS: Answers = { labels: new Int32Array(0), values: null };
