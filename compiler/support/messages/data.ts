// Diagnostics of data files.
import { entry } from "./define.ts";

export const dataMessages = {
  // sorted by code
  "data/missing-file": entry<{ path: string }>({
    message: ({ path }) => `no such data file: ${path}`,
    hint: () => "data paths are relative to the folder of the model file",
  }),
};
