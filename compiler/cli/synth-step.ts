// Synthesis on an open build directory: runs the flow of a target and keeps what it made.
import { flowFiles } from "../driver/build-files.ts";
import { modifiedFlowFiles, readDesign } from "../driver/load-build.ts";
import { synthesize } from "../flow/synthesize.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { underFolder } from "../support/file-set.ts";
import type { Target } from "../targets/target.ts";
import { createFlowTools } from "../tools/flow-tools.ts";
import type { Context } from "./context.ts";

export interface SynthWishes {
  readonly seed: number;
  /** Replace what was edited in the target's folder. */
  readonly force: boolean;
}

/** Synthesises what the directory holds. Returns what is wrong with it; an edited design is named and taken as it is. */
export async function synthStep(
  context: Context,
  directory: BuildDirectory,
  target: Target,
  { seed, force }: SynthWishes,
): Promise<readonly Diagnostic[]> {
  const { manifest, files, modified } = readDesign(directory);
  if (!manifest.rtl) fail("verify/not-in-design", { backend: "Verilog" });
  const edited = force ? [] : modifiedFlowFiles(directory, target.name);
  if (edited.length > 0) throw new DiagnosticError(edited);
  let reached = 0;
  const progress = {
    line: context.progress.line,
    update: (fraction: number, text: string): void => {
      reached = fraction;
      context.progress.update(fraction, text);
    },
  };
  const tools = createFlowTools({
    projectFolder: process.cwd(),
    onTick: (tool, seconds) => context.progress.update(reached, `${tool}, ${seconds} s`),
  });
  const made = await synthesize({ manifest: manifest.rtl, files, target, seed, tools, progress });
  const { folder } = flowFiles(target.name);
  directory.replaceFolder(folder, underFolder(folder, made.files));
  return [...modified, ...made.diagnostics];
}
