// What can be known before training: whether the model can be built at all as its hardware section wishes. In: a project.
// Out: nothing, or the diagnostics that compiling would end with.
import { generateC } from "../c/generate.ts";
import type { Project, TrainingSpec } from "../graph/project.ts";
import {
  type Entry,
  type FrozenFormat,
  type Score,
  type TensorNoise,
  TRAINED_SCHEMA,
  type TrainedGraph,
} from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { checkSchedule } from "../schedule/schedule.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { integerRange } from "../support/fixed-point.ts";
import { VERSION } from "../support/version.ts";
import { foldedNetwork } from "../train/fold.ts";
import { type Layer, type Network, networkOf, type Signal } from "../train/network.ts";
import { firstReader, fixedSignal, hasThresholds, signalWidths } from "../train/settings.ts";
import { valueFormats } from "../train/value-formats.ts";
import { placed } from "./places.ts";

const NO_NOISE: TensorNoise = {
  alpha: 1,
  rms: 1,
  std: 1,
  snrBits: 0,
  varyingSnrBits: 0,
  residueRms: 1,
};

/** The widest format that a signal may get. A hard-tanh ends at 1. */
function signalFormat(network: Network, training: TrainingSpec, s: number): FrozenFormat {
  const signal = network.signals[s]!;
  const width = signalWidths(network, training, s).max;
  const fraction = signal.activation === "hardtanh" ? width - 1 : 0;
  return fixedSignal(signal) ?? { kind: "int", signed: signal.signed, width, fraction };
}

/** The weights' widest format; units with steps of their own have two, but for outputs, which are compared. */
function weightFormat(layer: Layer, training: TrainingSpec, isOutput: boolean): FrozenFormat {
  const { bits, granularity } = training.layers[layer.node]!.weights;
  const perUnit = granularity.kind === "channel" && !isOutput;
  const fraction = perUnit ? Array.from({ length: layer.units }, (_, u) => u % 2) : 0;
  return bits.max === 1
    ? { kind: "bipolar", signed: false, width: 1, fraction: 0 }
    : { kind: "int", signed: true, width: bits.max, fraction };
}

function entryOf(
  { steps }: Network,
  signal: Signal,
  format: FrozenFormat,
  entering: FrozenFormat | null,
): Entry {
  const isCurve = steps.find((s) => s.writes === signal.reads)?.kind === "curve";
  if (isCurve) return { kind: "table", table: new Array<number>(2 ** entering!.width).fill(0) };
  if (!hasThresholds(signal)) return { kind: "requantize", relu: signal.activation === "relu" };
  const levels = 2 ** format.width - 1;
  const base = format.kind === "bipolar" ? 0 : integerRange(format.width, format.signed).min;
  const thresholds = Array.from({ length: signal.channels * levels }, (_, i) => i % levels);
  return { kind: "threshold", base, levels, thresholds };
}

/** Layers and signals of the project's shape with zero weights: folding, cycles and refusals do not depend on their values. */
function blankNetwork({ graph, training }: Project): Pick<TrainedGraph, "layers" | "signals"> {
  const network = foldedNetwork(networkOf(graph), training);
  const formats = network.signals.map((_, s) => signalFormat(network, training, s));
  const values = valueFormats(network, formats);
  const compared = new Set(network.signals.filter(hasThresholds).map((s) => s.maker));
  return {
    layers: network.layers.map((layer, i) => ({
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      positions: layer.positions,
      keptUnits: null,
      weights: new Array<number>(layer.units * layer.inputs).fill(0),
      weightFormat: weightFormat(layer, training, network.outputs.includes(layer.writes)),
      weightNoise: NO_NOISE,
      bias: compared.has(i) ? null : new Array<number>(layer.units).fill(0),
      activationFormat: values[layer.reads]!,
      activationNoise: NO_NOISE,
    })),
    signals: network.signals.map((signal, s) => {
      const before = network.steps.find((step) => step.writes === signal.reads);
      const entering = before?.kind === "curve" ? values[before.reads]! : null;
      return {
        node: signal.node,
        reader: firstReader(network, s),
        entry: entryOf(network, signal, formats[s]!, entering),
        format: formats[s]!,
      };
    }),
  };
}

/**
 * Lowers, schedules and generates C of a blank network whose tensors are as wide as they may become. Throws the
 * DiagnosticError that compiling the trained one would throw; its diagnostics have the line of the node, or the model file.
 */
export function checkBuildable(project: Project): void {
  const score: Score = { accuracy: null, loss: 0 };
  try {
    const program = lower({
      schema: TRAINED_SCHEMA,
      graph: project.graph,
      removed: [],
      keptInputs: project.graph.nodes.filter((n) => n.kind === "input").map(() => null),
      ...blankNetwork(project),
      ledger: [],
      outcome: { objective: "budget", bound: "", limits: [], difference: null },
      seed: 0,
      backend: "none",
      bitOperations: 0,
      validation: { float: score, quantized: score },
    });
    checkSchedule(program, project.hardware);
    generateC(program, { version: VERSION });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const named = placed(project, error.diagnostics).map(
      (d): Diagnostic => (d.span || d.file !== undefined ? d : { ...d, file: project.source.name }),
    );
    throw new DiagnosticError(named);
  }
}
