// noisefloor explain DIR [LAYER]
import { explainDesign, explainNetwork, printExplanations } from "../../driver/explain.ts";
import { readDesign, readTrained, readTrainResult } from "../../driver/load-build.ts";
import { openForReading } from "../../host/node/build-directory.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome } from "../context.ts";

export async function explainCommand(name: string, layer: string | undefined): Promise<CommandOutcome> {
  const directory = openForReading(name);
  const { program, manifest, modified } = readDesign(directory);
  const trained = readTrainResult(directory) ? readTrained(directory).trained : undefined;
  const all = explainDesign(program, manifest, trained);
  const chosen = layer === undefined ? all : all.filter((e) => e.layer === layer);
  if (chosen.length === 0) fail("cli/unknown-layer", { layer: layer ?? "", layers: all.map((e) => e.layer) });
  // The network as a whole stands at the end; whoever asks for a layer gets that layer.
  const network = layer === undefined ? explainNetwork(program, trained) : undefined;
  return {
    result: { layers: chosen, ...(network ? { network } : {}) },
    text: printExplanations(network ? [...chosen, { layer: "network", facts: network }] : chosen),
    diagnostics: modified,
  };
}
