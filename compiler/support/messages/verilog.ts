// Diagnostics of the Verilog back end.
import { entry } from "./define.ts";

export const verilogMessages = {
  // sorted by code
  "verilog/unsupported": entry<{ feature: string; where: string }>({
    message: ({ feature, where }) => `the Verilog back end does not support ${feature} (${where})`,
    hint: () => "leave this back end out, or change the model",
  }),
};
