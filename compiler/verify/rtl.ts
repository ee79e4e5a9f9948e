// The Verilog in the gate. In: a program, its manifest and RTL files, vectors. Out: how the simulated design compares:
// every tapped value and output in every scenario, the protocol, the framing, latency and interval.
import type { RtlManifest } from "../program/manifest.ts";
import { operandsOf, type Program } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { fixedFile, renderTemplate } from "../render/render.ts";
import { simulate } from "../sim/simulate.ts";
import { fail } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";
import { decodeUtf8 } from "../support/text.ts";
import { doublesOf } from "./c.ts";
import { createForceWrapper, type ForceWrapper } from "./force-wrapper.ts";
import { withInnerStalls } from "./inner-stalls.ts";
import { findingsOf, judge, unpackPorts, type Verdict } from "./judge.ts";
import type { BackendResult } from "./result.ts";
import type { RtlJob, RtlRunner } from "./runners.ts";
import {
  BRIEF_AMOUNTS,
  fullSpeed,
  type PlannedScenario,
  planScenarios,
  type ScenarioAmounts,
  WHOLE_AMOUNTS,
} from "./scenarios.ts";
import { decodeAnswer, encodeRequest, packPackets } from "./stream-protocol.ts";
import { selectVectors, type VectorSet } from "./vectors.ts";

/** The worst case is bounded by the watchdog; this only catches a simulator that hangs. */
export const TIMEOUT_SECONDS = 900;

export interface RtlTask {
  readonly program: Program;
  readonly manifest: RtlManifest;
  /** The design's files: rtl/ and tb/. */
  readonly files: FileSet;
  readonly vectors: VectorSet;
  /** Samples that go through Verilog; the synthetic vectors always do. */
  readonly samples: number;
  readonly seed: number;
  readonly runner: RtlRunner;
  readonly tool: string;
  /** A few vectors before all of them: what is wrong shows sooner. */
  readonly firstLook?: boolean;
  readonly wave?: WaveWish;
  progress(fraction: number, text: string): void;
}

/** A waveform of the first difference, or of the first rule that is broken. */
export interface WaveWish {
  /** Cycles before and after it. */
  readonly cycles: number;
  /** Takes the waveform (VCD), and the cycle in the middle. */
  keep(vcd: Uint8Array, cycle: number): void;
}

/** One build of the design and what it goes through. */
interface Run {
  readonly what: string;
  readonly tapped: boolean;
  readonly top: string;
  readonly plans: readonly PlannedScenario[];
}

/** Runs that are built and simulated at the same time; their verdicts are given in order. */
interface Round {
  readonly chosen: VectorSet;
  readonly runs: readonly Run[];
}

/** Runs the tapped design through all scenarios, then the shipped one at full speed; stops at the first difference. */
export async function verifyRtl(task: RtlTask): Promise<BackendResult> {
  const { program, manifest, files } = task;
  const incomplete = missingFrom(task);
  const state = { mismatches: 0, vectors: 0, latencyCycles: -1, intervalCycles: -1 };
  const finish = (reason?: string, found: Partial<Verdict> = {}): BackendResult => ({
    status: reason === undefined ? "passed" : "failed",
    vectors: state.vectors,
    mismatches: state.mismatches,
    tool: task.tool,
    ...(state.latencyCycles >= 0 ? { latencyCycles: state.latencyCycles } : {}),
    ...(state.intervalCycles >= 0 ? { intervalCycles: state.intervalCycles } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...findingsOf(found),
  });
  if (incomplete !== undefined) return finish(incomplete);

  const wrapperText = textOf(files.get(manifest.tapWrapper.file)!);
  const force = createForceWrapper(
    program,
    manifest,
    wrapperText,
    manifest.sources.map((path) => textOf(task.files.get(path)!)),
  );
  const topPath = `rtl/${manifest.top}.v`;
  const stalling = files.has(topPath) ? withInnerStalls(textOf(files.get(topPath)!)) : undefined;
  const stallable =
    stalling === undefined ? task : { ...task, files: new Map([...files, [topPath, stalling]]) };
  for (const { chosen, runs } of roundsOf(task, force, stalling)) {
    const expected = simulate(program, chosen.inputs, chosen.count).values;
    const packets = manifest.inputs.map((port) => packPackets(port, chosen.inputs, chosen.count, task.seed));
    const jobFor = ({ tapped, top, plans }: Run, scenarios: number): RtlJob => {
      const request = encodeRequest({
        seed: task.seed,
        inputs: manifest.inputs,
        outputs: manifest.outputs,
        taps: tapped ? tracedValues(program).length : 0,
        packets,
        count: chosen.count,
        given: (tapped && force?.given(WHOLE_AMOUNTS.given, task.seed)) || [],
        scenarios: plans.slice(0, scenarios).map((plan) => plan.scenario),
      });
      return jobOf(tapped ? stallable : task, tapped, top, force, request);
    };
    const outcomes = await Promise.all(runs.map((run) => task.runner.run(jobFor(run, run.plans.length))));
    for (const [index, run] of runs.entries()) {
      const { what, tapped, plans } = run;
      const outcome = outcomes[index]!;
      if (outcome.status === "rejected") return finish(`Verilator refuses the ${what}:\n${outcome.log}`);
      if (outcome.status !== "done") return finish(`the simulation of the ${what} stops: ${outcome.log}`);
      const taps = tapped ? tracedValues(program).length : 0;
      const records = decodeAnswer(doublesOf(outcome.output), plans.length, taps, manifest.outputs);
      if (!records) return finish(`the simulation of the ${what} gave an answer of the wrong length`);
      for (const [k, plan] of plans.entries()) {
        const record = records[k]!;
        const found = judge({ program, manifest, chosen, expected, force, tapped, what }, plan, record);
        state.mismatches += found.mismatches;
        if (plan.timed && tapped) {
          state.latencyCycles = found.latencyCycles ?? -1;
          state.intervalCycles = found.intervalCycles ?? -1;
          state.vectors = chosen.count;
        }
        if (found.reason === undefined) continue;
        const cycle = found.divergence?.cycle ?? found.cycle;
        if (task.wave && cycle !== undefined) await recordWave(task, task.wave, jobFor(run, k + 1), cycle);
        return finish(found.reason, found);
      }
      task.progress((index + 1) / runs.length, `${what}: ${plans.length} scenarios, ${chosen.count} vectors`);
    }
  }
  return finish();
}

/** Runs everything up to the failure once more, with the cycles around it on record. */
async function recordWave(task: RtlTask, wish: WaveWish, job: RtlJob, cycle: number): Promise<void> {
  task.progress(1, "the same once more, with a waveform");
  const wave = { from: Math.max(0, cycle - wish.cycles), to: cycle + wish.cycles };
  const outcome = await task.runner.run({ ...job, wave });
  if (outcome.status === "done" && outcome.wave) wish.keep(outcome.wave, cycle);
}

function roundsOf(
  task: RtlTask,
  force: ForceWrapper | undefined,
  stalling: string | undefined,
): readonly Round[] {
  const { manifest, seed } = task;
  const all = rtlVectors(task.vectors, task.samples);
  const tapped = (chosen: VectorSet, amounts: ScenarioAmounts): Run => ({
    what: "Verilog with taps",
    tapped: true,
    top: force?.module ?? manifest.tapWrapper.module,
    plans: planScenarios(
      manifest,
      chosen.count,
      chosen.count - chosen.samples,
      seed,
      stalling !== undefined,
      force?.values,
      amounts,
    ),
  });
  const shipped: Run = {
    what: "Verilog as shipped",
    tapped: false,
    top: manifest.top,
    plans: [fullSpeed(manifest, all.count)],
  };
  const whole = { chosen: all, runs: [tapped(all, WHOLE_AMOUNTS), shipped] };
  if (!task.firstLook) return [whole];
  const few = fewVectors(all);
  return [{ chosen: few, runs: [tapped(few, BRIEF_AMOUNTS)] }, whole];
}

/** A sample, the largest inputs, random ones, and those that drive a sum to its ends. */
function fewVectors(all: VectorSet): VectorSet {
  const synthetic = all.count - all.samples;
  const wanted = ["all-max", "random 0", "random extremes 2"];
  const named = Array.from({ length: synthetic }, (_, n) => all.samples + n).filter(
    (n) => wanted.includes(all.nameOf(n)) || n >= all.count - 2,
  );
  return selectVectors(all, [...(all.samples > 0 ? [0] : []), ...named]);
}

/**
 * Runs inferences on the shipped Verilog at full speed. Gives what the output port carries by value name. Throws
 * verify/run-failed when Verilator refuses it or it stands still.
 */
export async function inferRtl(
  design: Pick<RtlTask, "program" | "manifest" | "files">,
  inputs: ReadonlyMap<string, Int32Array>,
  count: number,
  runner: RtlRunner,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const { manifest } = design;
  const seed = 1;
  const plan = fullSpeed(manifest, count);
  const request = encodeRequest({
    seed,
    inputs: manifest.inputs,
    outputs: manifest.outputs,
    taps: 0,
    packets: manifest.inputs.map((port) => packPackets(port, inputs, count, seed)),
    count,
    scenarios: [plan.scenario],
  });
  const failed = (log: string): never => fail("verify/run-failed", { backend: "Verilog", log });
  const outcome = await runner.run(jobOf(design, false, manifest.top, undefined, request));
  if (outcome.status !== "done") return failed(outcome.log);
  const records = decodeAnswer(doublesOf(outcome.output), 1, 0, manifest.outputs);
  const record = records?.[0];
  if (record?.end !== "complete") return failed("the design stands still");
  const { values } = unpackPorts(manifest, record);
  return new Map(
    values.map((v) => [
      v.value,
      Array.from(v.values).slice(0, (count * v.values.length) / plan.delivered.length),
    ]),
  );
}

/** The first samples and all synthetic vectors. */
export function rtlVectors(vectors: VectorSet, samples: number): VectorSet {
  const real = Math.min(samples, vectors.samples);
  return selectVectors(vectors, [
    ...Array.from({ length: real }, (_, n) => n),
    ...Array.from({ length: vectors.count - vectors.samples }, (_, n) => vectors.samples + n),
  ]);
}

/** What the manifest promises and the design does not have. */
function missingFrom({ program, manifest, files }: RtlTask): string | undefined {
  const { sources, memories, tapWrapper, rules } = manifest;
  const paths = [...sources, ...memories, tapWrapper.file, rules];
  const absent = paths.filter((path) => !files.has(path));
  if (absent.length > 0) return `the design lacks ${absent.join(", ")}`;
  // Everything that the streamed outputs are made of has a tap.
  const needed = new Set(manifest.outputs.flatMap((port) => port.values.map((v) => v.value)));
  for (const instruction of [...program.instructions].reverse())
    if (needed.has(instruction.result)) for (const name of operandsOf(instruction)) needed.add(name);
  for (const { value, index, elements } of tracedValues(program)) {
    if (!needed.has(value.name)) continue;
    if (!manifest.taps.some((t) => t.value === value.name && t.index === index && t.elements === elements))
      return `the manifest has no tap ${index} of ${elements} elements for value ${value.name}`;
  }
  return undefined;
}

function textOf(content: string | Uint8Array): string {
  // A wrapper that is no text watches no stream; the simulator then says what is wrong with it.
  return typeof content === "string" ? content : (decodeUtf8(content) ?? "");
}

function jobOf(
  { manifest, files }: Pick<RtlTask, "manifest" | "files">,
  tapped: boolean,
  top: string,
  force: ForceWrapper | undefined,
  request: Uint8Array,
): RtlJob {
  const own = new Map<string, string | Uint8Array>();
  const verilog: string[] = [];
  const add = (path: string, content: string | Uint8Array): void => {
    own.set(path, content);
    verilog.push(path);
  };
  if (tapped && force) add("tb/nf_forced.vlt", force.config);
  for (const path of manifest.sources) add(path, files.get(path)!);
  add("tb/nf_report.sv", fixedFile("harness/report.sv"));
  add(manifest.rules, files.get(manifest.rules)!);
  if (tapped) {
    // The taps are SystemVerilog: they call into the driver.
    add(manifest.tapWrapper.file, files.get(manifest.tapWrapper.file)!);
    if (force) add("tb/nf_forced.sv", force.text);
  }
  return {
    top,
    files: own,
    verilog,
    ...streamDriver(manifest),
    // $readmemh asks for bare names.
    data: new Map(manifest.memories.map((path) => [path.slice(path.lastIndexOf("/") + 1), files.get(path)!])),
    request,
    timeoutSeconds: TIMEOUT_SECONDS,
  };
}

/** The C++ that feeds packets into a module with the ports of the manifest, and takes them out. */
export function streamDriver({ inputs, outputs }: RtlManifest): Pick<RtlJob, "driver" | "binding"> {
  const names = (ports: RtlManifest["inputs"]): readonly string[] => ports.map(({ name }) => name);
  const plan = { inputs: names(inputs), outputs: names(outputs) };
  return {
    driver: new Map([
      ["dut.h", fixedFile("harness/dut.h")],
      ["request.h", fixedFile("harness/request.h")],
      ["stream-driver.cpp", fixedFile("harness/stream-driver.cpp")],
    ]),
    binding: { path: "dut.cpp", text: renderTemplate("harness/dut.cpp", plan) },
  };
}
