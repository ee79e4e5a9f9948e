// Diagnostics of verification.
import { entry } from "./define.ts";

export const verifyMessages = {
  // sorted by code
  "verify/bad-samples": entry<{ detail: string }>({
    message: ({ detail }) => `the samples do not fit the program: ${detail}`,
    hint: () => "give the data that the model was compiled with: stored integers in the input's range",
  }),
  "verify/mismatch": entry<{ backend: string; detail: string }>({
    message: ({ backend, detail }) => `${backend} differs from the integer program: ${detail}`,
    hint: () => "compile again; if nobody edited the design directory, this is a bug worth a report",
  }),
  "verify/no-wave": entry<{ path: string; why: string }>({
    severity: "warning",
    message: ({ path, why }) => `no waveform was written to ${path}: ${why}`,
    hint: () => "a waveform shows the cycles around the first difference of the Verilog, where there is one",
  }),
  "verify/not-in-design": entry<{ backend: string }>({
    message: ({ backend }) => `the design was compiled without ${backend}`,
    hint: () => "compile again",
  }),
  "verify/run-failed": entry<{ backend: string; log: string }>({
    message: ({ backend, log }) => `the ${backend} of the design does not run: ${log}`,
    hint: () => "noisefloor verify says more; compile again if the design was edited",
  }),
  "verify/tool-failed": entry<{ tool: string; detail: string }>({
    category: "environment",
    message: ({ tool, detail }) => `${tool} could not do its work: ${detail}`,
    hint: () => "run `noisefloor doctor` to see which tools work",
  }),
};
