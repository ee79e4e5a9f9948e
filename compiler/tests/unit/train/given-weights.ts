// Weights that a network was given: those of a float baseline, as an importer of its file would hand them on.
import type { FirstWeights, LayerWeights } from "../../../graph/first-weights.ts";
import type { Graph } from "../../../graph/graph.ts";
import type { FloatModel } from "../../../train/float-model.ts";
import { networkOf } from "../../../train/network.ts";
import { optionalVariable, variableOf } from "../../../train/parameters.ts";
import { knownReaders } from "../../../train/settings.ts";

/** The weights of a baseline for the values of the input as they are. */
export function givenBy(graph: Graph, { parameters, inputFractions }: FloatModel): FirstWeights {
  const network = networkOf(graph);
  const scales = new Map<number, number>();
  network.inputs.forEach(({ node, signal }, i) => {
    for (const { layer } of knownReaders(network, signal) ?? [])
      scales.set(layer, 2 ** (node.stored.fraction - inputFractions[i]!));
  });
  return new Map(
    network.layers.map(({ node, batchNorm }, i): [string, LayerWeights] => {
      const variable = (name: Parameters<typeof variableOf>[2]) => variableOf(parameters, i, name);
      const weights = variable("weights").map((w) => w * (scales.get(i) ?? 1));
      const norm = batchNorm
        ? {
            gain: variable("gain"),
            shift: variable("shift"),
            mean: variable("mean"),
            variance: variable("variance"),
          }
        : null;
      return [node, { weights, bias: optionalVariable(parameters, i, "bias") ?? null, norm }];
    }),
  );
}
