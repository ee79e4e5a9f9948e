// The capacity ledger: what every layer's bits carry, cost and would be worth. In: a trained graph. Out: plain data for
// the result of training and the report.
import { type Graph, nodeNamed } from "../graph/graph.ts";
import { product, spatialOf } from "../graph/shapes.ts";
import type {
  FrozenFormat,
  TensorLedger,
  TensorNoise,
  TrainedGraph,
  TrainedLayer,
} from "../graph/trained-graph.ts";
import type { LayerAccount, RemovedLayerAccount, TensorAccount, TrainResult } from "../report/results.ts";
import { compilerAssert } from "../support/assert.ts";
import { integerRange } from "../support/fixed-point.ts";

/** A fraction as JSON has it. */
export function plainFraction(fraction: number | readonly number[]): number | number[] {
  return typeof fraction === "number" ? fraction : [...fraction];
}

/** Accounts of every layer, in the graph's order. */
export function accountsOf({ graph, layers, ledger }: TrainedGraph): LayerAccount[] {
  const bitOperations = layers.map(
    (l) => l.units * l.inputs * l.positions * l.weightFormat.width * l.activationFormat.width,
  );
  const all = bitOperations.reduce((sum, n) => sum + n, 0);
  return layers.map((layer, i) => {
    const entry = ledger.find((l) => l.node === layer.node);
    compilerAssert(entry, `the ledger has no layer ${layer.node}`);
    const { units, allocatedUnits, ...pruned } = entry.pruned;
    const elements = enteringElements(graph, layer);
    return {
      name: layer.node,
      macs: layer.units * layer.inputs * layer.positions,
      bitOperations: bitOperations[i]!,
      share: bitOperations[i]! / all,
      weights: accountOf(layer.weightFormat, layer.weightNoise, entry.weights),
      activations: {
        ...accountOf(layer.activationFormat, layer.activationNoise, entry.activations),
        elements,
        informationBits: Math.max(0, layer.activationNoise.varyingSnrBits ?? 0) * elements,
      },
      pruned: { ...pruned, outputs: units, allocatedOutputs: allocatedUnits },
    };
  });
}

/** Elements that enter a layer: its inputs, or those of a convolution's whole input. */
function enteringElements(graph: Graph, { node: name, inputs }: TrainedLayer): number {
  const node = nodeNamed(graph, name);
  if (node.kind !== "conv") return inputs;
  const positions = product(spatialOf(nodeNamed(graph, node.input).shape));
  return (positions * node.groups * inputs) / product(node.kernel);
}

/** Layers that went with their branches. */
export function removedAccounts({ removed }: TrainedGraph): RemovedLayerAccount[] {
  return removed.map(({ node, ...account }) => ({ name: node, ...account }));
}

/** The outcome as the result of training has it. */
export function plainOutcome({ outcome }: TrainedGraph): TrainResult["outcome"] {
  return { ...outcome, limits: outcome.limits.map((limit) => ({ ...limit })) };
}

function accountOf(format: FrozenFormat, noise: TensorNoise, { more, less }: TensorLedger): TensorAccount {
  const { kind, width, fraction, signed } = format;
  return {
    kind,
    width,
    fraction: plainFraction(fraction),
    signed,
    ...valuesOf(format),
    ...noise,
    more,
    less,
  };
}

/** Least and largest value; of the channel with the coarsest step where they differ. */
function valuesOf({ kind, signed, width, fraction }: FrozenFormat): {
  readonly min: number;
  readonly max: number;
} {
  const { min, max } = kind === "bipolar" ? { min: -1, max: 1 } : integerRange(width, signed);
  const step = 2 ** -(typeof fraction === "number" ? fraction : Math.min(...fraction));
  return { min: min * step, max: max * step };
}
