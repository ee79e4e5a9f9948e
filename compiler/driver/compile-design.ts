// From a trained graph to the files of design/: integer program, Verilog, C, vectors, manifest. Pure; the same input
// gives the same bytes.
import { generateC } from "../c/generate.ts";
import { encodeNpy } from "../data/npy.ts";
import type { HardwareSpec } from "../graph/project.ts";
import type { TrainedGraph } from "../graph/trained-graph.ts";
import { lower } from "../lower/lower.ts";
import { layerCosts } from "../program/cost.ts";
import { type CManifest, MANIFEST_SCHEMA, type Manifest, type RtlManifest } from "../program/manifest.ts";
import { printProgram } from "../program/print.ts";
import {
  constantNamed,
  elementsOf,
  isSigned,
  type Program,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import {
  DESIGN_RESULT_SCHEMA,
  type DesignResult,
  type ReportLayer,
  type TrainResult,
} from "../report/results.ts";
import { scheduleProgram } from "../schedule/schedule.ts";
import { simulate } from "../sim/simulate.ts";
import { compilerAssert } from "../support/assert.ts";
import type { Diagnostic } from "../support/diagnostics.ts";
import { sha256Of } from "../support/digest.ts";
import { type FileSet, mergeFileSets, underFolder } from "../support/file-set.ts";
import { VERSION } from "../support/version.ts";
import { scoreOf } from "../train/cross-entropy.ts";
import { generateVerilog } from "../verilog/generate.ts";
import { tbVectors } from "../verilog/testbench.ts";
import { BUILD_FILES } from "./build-files.ts";

/** The test split as training left it. */
export interface TestVectors {
  readonly count: number;
  readonly inputs: Uint8Array | Int8Array | Uint16Array | Int16Array;
  readonly labels: Int32Array;
  /** Accumulators of the last layer, from training's own evaluation of the frozen integers: count x classes. */
  readonly logits: Float64Array;
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
  noise: TrainResult["noise"],
  hardware: HardwareSpec,
  test: TestVectors,
): CompiledDesign {
  const program = lower(trained);
  const schedule = scheduleProgram(program, hardware);
  const verilog = generateVerilog(program, schedule, { version: VERSION });
  const c = generateC(program, { version: VERSION });
  const scored = scoreProgram(program, test);
  const inputName = program.inputs[0]!;
  const size = elementsOf(valueNamed(program, inputName).shape);
  const packets = Math.min(BENCH_PACKETS, test.count);
  const benchInputs = new Map([[inputName, test.inputs.subarray(0, packets * size)]]);
  const { values } = simulate(program, benchInputs, packets);
  const bench = tbVectors(program, verilog.manifest, benchInputs, values);
  const result: DesignResult = {
    schema: DESIGN_RESULT_SCHEMA,
    model: trained.graph.name,
    quantized: scored,
    ...describe(program, noise, verilog.manifest, c.manifest),
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

function vectorFiles(program: Program, test: TestVectors): [string, Uint8Array][] {
  const { design } = BUILD_FILES;
  const input = valueNamed(program, program.inputs[0]!);
  const signed = isSigned(input.format);
  const dtype = widthOf(input.format) <= 8 ? (signed ? "int8" : "uint8") : signed ? "int16" : "uint16";
  return [
    [design.inputs, encodeNpy([test.count, ...input.shape], dtype, test.inputs)],
    [design.labels, encodeNpy([test.count], "int32", test.labels)],
    [design.logits, encodeNpy([test.count, test.logits.length / test.count], "int64", test.logits)],
  ];
}

/** Score of the integer program on the test split. */
function scoreProgram(program: Program, test: TestVectors): { accuracy: number; loss: number } {
  const logits = program.outputs.find((o) => o.role === "logits") ?? program.outputs[0]!;
  const { format } = valueNamed(program, logits.value);
  compilerAssert(typeof format.fraction === "number", "logits have one fraction");
  const { values } = simulate(program, new Map([[program.inputs[0]!, test.inputs]]), test.count);
  const classes = elementsOf(valueNamed(program, logits.value).shape);
  return scoreOf(values.get(logits.value)!, test.labels, classes, format.fraction);
}

function describe(
  program: Program,
  noise: TrainResult["noise"],
  rtl: RtlManifest,
  c: CManifest,
): Pick<DesignResult, "layers" | "totals" | "hardware" | "c"> {
  const costs = layerCosts(program);
  const layers: ReportLayer[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op !== "dense") continue;
    const weights = constantNamed(program, instruction.weights).format;
    const input = valueNamed(program, instruction.input).format;
    const cost = costs.find((k) => k.layer === instruction.layer)!;
    const snr = noise[instruction.layer];
    compilerAssert(snr, `no noise figures of layer ${instruction.layer}`);
    const plain = (fraction: number | readonly number[]): number | number[] =>
      typeof fraction === "number" ? fraction : [...fraction];
    layers.push({
      name: instruction.layer,
      kind: instruction.op,
      macs: cost.macs,
      weights: {
        snrBits: snr.weights,
        width: widthOf(weights),
        fraction: plain(weights.fraction),
        signed: isSigned(weights),
      },
      activations: {
        snrBits: snr.activations,
        width: widthOf(input),
        fraction: plain(input.fraction),
        signed: isSigned(input),
      },
      accumulatorWidth: cost.accumulatorWidth,
      pruned: { inputs: 0, outputs: 0, weights: 0 },
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
      meanWeightBits: sum((k) => k.weightBits) / sum((k) => k.macs),
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
