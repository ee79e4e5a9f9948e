// What a model is, before anything is done with it: shapes, multiplications, parameters and the formats that it states.
// In: a graph of ours or an imported network. Out: plain data for a table and for --json.
import type { GraphOutput, Node, Operator, Sizes } from "../graph/graph.ts";
import { inputsOf } from "../graph/graph.ts";
import type { ImportedConstants, ImportedNode, Quantizer } from "../graph/imported.ts";
import { importedInputsOf } from "../graph/imported.ts";
import type { Project } from "../graph/project.ts";
import { product } from "../graph/shapes.ts";
import type { ModelImport } from "../import/model-import.ts";

export interface InspectedPort {
  readonly name: string;
  readonly shape: readonly number[];
  /** The file's own sizes, where they are others; null is open. */
  readonly fileShape?: readonly (number | null)[];
  /** For each axis of `shape` the axis of `fileShape`; -1 has none. */
  readonly fileAxes?: readonly number[];
}

export interface InspectedLayer {
  readonly name: string;
  /** The operator with its sizes, such as "conv 3x3, stride 2x2". */
  readonly operator: string;
  readonly shape: readonly number[];
  readonly macs: number;
  /** Weights, biases, thresholds and numbers of a normalisation. */
  readonly parameters: number;
  /** Formats that the model states. */
  readonly formats: readonly string[];
}

export interface Inspection {
  readonly name: string;
  readonly format: string;
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  readonly layers: readonly InspectedLayer[];
  readonly totals: { readonly macs: number; readonly parameters: number };
}

const sizes = (list: Sizes): string => list.join("x");
const isNotOne = (list: Sizes): boolean => list.some((size) => size !== 1);
const isPadded = ({ before, after }: { readonly before: Sizes; readonly after: Sizes }): boolean =>
  [...before, ...after].some((cells) => cells !== 0);

function operatorText(node: Node | ImportedNode): string {
  switch (node.kind) {
    case "conv": {
      const parts = [`${node.transposed ? "transposed conv" : "conv"} ${sizes(node.kernel)}`];
      if (isNotOne(node.strides)) parts.push(`stride ${sizes(node.strides)}`);
      if (isNotOne(node.dilations)) parts.push(`dilation ${sizes(node.dilations)}`);
      if (node.groups > 1) parts.push(`${node.groups} groups`);
      if (isPadded(node.padding))
        parts.push(`padding ${sizes(node.padding.before)}..${sizes(node.padding.after)}`);
      return parts.join(", ");
    }
    case "pool": {
      const parts = [`${node.pooling} pool ${sizes(node.window)}`];
      if (isNotOne(node.strides)) parts.push(`stride ${sizes(node.strides)}`);
      if (isPadded(node.padding))
        parts.push(`padding ${sizes(node.padding.before)}..${sizes(node.padding.after)}`);
      return parts.join(", ");
    }
    case "upsample":
      return `upsample ${sizes(node.factors)}`;
    case "concat":
      return `concat along ${node.axis}`;
    case "transpose":
      return `transpose ${node.permutation.join(", ")}`;
    case "leaky_relu":
      return `leaky_relu ${node.slope}`;
    case "elu":
      return node.scale === 1 ? "elu" : "selu";
    default:
      return node.kind;
  }
}

/** Every weight at every position of the result, as costs of programs are counted. */
function macsOf(node: { readonly shape: readonly number[] } & Operator, weights: number): number {
  return node.kind === "dense" || node.kind === "conv" ? (product(node.shape) / node.units) * weights : 0;
}

/** Weights of a dense or conv whose input has a shape. */
function weightCount(operator: Operator, input: readonly number[]): number {
  if (operator.kind === "dense") return operator.units * product(input);
  if (operator.kind !== "conv") return 0;
  return (operator.units * product(operator.kernel) * input.at(-1)!) / operator.groups;
}

const each = (list: Float64Array): string =>
  list.length === 1 ? `scale ${Number(list[0]!.toPrecision(6))}` : `${list.length} scales`;

/** A quantizer in a few words: bits, bounds where they are not all that the bits hold, scale, rounding. */
export function quantizerText(quantizer: Quantizer): string {
  if (quantizer.kind === "bipolar") return `bipolar, ${each(quantizer.scale)}`;
  const { least, greatest, scale, zeroPoint, rounding } = quantizer;
  const isSigned = least < 0;
  const bits = isSigned
    ? Math.ceil(Math.log2(Math.max(-least, greatest + 1))) + 1
    : Math.max(1, Math.ceil(Math.log2(greatest + 1)));
  const isWhole = isSigned
    ? least === -(2 ** (bits - 1)) && greatest === 2 ** (bits - 1) - 1
    : least === 0 && greatest === 2 ** bits - 1;
  const parts = [`${bits} ${bits === 1 ? "bit" : "bits"} ${isSigned ? "signed" : "unsigned"}`];
  if (!isWhole) parts.push(`${least}..${greatest}`);
  parts.push(each(scale));
  if (zeroPoint.some((zero) => zero !== 0))
    parts.push(zeroPoint.length === 1 ? `zero ${zeroPoint[0]}` : `${zeroPoint.length} zero points`);
  if (rounding !== "ROUND" && rounding !== "HALF_ODD") parts.push(rounding.toLowerCase());
  return parts.join(", ");
}

function formatsOf(node: ImportedNode, constants: ImportedConstants | undefined): readonly string[] {
  const formats: string[] = [];
  if (node.kind === "input" && node.stored)
    formats.push(`${node.stored.width} bits ${node.stored.signed ? "signed" : "unsigned"}`);
  if (node.kind === "quantize") formats.push(quantizerText(node.quantizer));
  if (node.kind === "trunc") formats.push(`${node.inputWidth} to ${node.outputWidth} bits`);
  if (node.kind === "multithreshold") formats.push(`${node.thresholds.length / node.channels} thresholds`);
  if (constants?.weightQuantizer) formats.push(`weights ${quantizerText(constants.weightQuantizer)}`);
  if (constants?.biasQuantizer) formats.push(`bias ${quantizerText(constants.biasQuantizer)}`);
  return formats;
}

function parametersOf(node: ImportedNode, constants: ImportedConstants | undefined): number {
  if (constants) return constants.weights.length + (constants.bias?.length ?? 0);
  if (node.kind === "norm") return 4 * node.scale.length;
  if (node.kind === "multithreshold") return node.thresholds.length;
  if (node.kind === "affine")
    return (
      (node.gain.some((gain) => gain !== 1) ? node.gain.length : 0) +
      (node.offset.some((offset) => offset !== 0) ? node.offset.length : 0)
    );
  return 0;
}

const totalsOf = (layers: readonly InspectedLayer[]): Inspection["totals"] => ({
  macs: layers.reduce((sum, { macs }) => sum + macs, 0),
  parameters: layers.reduce((sum, { parameters }) => sum + parameters, 0),
});

/** A network that was read from somebody else's file. */
export function inspectImport({ model, inputs, outputs }: ModelImport): Inspection {
  const shapes = new Map(model.nodes.map(({ name, shape }) => [name, shape]));
  const layers = model.nodes.map((node): InspectedLayer => {
    const constants = model.constants.get(node.name);
    const isOperator = node.kind === "dense" || node.kind === "conv";
    return {
      name: node.name,
      operator: operatorText(node),
      shape: node.shape,
      macs: isOperator ? macsOf(node, weightCount(node, shapes.get(importedInputsOf(node)[0]!)!)) : 0,
      parameters: parametersOf(node, constants),
      formats: formatsOf(node, constants),
    };
  });
  const shapeOf = ({ node }: GraphOutput): readonly number[] => shapes.get(node)!;
  return {
    name: model.name,
    format: model.format,
    inputs: inputs.map(({ name, fileShape, axes }) => ({
      name,
      shape: shapes.get(name)!,
      fileShape,
      fileAxes: axes,
    })),
    outputs: outputs.map(({ name, fileShape, axes }, i) => ({
      name,
      shape: shapeOf(model.outputs[i]!),
      fileShape,
      fileAxes: axes,
    })),
    layers,
    totals: totalsOf(layers),
  };
}

/** A model of our own language. */
export function inspectProject({ graph, training }: Project): Inspection {
  const shapes = new Map(graph.nodes.map(({ name, shape }) => [name, shape]));
  const layers = graph.nodes.map((node): InspectedLayer => {
    const input = node.kind === "input" ? node.shape : shapes.get(inputsOf(node)[0]!)!;
    const weights = node.kind === "input" ? 0 : weightCount(node, input);
    const bias = node.kind === "dense" || node.kind === "conv" ? node.units : 0;
    const quantization = training.layers[node.name];
    const range = ({ min, max }: { readonly min: number; readonly max: number }): string =>
      min === max ? `${min}` : `${min} to ${max}`;
    return {
      name: node.name,
      operator: operatorText(node),
      shape: node.shape,
      macs: node.kind === "input" ? 0 : macsOf(node, weights),
      parameters: weights + bias + (node.kind === "batchnorm" ? 4 * node.shape.at(-1)! : 0),
      formats:
        node.kind === "input"
          ? [
              `${node.stored.width} bits ${node.stored.signed ? "signed" : "unsigned"}, fraction ${node.stored.fraction}`,
            ]
          : quantization
            ? [
                `weights ${range(quantization.weights.bits)} bits`,
                `input ${range(quantization.input.bits)} bits`,
              ]
            : [],
    };
  });
  return {
    name: graph.name,
    format: "floor",
    inputs: graph.nodes.filter(({ kind }) => kind === "input").map(({ name, shape }) => ({ name, shape })),
    outputs: graph.outputs.map(({ name, node }) => ({ name, shape: shapes.get(node)! })),
    layers,
    totals: totalsOf(layers),
  };
}
