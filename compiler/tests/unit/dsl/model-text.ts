// Model texts for tests. In: the section that a test is about. Out: a whole file around it, compiled.
import { importQueries } from "../../../driver/imported-source.ts";
import { type CompiledSource, compileSource } from "../../../dsl/compile-source.ts";
import type { ImportedModel } from "../../../graph/imported.ts";
import type { Project, StatedNetwork } from "../../../graph/project.ts";
import type { Diagnostic } from "../../../support/diagnostics.ts";
import { createSourceFile, positionAt } from "../../../support/source-file.ts";
import { modelBuilder } from "../import/float-models.ts";

export const SECTIONS = {
  model: `model digits {
  input image: 4x4x1 as u8
  output digit = image -> flatten -> fc1: dense(8) -> relu -> fc2: dense(3) -> argmax
}`,
  data: 'data { train: csv("train.csv", label: "kind"), test: csv("test.csv", label: "kind"), validation: 10 }',
  train: "train { objective: budget(1 kbitops) }",
  hardware: "hardware { clock: 50 MHz }",
} as const;

export type Sections = Partial<Record<keyof typeof SECTIONS, string>>;

/** A whole file; sections that are not given are good ones. The given ones come first, from line 2 on. */
export function fileWith(given: Sections): string {
  const rest = Object.entries(SECTIONS).filter(([name]) => !(name in given));
  return ["floor 1", ...Object.values(given), ...rest.map(([, text]) => text)].join("\n");
}

/** A file with a model section whose body is given, from line 3 on. */
export function modelWith(body: string): string {
  return fileWith({ model: `model digits {\n${body}\n}` });
}

/** The model in every file that a text names: an image, conv1, fc1 and fc2 with ten scores. */
export function digitsModel(): ImportedModel {
  const b = modelBuilder(5);
  const image = b.input([28, 28, 1]);
  const conv = b.conv(image, 4, { strides: [2, 2] }, "conv1");
  const flat = b.op(b.op(b.norm(conv), { kind: "relu" }), { kind: "flatten" });
  const hidden = b.op(b.dense(flat, 16, "fc1"), { kind: "relu" });
  return b.model(b.op(b.dense(hidden, 10, "fc2"), { kind: "argmax" }));
}

/** Compiles a text. Files named missing-... do not exist; packages named absent-... are not installed, bad-... is no path. */
export function compileText(text: string, name = "test.floor"): CompiledSource {
  return compileSource(createSourceFile(name, text), {
    exists: (path) => {
      const absent = /^npm:(absent-[^/]+)/.exec(path)?.[1];
      if (absent !== undefined) return { missingPackage: absent };
      if (path.startsWith("bad-")) return { badPath: "it is bad" };
      return path.startsWith("missing-") ? "missing" : "found";
    },
    ...importQueries({ model: digitsModel(), digest: "of the file" }),
  });
}

/** The model in every file of texts about stated quantizers: names as of some files that the documents speak of. */
const STATED: StatedNetwork = {
  inputs: ["0", "x"].map((name) => ({ name, shape: [28, 28, 1] })),
  outputs: [{ name: "y", shape: [10], isClass: false }],
  layers: ["MatMul_20", "fc1"].map((name) => ({ name, units: 64, inputs: 784 })),
  digest: "of the file",
};

/** Compiles a text about a model that states its quantizers. Its one input is the one that the text describes. */
export function compileStated(text: string): CompiledSource {
  const inputs = STATED.inputs.filter(({ name }) => new RegExp(`input "?${name}\\b`).test(text));
  return compileSource(createSourceFile("test.floor", text), {
    exists: () => "found",
    stated: () => ({ ...STATED, inputs }),
  });
}

/** "line:column code" of a diagnostic. */
export function placed(diagnostic: Diagnostic): string {
  if (!diagnostic.span) return diagnostic.code;
  const { line, column } = positionAt(diagnostic.span.file, diagnostic.span.start);
  return `${line}:${column} ${diagnostic.code}`;
}

/** Everything that is said of a text. */
export function diagnose(text: string): string[] {
  return compileText(text).diagnostics.map(placed);
}

/** The project of a text that has no errors. */
export function projectOf(text: string): Project {
  const { project, diagnostics } = compileText(text);
  if (!project) throw new Error(`the text was refused: ${diagnostics.map(placed).join(", ")}`);
  return project;
}

/** A whole file with a model of these lines, of any number of inputs and outputs whose samples an NPZ has by their names. */
export function networkText(body: string): string {
  const data = 'data { train: npz("train.npz"), test: npz("test.npz"), validation: 10 }';
  return fileWith({ model: `model network {\n${body}\n}`, data, train: "train { loss: cross_entropy }" });
}
