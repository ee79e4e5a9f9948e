// From a trained graph to the files of design/: integer program, Verilog, C, vectors, manifest. Pure; the same input
// gives the same bytes.
import { generateC } from "../c/generate.ts";
import { encodeNpy } from "../data/npy.ts";
import type { HardwareSpec, TrainingSpec } from "../graph/project.ts";
import type { Mantissas, SampleSet } from "../graph/samples.ts";
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
import { scoreOutputs } from "../train/output-losses.ts";
import { generateVerilog } from "../verilog/generate.ts";
import { tbVectors } from "../verilog/testbench.ts";
import { BUILD_FILES, portFile } from "./build-files.ts";
import { plainFraction } from "./ledger.ts";
import { answerFiles, comparedSamples, inputFiles } from "./train-project.ts";

/** The test split as training left it. */
export interface TestVectors {
  readonly samples: SampleSet;
  /** Accumulators of each output, from training's own evaluation of the frozen integers: count x elements. */
  readonly outputs: readonly Float64Array[];
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
  training: Pick<TrainingSpec, "losses" | "target">,
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
  const packets = Math.min(BENCH_PACKETS, samples.count);
  const benchInputs = new Map(
    [...inputsByName(program, samples)].map(([name, mantissas]) => {
      const size = elementsOf(valueNamed(program, name).shape);
      return [name, mantissas.subarray(0, packets * size)];
    }),
  );
  const { values } = simulate(program, benchInputs, packets);
  const bench = tbVectors(program, verilog.manifest, benchInputs, values);
  const result: DesignResult = {
    schema: DESIGN_RESULT_SCHEMA,
    model: trained.graph.name,
    quantized: scoreProgram(program, trained, samples, training),
    ...describe(program, trained, verilog.manifest, c.manifest),
  };
  const { design } = BUILD_FILES;
  const content = mergeFileSets(
    underFolder(design.folder, mergeFileSets(verilog.files, c.files, bench)),
    new Map<string, string | Uint8Array>([
      [design.program, printProgram(program)],
      [design.result, `${JSON.stringify(result, null, 2)}\n`],
      ...vectorFiles(test),
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

/** Samples of every input of the program, which has those of the graph in the same order. */
function inputsByName({ inputs }: Program, samples: SampleSet): ReadonlyMap<string, Mantissas> {
  return new Map(inputs.map((name, i) => [name, samples.inputs[i]!.mantissas]));
}

function vectorFiles({ samples, outputs }: TestVectors): [string, Uint8Array][] {
  const { design } = BUILD_FILES;
  const { count } = samples;
  return [
    ...inputFiles(samples, design.inputs),
    ...answerFiles(samples, design),
    ...outputs.map((sums, i): [string, Uint8Array] => [
      portFile(design.outputs, i),
      encodeNpy([count, sums.length / count], "int64", sums),
    ]),
  ];
}

/** Of every output of the graph, in its order, the one whose sums the loss sees. */
export function comparedOutputs({ outputs }: Program): readonly Program["outputs"][number][] {
  return outputs.filter((o) => o.role !== "class");
}

/** Score of the integer program on the test split. */
function scoreProgram(
  program: Program,
  { graph }: TrainedGraph,
  samples: SampleSet,
  training: Pick<TrainingSpec, "losses" | "target">,
): Score {
  const compared = comparedOutputs(program).map(({ value }) => value);
  const { values } = simulate(program, inputsByName(program, samples), samples.count);
  return scoreOutputs(
    training.losses,
    graph.outputs.map((output) => output.name),
    compared.map((value) => values.get(value)!),
    comparedSamples(samples, training).answers,
    samples.count,
    compared.map((value) => valueNamed(program, value).format.fraction),
  );
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
