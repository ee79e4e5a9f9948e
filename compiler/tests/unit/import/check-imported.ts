// The rules that every imported network keeps, as sentences of what is broken.
import type { ImportedModel, ImportedNode } from "../../../graph/imported.ts";
import { importedInputsOf } from "../../../graph/imported.ts";
import { inferShape, product } from "../../../graph/shapes.ts";

const KEEPS_SHAPE = ["norm", "affine", "quantize", "multithreshold", "trunc", "elu", "lookup"];

export function importedProblems({ nodes, constants, outputs }: ImportedModel): readonly string[] {
  const problems: string[] = [];
  const shapes = new Map<string, readonly number[]>();
  for (const node of nodes) {
    const problem = (text: string): void => {
      problems.push(`${node.name} (${node.kind}): ${text}`);
    };
    if (node.name === "" || shapes.has(node.name)) problem("is no name of its own");
    const inputs = importedInputsOf(node).map((name) => shapes.get(name));
    if (inputs.includes(undefined)) problem("reads what does not come before it");
    else problems.push(...shapeProblems(node, inputs as (readonly number[])[]));
    shapes.set(node.name, node.shape);
    const own = constants.get(node.name);
    if ((own !== undefined) !== (node.kind === "dense" || node.kind === "conv"))
      problem("has constants, or none");
    if (own && (node.kind === "dense" || node.kind === "conv")) {
      const { weights, bias, weightQuantizer, biasQuantizer } = own;
      const channels = inputs[0]!.at(-1)!;
      const each =
        node.kind === "dense" ? product(inputs[0]!) : (product(node.kernel) * channels) / node.groups;
      if (weights.length !== node.units * each) problem(`has ${weights.length} weights`);
      if (bias && bias.length !== node.units) problem(`has ${bias.length} biases`);
      for (const quantizer of [weightQuantizer, biasQuantizer])
        if (quantizer && ![1, node.units].includes(quantizer.scale.length))
          problem("has scales that fit no unit");
    }
    for (const list of listsOf(node))
      if (list.length !== 1 && list.length !== node.shape.at(-1))
        problem(`has ${list.length} numbers for its channels`);
  }
  if (outputs.length === 0) problems.push("there is no output");
  for (const { node } of outputs) if (!shapes.has(node)) problems.push(`the output ${node} is no node`);
  return problems;
}

function listsOf(node: ImportedNode): readonly Float64Array[] {
  if (node.kind === "norm") return [node.scale, node.bias, node.mean, node.variance];
  if (node.kind === "affine") return [node.gain, node.offset, ...(node.divisor ? [node.divisor] : [])];
  if (node.kind === "trunc") return [node.scale, node.zeroPoint];
  if (node.kind !== "quantize") return [];
  const { quantizer } = node;
  return quantizer.kind === "int" ? [quantizer.scale, quantizer.zeroPoint] : [quantizer.scale];
}

function shapeProblems(node: ImportedNode, inputs: readonly (readonly number[])[]): readonly string[] {
  const text = node.shape.join("x");
  if (node.kind === "input") return product(node.shape) >= 1 ? [] : [`${node.name} has the shape ${text}`];
  if (node.kind === "select") {
    const [size = 0, ...more] = inputs[0]!;
    const isLegal = node.indices.every((index, i) => index > (node.indices[i - 1] ?? -1) && index < size);
    const fits = more.length === 0 && node.indices.length > 0 && text === String(node.indices.length);
    return isLegal && fits ? [] : [`${node.name} selects ${node.indices.join()} of ${size}`];
  }
  const isPlain = KEEPS_SHAPE.includes(node.kind);
  const result = isPlain ? { shape: inputs[0]! } : inferShape(node as never, inputs);
  if ("problems" in result) return result.problems.map(({ code }) => `${node.name}: ${code}`);
  return result.shape.join("x") === text
    ? []
    : [`${node.name} has the shape ${text}, but makes ${result.shape.join("x")}`];
}
