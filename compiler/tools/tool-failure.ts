// How the native runners say that a tool is missing or broken. In: the tool and what it printed. Out: diagnostics
// of category environment.
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";
import type { ToolProbe } from "../verify/runners.ts";
import type { ProcessResult } from "./processes.ts";

const INSTALL: Readonly<Record<string, string>> = {
  verilator:
    "install it (Debian, Ubuntu: `apt install verilator`; macOS: `brew install verilator`), or set VERILATOR",
  "C++ compiler":
    "install one (Debian, Ubuntu: `apt install g++`; macOS: `xcode-select --install`), or set CXX",
  Yosys: "in the folder of your project: `npm install @yowasp/yosys @yowasp/nextpnr-ice40`, or set YOSYS",
  "nextpnr-ice40":
    "in the folder of your project: `npm install @yowasp/yosys @yowasp/nextpnr-ice40`, or set NEXTPNR_ICE40",
  icepack: "in the folder of your project: `npm install @yowasp/yosys @yowasp/nextpnr-ice40`, or set ICEPACK",
  "C compiler": "install one (Debian, Ubuntu: `apt install gcc`; macOS: `xcode-select --install`), or set CC",
};

export function missingTool(tool: string): Diagnostic {
  return createDiagnostic("cli/missing-tool", { tool, install: INSTALL[tool] ?? `install ${tool}` });
}

/** Throws what the probe found missing. */
export function requireTool(probe: ToolProbe): asserts probe is ToolProbe & { found: true } {
  if (!probe.found) throw new DiagnosticError([probe.diagnostic]);
}

/** Throws: the tool is there and did not do its work, for reasons that are not the design's. */
export function toolFailed(tool: string, log: string): never {
  return fail("verify/tool-failed", { tool, detail: firstLines(log, 12) || "no message" });
}

/** What compilers say when the machine, not the source, is at fault. */
const OF_MACHINE =
  /no space left on device|disk quota exceeded|file size limit exceeded|read-only file system|out of memory|cannot allocate memory|virtual memory exhausted|bad_alloc|memory exhausted|killed signal terminated|internal compiler error|resource temporarily unavailable|too many open files/i;

/**
 * Throws verify/tool-failed where a tool did not end by itself, or says that the machine is at fault: what it was given is then
 * neither right nor wrong.
 */
export function requireEnd(tool: string, result: ProcessResult): void {
  if (result.exitCode === 0) return;
  if (!result.started) toolFailed(tool, "it could not be started");
  if (result.timedOut) toolFailed(tool, `it did not end in time\n${firstLines(result.stderr, 4)}`);
  if (result.signal !== undefined)
    toolFailed(
      tool,
      `it was ended by ${result.signal}, as a machine without memory does\n${firstLines(result.stderr, 4)}`,
    );
  const line = result.stderr.split("\n").find((text) => OF_MACHINE.test(text));
  if (line !== undefined) toolFailed(tool, line);
}

/** The first lines of a log, trimmed. */
export function firstLines(log: string, count: number): string {
  return log.trim().split("\n").slice(0, count).join("\n");
}
