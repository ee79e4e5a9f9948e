// A trained graph as a design. In: the frozen graph, how its outputs are compared, hardware wishes, the test split. Out: the
// files of design/.
import { encodeNpy } from "../data/npy.ts";
import type { HardwareSpec, TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score, TrainedGraph } from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { type Program, valueNamed } from "../program/program.ts";
import { compilerAssert } from "../support/assert.ts";
import { scoreOutputs } from "../train/output-losses.ts";
import { BUILD_FILES, portFile } from "./build-files.ts";
import {
  type CompiledDesign,
  comparedOutputs,
  compileProgram,
  type LayerTraining,
} from "./compile-program.ts";
import { comparedSamples } from "./train-project.ts";

/** The test split as training left it. */
export interface TestVectors {
  readonly samples: SampleSet;
  /** Accumulators of each output, from training's own evaluation of the frozen integers: count x elements. */
  readonly outputs: readonly Float64Array[];
}

/** Lowers, schedules, generates. Throws DiagnosticError for what a back end does not support. */
export function compileDesign(
  trained: TrainedGraph,
  training: Pick<TrainingSpec, "losses" | "target">,
  hardware: HardwareSpec,
  test: TestVectors,
): CompiledDesign {
  const program = lower(trained);
  const folding = keptFoldings(program, hardware);
  const { samples, outputs } = test;
  const known = outputs.map((sums, i): [string, Uint8Array] => [
    portFile(BUILD_FILES.design.outputs, i),
    encodeNpy([samples.count, sums.length / samples.count], "int64", sums),
  ]);
  return compileProgram(
    program,
    { ...hardware, folding },
    {
      samples,
      known: new Map(known),
      score: (values) => scoreValues(program, trained, samples, training, values),
      trainingOf: (layer) => trainingOf(trained, layer),
    },
  );
}

/** Foldings are written for the model's layers; some may be gone. */
export function keptFoldings(
  { instructions }: Program,
  { folding }: Pick<HardwareSpec, "folding">,
): HardwareSpec["folding"] {
  const layers = new Set(instructions.map(({ layer }) => layer));
  return Object.fromEntries(Object.entries(folding).filter(([layer]) => layers.has(layer)));
}

/** Score of the integer program on the test split. */
function scoreValues(
  program: Program,
  { graph }: TrainedGraph,
  samples: SampleSet,
  training: Pick<TrainingSpec, "losses" | "target">,
  values: ReadonlyMap<string, ArrayLike<number>>,
): Score {
  const compared = comparedOutputs(program).map(({ value }) => value);
  return scoreOutputs(
    training.losses,
    graph.outputs.map((output) => output.name),
    compared.map((value) => values.get(value)!),
    comparedSamples(samples, training).answers,
    samples.count,
    compared.map((value) => valueNamed(program, value).format.fraction),
  );
}

/** Noise of a layer, and what was pruned of it. */
function trainingOf({ layers, ledger }: TrainedGraph, name: string): LayerTraining {
  const layer = layers.find((l) => l.node === name);
  const pruned = ledger.find((l) => l.node === name)?.pruned;
  compilerAssert(layer && pruned, `layer ${name} is not trained`);
  return {
    weights: { snrBits: layer.weightNoise.snrBits },
    activations: { snrBits: layer.activationNoise.snrBits },
    pruned: { inputs: pruned.inputs, outputs: pruned.units, weights: pruned.weights },
  };
}
