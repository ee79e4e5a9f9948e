// From a trained graph to the files of design/: integer program, Verilog, C, vectors, manifest. Pure; the same input
// gives the same bytes.
import { generateC } from "../c/generate.ts";
import { encodeNpy } from "../data/npy.ts";
import type { HardwareSpec, TrainingSpec } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score, TrainedGraph } from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { layerCosts } from "../program/cost.ts";
import { type CManifest, MANIFEST_SCHEMA, type Manifest, type RtlManifest } from "../program/manifest.ts";
import { printProgram } from "../program/print.ts";
import {
  constantNamed,
  elementsOf,
  type Format,
  isSigned,
  type Program,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import { DESIGN_RESULT_SCHEMA, type DesignResult, type ReportLayer } from "../report/results.ts";
import { scheduleProgram } from "../schedule/schedule.ts";
import { simulate } from "../sim/simulate.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import { type FileSet, mergeFileSets, underFolder } from "../support/file-set.ts";
import { VERSION } from "../support/version.ts";
import { scoreOf } from "../train/losses.ts";
import { generateVerilog } from "../verilog/generate.ts";
import { tbVectors } from "../verilog/testbench.ts";
import { BUILD_FILES } from "./build-files.ts";
import { plainFraction } from "./ledger.ts";
import { answerFiles, comparedSamples } from "./train-project.ts";

/** The test split as training left it. */
export interface TestVectors {
  readonly samples: SampleSet;
  /** Accumulators of the last layer, from training's own evaluation of the frozen integers: count x units. */
  readonly outputs: Float64Array;
}

export interface CompiledDesign {
  readonly program: Program;
  readonly manifest: Manifest;
  readonly result: DesignResult;
  /** Paths from the build directory, all under design/. */
  readonly files: FileSet;
  readonly warnings: readonly Diagnostic[];
}

/** Packets that the plain test bench under tb/ plays. */
const BENCH_PACKETS = 8;

/** Lowers, schedules, generates. Throws DiagnosticError for what a back end does not support. */
export function compileDesign(
  trained: TrainedGraph,
  training: Pick<TrainingSpec, "loss" | "target">,
  hardware: HardwareSpec,
  test: TestVectors,
): CompiledDesign {
  const program = lower(trained);
  // Foldings are written for the model's layers; some may be gone.
  const removed = new Set(trained.removed.map((layer) => layer.node));
  const folding = Object.fromEntries(
    Object.entries(hardware.folding).filter(([layer]) => !removed.has(layer)),
  );
  const schedule = scheduleProgram(program, { ...hardware, folding });
  const verilog = generateVerilog(program, schedule, { version: VERSION });
  const c = generateC(program, { version: VERSION });
  const { samples } = test;
  const inputName = program.inputs[0]!;
  const size = elementsOf(valueNamed(program, inputName).shape);
  const packets = Math.min(BENCH_PACKETS, samples.count);
  const benchInputs = new Map([[inputName, samples.inputs.subarray(0, packets * size)]]);
  const { values } = simulate(program, benchInputs, packets);
  const bench = tbVectors(program, verilog.manifest, benchInputs, values);
  const result: DesignResult = {
    schema: DESIGN_RESULT_SCHEMA,
    model: trained.graph.name,
    quantized: scoreProgram(program, samples, training),
    ...describe(program, trained, verilog.manifest, c.manifest),
  };
  const { design } = BUILD_FILES;
  const content = mergeFileSets(
    underFolder(design.folder, mergeFileSets(verilog.files, c.files, bench)),
    new Map<string, string | Uint8Array>([
      [design.program, printProgram(program)],
      [design.result, `${JSON.stringify(result, null, 2)}\n`],
      ...vectorFiles(program, test),
    ]),
  );
  const manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    generator: { name: "noisefloor", version: VERSION },
    model: trained.graph.name,
    rtl: verilog.manifest,
    c: c.manifest,
    files: Object.fromEntries(
      [...content]
        .map(([path, text]): [string, string] => [path.slice(design.folder.length + 1), sha256Of(text)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
  const files = new Map([...content, [design.manifest, `${JSON.stringify(manifest, null, 2)}\n`]]);
  return { program, manifest, result, files, warnings: schedule.diagnostics };
}

function vectorFiles(program: Program, { samples, outputs }: TestVectors): [string, Uint8Array][] {
  const { design } = BUILD_FILES;
  const { count, inputs } = samples;
  const input = valueNamed(program, program.inputs[0]!);
  const signed = isSigned(input.format);
  const dtype = widthOf(input.format) <= 8 ? (signed ? "int8" : "uint8") : signed ? "int16" : "uint16";
  return [
    [design.inputs, encodeNpy([count, ...input.shape], dtype, inputs)],
    ...answerFiles(samples, design),
    [design.outputs, encodeNpy([count, outputs.length / count], "int64", outputs)],
  ];
}

/** The output whose sums the loss sees. */
export function comparedOutput({ outputs }: Program): Program["outputs"][number] {
  return outputs.find((o) => o.role === "logits") ?? outputs[0]!;
}

/** Score of the integer program on the test split. */
function scoreProgram(
  program: Program,
  samples: SampleSet,
  training: Pick<TrainingSpec, "loss" | "target">,
): Score {
  const { value } = comparedOutput(program);
  const { format, shape } = valueNamed(program, value);
  const { values } = simulate(program, new Map([[program.inputs[0]!, samples.inputs]]), samples.count);
  const { labels, targets } = comparedSamples(samples, training);
  const compared = { labels, values: targets };
  return scoreOf(training.loss, values.get(value)!, elementsOf(shape), compared, format.fraction);
}

function describe(
  program: Program,
  trained: TrainedGraph,
  rtl: RtlManifest,
  c: CManifest,
): Pick<DesignResult, "layers" | "totals" | "hardware" | "c"> {
  const costs = layerCosts(program);
  const layers: ReportLayer[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op !== "dense" && instruction.op !== "conv") continue;
    const weights = constantNamed(program, instruction.weights).format;
    const input = valueNamed(program, instruction.input).format;
    const cost = costs.find((k) => k.layer === instruction.layer)!;
    const layer = trained.layers.find((l) => l.node === instruction.layer);
    const pruned = trained.ledger.find((l) => l.node === instruction.layer)?.pruned;
    compilerAssert(layer && pruned, `layer ${instruction.layer} is not trained`);
    layers.push({
      name: instruction.layer,
      kind: instruction.op,
      macs: cost.macs,
      weights: { snrBits: layer.weightNoise.snrBits, ...describeFormat(weights) },
      activations: { snrBits: layer.activationNoise.snrBits, ...describeFormat(input) },
      accumulatorWidth: cost.accumulatorWidth,
      pruned: { inputs: pruned.inputs, outputs: pruned.units, weights: pruned.weights },
    });
  }
  const sum = (pick: (cost: (typeof costs)[number]) => number): number =>
    costs.reduce((total, cost) => total + pick(cost), 0);
  return {
    layers,
    totals: {
      parameters: sum((k) => k.parameters),
      weightBits: sum((k) => k.weightBits),
      biasBits: sum((k) => k.biasBits),
      meanWeightBits: sum((k) => k.weightBits) / sum((k) => k.weights),
      bitOperations: sum((k) => k.bitOperations),
      ebops: sum((k) => k.ebops),
    },
    hardware: {
      architecture: rtl.architecture,
      latencyCycles: rtl.latencyCycles,
      intervalCycles: rtl.intervalCycles,
      clockMHz: rtl.clockMHz,
    },
    c: { ramBytes: c.ramBytes, flashBytes: c.flashBytes },
  };
}

function describeFormat(format: Format): Omit<ReportLayer["weights"], "snrBits"> {
  return {
    kind: format.kind,
    width: widthOf(format),
    fraction: plainFraction(format.fraction),
    signed: isSigned(format),
  };
}
