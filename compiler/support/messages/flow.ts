// Diagnostics of the way onto an FPGA.
import { entry } from "./define.ts";

export interface Overflow {
  readonly resource: string;
  readonly used: number;
  readonly has: number;
}

/** What a tool said, in its own words. */
export interface Complaint {
  readonly tool: string;
  readonly step: string;
  readonly said: string;
  readonly file: string | undefined;
}

function complaintText({ tool, step, said, file }: Complaint): string {
  return `${tool} failed while ${step}${file === undefined ? "" : `, at ${file}`}:\n  ${said}`;
}

export const flowMessages = {
  // sorted by code
  "flow/board-packet": entry<{ bytes: number; most: number }>({
    message: ({ bytes, most }) =>
      `a packet of ${bytes} bytes is too long for the frames of a board, which have up to ${most}`,
    hint: () =>
      "give the network a smaller input or output, or write a top module of your own around the core",
  }),
  "flow/board-ports": entry<{ inputs: readonly string[]; outputs: readonly string[] }>({
    message: ({ inputs, outputs }) =>
      `a board's serial line carries one input and one output; the design has ${[...inputs, ...outputs].join(", ")}`,
    hint: () =>
      "join the inputs of the model into one and leave out outputs, or write a top module of your own around the core",
  }),
  "flow/board-target": entry<{ board: string; has: string; asked: string }>({
    message: ({ board, has, asked }) => `the board ${board} has the part ${has}, not ${asked}`,
    hint: ({ has }) => `say --target ${has}, or leave --target out`,
  }),
  "flow/board-too-slow": entry<{ board: string; fmaxMHz: number; clockMHz: number }>({
    message: ({ board, fmaxMHz, clockMHz }) =>
      `on the board ${board} the design runs at ${fmaxMHz} MHz at most, and not at its clock of ${clockMHz} MHz: no bitstream is made`,
    hint: ({ fmaxMHz }) => `say --clock ${Math.floor(fmaxMHz)}, or another --seed`,
  }),
  "flow/does-not-fit": entry<{ part: string; over: readonly Overflow[] }>({
    message: ({ part, over }) =>
      `the design does not fit ${part}: ${over.map((o) => `${o.used} ${o.resource} of ${o.has}`).join(", ")}`,
    hint: () => "fold the network more (a longer interval in the section hardware), or take a larger part",
  }),
  "flow/incomplete-design": entry<{ paths: readonly string[] }>({
    message: ({ paths }) => `the design lacks ${paths.join(", ")}`,
    hint: () => "compile again",
  }),
  "flow/modified": entry<{ path: string; what: "changed" | "missing" | "added" }>({
    message: ({ path, what }) =>
      `${path} was ${what === "missing" ? "deleted" : what} after the design was synthesised`,
    hint: () => "copy what you want to keep elsewhere, then run the same command with --force",
  }),
  "flow/no-baud": entry<{ board: string; baud: number; clockMHz: number; nearest: number }>({
    message: ({ board, baud, clockMHz }) =>
      `${board} cannot send ${baud} baud within 2 % from a clock of ${clockMHz} MHz`,
    hint: ({ nearest }) => `say another --baud, such as ${nearest}, or another --clock`,
  }),
  "flow/no-board-top": entry<{ directory: string; board: string }>({
    message: ({ directory, board }) => `${directory} has no top module for the board ${board}`,
    hint: ({ directory, board }) => `run noisefloor synth ${directory} --board ${board}`,
  }),
  "flow/no-cell-model": entry<{ target: string; cells: readonly string[] }>({
    category: "environment",
    message: ({ target, cells }) =>
      `the netlist of ${target} cannot be simulated: Yosys ships no model of ${cells.join(", ")}`,
    hint: () =>
      "a netlist without such blocks can be, or one of another target: ice40-hx8k and ice40-up5k have models of all",
  }),
  "flow/no-clock": entry<{ board: string; askedMHz: number; leastMHz: number }>({
    message: ({ board, askedMHz, leastMHz }) =>
      `${board} has no clock of ${askedMHz} MHz or less: ${leastMHz} MHz is the least`,
    hint: ({ leastMHz }) =>
      `say --clock ${leastMHz}; the design need not be compiled again when it is fast enough`,
  }),
  "flow/not-synthesised": entry<{ directory: string; target: string }>({
    message: ({ directory, target }) => `${directory} has no netlist for ${target}`,
    hint: ({ directory, target }) => `run noisefloor synth ${directory} --target ${target}`,
  }),
  "flow/refused": entry<Complaint & { readonly meaning: string }>({
    message: complaintText,
    hint: ({ meaning }) => meaning,
  }),
  "flow/timing-not-met": entry<{ part: string; fmaxMHz: number; clockMHz: number }>({
    severity: "warning",
    message: ({ part, fmaxMHz, clockMHz }) =>
      `${part} runs the design at ${fmaxMHz} MHz, not at the ${clockMHz} MHz that it was compiled for`,
    hint: () => "state a clock that it reaches in the section hardware; the number of cycles stays the same",
  }),
  "flow/tool-died": entry<{ tool: string; step: string }>({
    category: "environment",
    message: ({ tool, step }) => `${tool} ended without a word while ${step}`,
    hint: () => "the system may have ended it for want of memory; `noisefloor doctor` says which tools work",
  }),
  "flow/tool-failed": entry<Complaint & { readonly meaning: string | undefined }>({
    category: "environment",
    message: complaintText,
    hint: ({ meaning }) =>
      meaning ?? "this message has no known meaning here; the tool's own documentation may help",
  }),
  "flow/uncounted-cells": entry<{ target: string; cells: readonly string[] }>({
    severity: "warning",
    message: ({ target, cells }) =>
      `the area for ${target} leaves out cells of unknown size: ${cells.join(", ")}`,
    hint: () => "another version of Yosys may have made them; the figures are too small",
  }),
  "flow/unreadable-report": entry<{ tool: string; file: string; what: string }>({
    category: "environment",
    message: ({ tool, file, what }) => `${tool} wrote no ${what} that can be read (${file})`,
    hint: () => "its version may be unknown here; the other figures of this run are kept",
  }),
};
