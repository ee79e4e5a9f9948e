// noisefloor doctor: every external tool and backend is tried, not asked.
import type { ToolJob, ToolName } from "../../flow/runners.ts";
import { createCRunner } from "../../tools/c-compiler.ts";
import { createFlowTools } from "../../tools/flow-tools.ts";
import { runProcess } from "../../tools/processes.ts";
import { openTensorFlow } from "../../tools/tensorflow.ts";
import { createVerilatorRunner } from "../../tools/verilator.ts";
import type { RunOutcome, ToolProbe } from "../../verify/runners.ts";
import type { CommandOutcome } from "../context.ts";
import { table } from "../tables.ts";

interface Finding {
  readonly what: string;
  readonly status: "works" | "missing" | "broken";
  readonly detail: string;
  readonly neededFor: string;
  readonly install?: string;
}

/** The command that installs a tool on this system. */
function install(packageName: string): string {
  if (process.platform === "darwin") return `brew install ${packageName === "g++" ? "gcc" : packageName}`;
  if (process.platform === "linux") return `sudo apt-get install ${packageName}`;
  return `install ${packageName} (on Windows: inside WSL, sudo apt-get install ${packageName})`;
}

async function tried(
  what: string,
  neededFor: string,
  packageName: string,
  probe: Promise<ToolProbe>,
  run: () => Promise<RunOutcome>,
): Promise<Finding> {
  const found = await probe;
  const fix = { install: install(packageName) };
  if (!found.found) return { what, status: "missing", detail: found.diagnostic.message, neededFor, ...fix };
  try {
    const outcome = await run();
    if (outcome.status === "done") return { what, status: "works", detail: found.version, neededFor };
    return {
      what,
      status: "broken",
      detail: `${found.version}: ${outcome.log.split("\n")[0]}`,
      neededFor,
      ...fix,
    };
  } catch (error) {
    const [line] = (error as Error).message.split("\n");
    return { what, status: "broken", detail: `${found.version}: ${line}`, neededFor, ...fix };
  }
}

const C_PROGRAM = "int main(void) { return 0; }\n";
const MODULE = "module nf_doctor(input wire a, output wire b);\n  assign b = ~a;\nendmodule\n";

async function tryC(): Promise<Finding> {
  const runner = createCRunner();
  return tried("C compiler with sanitizers", "verify (C)", "gcc", runner.probe(), () =>
    runner.run({
      files: new Map([["doctor.c", C_PROGRAM]]),
      sources: ["doctor.c"],
      defines: [],
      sanitize: true,
      request: new Uint8Array(0),
      timeoutSeconds: 60,
    }),
  );
}

async function tryVerilator(): Promise<Finding> {
  const runner = createVerilatorRunner();
  return tried("Verilator", "verify (Verilog)", "verilator g++", runner.probe(), () =>
    runner.run({
      top: "nf_doctor",
      files: new Map([["nf_doctor.v", MODULE]]),
      verilog: ["nf_doctor.v"],
      driver: new Map([["driver.cpp", "int run_doctor();\nint main() { return run_doctor(); }\n"]]),
      binding: {
        path: "binding.cpp",
        text: '#include "Vdut.h"\nint run_doctor() { Vdut d; d.a = 0; d.eval(); return d.b == 1 ? 0 : 1; }\n',
      },
      data: new Map(),
      request: new Uint8Array(0),
      timeoutSeconds: 120,
    }),
  );
}

async function tryTensorFlow(): Promise<Finding> {
  const neededFor = "train";
  try {
    const { backend, version, reason } = await openTensorFlow({ projectFolder: process.cwd() });
    return { what: "TensorFlow.js", status: "works", detail: `${backend} ${version}: ${reason}`, neededFor };
  } catch (error) {
    return { what: "TensorFlow.js", status: "broken", detail: (error as Error).message, neededFor };
  }
}

const YOWASP = "npm install @yowasp/yosys @yowasp/nextpnr-ice40";

/** A tool of the FPGA flow, on a job of a moment. */
async function tryFlowTool(tool: ToolName, neededFor: string, job: Partial<ToolJob>): Promise<Finding> {
  const found = await createFlowTools({ projectFolder: process.cwd() }).find(tool);
  if (!found) return { what: tool, status: "missing", detail: "optional", neededFor, install: YOWASP };
  const what = found.name;
  const run = await found.run({ arguments: [], files: new Map(), outputs: [], ...job });
  const detail = `${found.version} (${found.origin})`;
  if (run.ok) return { what, status: "works", detail, neededFor };
  return { what, status: "broken", detail: `${detail}: ${run.log.trim().split("\n")[0]}`, neededFor };
}

async function tryOptional(what: string, neededFor: string, argument: string): Promise<Finding> {
  const result = await runProcess(what, [argument], { timeoutSeconds: 20 });
  if (!result.started)
    return { what, status: "missing", detail: "optional", neededFor, install: install(what) };
  const [line] = new TextDecoder().decode(result.stdout).split("\n");
  return { what, status: "works", detail: line ?? "", neededFor };
}

export async function doctorCommand(): Promise<CommandOutcome> {
  const findings: Finding[] = [
    { what: "Node.js", status: "works", detail: process.version, neededFor: "everything" },
    await tryTensorFlow(),
    await tryC(),
    await tryVerilator(),
    await tryOptional("iverilog", "the test bench under tb/", "-V"),
    await tryFlowTool("yosys", "synth", {
      arguments: ["-q", "-p", "read_verilog doctor.v; proc"],
      files: new Map([["doctor.v", MODULE]]),
    }),
    await tryFlowTool("nextpnr-ice40", "synth (Fmax and bitstream for iCE40)", { arguments: ["--version"] }),
  ];
  const rows = findings.map((f) => [f.what, f.status, f.neededFor, f.detail]);
  const fixes = findings.flatMap((f) => (f.install === undefined ? [] : [`${f.what}: ${f.install}`]));
  return {
    result: { findings },
    text: [
      table(["tool", "status", "needed for", "detail"], rows, 4),
      ...(fixes.length > 0 ? ["", ...fixes] : []),
    ].join("\n"),
  };
}
