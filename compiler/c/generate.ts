// The C99 back end. In: a verified integer program. Out: one header and one source of the model with the kernels
// that they use, and the manifest's entry.
import type { CManifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { type FileSet, underFolder } from "../support/file-set.ts";
import { buildPlan } from "./build-plan.ts";

export interface GeneratedC {
  /** Paths relative to design/: c/<prefix>.h, c/<prefix>.c and c/nf_*.h. */
  readonly files: FileSet;
  readonly manifest: CManifest;
}

/** Prints a verified program as C99. Throws a DiagnosticError that names every instruction that it does not support. */
export function generateC(program: Program, info: { readonly version: string }): GeneratedC {
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
