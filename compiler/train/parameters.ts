// The trained variables of a chain, by name: weights [units, inputs] and bias of each layer, and the base-2
// logarithms of the quantizers' steps and of the activations' ranges. In: a chain and a seed. Out: their first values.
import { createRandom } from "../support/random.ts";
import type { ParameterSet } from "./adam.ts";
import type { Chain } from "./chain.ts";

export type LayerVariable = "weights" | "bias" | "weightLogStep" | "activationLogStep" | "activationLogRange";

/** Name of a variable of the layer with this index in the chain. */
export function variableName(layer: number, variable: LayerVariable): string {
  return `${layer}.${variable}`;
}

/** A layer's variable; the quantizers' logarithms are arrays of one value. */
export function variableOf(parameters: ParameterSet, layer: number, variable: LayerVariable): Float32Array {
  return parameters[variableName(layer, variable)]!;
}

/** He-uniform weights and zero biases. Inputs of each layer are taken to have a mean square near 1. */
export function initialParameters(chain: Chain, seed: number): ParameterSet {
  const parameters: ParameterSet = {};
  chain.layers.forEach((layer, index) => {
    const random = createRandom(seed, "initial-weights", index);
    const limit = Math.sqrt(6 / layer.inputs);
    const weights = new Float32Array(layer.units * layer.inputs);
    for (let i = 0; i < weights.length; i++) weights[i] = (random.uniform() * 2 - 1) * limit;
    parameters[variableName(index, "weights")] = weights;
    parameters[variableName(index, "bias")] = new Float32Array(layer.units);
  });
  return parameters;
}

/** A deep copy. */
export function copyParameters(parameters: ParameterSet): ParameterSet {
  return Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, p.slice()]));
}
