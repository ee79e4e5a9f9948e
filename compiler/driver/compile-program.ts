// From an integer program to the files of design/: Verilog, C, vectors, manifest, and the figures of the report. In: the
// program, hardware wishes, and what the stage before knows of it. Pure; the same input gives the same bytes.
import { generateC } from "../c/generate.ts";
import type { HardwareSpec, PartWish } from "../graph/project.ts";
import type { SampleSet } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
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
import { type SolveTask, solveFolding } from "../solve/solve.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import { type FileSet, mergeFileSets, underFolder } from "../support/file-set.ts";
import { VERSION } from "../support/version.ts";
import { targetNamed } from "../targets/targets.ts";
import { generateVerilog } from "../verilog/generate.ts";
import { tbVectors } from "../verilog/testbench.ts";
import { BUILD_FILES } from "./build-files.ts";
import { plainFraction } from "./ledger.ts";
import { answerFiles, inputFiles } from "./sample-files.ts";

/** What training found out about a layer. */
export interface LayerTraining {
  readonly weights: Pick<ReportLayer["weights"], "snrBits">;
  readonly activations: Pick<ReportLayer["activations"], "snrBits">;
  readonly pruned: NonNullable<ReportLayer["pruned"]>;
}

/** What the stage before knows of a program. */
export interface ProgramOrigin {
  /** The vectors of the design, inputs in the program's order. */
  readonly samples: SampleSet;
  /** More files with vectors, by path from the build directory: what the outputs are to be. */
  readonly known?: FileSet;
  /** Score of the values that the samples give; null: there is nothing to compare them with. */
  readonly score: ((values: ReadonlyMap<string, ArrayLike<number>>) => Score) | null;
  /** What of a layer's account the program does not say. */
  trainingOf(layer: string): LayerTraining | undefined;
  /** Of inputs and outputs, in the place of binary points. */
  readonly scales?: Manifest["scales"];
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

/** Schedules and generates. Throws DiagnosticError for what a back end does not support. */
export function compileProgram(
  program: Program,
  hardware: HardwareSpec,
  origin: ProgramOrigin,
): CompiledDesign {
  const schedule = hardware.part
    ? solveFolding(solveTaskOf(program, hardware, hardware.part)).schedule
    : scheduleProgram(program, hardware);
  const verilog = generateVerilog(program, schedule, { version: VERSION });
  const c = generateC(program, { version: VERSION });
  const { samples, scales } = origin;
  const inputs = new Map(program.inputs.map((name, i) => [name, samples.inputs[i]!.mantissas]));
  const packets = Math.min(BENCH_PACKETS, samples.count);
  const benchInputs = new Map(
    [...inputs].map(([name, mantissas]) => {
      const size = elementsOf(valueNamed(program, name).shape);
      return [name, mantissas.subarray(0, packets * size)];
    }),
  );
  const bench = tbVectors(
    program,
    verilog.manifest,
    benchInputs,
    simulate(program, benchInputs, packets).values,
  );
  const quantized = origin.score?.(simulate(program, inputs, samples.count).values);
  const result: DesignResult = {
    schema: DESIGN_RESULT_SCHEMA,
    model: program.name,
    ...(quantized ? { quantized } : {}),
    ...describe(program, origin, verilog.manifest, c.manifest),
  };
  const { design } = BUILD_FILES;
  const content = mergeFileSets(
    underFolder(design.folder, mergeFileSets(verilog.files, c.files, bench)),
    new Map<string, string | Uint8Array>([
      [design.program, printProgram(program)],
      [design.result, `${JSON.stringify(result, null, 2)}\n`],
      ...inputFiles(samples, design.inputs),
      ...answerFiles(samples, design),
      ...(origin.known ?? []),
    ]),
  );
  const manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    generator: { name: "noisefloor", version: VERSION },
    model: program.name,
    rtl: verilog.manifest,
    c: c.manifest,
    ...(scales ? { scales } : {}),
    files: Object.fromEntries(
      [...content]
        .map(([path, text]): [string, string] => [path.slice(design.folder.length + 1), sha256Of(text)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
  const files = new Map([...content, [design.manifest, `${JSON.stringify(manifest, null, 2)}\n`]]);
  return { program, manifest, result, files, warnings: schedule.diagnostics };
}

/** What the folding solver is asked for a part. */
export function solveTaskOf(
  program: Program,
  hardware: HardwareSpec,
  { target: name, goal }: PartWish,
): SolveTask {
  const target = targetNamed(name);
  compilerAssert(target, `${name} is a target`);
  return { program, target, goal, ...hardware };
}

/** Of every output of the model, in its order, the one whose sums are compared: not the class that is made of them. */
export function comparedOutputs({ outputs }: Program): readonly Program["outputs"][number][] {
  return outputs.filter((o) => o.role !== "class");
}

function describe(
  program: Program,
  { trainingOf, scales }: ProgramOrigin,
  rtl: RtlManifest,
  c: CManifest,
): Pick<DesignResult, "layers" | "totals" | "hardware" | "c"> {
  const costs = layerCosts(program);
  const layers: ReportLayer[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op !== "dense" && instruction.op !== "conv") continue;
    const { format: weights } = constantNamed(program, instruction.weights);
    const { format: input } = valueNamed(program, instruction.input);
    const cost = costs.find((k) => k.layer === instruction.layer)!;
    const training = trainingOf(instruction.layer);
    layers.push({
      name: instruction.layer,
      kind: instruction.op,
      macs: cost.macs,
      weights: { ...training?.weights, ...describeFormat(weights, !scales) },
      activations: { ...training?.activations, ...describeFormat(input, !scales) },
      accumulatorWidth: cost.accumulatorWidth,
      ...(training ? { pruned: training.pruned } : {}),
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
      // Of a model without weights there is no mean.
      meanWeightBits:
        sum((k) => k.weightBits) /
        Math.max(
          1,
          sum((k) => k.weights),
        ),
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

function describeFormat(format: Format, hasPoint: boolean): ReportLayer["weights"] {
  return {
    kind: format.kind,
    width: widthOf(format),
    ...(hasPoint ? { fraction: plainFraction(format.fraction) } : {}),
    signed: isSigned(format),
  };
}
