// What the gate needs from outside: something that builds a simulation or a C program and runs it. The native
// runners are in tools/; a page in a browser may bring others.
import type { Diagnostic } from "../support/diagnostics.ts";
import type { FileSet } from "../support/file-set.ts";

/** A tool that is there, or what to tell the user. */
export type ToolProbe =
  | { readonly found: true; readonly tool: string; readonly version: string }
  | { readonly found: false; readonly tool: string; readonly diagnostic: Diagnostic };

/**
 * `rejected`: the tool does not accept the sources. `crashed`: the built program ended with an error (a sanitizer's
 * finding included). Both are findings about the design; a missing or broken tool is thrown as a DiagnosticError
 * of category environment.
 */
export type RunOutcome =
  | { readonly status: "done"; readonly output: Uint8Array; readonly wave?: Uint8Array }
  | { readonly status: "rejected" | "crashed"; readonly log: string };

/** Clock cycles of a run, counted as the driver does, both ends included. */
export interface WaveWindow {
  readonly from: number;
  readonly to: number;
}

/** One run of a Verilog design in a simulator. */
export interface RtlJob {
  /** Top module. */
  readonly top: string;
  /** Verilog sources, path -> text; the order of `verilog` is the compile order. */
  readonly files: FileSet;
  readonly verilog: readonly string[];
  /** C++ that does not know the design, compiled once and kept; it defines main(). */
  readonly driver: FileSet;
  /** C++ file that includes Vdut.h and binds the driver to the design. */
  readonly binding: { readonly path: string; readonly text: string };
  /** Files by bare name that stand in the working directory of the run: memory images. */
  readonly data: FileSet;
  /** Standard input of the run. */
  readonly request: Uint8Array;
  /** The outcome has these cycles as a waveform (VCD): the top modules and the streams between the stages. */
  readonly wave?: WaveWindow;
  readonly timeoutSeconds: number;
}

export interface RtlRunner {
  probe(): Promise<ToolProbe>;
  run(job: RtlJob): Promise<RunOutcome>;
}

/** One run of a C program. */
export interface CJob {
  /** Every source and header, path -> text. */
  readonly files: FileSet;
  /** Files to compile, of `files`. */
  readonly sources: readonly string[];
  readonly defines: readonly string[];
  /** Strict warnings as errors always; address and undefined-behaviour sanitizers on request. */
  readonly sanitize: boolean;
  readonly request: Uint8Array;
  readonly timeoutSeconds: number;
}

export interface CRunner {
  probe(): Promise<ToolProbe>;
  run(job: CJob): Promise<RunOutcome>;
}
