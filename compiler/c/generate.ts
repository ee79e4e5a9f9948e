// The C99 back end. In: a verified integer program. Out: one header and one source of the model with the kernels
// that they use, and the manifest's entry.
import type { CManifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { createCollector } from "../support/diagnostics.ts";
import { type FileSet, underFolder } from "../support/file-set.ts";
import { buildPlan } from "./build-plan.ts";

export interface GeneratedC {
  /** Paths relative to design/: c/<prefix>.h, c/<prefix>.c and c/nf_*.h. */
  readonly files: FileSet;
  readonly manifest: CManifest;
}

/**
 * Prints a program as C99. Throws a DiagnosticError that names everything in the program that this back end does not
 * support, before anything is printed.
 */
export function generateC(program: Program, info: { readonly version: string }): GeneratedC {
  refuseUnsupported(program);
  const { model, kernels, inputs, outputs, layers } = buildPlan(program, info);
  const { prefix } = model;
  const header = `${prefix}.h`;
  const files = new Map<string, string | Uint8Array>([
    [header, renderTemplate("c/model.h", model)],
    [`${prefix}.c`, renderTemplate("c/model.c", model)],
    ...kernels.files(),
  ]);
  return {
    files: underFolder("c", files),
    manifest: {
      sources: [...files.keys()],
      header,
      prefix,
      flashBytes: model.flashBytes,
      ramBytes: model.ramBytes,
      stateType: `${prefix}_state`,
      runFunction: `${prefix}_run`,
      inputs,
      outputs,
      layers,
    },
  };
}

function refuseUnsupported(program: Program): void {
  const collector = createCollector();
  const bipolar = (where: string): void =>
    collector.add("c/unsupported", { feature: "bipolar tensors", where });
  for (const value of program.values) if (value.format.kind === "bipolar") bipolar(`value ${value.name}`);
  for (const constant of program.constants)
    if (constant.format.kind === "bipolar") bipolar(`constant ${constant.name}`);
  collector.throwIfErrors();
}
