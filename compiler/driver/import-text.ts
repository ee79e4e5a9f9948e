// The text of a model that has none: what the command line says of an imported model, as a user would write it. In: the
// opened model and the options. Out: a .floor text.
import type { ImportedModel } from "../graph/imported.ts";
import { statedQuantizers } from "../import/draft.ts";
import { compilerAssert } from "../support/assert.ts";

/** Samples that the command line names. */
export interface WrittenData {
  /** A call of the data section, such as npy("x.npy", labels: "y.npy"). */
  readonly call: string;
  /** What the outputs are compared with. */
  readonly answers: "labels" | "targets" | "none";
}

export interface ImportWishes {
  /** Stored type, such as u8. */
  readonly type?: string | undefined;
  readonly scale?: number | undefined;
  readonly range?: readonly [low: number, high: number] | undefined;
  readonly data?: WrittenData | undefined;
  /** Of fine-tuning; absent: none. */
  readonly epochs?: number | undefined;
}

/** A third of the epochs finds the widths, as by default. */
const NOISE_SHARE = 1 / 3;

/** A text in the language's quotes. */
export function quoted(text: string): string {
  const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped.
  return `"${text.replace(/["\\]/g, "\\$&").replace(/[\u0000-\u001f\u007f]/g, escaped)}"`;
}

/** What the options say of every input. */
function inputLines({ nodes, name }: ImportedModel, { type, scale, range }: ImportWishes): string[] {
  const inputs = nodes.filter(({ kind }) => kind === "input");
  compilerAssert(inputs.length > 0, `the model ${name} has an input`);
  const options = [
    ...(scale === undefined ? [] : [`scale: ${scale}`]),
    ...(range === undefined ? [] : [`range: [${range.join(", ")}]`]),
  ];
  const as = type === undefined ? "" : ` as ${type}`;
  const braces = options.length === 0 ? "" : ` { ${options.join(", ")} }`;
  return inputs.map((input) => `input ${quoted(input.name)}${as}${braces}`);
}

/** The whole text. `file` is the model's file, from its own folder. */
export function importText(model: ImportedModel, file: string, wishes: ImportWishes): string {
  const isStated = statedQuantizers(model).length > 0;
  const { data, epochs = 0 } = wishes;
  const noise = Math.round(epochs * NOISE_SHARE);
  const float = isStated ? undefined : data?.answers;
  const train = [
    ...(float === "none" ? ["target: float"] : []),
    ...(float === "targets" ? ["loss: mse"] : []),
    ...(epochs > 0 ? [`noise: ${noise} epochs`, `rounding: ${epochs - noise} epochs`] : []),
  ];
  // A file that states its quantizers says what its inputs are, and has nothing to train.
  const says = !isStated || [wishes.type, wishes.scale, wishes.range].some((wish) => wish !== undefined);
  const inputs = says ? inputLines(model, isStated ? wishes : { ...wishes, type: wishes.type ?? "s8" }) : [];
  const split = isStated
    ? [`test: ${data?.call}`]
    : [`train: ${data?.call}`, "test: 20 %", "validation: 20 %"];
  const section = (name: string, settings: readonly string[]): string[] =>
    settings.length === 0 ? [] : ["", `${name} {`, ...settings.map((line) => `  ${line}`), "}"];
  const lines = [
    "floor 1",
    "",
    `model ${quoted(model.name)} from ${quoted(file)} {`,
    ...inputs.map((line) => `  ${line}`),
    "}",
    ...section("data", data ? split : []),
    ...section("train", train),
  ];
  return `${lines.join("\n")}\n`;
}
