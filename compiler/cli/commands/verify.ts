// noisefloor verify DIR
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { useDirectory } from "../project.ts";
import { createStopwatch, reportStep, verifyStep } from "../steps.ts";
import { summaryLines } from "../tables.ts";

export interface VerifyOptions {
  readonly seed?: number;
  readonly without?: string;
  readonly rtlVectors?: number;
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
  const directory = useDirectory(context, name, false);
  const timed = createStopwatch(directory);
  const diagnostics = await timed("verify", () =>
    verifyStep(context, directory, {
      seed: options.seed ?? 1,
      without,
      rtlVectors: options.rtlVectors ?? 1000,
    }),
  );
  const report = reportStep(directory)!;
  const verdict = exitCodeOf(diagnostics) === 0 ? verifiedText(without) : "NOT verified";
  return {
    result: { directory: directory.name, verify: report.verify },
    text: `${summaryLines({ schema: report.schema, model: report.model, verify: report.verify })}\n${verdict}: ${directory.name}`,
    diagnostics,
  };
}

/** What a passed gate says of the back ends that were left out. */
function verifiedText(without: readonly string[]): string {
  if (without.length === 0) return "verified";
  const left = without.map((name) => (name === "rtl" ? "Verilog" : "C"));
  return `verified without ${left.join(" and ")}`;
}
