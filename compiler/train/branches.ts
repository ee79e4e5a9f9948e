// Pruning of layers beside a skip path: a branch whose end carries no signal above its noise goes, with the sum that it
// enters. In: a frozen network. Out: the one without such branches.
import type { JoinOperand } from "../graph/branches.ts";
import { withoutOperands } from "../graph/branches.ts";
import { inputsOf } from "../graph/graph.ts";
import type { TrainingSpec } from "../graph/project.ts";
import type { RemovedLayer } from "../graph/trained-graph.ts";
import { fractionOf } from "./formats.ts";
import { bitOperationsOf, type Frozen, widthsOf } from "./limits.ts";
import { macsOf, type Network, networkOf, type Signal, weightsOf } from "./network.ts";
import type { ParameterSet } from "./optimizers.ts";
import {
  copyParameters,
  optionalVariable,
  readVariableName,
  variableName,
  variableOf,
} from "./parameters.ts";
import { audible, type SignalMoments } from "./prune.ts";
import { withNorms } from "./rounding-phase.ts";
import { readersPrune } from "./settings.ts";

/** A branch that adds nothing but a constant, which may be taken up by the layer at the end of the other one. */
interface SilentBranch {
  readonly operand: JoinOperand;
  readonly signal: number;
  /** The layer whose bias takes the constant; null where the constant rounds to 0. */
  readonly heir: number | null;
}

/** The network of a whole one's graph without these operands; batch-norms that were folded stay so. */
export function withoutBranches(whole: Network, dropped: readonly JoinOperand[]): Network {
  if (dropped.length === 0) return whole;
  return withNorms(networkOf(withoutOperands(whole.graph, dropped)), whole);
}

/**
 * The frozen network, of which nothing else was pruned yet, without branches whose end has no channel above its noise, one
 * after the other; `moments` measures a network. Gives the operands that went, and the layers.
 */
export function pruneBranches(
  start: Frozen,
  training: TrainingSpec,
  moments: (frozen: Frozen) => readonly SignalMoments[],
): { readonly frozen: Frozen; readonly operands: JoinOperand[]; readonly layers: RemovedLayer[] } {
  let frozen = start;
  const operands: JoinOperand[] = [];
  const layers: RemovedLayer[] = [];
  for (;;) {
    const measured = moments(frozen);
    const found = silentBranch(frozen, training, measured);
    if (!found) return { frozen, operands, layers };
    const next = withoutBranch(frozen, found, measured[found.signal]!.mean);
    const left = new Set(next.network.layers.map((layer) => layer.node));
    const widths = widthsOf(frozen);
    frozen.network.layers.forEach((layer, i) => {
      if (left.has(layer.node)) return;
      const bitOperations = bitOperationsOf({ ...frozen.network, layers: [layer] }, [widths[i]!]);
      layers.push({ node: layer.node, weights: weightsOf(layer), macs: macsOf(layer), bitOperations });
    });
    operands.push(found.operand);
    frozen = next;
  }
}

function silentBranch(
  frozen: Frozen,
  training: TrainingSpec,
  moments: readonly SignalMoments[],
): SilentBranch | undefined {
  const { network, formats } = frozen;
  for (const step of network.steps) {
    if (step.kind !== "join" || step.operator === "multiply" || network.outputs.includes(step.writes))
      continue;
    const [a, b] = step.operands.map((v) => network.values[v]!);
    if (a!.elements !== b!.elements) continue;
    for (const operand of step.operator === "add" ? ([1, 0] as const) : ([1] as const)) {
      const signal = onlyHere(network, step.operands[operand]!);
      if (signal === null || !readersPrune(network, training, signal)) continue;
      if (audible(moments[signal]!).length > 0) continue;
      const dropped = { join: step.node, operand };
      if (!mayGo(network, training, dropped)) continue;
      const half = 2 ** -fractionOf(formats.signals[signal]!) / 2;
      const isZero = moments[signal]!.mean.every((m) => Math.abs(m) < half);
      const heir = isZero ? null : biasBehind(frozen, step.operands[1 - operand]!);
      if (isZero || heir !== null) return { operand: dropped, signal, heir };
    }
  }
  return undefined;
}

/**
 * Whether the settings of all layers that go with an operand let them, some layer is left, every input is still read, and
 * every tensor that is left is quantized where it was, and as it was: else its format would not fit.
 */
function mayGo(before: Network, training: TrainingSpec, operand: JoinOperand): boolean {
  const graph = withoutOperands(before.graph, [operand]);
  const left = new Set(graph.nodes.map((node) => node.name));
  const gone = before.layers.filter((layer) => !left.has(layer.node));
  if (gone.length === before.layers.length) return false;
  if (!gone.every((layer) => training.layers[layer.node]!.prune)) return false;
  const read = new Set(graph.nodes.flatMap(inputsOf));
  if (!before.inputs.every(({ node }) => read.has(node.name))) return false;
  return withoutBranches(before, [operand]).signals.every((signal) => {
    const found = before.signals.find((s) => s.node === signal.node);
    return found !== undefined && found.signed === signal.signed && found.normalized === signal.normalized;
  });
}

/** The signal that is a value, where nothing but one sum reads it. */
function onlyHere({ signals, steps }: Network, value: number): number | null {
  const signal = signals.findIndex((s) => s.writes === value);
  const reads = steps.flatMap((s) => ("operands" in s ? s.operands : [s.reads]));
  return signal >= 0 && reads.filter((v) => v === value).length === 1 ? signal : null;
}

/** The layer whose bias is a constant of the value: its sums are quantized as they are, for one sum alone. */
function biasBehind({ network, parameters }: Frozen, value: number): number | null {
  const signal = onlyHere(network, value);
  if (signal === null) return null;
  const { maker, activation, normalized } = network.signals[signal]!;
  if (maker === null || activation !== "none" || normalized) return null;
  return optionalVariable(parameters, maker, "bias") ? maker : null;
}

function withoutBranch(frozen: Frozen, { operand, heir }: SilentBranch, mean: Float64Array): Frozen {
  const { network: before, formats } = frozen;
  const network = withoutBranches(before, [operand]);
  const parameters = copyParameters(frozen.parameters);
  if (heir !== null) {
    const bias = variableOf(parameters, heir, "bias");
    const isSubtracted = before.graph.nodes.find((n) => n.name === operand.join)!.kind === "subtract";
    for (let u = 0; u < bias.length; u++) bias[u] = bias[u]! + (isSubtracted ? -1 : 1) * mean[u]!;
  }
  const layerOf = (node: string): number => before.layers.findIndex((layer) => layer.node === node);
  const signalOf = (node: string): number => before.signals.findIndex((s: Signal) => s.node === node);
  return {
    network,
    parameters: renumbered(parameters, before, network),
    formats: {
      weights: network.layers.map((layer) => formats.weights[layerOf(layer.node)]!),
      signals: network.signals.map((s) => formats.signals[signalOf(s.node)]!),
    },
    kept: network.signals.map(() => null),
  };
}

/** Variables by their layers' and signals' new indices. */
function renumbered(parameters: ParameterSet, before: Network, after: Network): ParameterSet {
  const found: ParameterSet = {};
  for (const [name, values] of Object.entries(parameters)) {
    const { layer: index, variable } = readVariableName(name);
    const isOfSignal = variable === "activationLogStep" || variable === "activationLogRange";
    const [from, to] = isOfSignal ? [before.signals, after.signals] : [before.layers, after.layers];
    const place = to.findIndex(({ node }) => node === from[index]!.node);
    if (place >= 0) found[variableName(place, variable)] = values;
  }
  return found;
}
