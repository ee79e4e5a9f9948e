// The data section: which files hold the samples, and whether they hold what the loss compares with. In: its syntax
// tree and what training needs. Out: the files; whether they exist is asked for once each.
import type { FloatNetwork, ImportedInputValues } from "../graph/first-weights.ts";
import type { DataFile, DataSpec, HeldBack } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { NameNode } from "./ast.ts";
import type { Answers, SectionInput } from "./check-training.ts";
import { CLASS_MARK, DATA_FORMS, dataFile, TARGET_FORMS, type WrittenFile } from "./data-files.ts";
import {
  type CheckContext,
  type Fields,
  numberReader,
  readFields,
  type Signature,
  type ValueReader,
} from "./read-fields.ts";

/** The files that a model may name. */
export interface FileQueries {
  /**
   * The network of a model's file, which is there. Throws the DiagnosticError of one that cannot be read, or that is no
   * network of the language. Absent where no such file can be read.
   */
  imported?(path: string, values: ImportedInputValues): FloatNetwork & { readonly digest: string };
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

const testData: ValueReader<WrittenFile | HeldBack> = (value, subject, context) =>
  value.kind === "quantity" ? heldBack(value, subject, context) : dataFile(value, subject, context);

const isFile = (test: WrittenFile | HeldBack): test is WrittenFile =>
  typeof test === "object" && !("share" in test);

const data = {
  fields: { train: dataFile, test: testData, validation: heldBack },
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

export interface CheckedData {
  readonly spec: DataSpec;
  /** Places of lists of targets, with how many they name. */
  readonly targetLists: readonly { readonly count: number; readonly span: Span }[];
}

/** Checks the data section; undefined after an error in it. `answers` is undefined when an error hides them. */
export function checkData(
  section: SectionInput,
  answers: Answers | undefined,
  queries: FileQueries,
  context: CheckContext,
): CheckedData | undefined {
  const { values } = readFields(section.settings, data, "data", section.at, context);
  const { train, test, validation } = values;
  const written = [train, test].filter((file) => file !== undefined).filter(isFile);
  checkPaths(
    written.flatMap((file) => file.paths),
    queries,
    context,
  );
  const files = written.map((file) => withAnswers(file, answers, context));
  if (!train || !test || validation === undefined) return undefined;
  const targetLists = written.flatMap((file, i) => {
    const keys = files[i]!.targetKeys;
    const span = file.places.get("targets");
    return file.file.format === "csv" && keys && span ? [{ count: keys.length, span }] : [];
  });
  const spec = { train: files[0]!, test: isFile(test) ? files[1]! : test, validation };
  return { spec, targetLists };
}
