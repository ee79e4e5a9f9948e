// The netlist after synthesis in the gate. In: Verilog of the netlist, the models of its cells, vectors. Out: how the simulated
// netlist compares: every output in every scenario, the protocol, the framing, latency and interval. What stands within it has
// no names that could be compared.
import type { RtlManifest } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { simulate } from "../sim/simulate.ts";
import type { FileSet } from "../support/file-set.ts";
import { doublesOf } from "./c.ts";
import { findingsOf, judge, type Verdict } from "./judge.ts";
import type { BackendResult } from "./result.ts";
import { rtlVectors, streamDriver, TIMEOUT_SECONDS } from "./rtl.ts";
import type { RtlRunner } from "./runners.ts";
import { planScenarios } from "./scenarios.ts";
import { decodeAnswer, encodeRequest, packPackets } from "./stream-protocol.ts";
import { makeVectors, type Samples } from "./vectors.ts";

export interface NetlistTask {
  readonly program: Program;
  readonly manifest: RtlManifest;
  /** Verilog of the netlist; its module is the manifest's top. */
  readonly netlist: string | Uint8Array;
  /** Verilog of the cells, and what that includes, by bare name. */
  readonly models: FileSet;
  /** Macros for the models. */
  readonly defines: readonly string[];
  readonly samples: Samples | undefined;
  /** Samples that go through the netlist; the synthetic vectors always do. */
  readonly count: number;
  readonly seed: number;
  readonly runner: RtlRunner;
  readonly tool: string;
  /** For people, such as the netlist of ice40-hx8k. */
  readonly what: string;
}

/** Runs the netlist through the scenarios of the shipped Verilog; stops at the first difference. */
export async function verifyNetlist(task: NetlistTask): Promise<BackendResult> {
  const { program, manifest, seed, what } = task;
  const chosen = rtlVectors(makeVectors(program, task.samples, seed), task.count);
  const expected = simulate(program, chosen.inputs, chosen.count).values;
  const plans = planScenarios(manifest, chosen.count, chosen.count - chosen.samples, seed, false, undefined);
  const request = encodeRequest({
    seed,
    inputs: manifest.inputs,
    outputs: manifest.outputs,
    taps: 0,
    packets: manifest.inputs.map((port) => packPackets(port, chosen.inputs, chosen.count, seed)),
    count: chosen.count,
    scenarios: plans.map((plan) => plan.scenario),
  });
  const outcome = await task.runner.run({
    top: manifest.top,
    ...sourcesOf(task),
    ...streamDriver(manifest),
    // What the memories hold is part of the netlist.
    data: new Map(),
    request,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  let mismatches = 0;
  let timing = {};
  const finish = (reason?: string, found: Partial<Verdict> = {}): BackendResult => ({
    status: reason === undefined ? "passed" : "failed",
    vectors: chosen.count,
    mismatches,
    tool: task.tool,
    ...timing,
    ...(reason === undefined ? {} : { reason }),
    ...findingsOf(found),
  });
  if (outcome.status === "rejected") return finish(`Verilator refuses ${what}:\n${outcome.log}`);
  if (outcome.status !== "done") return finish(`the simulation of ${what} stops: ${outcome.log}`);
  const records = decodeAnswer(doublesOf(outcome.output), plans.length, 0, manifest.outputs);
  if (!records) return finish(`the simulation of ${what} gave an answer of the wrong length`);
  for (const [k, plan] of plans.entries()) {
    const context = { program, manifest, chosen, expected, force: undefined, tapped: false, what };
    const found = judge(context, plan, records[k]!);
    mismatches += found.mismatches;
    if (plan.timed) {
      const { latencyCycles, intervalCycles } = found;
      timing = latencyCycles === undefined ? {} : { latencyCycles, intervalCycles };
    }
    if (found.reason !== undefined) return finish(found.reason, found);
  }
  return finish();
}

/** The models stand before the netlist, and before them the macros that they are read with. */
function sourcesOf({ netlist, models, defines }: NetlistTask): {
  readonly files: FileSet;
  readonly verilog: readonly string[];
} {
  const macros = defines.map((name) => `\`define ${name}\n`).join("");
  const compiled = [...models.keys()].filter((name) => name.endsWith(".v"));
  return {
    files: new Map([["macros.v", macros], ...models, ["netlist.v", netlist]]),
    verilog: ["macros.v", ...compiled, "netlist.v"],
  };
}
