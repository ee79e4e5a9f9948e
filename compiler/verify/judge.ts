// Judges what a simulated design did in a scenario. In: the record of the stream driver, and what the simulator says. Out: how
// many values differ, the first of them, and what else the design broke.
import type { RtlManifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { compare, type Observed } from "./compare.ts";
import type { ForceWrapper } from "./force-wrapper.ts";
import { runAlone, tracedSources } from "./instruction-alone.ts";
import { type BackendResult, type CauseClass, type Divergence, describeDivergence } from "./result.ts";
import { FULL_SPEED, type PlannedScenario } from "./scenarios.ts";
import { type PortProblem, type ScenarioRecord, unpackPackets } from "./stream-protocol.ts";
import type { VectorSet } from "./vectors.ts";

/** What came out of all ports. */
export function unpackPorts(
  { outputs }: RtlManifest,
  record: ScenarioRecord,
): ReturnType<typeof unpackPackets> {
  const each = outputs.map((port, k) => unpackPackets(port, record.outputs[k]!));
  return { values: each.flatMap(({ values }) => values), problems: each.flatMap(({ problems }) => problems) };
}

/** What the scenarios of one simulated design are judged by. */
export interface JudgeContext {
  readonly program: Program;
  readonly manifest: RtlManifest;
  readonly chosen: VectorSet;
  readonly expected: ReadonlyMap<string, Float64Array>;
  readonly force: ForceWrapper | undefined;
  readonly tapped: boolean;
  /** Of the design, for people. */
  readonly what: string;
}

export interface Verdict {
  readonly mismatches: number;
  readonly reason?: string;
  readonly divergence?: Divergence;
  readonly causeClass?: CauseClass;
  /** At which a rule of the protocol was broken first. */
  readonly cycle?: number;
  readonly latencyCycles?: number;
  readonly intervalCycles?: number;
}

/** What a result says of where and how a design failed. */
export function findingsOf({
  divergence,
  causeClass,
  cycle,
}: Partial<Verdict>): Pick<BackendResult, "divergence" | "causeClass" | "cycle"> {
  return {
    ...(divergence ? { divergence } : {}),
    ...(causeClass ? { causeClass } : {}),
    ...(cycle === undefined ? {} : { cycle }),
  };
}

/** Judges one scenario: values first, then the protocol, the framing, latency and interval. */
export function judge(context: JudgeContext, plan: PlannedScenario, record: ScenarioRecord): Verdict {
  const { manifest, what } = context;
  const name = `${plan.scenario.name} (${what})`;
  const difference = compareScenario(context, plan, record, name);
  const { mismatches, divergence } = difference;
  if (divergence)
    return {
      mismatches,
      reason: describeDivergence(divergence),
      divergence,
      causeClass: divergence.causeClass,
    };
  const broken = (reason: string, cycle?: number): Verdict => ({
    mismatches,
    reason: `${name}: ${reason}`,
    causeClass: "handshake",
    ...(cycle === undefined ? {} : { cycle }),
  });
  const { problem } = difference;
  if (problem) return broken(problem.text, problem.cycle);
  const finding = record.findings[0];
  if (finding) return broken(`${finding.rule} (cycle ${finding.cycle})`, finding.cycle);
  const complete = plan.scenario.stopAfter === 0;
  if (complete && record.end !== "complete")
    return broken(`the design stands still after ${record.cycles} cycles`, lastBeat(record));
  if (complete && record.frameErrors.length !== plan.frameErrors)
    return broken(
      `frame_error was high in ${record.frameErrors.length} cycles, ${plan.frameErrors} packets are framed wrong`,
      record.frameErrors[0],
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
  const late = { ...timing, causeClass: "handshake", cycle: lastBeats[0]! } as const;
  if (latencyCycles !== manifest.latencyCycles)
    return {
      ...late,
      reason: `${name}: latency is ${latencyCycles} cycles, the manifest says ${manifest.latencyCycles}`,
    };
  if (intervalCycles !== manifest.intervalCycles)
    return {
      ...late,
      reason: `${name}: the interval is ${intervalCycles} cycles, the manifest says ${manifest.intervalCycles}`,
    };
  return timing;
}

/** Cycle of the last beat that moved on an output, or of the first one that was taken in. */
function lastBeat({ outputs, firstInput }: ScenarioRecord): number | undefined {
  const cycles = outputs.flatMap((port) => [...port.cycles.slice(-1)]);
  if (cycles.length > 0) return Math.max(...cycles);
  return firstInput >= 0 ? firstInput : undefined;
}

function compareScenario(
  { program, manifest, chosen, expected, force, tapped }: JudgeContext,
  plan: PlannedScenario,
  record: ScenarioRecord,
  name: string,
): { mismatches: number; divergence?: Divergence; problem?: PortProblem } {
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
    plan.forced !== "none" && force
      ? expectForced(program, force.values[plan.forced], inputs, observed, rows.length)
      : gather(expected);
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
    // The same vectors went through at full speed before, and were right.
    stressed: !plan.timed && plan.forced === "none" && plan.scenario.name !== FULL_SPEED,
    vectorIndex: (n) => chosen.numberOf(rows[n]!),
    vectorName: (n) => chosen.nameOf(rows[n]!),
  });
  // Random bits stand on unused lanes too, and the output port passes those on.
  const problem = plan.forced === "random" ? undefined : problems[0];
  return { ...difference, ...(problem !== undefined ? { problem } : {}) };
}

/** What every stage has to make of what it was given, stage by stage. */
function expectForced(
  program: Program,
  forcedValues: ReadonlySet<string>,
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
      const forced = forcedValues.has(source) ? observed.get(source)?.values : undefined;
      const given = forced ?? right.get(source)!;
      return Float64Array.from({ length: right.get(source)!.length }, (_, i) => given[i] ?? 0);
    });
    right.set(instruction.result, runAlone(program, instruction, operands, count));
  }
  // The forced streams themselves show what they were given, not what the stage before them made.
  for (const value of forcedValues) {
    const seen = observed.get(value)?.values;
    const due = right.get(value)!;
    if (seen && seen.length === due.length) right.set(value, seen);
  }
  // ... under the other names of a stream too, one of which a port may have.
  for (const { result, input } of program.instructions.filter((i) => i.op === "reshape"))
    right.set(result, right.get(input)!);
  return right;
}
