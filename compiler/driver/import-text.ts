// The text of a model that has none: what the command line says of an imported model, as a user would write it. In: the
// opened model and the options. Out: a .floor text.
import type { ImportedModel } from "../graph/imported.ts";
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

/** The whole text. `file` is the model's file, from its own folder. */
export function importText(model: ImportedModel, file: string, wishes: ImportWishes): string {
  const { type = "s8", scale, range, data, epochs = 0 } = wishes;
  const input = model.nodes.find(({ kind }) => kind === "input");
  compilerAssert(input, `the model ${model.name} has an input`);
  const options = [
    ...(scale === undefined ? [] : [`scale: ${scale}`]),
    ...(range === undefined ? [] : [`range: [${range.join(", ")}]`]),
  ];
  const braces = options.length === 0 ? "" : ` { ${options.join(", ")} }`;
  const noise = Math.round(epochs * NOISE_SHARE);
  const train = [
    ...(data?.answers === "none" ? ["target: float"] : []),
    ...(data?.answers === "targets" ? ["loss: mse"] : []),
    ...(epochs > 0 ? [`noise: ${noise} epochs`, `rounding: ${epochs - noise} epochs`] : []),
  ];
  const section = (name: string, settings: readonly string[]): string[] =>
    settings.length === 0 ? [] : ["", `${name} {`, ...settings.map((line) => `  ${line}`), "}"];
  const lines = [
    "floor 1",
    "",
    `model ${quoted(model.name)} from ${quoted(file)} {`,
    `  input ${quoted(input.name)} as ${type}${braces}`,
    "}",
    ...section("data", data ? [`train: ${data.call}`, "test: 20 %", "validation: 20 %"] : []),
    ...section("train", train),
  ];
  return `${lines.join("\n")}\n`;
}
