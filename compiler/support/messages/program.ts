// Diagnostics of the integer program.
import { entry } from "./define.ts";

export const programMessages = {
  // sorted by code
  "program/invalid": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `not a valid integer program: ${path}: ${problem}`,
    hint: () => "compile the model again; program.json is written by noisefloor compile",
  }),
};
