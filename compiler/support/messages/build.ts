// Diagnostics of the build directory.
import { entry } from "./define.ts";

export const buildMessages = {
  // sorted by code
  "build/not-ours": entry<{ directory: string }>({
    message: ({ directory }) => `${directory} exists and was not made by noisefloor`,
    hint: () => "choose another directory with -o, or move that one away",
  }),
};
