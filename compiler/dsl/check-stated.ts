// A text that names a file whose network states its quantizers: nothing is left to train. In: the syntax tree and what is
// known of the network. Out: the integers of its inputs, samples to measure it with, and the hardware.
import type {
  HardwareSpec,
  SampleFiles,
  StatedInput,
  StatedNetwork,
  StatedProject,
} from "../graph/project.ts";
import type { SourceFile, Span } from "../support/source-file.ts";
import type { FileNode, InputItem, LayerItem, ModelNode, NameNode, SectionNode, SettingNode } from "./ast.ts";
import { checkVersion, sectionsByName } from "./check.ts";
import { checkPaths, checkSamples, type DataNeeds, type FileQueries } from "./check-data.ts";
import { checkHardware } from "./check-hardware.ts";
import { checkImportedInput } from "./check-inputs.ts";
import { chooseOutputs } from "./check-relations.ts";
import type { Answers } from "./check-training.ts";
import { sampleFiles, type WrittenSamples } from "./data-files.ts";
import { readFolding } from "./layer-options.ts";
import { type CheckContext, type Fields, readFields, type Signature } from "./read-fields.ts";
import { nearestWord } from "./spelling.ts";

const testData = {
  fields: { test: sampleFiles },
  required: ["test"],
  form: 'data { test: npz("digits.npz", labels: "y") }',
} as const satisfies Signature<Fields>;

const ADVICE = "leave it out; data { test: ... } names samples to measure the integers with";

/** What of a data section is for training alone. */
const TRAINING_KEYS = ["train", "validation"];

const DEFAULT_SEED = 1;

/** Checks a file. Undefined when the collector holds errors afterwards. */
export function checkStated(
  file: FileNode,
  network: StatedNetwork,
  source: SourceFile,
  queries: FileQueries,
  context: CheckContext,
): StatedProject | undefined {
  const { collector } = context;
  checkVersion(file, context);
  const sections = sectionsByName(file, context);
  const model = file.models[0]!;
  const name = model.name?.text ?? "";
  const nothing = (what: string, span: Span): void =>
    collector.add("import/nothing-to-train", { model: name, what, advice: ADVICE }, { span });
  const train = sections.get("train");
  if (train) nothing("train", train.name.span);
  const items = checkItems(model, network, context);
  const data = sections.get("data");
  const samples = data && checkTest(data, network, nothing, queries, context);
  const section = sections.get("hardware");
  const hardware = checkHardware(section && { settings: section.settings, at: section.name.span }, context);
  const end = { hasClass: network.outputs.some(({ isClass }) => isClass), span: model.span };
  const outputs = chooseOutputs(hardware, end, context);
  if (collector.hasErrors() || !model.name || (data && !samples)) return undefined;
  const { places: _, ...wishes } = hardware;
  return {
    source,
    name,
    stated: network,
    inputs: items.inputs,
    data: samples?.files ?? null,
    compared: samples?.compared ?? network.outputs.map(() => "nothing"),
    seed: DEFAULT_SEED,
    hardware: { ...wishes, outputs, folding: items.folding },
    spans: items.spans,
  };
}

interface CheckedItems {
  readonly inputs: ReadonlyMap<string, StatedInput>;
  readonly folding: HardwareSpec["folding"];
  readonly spans: ReadonlyMap<string, Span>;
}

/** The lines of the model section: integers of inputs, foldings of layers. */
function checkItems(
  { items, from, span }: ModelNode,
  network: StatedNetwork,
  context: CheckContext,
): CheckedItems {
  const { collector } = context;
  const inputs = new Map<string, StatedInput>();
  const folding = new Map<string, HardwareSpec["folding"][string]>();
  const places = new Map<string, Span>();
  const described = <T extends { readonly name: string }>(
    { name, kind }: InputItem | LayerItem,
    known: readonly T[],
  ): T | undefined => {
    if (!name) return undefined;
    const first = places.get(name.text);
    if (first) {
      const related = [{ message: "first given here", span: first }];
      const parameters = { subject: "model", key: name.text };
      collector.add("language/duplicate-key", parameters, { span: name.span, related });
      return undefined;
    }
    places.set(name.text, name.span);
    const found = known.find((one) => one.name === name.text);
    if (!found)
      reportUnknown(
        kind,
        name,
        known.map((one) => one.name),
        context,
      );
    return found;
  };
  for (const item of items) {
    if (item.kind === "input") {
      const found = described(item, network.inputs);
      const isPlain = !item.type && item.options.length === 0;
      const values = isPlain ? undefined : checkImportedInput(item, context);
      if (!found || !values) continue;
      const { signed, width, fraction } = values.stored;
      inputs.set(found.name, { signed, width, step: values.scale * 2 ** -fraction });
    } else if (item.kind === "layer") {
      const found = described(item, network.layers);
      const wished = found && readFolding(found, item, context);
      if (found && wished) folding.set(found.name, wished);
    } else collector.add("language/stage-in-import", { path: from!.text }, { span: item.span });
  }
  const named = [...network.inputs, ...network.layers].map(({ name }) => [name, span] as const);
  return {
    inputs,
    folding: Object.setPrototypeOf(Object.fromEntries(folding), null),
    spans: new Map([...named, ...places]),
  };
}

function reportUnknown(
  kind: (InputItem | LayerItem)["kind"],
  { text, span }: NameNode,
  known: readonly string[],
  { collector }: CheckContext,
): void {
  const parameters = { what: kind, name: text, known, nearest: nearestWord(text, known) };
  collector.add("language/unknown-layer", parameters, { span });
}

interface CheckedTest {
  readonly files: SampleFiles;
  readonly compared: StatedProject["compared"];
}

/** The samples of a data section. Undefined after an error in it. */
function checkTest(
  { settings, name }: SectionNode,
  network: StatedNetwork,
  nothing: (what: string, span: Span) => void,
  queries: FileQueries,
  context: CheckContext,
): CheckedTest | undefined {
  const isForTraining = ({ key }: SettingNode): boolean => TRAINING_KEYS.includes(key.text);
  for (const { key } of settings.filter(isForTraining)) nothing(`data: ${key.text}`, key.span);
  const rest = settings.filter((setting) => !isForTraining(setting));
  const { test } = readFields(rest, testData, "data", name.span, context).values;
  if (!test) return undefined;
  const paths =
    test.kind === "file" ? test.written.paths : test.ports.flatMap(({ value }) => value?.paths ?? []);
  checkPaths(paths, queries, context);
  const answers = network.outputs.map((output) => answersOf(test, output));
  const needs: DataNeeds = {
    inputs: network.inputs.map((input) => input.name),
    outputs: network.outputs.map((output, i) => ({ name: output.name, answers: answers[i] })),
  };
  const found = checkSamples(test, "test", needs, answers[0], context);
  return found && { files: found.files, compared: answers.map(({ needed }) => needed) };
}

/** What samples have for an output: what they name. A class has labels, and values are compared with values. */
function answersOf(samples: WrittenSamples, { name, isClass }: StatedNetwork["outputs"][number]): Answers {
  if (samples.kind === "ports") {
    const isNamed = samples.ports.some((port) => port.name === name);
    return { needed: !isNamed ? "nothing" : isClass ? "labels" : "targets", because: `output ${name}` };
  }
  const { labels, targets, ofClasses } = samples.written;
  const needed = targets ? "targets" : labels || ofClasses ? "labels" : "nothing";
  return { needed, because: "the model file" };
}
