// The gate's part after synthesis, on an open build directory: the netlist of a target against the integer program.
import { flowFiles } from "../driver/build-files.ts";
import { modifiedFlowFiles, readDesign, readSynthResult } from "../driver/load-build.ts";
import { cellsWithoutModel } from "../flow/models.ts";
import { FLOW_FILES } from "../flow/synthesize.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import { decodeUtf8 } from "../support/text.ts";
import type { Target } from "../targets/target.ts";
import { createVerilatorRunner } from "../tools/verilator.ts";
import { verifyNetlist } from "../verify/netlist.ts";
import { type BackendResult, describeDivergence } from "../verify/result.ts";
import type { Context } from "./context.ts";
import { readSamples } from "./steps.ts";

export interface NetlistOptions {
  readonly seed: number;
  /** Samples that go through each netlist. */
  readonly vectors: number;
}

/** Throws flow/not-synthesised unless every target has a netlist: known before any work. */
export function requireNetlists(directory: BuildDirectory, targets: readonly Target[]): void {
  const missing = targets.filter(({ name }) => !readSynthResult(directory, name));
  if (missing.length > 0)
    throw new DiagnosticError(
      missing.map(({ name }) =>
        createDiagnostic("flow/not-synthesised", { directory: directory.name, target: name }),
      ),
    );
}

/** Runs one netlist and keeps the verdict beside it. Returns what failed; an edited netlist is named and judged all the same. */
export async function netlistStep(
  context: Context,
  directory: BuildDirectory,
  target: Target,
  options: NetlistOptions,
): Promise<readonly Diagnostic[]> {
  const { program, manifest } = readDesign(directory);
  if (!manifest.rtl) fail("verify/not-in-design", { backend: "Verilog" });
  const paths = flowFiles(target.name);
  const result = readSynthResult(directory, target.name)!;
  const textAt = (path: string): string => decodeUtf8(directory.read(path) ?? new Uint8Array()) ?? "";
  const models = new Map(
    directory
      .list(`${paths.folder}/${FLOW_FILES.models}`)
      .map((path) => [path.slice(path.lastIndexOf("/") + 1), textAt(path)] as const),
  );
  const keep = (found: BackendResult): void =>
    directory.writeFiles(new Map([[paths.verification, `${JSON.stringify(found, null, 2)}\n`]]));

  const unmodelled = cellsWithoutModel(Object.keys(result.cells), [...models.values()]);
  if (unmodelled.length > 0) {
    const reason = `Yosys ships no model of ${unmodelled.join(", ")}`;
    keep({ status: "skipped", vectors: 0, mismatches: 0, reason });
    return [createDiagnostic("flow/no-cell-model", { target: target.name, cells: unmodelled })];
  }
  const runner = createVerilatorRunner();
  const probe = await runner.probe();
  if (!probe.found) throw new DiagnosticError([probe.diagnostic]);
  const what = `the netlist of ${target.name}`;
  const found = await verifyNetlist({
    program,
    manifest: manifest.rtl,
    netlist: textAt(paths.netlist),
    models,
    defines: target.flow.defines,
    samples: readSamples(directory, program),
    count: options.vectors,
    seed: options.seed,
    runner,
    tool: probe.version,
    what,
  });
  keep(found);
  context.progress.line(`netlist ${target.name}: ${found.vectors} vectors, ${found.mismatches} mismatches`);
  const changed = modifiedFlowFiles(directory, target.name);
  if (found.status !== "failed") return changed;
  const detail = found.divergence ? describeDivergence(found.divergence) : (found.reason ?? "");
  return [...changed, createDiagnostic("verify/mismatch", { backend: what, detail })];
}
