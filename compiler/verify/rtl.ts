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
import { compare, type Observed } from "./compare.ts";
import { createForceWrapper, type ForceWrapper } from "./force-wrapper.ts";
import { runAlone, tracedSources } from "./instruction-alone.ts";
import { type BackendResult, type Divergence, describeDivergence } from "./result.ts";
import type { RtlJob, RtlRunner } from "./runners.ts";
import { fullSpeed, type PlannedScenario, planScenarios } from "./scenarios.ts";
import {
  decodeAnswer,
  encodeRequest,
  packPackets,
  type ScenarioRecord,
  unpackPackets,
} from "./stream-protocol.ts";
import { selectVectors, type VectorSet } from "./vectors.ts";

/** The worst case is bounded by the watchdog; this only catches a simulator that hangs. */
const TIMEOUT_SECONDS = 900;

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
  progress(fraction: number, text: string): void;
}

/** Runs the tapped design through all scenarios, then the shipped one at full speed; stops at the first difference. */
export async function verifyRtl(task: RtlTask): Promise<BackendResult> {
  const { program, manifest, files } = task;
  const incomplete = missingFrom(task);
  const state = { mismatches: 0, vectors: 0, latencyCycles: -1, intervalCycles: -1 };
  const finish = (reason?: string, divergence?: Divergence): BackendResult => ({
    status: reason === undefined ? "passed" : "failed",
    vectors: state.vectors,
    mismatches: state.mismatches,
    tool: task.tool,
    ...(state.latencyCycles >= 0 ? { latencyCycles: state.latencyCycles } : {}),
    ...(state.intervalCycles >= 0 ? { intervalCycles: state.intervalCycles } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(divergence ? { divergence } : {}),
  });
  if (incomplete !== undefined) return finish(incomplete);

  const chosen = rtlVectors(task.vectors, task.samples);
  const expected = simulate(program, chosen.inputs, chosen.count).values;
  const packets = manifest.inputs.map((port) => packPackets(port, chosen.inputs, chosen.count, task.seed));
  const wrapperText = textOf(files.get(manifest.tapWrapper.file)!);
  const force = createForceWrapper(program, manifest, wrapperText);
  const designs = [
    {
      what: "Verilog with taps",
      tapped: true,
      top: force?.module ?? manifest.tapWrapper.module,
      plans: planScenarios(
        manifest,
        chosen.count,
        chosen.count - chosen.samples,
        task.seed,
        force !== undefined,
      ),
    },
    {
      what: "Verilog as shipped",
      tapped: false,
      top: manifest.top,
      plans: [fullSpeed(manifest, chosen.count)],
    },
  ];
  // Both simulators are built and run at the same time; the verdict is given in order.
  const runs = designs.map(({ tapped, top, plans }) => {
    const request = encodeRequest({
      seed: task.seed,
      inputs: manifest.inputs,
      outputs: manifest.outputs,
      taps: tapped ? tracedValues(program).length : 0,
      packets,
      count: chosen.count,
      scenarios: plans.map((plan) => plan.scenario),
    });
    return task.runner.run(jobOf(task, tapped, top, force, request));
  });
  const outcomes = await Promise.all(runs);
  for (const [index, { what, tapped, plans }] of designs.entries()) {
    const outcome = outcomes[index]!;
    if (outcome.status === "rejected") return finish(`Verilator refuses the ${what}:\n${outcome.log}`);
    if (outcome.status !== "done") return finish(`the simulation of the ${what} stops: ${outcome.log}`);
    const taps = tapped ? tracedValues(program).length : 0;
    const records = decodeAnswer(doublesOf(outcome.output), plans.length, taps, manifest.outputs);
    if (!records) return finish(`the simulation of the ${what} gave an answer of the wrong length`);
    for (const [k, plan] of plans.entries()) {
      const record = records[k]!;
      const found = judge({ task, chosen, expected, force, tapped, what }, plan, record);
      state.mismatches += found.mismatches;
      if (plan.timed && tapped) {
        state.latencyCycles = found.latencyCycles ?? -1;
        state.intervalCycles = found.intervalCycles ?? -1;
        state.vectors = chosen.count;
      }
      if (found.reason !== undefined) return finish(found.reason, found.divergence);
    }
    task.progress(
      (index + 1) / designs.length,
      `${what}: ${plans.length} scenarios, ${chosen.count} vectors`,
    );
  }
  return finish();
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
function rtlVectors(vectors: VectorSet, samples: number): VectorSet {
  const real = Math.min(samples, vectors.samples);
  return selectVectors(vectors, [
    ...Array.from({ length: real }, (_, n) => n),
    ...Array.from({ length: vectors.count - vectors.samples }, (_, n) => vectors.samples + n),
  ]);
}

/** What the manifest promises and the design does not have. */
function missingFrom({ program, manifest, files }: RtlTask): string | undefined {
  const paths = [...manifest.sources, ...manifest.memories, manifest.tapWrapper.file];
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
  for (const path of manifest.sources) add(path, files.get(path)!);
  if (tapped) {
    // The taps are SystemVerilog: they call into the driver.
    add(manifest.tapWrapper.file, files.get(manifest.tapWrapper.file)!);
    if (force) add("tb/nf_forced.sv", force.text);
  }
  return {
    top,
    files: own,
    verilog,
    driver: new Map([
      ["dut.h", fixedFile("harness/dut.h")],
      ["stream-driver.cpp", fixedFile("harness/stream-driver.cpp")],
    ]),
    binding: { path: "dut.cpp", text: renderTemplate("harness/dut.cpp", portNames(manifest)) },
    // $readmemh asks for bare names.
    data: new Map(manifest.memories.map((path) => [path.slice(path.lastIndexOf("/") + 1), files.get(path)!])),
    request,
    timeoutSeconds: TIMEOUT_SECONDS,
  };
}

const portNames = ({ inputs, outputs }: RtlManifest) => ({
  inputs: inputs.map(({ name }) => name),
  outputs: outputs.map(({ name }) => name),
});

/** What came out of all ports. */
function unpackPorts({ outputs }: RtlManifest, record: ScenarioRecord): ReturnType<typeof unpackPackets> {
  const each = outputs.map((port, k) => unpackPackets(port, record.outputs[k]!));
  return { values: each.flatMap(({ values }) => values), problems: each.flatMap(({ problems }) => problems) };
}

interface Context {
  readonly task: RtlTask;
  readonly chosen: VectorSet;
  readonly expected: ReadonlyMap<string, Float64Array>;
  readonly force: ForceWrapper | undefined;
  readonly tapped: boolean;
  readonly what: string;
}

interface Verdict {
  readonly mismatches: number;
  readonly reason?: string;
  readonly divergence?: Divergence;
  readonly latencyCycles?: number;
  readonly intervalCycles?: number;
}

function judge(context: Context, plan: PlannedScenario, record: ScenarioRecord): Verdict {
  const { task, what } = context;
  const { manifest } = task;
  const name = `${plan.scenario.name} (${what})`;
  const difference = compareScenario(context, plan, record, name);
  const { mismatches, divergence } = difference;
  if (divergence) return { mismatches, reason: describeDivergence(divergence), divergence };
  const broken = (reason: string): Verdict => ({ mismatches, reason: `${name}: ${reason}` });
  if (difference.problem !== undefined) return broken(difference.problem);
  const finding = record.findings[0];
  if (finding) return broken(`${finding.rule} (cycle ${finding.cycle})`);
  const complete = plan.scenario.stopAfter === 0;
  if (complete && record.end !== "complete")
    return broken(`the design stands still after ${record.cycles} cycles`);
  if (complete && record.frameErrors.length !== plan.frameErrors)
    return broken(
      `frame_error was high in ${record.frameErrors.length} cycles, ${plan.frameErrors} packets are framed wrong`,
    );
  if (!plan.timed) return { mismatches };

  // A packet is over with the last beat on any of the ports.
  const endsOf = manifest.outputs.map(({ beats }, k) =>
    record.outputs[k]!.cycles.filter((_, beat) => beat % beats === beats - 1),
  );
  const lastBeats = endsOf[0]!.map((_, n) => Math.max(...endsOf.map((ends) => ends[n]!)));
  const latencyCycles = lastBeats[0]! - record.firstInput;
  const intervals = [...lastBeats.slice(1)].map((cycle, n) => cycle - lastBeats[n]!);
  // The second half: by then buffers are as full as they get.
  const steady = intervals.slice(Math.floor(intervals.length / 2));
  const intervalCycles = steady.find((n) => n !== manifest.intervalCycles) ?? steady[0] ?? -1;
  const timing = { mismatches, latencyCycles, intervalCycles };
  if (latencyCycles !== manifest.latencyCycles)
    return {
      ...timing,
      reason: `${name}: latency is ${latencyCycles} cycles, the manifest says ${manifest.latencyCycles}`,
    };
  if (intervalCycles !== manifest.intervalCycles)
    return {
      ...timing,
      reason: `${name}: the interval is ${intervalCycles} cycles, the manifest says ${manifest.intervalCycles}`,
    };
  return timing;
}

function compareScenario(
  { task, chosen, expected, force, tapped }: Context,
  plan: PlannedScenario,
  record: ScenarioRecord,
  name: string,
): { mismatches: number; divergence?: Divergence; problem?: string } {
  const { program, manifest } = task;
  const { values: outputs, problems } = unpackPorts(manifest, record);
  const rows = plan.delivered;
  const gather = (all: ReadonlyMap<string, ArrayLike<number>>): Map<string, ArrayLike<number>> =>
    new Map(
      [...all].map(([value, data]) => {
        const elements = data.length / chosen.count;
        const gathered = new Float64Array(rows.length * elements);
        for (const [n, row] of rows.entries())
          for (let e = 0; e < elements; e++) gathered[n * elements + e] = data[row * elements + e]!;
        return [value, gathered];
      }),
    );
  const observed = new Map<string, Observed>();
  if (tapped && plan.compareTaps)
    for (const tap of manifest.taps) observed.set(tap.value, record.taps[tap.index]!);
  const inputs = gather(chosen.inputs);
  const right =
    plan.forced && force ? expectForced(program, force, inputs, observed, rows.length) : gather(expected);
  const difference = compare({
    program,
    traced: tracedValues(program),
    count: rows.length,
    inputs,
    expected: right,
    observed,
    outputs: outputs.map(({ value, values, cycles }) => ({ value, seen: { values, cycles } })),
    complete: plan.scenario.stopAfter === 0,
    run: name,
    vectorIndex: (n) => rows[n]!,
    vectorName: (n) => chosen.nameOf(rows[n]!),
  });
  // Random bits stand on unused lanes too, and the output port passes those on.
  const problem = plan.forced ? undefined : problems[0];
  return { ...difference, ...(problem !== undefined ? { problem } : {}) };
}

/** What every stage has to make of the random bits that it was given, stage by stage. */
function expectForced(
  program: Program,
  force: ForceWrapper,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  observed: ReadonlyMap<string, Observed>,
  count: number,
): Map<string, ArrayLike<number>> {
  const right = new Map<string, ArrayLike<number>>(inputs);
  for (const instruction of program.instructions) {
    if (instruction.op === "reshape") {
      right.set(instruction.result, right.get(instruction.input)!);
      continue;
    }
    const operands = tracedSources(program, instruction).map((source) => {
      const forced = force.values.has(source) ? observed.get(source)?.values : undefined;
      const given = forced ?? right.get(source)!;
      return Float64Array.from({ length: right.get(source)!.length }, (_, i) => given[i] ?? 0);
    });
    right.set(instruction.result, runAlone(program, instruction, operands, count));
  }
  // The forced streams themselves show the random bits, not what the stage before them made.
  for (const value of force.values) {
    const seen = observed.get(value)?.values;
    const due = right.get(value)!;
    if (seen && seen.length === due.length) right.set(value, seen);
  }
  // ... under the other names of a stream too, one of which a port may have.
  for (const { result, input } of program.instructions.filter((i) => i.op === "reshape"))
    right.set(result, right.get(input)!);
  return right;
}
