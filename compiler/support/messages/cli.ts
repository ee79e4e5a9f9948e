// Diagnostics of the command line and of the machine.
import { entry } from "./define.ts";

export const cliMessages = {
  "cli/ambiguous-model": entry<{ folder: string; models: readonly string[] }>({
    message: ({ folder, models }) =>
      models.length === 0
        ? `no model given, and no .floor file in ${folder}`
        : `no model given, and ${models.length} .floor files in ${folder}: ${models.join(", ")}`,
    hint: () => "name the model file: noisefloor build MODEL.floor",
  }),
  "cli/bad-option": entry<{ option: string; problem: string }>({
    category: "usage",
    message: ({ option, problem }) => `${option}: ${problem}`,
    hint: () => "noisefloor COMMAND --help lists the options",
  }),
  "cli/bad-path": entry<{ option: string; path: string; problem: string; advice: string }>({
    message: ({ option, path, problem }) => `${option} ${path}: ${problem}`,
    hint: ({ advice }) => advice,
  }),
  "cli/bug": entry<{ problem: string }>({
    message: ({ problem }) => `a bug in noisefloor: ${problem}`,
    hint: () => "report it with the model file, the command line and what stands on stderr",
  }),
  "cli/file-exists": entry<{ path: string }>({
    message: ({ path }) => `${path} is there already and is not overwritten`,
    hint: () => "choose an empty folder",
  }),
  "cli/file-system": entry<{ problem: string }>({
    category: "environment",
    message: ({ problem }) => problem,
    hint: () => "check free space and permissions, then run the same command again",
  }),
  "cli/file-too-large": entry<{ path: string; found: number; limit: number }>({
    message: ({ path, found, limit }) => `${path} has ${found} bytes, at most ${limit} are read`,
    hint: () => "use a smaller model, or fewer samples",
  }),
  "cli/interrupted": entry<{ signal: string }>({
    message: ({ signal }) => `stopped by ${signal} before the command was done`,
    hint: () => "run the same command again; what was complete on disk is kept",
  }),
  "cli/missing-file": entry<{ path: string; option?: string }>({
    message: ({ path, option }) => `${option === undefined ? "" : `${option}: `}no such file: ${path}`,
    hint: () => "paths are relative to the current folder",
  }),
  "cli/missing-tool": entry<{ tool: string; install: string }>({
    category: "environment",
    message: ({ tool }) => `${tool} was not found or does not work`,
    hint: ({ install }) => install,
  }),
  "cli/no-file": entry<{ path: string; kind: string }>({
    message: ({ path, kind }) => `${path} is a ${kind}, not a file`,
    hint: ({ kind }) =>
      kind === "folder" ? "name a file in it" : "write what comes out of it into a file first",
  }),
  "cli/nothing-to-sweep": entry<{ model: string }>({
    message: ({ model }) => `every width of ${model} is given: all budgets would train the same network`,
    hint: () => "allow a range of widths with weight_bits and input_bits",
  }),
  "cli/out-of-memory": entry<{ problem: string }>({
    category: "environment",
    message: ({ problem }) => `the machine gives no more memory: ${problem}`,
    hint: () => "end other programs, or take a machine with more memory",
  }),
  "cli/stopped": entry<{ resume: string }>({
    message: () => "training was stopped; the last checkpoint is kept",
    hint: ({ resume }) => resume,
  }),
  "cli/unknown-layer": entry<{ layer: string; layers: readonly string[] }>({
    message: ({ layer }) => `the design has no layer ${JSON.stringify(layer)}`,
    hint: ({ layers }) => `its layers are ${layers.join(", ")}`,
  }),
  "cli/usage": entry<{ problem: string }>({
    category: "usage",
    message: ({ problem }) => problem,
    hint: () => "noisefloor --help lists the commands",
  }),
};
