// Diagnostics of the integer program: reading program.json and its verifier.
import { entry } from "./define.ts";

export const programMessages = {
  "program/accumulator-too-wide": entry<{ layer: string; width: number; widest: number }>({
    message: ({ layer, width, widest }) =>
      `the accumulator of layer ${layer} needs ${width} bits; the widest is ${widest}`,
    hint: () => "use narrower weights or activations, or split the layer",
  }),
  "program/bounds": entry<{ layer: string; value: string; width: number; low: number; high: number }>({
    message: ({ layer, value, width, low, high }) =>
      `layer ${layer}: partial sums of ${value} range over ${low}..${high}, which ${width} bits do not hold`,
    hint: () => "the program was edited or damaged: compile the model again",
  }),
  "program/duplicate": entry<{ what: string; name: string }>({
    message: ({ what, name }) => `${what} ${JSON.stringify(name)} is defined twice`,
    hint: () => "every value and constant has a name of its own",
  }),
  "program/format": entry<{ where: string; problem: string }>({
    message: ({ where, problem }) => `${where}: ${problem}`,
    hint: () => "compiler/program/SEMANTICS.md says which formats an instruction takes",
  }),
  "program/invalid": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `not a valid integer program: ${path}: ${problem}`,
    hint: () => "compile the model again with --force; program.json is written by noisefloor compile",
  }),
  "program/range": entry<{ constant: string; index: number; value: number; low: number; high: number }>({
    message: ({ constant, index, value, low, high }) =>
      `constant ${constant}[${index}] = ${value} is outside ${low}..${high}`,
    hint: () => "the program was edited or damaged: compile the model again",
  }),
  "program/shape": entry<{ where: string; problem: string }>({
    message: ({ where, problem }) => `${where}: ${problem}`,
    hint: () => "compiler/program/SEMANTICS.md says which shapes an instruction takes",
  }),
  "program/undefined": entry<{ where: string; what: string; name: string }>({
    message: ({ where, what, name }) =>
      `${where} uses the ${what} ${JSON.stringify(name)}, which is not defined before it`,
    hint: () => "define it before its first use",
  }),
};
