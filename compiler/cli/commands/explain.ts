// noisefloor explain DIR [LAYER]
import { explainDesign, printExplanations } from "../../driver/explain.ts";
import { readDesign, readTrained, readTrainResult } from "../../driver/load-build.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome, Context } from "../context.ts";
import { useDirectory } from "../project.ts";

export async function explainCommand(
  context: Context,
  name: string,
  layer: string | undefined,
): Promise<CommandOutcome> {
  const directory = useDirectory(context, name, false);
  const { program, manifest, modified } = readDesign(directory);
  const trained = readTrainResult(directory) ? readTrained(directory).trained : undefined;
  const all = explainDesign(program, manifest, trained);
  const chosen = layer === undefined ? all : all.filter((e) => e.layer === layer);
  if (chosen.length === 0) fail("cli/unknown-layer", { layer: layer ?? "", layers: all.map((e) => e.layer) });
  return { result: { layers: chosen }, text: printExplanations(chosen), diagnostics: modified };
}
