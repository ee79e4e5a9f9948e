// Constants of a dense or conv from the tensors of a layer. In: stored tensors, the shape that the settings call for, and
// what QKeras does to them. Out: weights in the order of imported models, with grids that hold them exactly.
import type { ImportedConstants, Quantizer } from "../../graph/imported.ts";
import { product, type Shape } from "../../graph/shapes.ts";
import { refuseQuantizer } from "./activations.ts";
import { shown } from "./json-text.ts";
import type { LayerReader } from "./layer-reader.ts";
import { QuantizerProblem, type QuantizerSpec, readQuantizerSpec } from "./quantizer-spec.ts";
import { type QuantizedTensor, quantizeTensor } from "./tensor-quantizers.ts";
import { permuted, type StoredTensor } from "./tensors.ts";

/** Mantissas of a weight have at most so many bits. */
const MAX_WEIGHT = 2 ** 24;

type ReadQuantizer = (option: string) => QuantizerSpec | undefined;

/** Quantizers of QKeras' layers; other layers have none. */
export function quantizersOf(layer: LayerReader): ReadQuantizer {
  if (!/^Q[A-Z]/.test(layer.type)) return () => undefined;
  return (option) => {
    const value = layer.option(option);
    if (value === undefined) return undefined;
    const spec = readQuantizerSpec(value);
    if (spec) return spec;
    const parameters = {
      layer: layer.name,
      type: layer.type,
      quantizer: shown(value),
      problem: "is not known",
    };
    layer.settings.problems.add("import/keras-quantizer", parameters, { file: layer.settings.path });
    return undefined;
  };
}

/** A tensor's numbers after its shape was compared. Undefined when it does not fit, which is reported. */
function numbersOf(
  layer: LayerReader,
  tensor: StoredTensor,
  shape: Shape,
  what: string,
): Float64Array | undefined {
  if (tensor.shape.join("x") === shape.join("x")) {
    layer.settings.spend(product(shape));
    return tensor.read();
  }
  layer.refuseWeights(
    `the ${what} in the file is ${tensor.shape.join("x") || "one number"}, not ${shape.join("x")}`,
  );
  return undefined;
}

interface Weights {
  readonly values: Float64Array;
  readonly quantizer: Quantizer | null;
}

/** `unitSteps`: from the steps of the kernel's last axis to one for each unit. */
function quantized(
  layer: LayerReader,
  values: Float64Array,
  shape: Shape,
  spec: QuantizerSpec | undefined,
  trainable: boolean,
  unitSteps: (steps: Float64Array) => Float64Array,
): Weights {
  if (!spec) return { values, quantizer: null };
  try {
    const tensor = quantizeTensor(values, shape, spec, trainable);
    if (tensor.greatest > MAX_WEIGHT)
      throw new QuantizerProblem("has weights whose powers of two lie too far apart for one grid");
    return { values: valuesOf(tensor), quantizer: quantizerOf(tensor, unitSteps) };
  } catch (error) {
    if (!(error instanceof QuantizerProblem)) throw error;
    refuseQuantizer(layer, spec, error);
    return { values, quantizer: null };
  }
}

/** What QKeras computes with: mantissas times their steps, which a double holds exactly. */
export const valuesOf = ({ mantissas, steps }: QuantizedTensor): Float64Array =>
  mantissas.map((mantissa, i) => mantissa * steps[i % steps.length]!);

/** A grid that leaves those values as they are. */
function quantizerOf(tensor: QuantizedTensor, unitSteps: (steps: Float64Array) => Float64Array): Quantizer {
  const scale = tensor.steps.length === 1 ? tensor.steps : unitSteps(tensor.steps);
  if (tensor.bipolar) return { kind: "bipolar", scale };
  const { least, greatest } = tensor;
  return { kind: "int", scale, zeroPoint: Float64Array.of(0), least, greatest, rounding: "ROUND" };
}

export interface Kernel {
  /** As the file has it. */
  readonly tensor: StoredTensor;
  readonly shape: Shape;
  /** To [units..., positions..., inputs]. */
  readonly permutation: readonly number[];
  readonly quantizer: QuantizerSpec | undefined;
  readonly unitSteps: (steps: Float64Array) => Float64Array;
}

export interface Bias {
  readonly tensor: StoredTensor;
  readonly quantizer: QuantizerSpec | undefined;
}

/** Constants of a layer; undefined when the file's tensors do not fit, which is reported. */
export function constantsOf(
  layer: LayerReader,
  kernel: Kernel,
  bias: Bias | undefined,
  units: number,
): ImportedConstants | undefined {
  const numbers = numbersOf(layer, kernel.tensor, kernel.shape, "kernel");
  const biases = bias && numbersOf(layer, bias.tensor, [units], "bias");
  if (!numbers || (bias && !biases)) return undefined;
  const weights = quantized(layer, numbers, kernel.shape, kernel.quantizer, true, kernel.unitSteps);
  const offsets = biases && quantized(layer, biases, [units], bias?.quantizer, false, (steps) => steps);
  return {
    weights: permuted(weights.values, kernel.shape, kernel.permutation),
    weightQuantizer: weights.quantizer,
    bias: offsets?.values ?? null,
    biasQuantizer: offsets?.quantizer ?? null,
  };
}

/** Sums of a layer whose tensors do not fit: the shape goes on, so that later layers are checked too. */
export const NOTHING: ImportedConstants = {
  weights: new Float64Array(),
  weightQuantizer: null,
  bias: null,
  biasQuantizer: null,
};
