// Weights that a network was given: those of a float baseline, as an importer of its file would hand them on.
import type { FirstWeights, LayerWeights } from "../../../graph/first-weights.ts";
import type { Graph } from "../../../graph/graph.ts";
import type { FloatModel } from "../../../train/float-model.ts";
import { networkOf } from "../../../train/network.ts";
import { optionalVariable, variableOf } from "../../../train/parameters.ts";
import { knownReaders } from "../../../train/settings.ts";

/** The weights of a baseline for the values of the input as they are. */
export function givenBy(graph: Graph, { parameters, inputFraction }: FloatModel): FirstWeights {
  const network = networkOf(graph);
  const scale = 2 ** (network.input.stored.fraction - inputFraction);
  const first = new Set(knownReaders(network, 0)?.map(({ layer }) => layer));
  return new Map(
    network.layers.map(({ node, batchNorm }, i): [string, LayerWeights] => {
      const variable = (name: Parameters<typeof variableOf>[2]) => variableOf(parameters, i, name);
      const weights = variable("weights").map((w) => w * (first.has(i) ? scale : 1));
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
