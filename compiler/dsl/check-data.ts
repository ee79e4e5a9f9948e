// The data section: which files hold the samples, and whether they hold what the losses compare with. In: its syntax
// tree and what training needs. Out: the files; whether they exist is asked for once each.
import type { FloatNetwork, ImportedInputValues } from "../graph/first-weights.ts";
import {
  type DataFile,
  type DataSpec,
  type HeldBack,
  isByPort,
  type PortFile,
  type StatedNetwork,
} from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { NameNode } from "./ast.ts";
import type { Answers, SectionInput } from "./check-training.ts";
import {
  CLASS_MARK,
  DATA_FORMS,
  PORTS_FORM,
  sampleFiles,
  TARGET_FORMS,
  type WrittenFile,
  type WrittenSamples,
} from "./data-files.ts";
import {
  type CheckContext,
  checkNames,
  type Fields,
  numberReader,
  readFields,
  type Signature,
  type ValueReader,
} from "./read-fields.ts";

/** The files that a model may name. */
export interface FileQueries {
  /** The network of a model's file that states its quantizers; undefined: the file states none, or cannot be read. */
  stated?(path: string): StatedNetwork | undefined;
  /**
   * The network of a model's file, which is there; `valuesOf` is asked for each of its inputs. Throws the DiagnosticError of
   * one that cannot be read, or that is no network of the language. Absent where no such file can be read.
   */
  imported?(
    path: string,
    valuesOf: (input: string) => ImportedInputValues,
  ): FloatNetwork & { readonly digest: string };
  /**
   * Paths are as written: relative to the model file, or `npm:package/path`. `badPath` says what is wrong with one
   * that cannot name a file.
   */
  exists(
    path: string,
  ): "found" | "missing" | { readonly missingPackage: string } | { readonly badPath: string };
}

const heldCount = numberReader({
  dimension: "samples",
  unitOptional: true,
  // One sample has no standard error.
  min: 2,
  max: 1e9,
  whole: true,
  example: "validation: 5000 samples",
});
const heldShare = numberReader({ dimension: "ratio", min: 0.01, max: 90, example: "validation: 20 %" });

/** A count of samples, or a share of them. */
const heldBack: ValueReader<HeldBack> = (value, subject, context) => {
  if (value.kind !== "quantity" || value.unit !== "%") return heldCount(value, subject, context);
  const percent = heldShare(value, subject, context);
  return percent === undefined ? undefined : { share: percent / 100 };
};

const testData: ValueReader<WrittenSamples | HeldBack> = (value, subject, context) =>
  value.kind === "quantity" ? heldBack(value, subject, context) : sampleFiles(value, subject, context);

const isWritten = (test: WrittenSamples | HeldBack): test is WrittenSamples =>
  typeof test === "object" && "kind" in test;

const data = {
  fields: { train: sampleFiles, test: testData, validation: heldBack },
  required: ["train", "test", "validation"],
  form: `data { train: ${DATA_FORMS.idx}, test: idx(...), validation: 5000 samples }`,
} as const satisfies Signature<Fields>;

export function checkPaths(paths: readonly NameNode[], queries: FileQueries, context: CheckContext): void {
  const answers = new Map<string, ReturnType<FileQueries["exists"]>>();
  for (const { text: written, span } of paths) {
    const text = written.replaceAll(CLASS_MARK, "0");
    const answer = answers.get(text) ?? queries.exists(text);
    answers.set(text, answer);
    if (answer === "missing") context.collector.add("data/missing-file", { path: text }, { span });
    else if (typeof answer === "object" && "badPath" in answer) {
      context.collector.add("data/bad-path", { path: text, problem: answer.badPath }, { span });
    } else if (typeof answer === "object") {
      context.collector.add("data/missing-package", { path: text, package: answer.missingPackage }, { span });
    }
  }
}

/** The file with what it is to give beside the inputs, as written or by default; reports what does not fit. */
function withAnswers(written: WrittenFile, answers: Answers | undefined, context: CheckContext): DataFile {
  const { file, places, meant, labels, targets, defaults } = written;
  const { format, span } = file;
  const both = { ...file, ...labels, ...targets };
  const labelsAt = places.get(written.labelKey);
  const targetsAt = places.get("targets");
  if (labelsAt && targetsAt) {
    const related = [{ message: `the ${written.labelKey}`, span: labelsAt }];
    const parameters = { subject: format, key: "targets", other: written.labelKey };
    context.collector.add("language/conflicting-keys", parameters, { span: targetsAt, related });
    return both;
  }
  if (written.ofClasses) {
    const named = labelsAt ?? targetsAt;
    const problem = named
      ? "it names a file for each class, and labels or targets are named too"
      : "it names a file for each class, but the model's outputs are no classes";
    if (named || (answers && answers.needed !== "labels")) {
      context.collector.add("data/class-path", { path: file.path, problem }, { span: named ?? span });
    }
    return file;
  }
  if (!answers) return both;
  const { needed, because } = answers;
  const unfit = (found: "labels" | "targets", at: Span): DataFile => {
    context.collector.add("language/unfit-data", { because, needed, format, found }, { span: at });
    return both;
  };
  if (needed !== "labels" && labelsAt) return unfit("labels", labelsAt);
  if (needed !== "targets" && targetsAt) return unfit("targets", targetsAt);
  if (needed === "nothing" || labelsAt || targetsAt) return both;
  if (defaults) return { ...file, ...defaults[needed] };
  if (needed === "targets" && format === "idx") return unfit("labels", span);
  const key = needed === "labels" ? written.labelKey : needed;
  if (!meant.has(key) && !context.partial) {
    const form = (needed === "labels" ? DATA_FORMS : TARGET_FORMS)[format];
    context.collector.add("language/missing-key", { subject: format, key, form }, { span });
  }
  return both;
}

/** The model's inputs and outputs, and what each output needs; what is hidden by an error is undefined. */
export interface DataNeeds {
  readonly inputs: readonly string[];
  readonly outputs: readonly { readonly name: string; readonly answers: Answers | undefined }[];
}

/** Columns that a CSV names for the values of an output. */
interface TargetList {
  readonly output: number;
  readonly count: number;
  readonly span: Span;
}

export interface CheckedData {
  readonly spec: DataSpec;
  readonly targetLists: readonly TargetList[];
}

interface CheckedSamples {
  readonly files: DataFile | readonly PortFile[];
  readonly targetLists: readonly TargetList[];
}

/** The files of one split; undefined after an error. */
export function checkSamples(
  written: WrittenSamples,
  subject: "train" | "test",
  needs: DataNeeds | undefined,
  answers: Answers | undefined,
  context: CheckContext,
): CheckedSamples | undefined {
  if (written.kind === "ports") return needs && checkPorts(written, subject, needs, context);
  const { file, places } = written.written;
  const compared = needs?.outputs.some((output) => output.answers?.needed !== "nothing");
  // Outputs that are compared with nothing of the data take no part in the file.
  const several = needs !== undefined && (needs.inputs.length > 1 || (needs.outputs.length > 1 && compared));
  if (!several) {
    const files = withAnswers(written.written, answers, context);
    const span = places.get("targets");
    const isList = file.format === "csv" && files.targetKeys && span;
    return { files, targetLists: isList ? [{ output: 0, count: files.targetKeys.length, span }] : [] };
  }
  // Arrays and fields may have the names of the inputs and outputs.
  const hasNames = file.format === "npz" || file.format === "json";
  if (!hasNames || places.size > 1) {
    const parameters = { inputs: needs.inputs.length, outputs: needs.outputs.length, form: PORTS_FORM };
    context.collector.add("language/needs-ports", parameters, { span: file.span });
    return undefined;
  }
  const { format, path, span } = file;
  const files = portsOf(needs).map((port) => ({ port, file: { format, path, inputKeys: [port], span } }));
  return { files, targetLists: [] };
}

/** Names of what samples hold: inputs, and outputs that are compared with something of their own. */
function portsOf({ inputs, outputs }: DataNeeds): string[] {
  const compared = outputs.filter(({ answers }) => answers?.needed !== "nothing");
  return [...inputs, ...compared.map(({ name }) => name)];
}

function checkPorts(
  { ports, span }: Extract<WrittenSamples, { kind: "ports" }>,
  subject: "train" | "test",
  needs: DataNeeds,
  context: CheckContext,
): CheckedSamples | undefined {
  const { collector } = context;
  const wanted = portsOf(needs);
  if (!checkNames(ports, wanted, subject, `${subject}: ${PORTS_FORM}`, span, context)) return undefined;
  const files: PortFile[] = [];
  const targetLists: TargetList[] = [];
  for (const port of wanted) {
    const { value } = ports.find(({ name }) => name === port)!;
    if (!value) continue;
    const { file, columnsAt } = value;
    if (file.path.includes(CLASS_MARK)) {
      const problem = "it names a file for each class, and inputs and outputs have files of their own";
      collector.add("data/class-path", { path: file.path, problem }, { span: file.span });
    }
    const hasKeys = file.format !== "npy" && file.format !== "idx";
    const inputKeys = file.inputKeys ?? (hasKeys ? [port] : undefined);
    files.push({ port, file: { ...file, ...(inputKeys ? { inputKeys } : {}) } });
    const output = needs.outputs.findIndex(({ name }) => name === port);
    if (file.format !== "csv" || output < 0) continue;
    const count = inputKeys!.length;
    const at = columnsAt ?? file.span;
    const needed = needs.outputs[output]!.answers?.needed;
    if (needed === "targets") targetLists.push({ output, count, span: at });
    else if (needed === "labels" && count > 1)
      collector.add("language/one-column", { output: port, found: count }, { span: at });
  }
  return files.length === wanted.length ? { files, targetLists } : undefined;
}

/**
 * Checks the data section; undefined after an error in it. `needs` is undefined when an error hides the model; `answers`
 * are what a file with all of a sample is to have, undefined when an error hides them.
 */
export function checkData(
  section: SectionInput,
  needs: DataNeeds | undefined,
  answers: Answers | undefined,
  queries: FileQueries,
  context: CheckContext,
): CheckedData | undefined {
  const { values } = readFields(section.settings, data, "data", section.at, context);
  const { train, test, validation } = values;
  const written = [train, test].filter((samples) => samples !== undefined).filter(isWritten);
  checkPaths(
    written.flatMap((samples) =>
      samples.kind === "file"
        ? samples.written.paths
        : samples.ports.flatMap(({ value }) => value?.paths ?? []),
    ),
    queries,
    context,
  );
  const first = train && checkSamples(train, "train", needs, answers, context);
  if (test !== undefined && !isWritten(test)) {
    if (!first || validation === undefined) return undefined;
    return { spec: { train: first.files, test, validation }, targetLists: first.targetLists };
  }
  const second = test && checkSamples(test, "test", needs, answers, context);
  if (!first || !second || validation === undefined) return undefined;
  const places = [train, test].map((s) => (s.kind === "file" ? s.written.file.span : s.span));
  if (isByPort(first.files) !== isByPort(second.files)) {
    const related = [{ message: "the training data", span: places[0]! }];
    context.collector.add("language/unlike-splits", {}, { span: places[1]!, related });
    return undefined;
  }
  const spec = { train: first.files, test: second.files, validation };
  return { spec, targetLists: [...first.targetLists, ...second.targetLists] };
}
