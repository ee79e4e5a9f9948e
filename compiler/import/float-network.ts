// A float model of somebody else's as a graph of the language's operators with its weights. In: an imported model that
// states no quantizers, and the integers at its inputs. Out: graph and first weights, or everything that has no place there.

import type { Expression, FunctionName } from "../graph/expression.ts";
import {
  type FloatNetwork,
  type ImportedInputValues,
  type LayerWeights,
  NORM_FLOOR,
  type NormWeights,
} from "../graph/first-weights.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { EluNode, ImportedModel } from "../graph/imported.ts";
import { graphProblems } from "../graph/verify.ts";
import { createCollector, type DiagnosticCollector, fail } from "../support/diagnostics.ts";
import {
  byChannel,
  bypass,
  channelsOf,
  type Draft,
  type DraftConstants,
  type DraftNode,
  draftOf,
  isFlat,
  prune,
  readersOf,
  readings,
  withInputs,
} from "./draft.ts";
import { affineOfNorm, foldAffines } from "./fold-affine.ts";

type NormNode = DraftNode & { readonly kind: "norm" };

/** Activations whose batch-norm may become thresholds: it stays a node of its own before them. */
const COMPARING: readonly DraftNode["kind"][] = ["relu", "hardtanh", "step", "sign"];
const ACTIVATIONS: readonly DraftNode["kind"][] = [
  ...COMPARING,
  "relu6",
  "leaky_relu",
  "hardsigmoid",
  "hardswish",
  "sigmoid",
  "tanh",
  "elu",
  "curve",
];

/**
 * Makes the network. Batch-norms right behind a layer and before an activation stay batch-norms with the file's statistics;
 * all other norms and affines become part of weights and biases. Throws diagnostics `import/...`.
 */
export function floatNetworkOf(
  model: ImportedModel,
  valuesOf: (input: string) => ImportedInputValues,
): FloatNetwork {
  const problems = createCollector();
  const draft = draftOf(model, problems);
  problems.throwIfErrors();
  prune(draft!);
  scaleInputs(draft!, valuesOf);
  const kept = normsAsAffines(draft!);
  foldAffines(draft!, problems);
  for (const output of draft!.outputs) endAtSums(draft!, output.node);
  checkOutputs(draft!, problems);
  problems.throwIfErrors();
  const graph = graphOf(model, draft!, valuesOf);
  const found = graphProblems(graph);
  if (found.length > 0) fail("import/bad-graph", { model: model.name, problems: found });
  return { graph, weights: weightsOf(draft!, kept) };
}

/** An affine behind every input whose step is no power of two: the values that the file means. */
function scaleInputs(draft: Draft, valuesOf: (input: string) => ImportedInputValues): void {
  const nodes = [...draft.nodes.values()];
  draft.nodes.clear();
  const scaled = new Map<string, string>();
  for (const node of nodes) {
    draft.nodes.set(
      node.name,
      withInputs(node, (input) => scaled.get(input) ?? input),
    );
    if (node.kind !== "input") continue;
    const { scale } = valuesOf(node.name);
    if (scale === 1) continue;
    const { shape, origin } = node;
    const name = `${node.name} scaled`;
    const [gain, offset] = [Float64Array.of(scale), Float64Array.of(0)];
    draft.nodes.set(name, { kind: "affine", name, shape, origin, input: node.name, gain, offset });
    scaled.set(node.name, name);
  }
}

/** Turns norms that no batch-norm of the language can be into affines. The names of those that stay. */
function normsAsAffines(draft: Draft): Set<string> {
  const kept = new Set<string>();
  for (const [name, node] of draft.nodes) {
    if (node.kind !== "norm") continue;
    const before = draft.nodes.get(node.input)!;
    const [only, ...others] = readersOf(draft, name);
    const isBehind = (before.kind === "dense" || before.kind === "conv") && readings(draft, node.input) === 1;
    if (
      isBehind &&
      only &&
      COMPARING.includes(only.kind) &&
      others.length === 0 &&
      readings(draft, name) === 1
    ) {
      kept.add(name);
      continue;
    }
    const { shape, origin, input } = node;
    draft.nodes.set(name, {
      kind: "affine",
      name,
      shape,
      origin,
      input,
      ...affineOfNorm(node, channelsOf(node)),
    });
  }
  return kept;
}

/** An output that only gives sums another shape is those sums: its elements come in the same order. */
function endAtSums(draft: Draft, name: string): void {
  const node = draft.nodes.get(name)!;
  if (node.kind === "argmax") {
    const before = draft.nodes.get(node.input)!;
    if (before.kind !== "flatten" || readings(draft, before.name) > 1) return;
    const sums = draft.nodes.get(before.input)!;
    if (!isFlat(sums)) return;
    bypass(draft, before.name);
    draft.nodes.set(name, { ...node, input: sums.name, shape: sums.shape.with(-1, 1) });
    return;
  }
  if ((node.kind !== "flatten" && node.kind !== "reshape") || readings(draft, name) > 1) return;
  const { input } = node;
  bypass(draft, name);
  endAtSums(draft, input);
}

function checkOutputs(draft: Draft, problems: DiagnosticCollector): void {
  for (const { node: name } of draft.outputs) {
    const output = draft.nodes.get(name)!;
    const last = output.kind === "argmax" ? draft.nodes.get(output.input)! : output;
    if (!ACTIVATIONS.includes(last.kind)) continue;
    problems.add(
      "import/output-activation",
      { node: last.name, kind: last.kind },
      { file: last.origin.file },
    );
  }
}

function graphOf(
  { name }: ImportedModel,
  { nodes, outputs }: Draft,
  valuesOf: (input: string) => ImportedInputValues,
): Graph {
  return {
    name,
    outputs,
    nodes: [...nodes.values()].map((node): Node => {
      if (node.kind === "norm") {
        const { name, shape, origin, input } = node;
        return { kind: "batchnorm", name, shape, origin, input };
      }
      if (node.kind === "input") return { ...node, stored: node.stored ?? valuesOf(node.name).stored };
      if (node.kind === "elu") return curveOfElu(node);
      // No affine is left.
      return node as Exclude<typeof node, { kind: "affine" }>;
    }),
  };
}

/** scale * (max(x, 0) + alpha * (exp(min(x, 0)) - 1)) */
function curveOfElu({ name, shape, origin, input, alpha, scale }: EluNode): Node {
  const call = (name: FunctionName, ...args: readonly Expression[]): Expression => ({
    kind: "call",
    name,
    args,
  });
  const number = (value: number): Expression => ({ kind: "number", value });
  const x: Expression = { kind: "x" };
  const below = call("subtract", call("exp", call("min", x, number(0))), number(1));
  const body = call(
    "multiply",
    number(scale),
    call("add", call("max", x, number(0)), call("multiply", number(alpha), below)),
  );
  const formula = `${scale} * (max(x, 0) + ${alpha} * (exp(min(x, 0)) - 1))`;
  return { kind: "curve", name, shape, origin, input, formula, body };
}

function weightsOf(draft: Draft, kept: ReadonlySet<string>): Map<string, LayerWeights> {
  const weights = new Map<string, LayerWeights>();
  for (const [name, node] of draft.nodes) {
    if (node.kind !== "dense" && node.kind !== "conv") continue;
    const constants = draft.constants.get(name)!;
    const norm = readersOf(draft, name).find((reader) => kept.has(reader.name)) as NormNode | undefined;
    weights.set(
      name,
      norm
        ? withNorm(constants, norm)
        : {
            weights: Float32Array.from(constants.weights),
            bias: Float32Array.from(constants.bias),
            norm: null,
          },
    );
  }
  return weights;
}

/**
 * Weights with a batch-norm behind them that has the language's variance floor and gains above 0: a unit with a negative
 * gain is turned around with its sums, one without a gain is its shift.
 */
function withNorm({ weights, bias }: DraftConstants, norm: NormNode): LayerWeights {
  const units = bias.length;
  const inputs = weights.length / units;
  const [scale, shift, mean, variance] = [norm.scale, norm.bias, norm.mean, norm.variance].map((values) =>
    byChannel(values, units),
  );
  const turned = Float32Array.from(weights);
  const out: NormWeights = {
    gain: new Float32Array(units),
    shift: Float32Array.from(shift!),
    mean: new Float32Array(units),
    variance: new Float32Array(units),
  };
  for (let u = 0; u < units; u++) {
    const deviation = Math.sqrt(variance![u]! + norm.epsilon);
    const sign = Math.sign(scale![u]!);
    out.variance[u] = Math.max(0, variance![u]! + norm.epsilon - NORM_FLOOR);
    out.gain[u] =
      sign === 0 ? 1 : (Math.abs(scale![u]!) * Math.sqrt(out.variance[u]! + NORM_FLOOR)) / deviation;
    out.mean[u] = sign * (mean![u]! - bias[u]!);
    for (let k = u * inputs; k < (u + 1) * inputs; k++) turned[k] = sign * turned[k]! + 0;
  }
  return { weights: turned, bias: null, norm: out };
}
