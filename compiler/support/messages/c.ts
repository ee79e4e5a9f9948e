// Diagnostics of the C back end.
import { entry } from "./define.ts";

export const cMessages = {
  "c/unsupported": entry<{ feature: string; where: string }>({
    message: ({ feature, where }) => `the C back end does not support ${feature} (${where})`,
    hint: () => "change the model: noisefloor builds Verilog and C together",
  }),
};
