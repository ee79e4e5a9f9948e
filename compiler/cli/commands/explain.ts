// noisefloor explain DIR [LAYER]

import type { Fact } from "../../driver/capacity-text.ts";
import { explainDesign, explainNetwork, printExplanations } from "../../driver/explain.ts";
import { readDesign, readSynthResult, readTrained, readTrainResult } from "../../driver/load-build.ts";
import { areaText } from "../../flow/area.ts";
import { openForReading, type ReadableDirectory } from "../../host/node/build-directory.ts";
import { fail } from "../../support/diagnostics.ts";
import type { CommandOutcome } from "../context.ts";
import { FLOW_NAMES, flowTitle } from "../flow-names.ts";

export async function explainCommand(name: string, layer: string | undefined): Promise<CommandOutcome> {
  const directory = openForReading(name);
  const { program, manifest, modified } = readDesign(directory);
  const result = readTrainResult(directory);
  const trained = result ? readTrained(directory).trained : undefined;
  const isKnown = result?.accuracy !== "unknown";
  const all = explainDesign(program, manifest, trained);
  const chosen = layer === undefined ? all : all.filter((e) => e.layer === layer);
  if (chosen.length === 0) fail("cli/unknown-layer", { layer: layer ?? "", layers: all.map((e) => e.layer) });
  // The network as a whole stands at the end; whoever asks for a layer gets that layer.
  const network =
    layer === undefined
      ? [...explainNetwork(program, trained, isKnown), ...synthesisFacts(directory)]
      : undefined;
  return {
    result: { layers: chosen, ...(network ? { network } : {}) },
    text: printExplanations(network ? [...chosen, { layer: "network", facts: network }] : chosen),
    diagnostics: modified,
  };
}

/** What the design takes of each part and board that it was synthesised for. */
function synthesisFacts(directory: ReadableDirectory): readonly Fact[] {
  return FLOW_NAMES.flatMap((name) => {
    const found = readSynthResult(directory, name);
    if (!found) return [];
    const { used, has, part, fmaxMHz, countedBy, timedBy, board, clockMHz } = found;
    const clock = fmaxMHz === null ? "" : `; ${fmaxMHz} MHz`;
    const timed = timedBy === undefined || timedBy === countedBy ? "" : `, timed by ${timedBy}`;
    return [
      {
        what: name,
        value: `${areaText(used, has)}${clock}`,
        because: `${flowTitle(name)} (${part}${board ? `, serial line and all, at ${clockMHz} MHz` : ""}), counted by ${countedBy}${timed}`,
      },
    ];
  });
}
