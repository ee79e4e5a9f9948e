// Diagnostics of the command line and the machine.
import { entry } from "./define.ts";

export const cliMessages = {
  // sorted by code
  "cli/missing-tool": entry<{ tool: string; install: string }>({
    category: "environment",
    message: ({ tool }) => `${tool} was not found or does not work`,
    hint: ({ install }) => install,
  }),
};
