// Batch-norms that become part of the weights before quantization. In: a warmed-up network. Out: the same values by weights
// and biases alone, and the network without these batch-norms.
//
// Signs cannot take up a gain, and behind a step or sign a batch-norm is a comparison in any case: there it stays, until
// integer thresholds hold it.
import type { TrainingSpec } from "../graph/project.ts";
import { inverseDeviation } from "./batch-norm.ts";
import type { Network } from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import { variableName, variableOf } from "./parameters.ts";
import { fixedSignal } from "./settings.ts";

function isFolded({ layers, signals }: Network, training: TrainingSpec, index: number): boolean {
  const { node, batchNorm } = layers[index]!;
  const made = signals.find((s) => s.maker === index);
  const isCompared = made !== undefined && fixedSignal(made) !== undefined;
  return batchNorm && training.layers[node]!.weights.bits.max > 1 && !isCompared;
}

/** The network as its quantized phases have it. */
export function foldedNetwork(network: Network, training: TrainingSpec): Network {
  const folded = network.layers.map((_, i) => isFolded(network, training, i));
  if (!folded.includes(true)) return network;
  return {
    ...network,
    layers: network.layers.map((layer, i) => (folded[i] ? { ...layer, batchNorm: false } : layer)),
    signals: network.signals.map((signal) =>
      signal.maker !== null && folded[signal.maker] ? { ...signal, normalized: false } : signal,
    ),
  };
}

/** Moves the batch-norms that `folded` has no more, with their running statistics, into weights and biases. In place. */
export function foldBatchNorms(network: Network, folded: Network, parameters: ParameterSet): void {
  network.layers.forEach(({ batchNorm, inputs, units }, i) => {
    if (!batchNorm || folded.layers[i]!.batchNorm) return;
    const take = (name: "gain" | "shift" | "mean" | "variance"): Float32Array => {
      const values = variableOf(parameters, i, name);
      delete parameters[variableName(i, name)];
      return values;
    };
    const [gain, shift, mean, variance] = [take("gain"), take("shift"), take("mean"), take("variance")];
    const weights = variableOf(parameters, i, "weights");
    const bias = new Float32Array(units);
    for (let u = 0; u < units; u++) {
      const scale = gain[u]! * inverseDeviation(variance[u]!);
      for (let k = u * inputs; k < (u + 1) * inputs; k++) weights[k]! *= scale;
      bias[u] = shift[u]! - scale * mean[u]!;
    }
    parameters[variableName(i, "bias")] = bias;
  });
}
