// The trained variables of a network, by name: weights [units, inputs], bias or batch-norm of each layer, and the base-2
// logarithms of the quantizers' steps and ranges. In: a network and a seed. Out: their first values.
import type { FirstWeights } from "../graph/first-weights.ts";
import type { OptimizerSpec } from "../graph/project.ts";
import { compilerAssert } from "../support/assert.ts";
import { createRandom } from "../support/random.ts";
import type { BatchNorm, Statistics } from "./batch-norm.ts";
import { type Network, weightsOf } from "./network.ts";
import type { OptimizerOf, ParameterSet } from "./optimizers.ts";
import { knownReaders } from "./settings.ts";

/**
 * `mean` and `variance` are running statistics: they have no gradient. Neither has `outside`, one number that a convolution
 * of normalised inputs reads around them, before it is rounded. Those of an activation belong to a signal, all others to a
 * layer.
 */
export type LayerVariable =
  | "weights"
  | "bias"
  | "gain"
  | "shift"
  | "mean"
  | "variance"
  | "outside"
  | "weightLogStep"
  | "biasLogStep"
  | "activationLogStep"
  | "activationLogRange";

/** Name of a variable of the layer, or signal, with this index in the network. */
export function variableName(layer: number, variable: LayerVariable): string {
  return `${layer}.${variable}`;
}

/** Index of the layer or signal, and the variable, of a name. */
export function readVariableName(name: string): { readonly layer: number; readonly variable: LayerVariable } {
  const [layer, variable] = name.split(".") as [string, LayerVariable];
  return { layer: Number(layer), variable };
}

const QUANTIZER_VARIABLES: ReadonlySet<LayerVariable> = new Set<LayerVariable>([
  "weightLogStep",
  "biasLogStep",
  "activationLogStep",
  "activationLogRange",
]);

/** Whether a name is that of a quantizer's variable: the logarithm of a step or range. */
export function isQuantizerVariable(name: string): boolean {
  return QUANTIZER_VARIABLES.has(readVariableName(name).variable);
}

/**
 * Which optimizer moves a variable: the model's. Logarithms of steps and ranges are always Adam's: their gradients differ
 * by orders of magnitude from tensor to tensor, and the rate is what they may move by.
 */
export function optimizerOf(spec: OptimizerSpec): OptimizerOf {
  return (name) => (isQuantizerVariable(name) ? { kind: "adam" } : spec);
}

/** A layer's variable. */
export function variableOf(parameters: ParameterSet, layer: number, variable: LayerVariable): Float32Array {
  return parameters[variableName(layer, variable)]!;
}

/** A layer's variable that it need not have. */
export function optionalVariable(
  parameters: ParameterSet,
  layer: number,
  variable: LayerVariable,
): Float32Array | undefined {
  return parameters[variableName(layer, variable)];
}

/** The batch-norm that follows a layer, if one does. */
export function batchNormOf(
  parameters: ParameterSet,
  layer: number,
  statistics: Statistics,
): BatchNorm | undefined {
  const gain = optionalVariable(parameters, layer, "gain");
  if (!gain) return undefined;
  return {
    gain,
    shift: variableOf(parameters, layer, "shift"),
    mean: variableOf(parameters, layer, "mean"),
    variance: variableOf(parameters, layer, "variance"),
    statistics,
  };
}

/** What a layer's convolution reads outside of its input; 0 unless the input was normalised. */
export function outsideOf(parameters: ParameterSet, layer: number): number {
  return optionalVariable(parameters, layer, "outside")?.[0] ?? 0;
}

/** He-uniform weights and zero biases. Inputs of each layer are taken to have a mean square near 1. */
export function initialParameters({ layers }: Network, seed: number): ParameterSet {
  const parameters: ParameterSet = {};
  layers.forEach((layer, index) => {
    const random = createRandom(seed, "initial-weights", index);
    const limit = Math.sqrt(6 / layer.inputs);
    const weights = new Float32Array(layer.units * layer.inputs);
    for (let i = 0; i < weights.length; i++) weights[i] = (random.uniform() * 2 - 1) * limit;
    parameters[variableName(index, "weights")] = weights;
    if (layer.batchNorm) {
      parameters[variableName(index, "gain")] = new Float32Array(layer.units).fill(1);
      parameters[variableName(index, "shift")] = new Float32Array(layer.units);
      parameters[variableName(index, "mean")] = new Float32Array(layer.units);
      parameters[variableName(index, "variance")] = new Float32Array(layer.units).fill(1);
    } else parameters[variableName(index, "bias")] = new Float32Array(layer.units);
  });
  return parameters;
}

/** Given weights, for inputs of which each is divided by 2^inputScale: layers that read it have the factor. */
export function givenParameters(
  network: Network,
  given: FirstWeights,
  inputScales: readonly number[],
): ParameterSet {
  const parameters: ParameterSet = {};
  /** By layer that reads an input; a layer behind several of them has no factor, as none of them is scaled. */
  const scales = new Map<number, number>();
  network.inputs.forEach(({ signal }, i) => {
    for (const { layer } of knownReaders(network, signal) ?? []) scales.set(layer, 2 ** inputScales[i]!);
  });
  network.layers.forEach((layer, index) => {
    const found = given.get(layer.node);
    const fits = found?.weights.length === weightsOf(layer) && (found.norm !== null) === layer.batchNorm;
    compilerAssert(fits, `no weights are given for layer ${layer.node}`);
    const scale = scales.get(index) ?? 1;
    parameters[variableName(index, "weights")] = found.weights.map((w) => w * scale);
    if (found.norm) {
      for (const name of ["gain", "shift", "mean", "variance"] as const)
        parameters[variableName(index, name)] = found.norm[name].slice();
    } else parameters[variableName(index, "bias")] = found.bias!.slice();
  });
  return parameters;
}

/** A deep copy. */
export function copyParameters(parameters: ParameterSet): ParameterSet {
  return Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, p.slice()]));
}
