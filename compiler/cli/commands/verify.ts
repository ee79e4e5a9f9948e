// noisefloor verify DIR
import { fail } from "../../support/diagnostics.ts";
import type { Target } from "../../targets/target.ts";
import { TARGETS, targetNamed } from "../../targets/targets.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { netlistStep, requireNetlists } from "../netlist-step.ts";
import { useDirectory } from "../project.ts";
import { createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { summaryLines } from "../tables.ts";

export interface VerifyOptions {
  readonly seed?: number;
  readonly without?: string;
  readonly rtlVectors?: number;
  readonly netlist?: string;
  readonly netlistVectors?: number;
}

/** Targets of a list with commas. */
function targetsOf(text: string | undefined): readonly Target[] {
  const names = text === undefined ? [] : text.split(",").map((n) => n.trim());
  return names.map((name) => {
    const known = TARGETS.map((target) => target.name).join(", ");
    const problem = `${JSON.stringify(name)} is none of ${known}`;
    return targetNamed(name) ?? fail("cli/bad-option", { option: "--netlist", problem });
  });
}

/** `c`, `rtl` or both, from a list with commas. */
export function backEndsLeftOut(text: string | undefined): ("c" | "rtl")[] {
  const names = text === undefined ? [] : text.split(",").map((n) => n.trim());
  return names.map((name) => {
    if (name !== "c" && name !== "rtl")
      fail("cli/bad-option", { option: "--without", problem: `${JSON.stringify(name)} is not c or rtl` });
    return name;
  });
}

export async function verifyCommand(
  context: Context,
  name: string,
  options: VerifyOptions,
): Promise<CommandOutcome> {
  const without = backEndsLeftOut(options.without);
  const targets = targetsOf(options.netlist);
  const directory = useDirectory(context, name, false);
  requireNetlists(directory, targets);
  const timed = createStopwatch(directory);
  const diagnostics = [
    ...(await timed("verify", () =>
      verifyStep(context, directory, {
        seed: options.seed ?? 1,
        without,
        rtlVectors: options.rtlVectors ?? 1000,
      }),
    )),
  ];
  for (const target of targets) {
    const { seed = 1, netlistVectors: vectors = 100 } = options;
    const found = await timed(`verify netlist ${target.name}`, () =>
      netlistStep(context, directory, target, { seed, vectors }),
    );
    diagnostics.push(...found);
  }
  const report = reportStep(directory)!;
  // What earlier runs found of other netlists is in the report, and says nothing of this run.
  const asked = Object.entries(report.verify?.netlist ?? {}).filter(([name]) =>
    targets.some((target) => target.name === name),
  );
  const { netlist: _, ...backEnds } = report.verify ?? {};
  const shown = { ...backEnds, ...(asked.length > 0 ? { netlist: Object.fromEntries(asked) } : {}) };
  const verdict = exitCodeOf(diagnostics) === 0 ? verifiedText(without) : "NOT verified";
  return {
    result: { directory: directory.name, verify: report.verify },
    text: `${summaryLines({ schema: report.schema, model: report.model, verify: shown })}\n${verdict}: ${directory.name}`,
    diagnostics,
  };
}

/** What a passed gate says of the back ends that were left out. */
function verifiedText(without: readonly string[]): string {
  if (without.length === 0) return "verified";
  const left = without.map((name) => (name === "rtl" ? "Verilog" : "C"));
  return `verified without ${left.join(" and ")}`;
}
