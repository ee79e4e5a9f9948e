// What a flow needs from outside: tools that turn files into files. The native runners are in tools/; a page in a browser may
// bring others, since the open tools are WebAssembly.
import type { FileSet } from "../support/file-set.ts";

export type ToolName =
  | "yosys"
  | "nextpnr-ice40"
  | "nextpnr-ecp5"
  | "nextpnr-himbaechel"
  | "icepack"
  | "vivado"
  | "quartus_sh";

/** One run of a tool. */
export interface ToolJob {
  readonly arguments: readonly string[];
  /** What stands in its folder; paths may have folders of their own. */
  readonly files: FileSet;
  /** Folder of the run among these; default the one that holds them all. */
  readonly folder?: string;
  /** Files that are read back, by path as in `files`; one that is not there is left out. */
  readonly outputs: readonly string[];
}

export interface ToolRun {
  /** It ended with exit code 0. */
  readonly ok: boolean;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What it printed. */
  readonly log: string;
  readonly seconds: number;
}

export interface FlowTool {
  /** As people call it, such as Yosys. */
  readonly name: string;
  readonly version: string;
  /** Package that it comes from, or that it is native. */
  readonly origin: string;
  run(job: ToolJob): Promise<ToolRun>;
  /** A file of the tool's own data, such as `ice40/cells_sim.v`; undefined when it has none. */
  readShare(path: string): Promise<string | undefined>;
}

export interface FlowTools {
  /** Undefined when the tool is not there. */
  find(tool: ToolName): Promise<FlowTool | undefined>;
  /** Throws cli/missing-tool, with what installs it, when it is not there. */
  need(tool: ToolName): Promise<FlowTool>;
}

/** Name, version and origin for people and for results. */
export function toolText({ name, version, origin }: FlowTool): string {
  return `${name} ${version} (${origin})`;
}
