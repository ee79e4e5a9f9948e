// Diagnostics of training.
import { entry } from "./define.ts";

export const trainMessages = {
  // sorted by code
  "train/diverged": entry<{ layer: string; what: string }>({
    message: ({ layer, what }) => `training diverged in layer ${layer}: ${what}`,
    hint: () => "lower the learning rate, or check that the inputs are scaled",
  }),
};
