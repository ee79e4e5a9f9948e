// What can be known before training: whether the model can be built at all as its hardware section wishes. In: a project.
// Out: nothing, or the diagnostics that compiling would end with.
import { generateC } from "../c/generate.ts";
import type { Project } from "../graph/project.ts";
import { type TensorNoise, TRAINED_SCHEMA, type TrainedDense } from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { elementsOf } from "../program/program.ts";
import { scheduleProgram } from "../schedule/schedule.ts";
import { type Diagnostic, DiagnosticError } from "../support/diagnostics.ts";
import { VERSION } from "../support/version.ts";

const NO_NOISE: TensorNoise = {
  alpha: 1,
  rms: 1,
  std: 1,
  snrBits: 0,
  varyingSnrBits: 0,
  residueRms: 1,
};

/** A network of the project's shape with zero weights: folding, cycles and refusals do not depend on their values. */
function blankLayers({ graph }: Project): TrainedDense[] {
  const shapes = new Map(graph.nodes.map((node) => [node.name, node.shape]));
  return graph.nodes.flatMap((node) => {
    if (node.kind !== "dense") return [];
    const inputs = elementsOf(shapes.get(node.input)!);
    return [
      {
        node: node.name,
        units: node.units,
        inputs,
        weights: new Array<number>(node.units * inputs).fill(0),
        weightFormat: { signed: true, width: 8, fraction: 0 },
        weightNoise: NO_NOISE,
        bias: new Array<number>(node.units).fill(0),
        activationFormat: { signed: false, width: 8, fraction: 0 },
        activationNoise: NO_NOISE,
      },
    ];
  });
}

/**
 * Lowers, schedules and generates C of a blank network. Throws the DiagnosticError that compiling the trained one would
 * throw; its diagnostics name the model file.
 */
export function checkBuildable(project: Project): void {
  const score = { accuracy: 0, loss: 0 };
  try {
    const program = lower({
      schema: TRAINED_SCHEMA,
      graph: project.graph,
      layers: blankLayers(project),
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
