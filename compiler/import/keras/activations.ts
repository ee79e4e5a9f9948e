// Activation functions, as an option of a layer and as layers of their own. In: a name or an object of the file. Out:
// what adds the nodes that compute the same.
import type { UnaryOperator } from "../../graph/graph.ts";
import { type Apply, quantizeActivation } from "./activation-quantizers.ts";
import { shown } from "./json-text.ts";
import { type ConfiguredObject, type LayerReader, readObject } from "./layer-reader.ts";
import {
  isQuantizerName,
  QuantizerProblem,
  type QuantizerSpec,
  readQuantizerSpec,
} from "./quantizer-spec.ts";

const identity: Apply = (_build, input) => input;

type Plain = UnaryOperator["kind"] | "relu6" | "hardsigmoid" | "hardswish" | "sigmoid" | "tanh";

const plain =
  (kind: Plain): Apply =>
  (build, input, part) =>
    build.operator(input, { kind }, part);

/** relu of Keras with the default threshold: slope x below 0, at most `most`. Undefined where that has no exact form. */
function boundedRelu(slope: number, most: number | undefined): Apply | undefined {
  if (most === undefined)
    return slope === 0
      ? plain("relu")
      : (build, input, part) => build.operator(input, { kind: "leaky_relu", slope }, part);
  if (slope !== 0) return undefined;
  if (most === 6) return plain("relu6");
  if (!(most > 0) || !Number.isInteger(Math.log2(most))) return undefined;
  // clamp(x, 0, m) = m * min(1, relu(x / m)), exact for a power of two.
  return (build, input, part) => {
    const named = (name: string): string => (part === undefined ? name : `${part}/${name}`);
    const small = most === 1 ? input : build.affine(input, [1 / most], [0], named("scaled"));
    const positive = build.operator(small, { kind: "relu" }, named("relu"));
    const last = most === 1 ? part : named("bounded");
    const bounded = build.operator(positive, { kind: "hardtanh" }, last);
    return most === 1 ? bounded : build.affine(bounded, [most], [0], part);
  };
}

/** Keras 2 and TensorFlow.js: 0.2 x + 0.5 clamped to [0, 1], which is x' / 6 + 1/2 of x' = 1.2 x; 0.2 is a float32. */
const steepHardSigmoid: Apply = (build, input, part) => {
  const named = part === undefined ? "scaled" : `${part}/scaled`;
  const scaled = build.affine(input, [6 * Math.fround(0.2)], [0], named);
  return build.operator(scaled, { kind: "hardsigmoid" }, part);
};

const PLAIN: Readonly<Record<string, Plain>> = {
  relu: "relu",
  relu6: "relu6",
  sigmoid: "sigmoid",
  tanh: "tanh",
  hard_tanh: "hardtanh",
  hard_swish: "hardswish",
  hard_silu: "hardswish",
};

/** Names of activation functions that can be read. */
export const ACTIVATIONS: readonly string[] = [
  "linear",
  ...Object.keys(PLAIN),
  "hard_sigmoid",
  "leaky_relu",
  "softmax (at the end)",
];

function named(name: string, layer: LayerReader): Apply | undefined {
  if (name === "linear") return identity;
  if (Object.hasOwn(PLAIN, name)) return plain(PLAIN[name]!);
  if (name === "hard_sigmoid")
    return layer.settings.kerasVersion < 3 ? steepHardSigmoid : plain("hardsigmoid");
  if (name === "leaky_relu") return boundedRelu(Math.fround(0.2), undefined);
  if (name === "softmax") return softmax(layer);
  return undefined;
}

/** Left out at the end, where the largest stays the largest. */
export function softmax(layer: LayerReader): Apply | undefined {
  if (!layer.isFinal) return undefined;
  const { path, problems } = layer.settings;
  problems.add("import/keras-softmax-dropped", { layer: layer.name, type: layer.type }, { file: path });
  return identity;
}

function refuse(layer: LayerReader, activation: string): Apply {
  const parameters = { layer: layer.name, type: layer.type, activation, supported: ACTIVATIONS };
  layer.settings.problems.add("import/keras-activation", parameters, { file: layer.settings.path });
  return identity;
}

/** A layer of the activation's kind, given as an object: its settings are read as that layer reads its own. */
function objectReader(layer: LayerReader, object: ConfiguredObject): LayerReader {
  const option = (key: string): unknown =>
    Object.hasOwn(object.config, key) && object.config[key] !== null ? object.config[key] : undefined;
  return { ...layer, option };
}

/** Adds a refused quantizer to the problems. */
export function refuseQuantizer(layer: LayerReader, spec: QuantizerSpec, error: QuantizerProblem): void {
  const quantizer = `${spec.name} ${shown(spec.settings)}`;
  const parameters = { layer: layer.name, type: layer.type, quantizer, problem: error.message };
  layer.settings.problems.add("import/keras-quantizer", parameters, { file: layer.settings.path });
}

function quantized(layer: LayerReader, spec: QuantizerSpec): Apply {
  try {
    return quantizeActivation(spec);
  } catch (error) {
    if (!(error instanceof QuantizerProblem)) throw error;
    refuseQuantizer(layer, spec, error);
    return identity;
  }
}

/** What the option `activation` says; missing is linear. */
export function readActivation(layer: LayerReader): Apply {
  const value = layer.option("activation");
  if (value === undefined) return identity;
  const spec = readQuantizerSpec(value);
  if (spec) return quantized(layer, spec);
  const object = readObject(value);
  if (!object || isQuantizerName(object.name)) return refuse(layer, shown(value));
  if (object.name === "ReLU") return readRelu(objectReader(layer, object));
  if (object.name === "LeakyReLU") return readLeakyRelu(objectReader(layer, object));
  return named(object.name, layer) ?? refuse(layer, object.name);
}

/** The layer ReLU: max_value, negative_slope, threshold. */
export function readRelu(layer: LayerReader): Apply {
  const slope = Math.fround(numberOf(layer, "negative_slope", 0));
  const most = layer.option("max_value") === undefined ? undefined : numberOf(layer, "max_value", 0);
  if (numberOf(layer, "threshold", 0) !== 0) layer.refuse("threshold", "0");
  const apply = boundedRelu(slope, most);
  if (!apply)
    layer.refuse(
      "max_value",
      "6, a power of two or null, and null beside a negative_slope: others have no exact form",
    );
  return apply ?? identity;
}

/** The layer LeakyReLU: alpha in Keras 2 and TensorFlow.js, negative_slope in Keras 3. */
export function readLeakyRelu(layer: LayerReader): Apply {
  const key = layer.option("alpha") !== undefined ? "alpha" : "negative_slope";
  return boundedRelu(Math.fround(numberOf(layer, key, 0.3)), undefined)!;
}

/** A number; old files write one as an object with a field `value`. */
function numberOf(layer: LayerReader, key: string, fallback: number): number {
  const value = layer.option(key) ?? fallback;
  const found = typeof value === "object" ? (value as { value?: unknown }).value : value;
  if (typeof found === "number" && Number.isFinite(found) && found >= 0 && found <= 2 ** 24) return found;
  layer.refuse(key, "a number from 0 on");
  return fallback;
}
