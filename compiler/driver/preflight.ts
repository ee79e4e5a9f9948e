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
  type TrainedDense,
} from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { scheduleProgram } from "../schedule/schedule.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { integerRange } from "../support/fixed-point.ts";
import { VERSION } from "../support/version.ts";
import { type ChainLayer, chainOf } from "../train/chain.ts";
import { fixedActivation, mostActivationBits } from "../train/freeze.ts";

const NO_NOISE: TensorNoise = {
  alpha: 1,
  rms: 1,
  std: 1,
  snrBits: 0,
  varyingSnrBits: 0,
  residueRms: 1,
};

/** The widest format that the entering tensor may get. A hard-tanh ends at 1. */
function activationFormat(layer: ChainLayer, training: TrainingSpec): FrozenFormat {
  const fixed = fixedActivation(layer);
  if (fixed) return fixed;
  const width = mostActivationBits(layer, training.layers[layer.node]!.input.bits.max);
  const fraction = layer.activation === "hardtanh" ? width - 1 : 0;
  return { kind: "int", signed: layer.signed, width, fraction };
}

/** The weights' widest format; units with steps of their own have two, but for the last layer, whose sums are compared. */
function weightFormat(layer: ChainLayer, training: TrainingSpec, isLast: boolean): FrozenFormat {
  const { bits, granularity } = training.layers[layer.node]!.weights;
  const perUnit = granularity.kind === "channel" && !isLast;
  const fraction = perUnit ? Array.from({ length: layer.units }, (_, u) => u % 2) : 0;
  return bits.max === 1
    ? { kind: "bipolar", signed: false, width: 1, fraction: 0 }
    : { kind: "int", signed: true, width: bits.max, fraction };
}

/** Whether thresholds make the entering tensor, of the sums before it with their bias or batch-norm. */
function hasThresholds({ activation, enteringNormalized }: ChainLayer): boolean {
  return enteringNormalized || activation === "sign" || activation === "step";
}

function entryOf(layer: ChainLayer, format: FrozenFormat): Entry {
  if (!hasThresholds(layer)) return { kind: "requantize", relu: layer.activation === "relu" };
  const levels = 2 ** format.width - 1;
  const base = format.kind === "bipolar" ? 0 : integerRange(format.width, format.signed).min;
  const thresholds = Array.from({ length: layer.inputs * levels }, (_, i) => i % levels);
  return { kind: "threshold", base, levels, thresholds };
}

/** A network of the project's shape with zero weights: folding, cycles and refusals do not depend on their values. */
function blankLayers({ graph, training }: Project): TrainedDense[] {
  const { layers } = chainOf(graph);
  return layers.map((layer, i) => {
    const next = layers[i + 1];
    const format = activationFormat(layer, training);
    return {
      node: layer.node,
      units: layer.units,
      inputs: layer.inputs,
      keptInputs: null,
      keptUnits: null,
      entry: entryOf(layer, format),
      weights: new Array<number>(layer.units * layer.inputs).fill(0),
      weightFormat: weightFormat(layer, training, next === undefined),
      weightNoise: NO_NOISE,
      bias: next && hasThresholds(next) ? null : new Array<number>(layer.units).fill(0),
      activationFormat: format,
      activationNoise: NO_NOISE,
    };
  });
}

/**
 * Lowers, schedules and generates C of a blank network whose tensors are as wide as they may become. Throws the DiagnosticError that compiling the trained one would
 * throw; its diagnostics name the model file.
 */
export function checkBuildable(project: Project): void {
  const score: Score = { accuracy: null, loss: 0 };
  try {
    const program = lower({
      schema: TRAINED_SCHEMA,
      graph: project.graph,
      layers: blankLayers(project),
      ledger: [],
      outcome: { objective: "budget", bound: "", limits: [], difference: null },
      seed: 0,
      backend: "none",
      bitOperations: 0,
      validation: { float: score, quantized: score },
    });
    scheduleProgram(program, project.hardware);
    generateC(program, { version: VERSION });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const named = error.diagnostics.map(
      (d): Diagnostic => (d.span || d.file !== undefined ? d : { ...d, file: project.source.name }),
    );
    throw new DiagnosticError(named);
  }
}
