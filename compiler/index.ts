// The public surface of the package: the pure steps from a model's text to verified hardware. Files, tools and
// TensorFlow stay outside: the caller hands them in, so all of this also runs in a browser tab.

export type { Board } from "./boards/board.ts";
export { BOARDS, boardNamed } from "./boards/boards.ts";
export { type GeneratedC, generateC } from "./c/generate.ts";
export { type CompiledSource, compileSource } from "./dsl/compile-source.ts";
export {
  type Estimate,
  estimateArea,
  type StageEstimate,
} from "./estimate/estimate.ts";
export { estimateTiming, type Timing } from "./estimate/timing.ts";
export { exportNpz, exportSafetensors } from "./export/parameters.ts";
export { exportQonnx } from "./export/qonnx.ts";
export { type ExportedVector, exportVectors, type VectorIndex } from "./export/vectors.ts";
export { type BoardTop, type BoardWishes, createBoardTop } from "./flow/board-top.ts";
export type { SynthResult } from "./flow/result.ts";
export type { FlowTool, FlowTools, ToolJob, ToolName, ToolRun } from "./flow/runners.ts";
export { type Synthesis, type SynthTask, synthesize } from "./flow/synthesize.ts";
export type { Graph, GraphOutput, Node } from "./graph/graph.ts";
export type { ImportedConstants, ImportedModel, ImportedNode, Quantizer } from "./graph/imported.ts";
export type { DataSpec, HardwareSpec, Project, StatedProject, TrainingSpec } from "./graph/project.ts";
export type { SampleSet } from "./graph/samples.ts";
export type { LayerLedger, Outcome, Score, TrainedGraph, TrainedLayer } from "./graph/trained-graph.ts";
export { formatOf, MODEL_FORMATS, type ModelFormat } from "./import/formats.ts";
export type { ImportedPort, ModelImport, ModelSource } from "./import/model-import.ts";
export { type OpenedImport, openImport } from "./import/open.ts";
export {
  type ExactInput,
  type ExactLowering,
  type ExactOptions,
  type ExactOutput,
  type InputGrid,
  lowerImported,
} from "./lower/exact/lower-imported.ts";
export { lower } from "./lower/lower.ts";
export { createProgramBuilder, intFormat, type ProgramBuilder } from "./program/builder.ts";
export { type LayerCost, layerCosts } from "./program/cost.ts";
export type { CManifest, Manifest, RtlManifest } from "./program/manifest.ts";
export { printProgram } from "./program/print.ts";
export type {
  BipolarFormat,
  Constant,
  Format,
  Instruction,
  IntFormat,
  Opcode,
  OutputRole,
  Program,
  ProgramOutput,
  Value,
} from "./program/program.ts";
export { readProgram } from "./program/read.ts";
export { verifyProgram } from "./program/verify.ts";
export type { LayerAccount, Report } from "./report/results.ts";
export type { SweepPoint, SweepResult } from "./report/sweep-result.ts";
export { type Schedule, type ScheduleOptions, scheduleProgram } from "./schedule/schedule.ts";
export { type Simulation, simulate } from "./sim/simulate.ts";
export { type Goal, type Solution, type SolveTask, solveFolding } from "./solve/solve.ts";
export { type Diagnostic, DiagnosticError } from "./support/diagnostics.ts";
export type { FileSet } from "./support/file-set.ts";
export { type Rational, ratio } from "./support/rational.ts";
export { createSourceFile, type SourceFile } from "./support/source-file.ts";
export { VERSION } from "./support/version.ts";
export type { Flow, Resources, Target } from "./targets/target.ts";
export { TARGETS, targetNamed } from "./targets/targets.ts";
export type { BranchCoverage, InstructionCoverage } from "./verify/branches.ts";
export { type NetlistTask, verifyNetlist } from "./verify/netlist.ts";
export type { BackendResult, Divergence, Status, VerifyResult } from "./verify/result.ts";
export type { CRunner, RtlRunner } from "./verify/runners.ts";
export type { Samples } from "./verify/vectors.ts";
export { type Design, type Runners, type VerifyOptions, verifyDesign } from "./verify/verify.ts";
export { type GeneratedVerilog, type GeneratorInfo, generateVerilog } from "./verilog/generate.ts";
