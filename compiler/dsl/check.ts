// The meaning of a whole file: which sections there are, each of them checked, and what they ask of each other.
// In: a syntax tree. Out: checked parts; all errors are collected.
import type { DataSpec, HardwareSpec, TrainingSpec } from "../graph/project.ts";
import type { Span } from "../support/source-file.ts";
import type { FileNode, SectionNode } from "./ast.ts";
import { checkData, type FileQueries } from "./check-data.ts";
import { checkHardware } from "./check-hardware.ts";
import { type CheckedModel, checkModel } from "./check-model.ts";
import { checkAugmentation, checkLosses, checkTargets, chooseOutputs } from "./check-relations.ts";
import { checkTraining, lossesOf, type SectionTraining } from "./check-training.ts";
import type { CheckContext } from "./read-fields.ts";
import { nearestWord } from "./spelling.ts";

/** The version of the language that this compiler reads. */
export const LANGUAGE_VERSION = 1;

const SECTIONS = ["data", "train", "hardware"] as const;
const SECTION_NAMES = ["model", ...SECTIONS];

export interface CheckedFile {
  readonly model: CheckedModel;
  readonly data: DataSpec;
  readonly training: SectionTraining & Pick<TrainingSpec, "losses">;
  readonly hardware: Pick<HardwareSpec, "clockMHz" | "intervalCycles" | "outputs">;
}

function checkVersion({ version, end }: FileNode, context: CheckContext): void {
  const place = { span: version?.span ?? { ...end, start: 0, end: 0 } };
  if (version === undefined) {
    if (!context.partial) context.collector.add("language/missing-version", {}, place);
  } else if (version.number !== LANGUAGE_VERSION) {
    context.collector.add("language/unsupported-version", { version: version.number }, place);
  }
}

/** The first section of each name; repeated and unknown ones are reported. */
function sectionsByName(file: FileNode, context: CheckContext): Map<string, SectionNode> {
  const found = new Map<string, SectionNode>();
  for (const section of file.sections) {
    const { text, span } = section.name;
    const first = found.get(text);
    if (!SECTION_NAMES.includes(text)) {
      const parameters = { section: text, known: SECTION_NAMES, nearest: nearestWord(text, SECTION_NAMES) };
      context.collector.add("language/unknown-section", parameters, { span });
    } else if (first) reportRepeated(text, span, first.name.span, context);
    else found.set(text, section);
  }
  return found;
}

function reportRepeated(section: string, span: Span, first: Span, context: CheckContext): void {
  const related = [{ message: "first written here", span: first }];
  context.collector.add("language/duplicate-section", { section }, { span, related });
}

/** Checks a file. Undefined when the collector holds errors afterwards. */
export function checkFile(
  file: FileNode,
  queries: FileQueries,
  context: CheckContext,
): CheckedFile | undefined {
  const { collector, partial } = context;
  checkVersion(file, context);
  const sections = sectionsByName(file, context);
  const [firstModel, ...moreModels] = file.models;
  for (const more of moreModels) reportRepeated("model", more.span, firstModel!.span, context);
  for (const name of ["model", "data", "train"] as const) {
    const there = name === "model" ? firstModel !== undefined : sections.has(name);
    if (!there && !partial) collector.add("language/missing-section", { section: name }, { span: file.end });
  }
  const sectionInput = (name: (typeof SECTIONS)[number]) => {
    const section = sections.get(name);
    return section && { settings: section.settings, at: section.name.span };
  };
  const model = firstModel && checkModel(firstModel, context);
  const dataSection = sectionInput("data");
  const trainSection = sectionInput("train");
  const training = trainSection && checkTraining(trainSection, context);
  const names = model?.outputs.map(({ name }) => name);
  const losses = training && lossesOf(training, names, context);
  const needs = model && {
    inputs: model.inputs.map(({ name }) => name),
    outputs: model.outputs.map(({ name }, i) => ({ name, answers: losses?.[i]?.answers })),
  };
  const data = dataSection && checkData(dataSection, needs, losses?.[0]?.answers, queries, context);
  const hardware = checkHardware(sectionInput("hardware"), context);
  if (model && training) {
    if (losses) checkLosses(training, losses, model, context);
    checkAugmentation(training, losses, model, context);
    if (losses && data) checkTargets(data, losses, model, context);
  }
  const outputs = model && chooseOutputs(hardware, model, context);
  if (!model || !data || !training || !losses || !outputs || collector.hasErrors()) return undefined;
  const { clockMHz, intervalCycles } = hardware;
  return {
    model,
    data: data.spec,
    training: { ...training.spec, losses: losses.map(({ spec: loss, weight }) => ({ loss, weight })) },
    hardware: { clockMHz, intervalCycles, outputs },
  };
}
