// Diagnostics of the Verilog back end.
import { entry } from "./define.ts";

export const verilogMessages = {
  // sorted by code
  "verilog/bad-wish": entry<{ what: string; given: number }>({
    message: ({ what, given }) => `the ${what} must be a whole number above 0, not ${given}`,
    hint: () => "correct the hardware wishes of the model",
  }),
  "verilog/deadlock": entry<{ layers: readonly string[] }>({
    message: ({ layers }) =>
      `the design comes to stand still for good: branches that meet wait for each other${layers.length > 0 ? ` with the FIFO depths given for ${layers.join(", ")}` : ""}`,
    hint: () => "leave out the depths of FIFOs to have them computed",
  }),
  "verilog/folding-illegal": entry<{
    layer: string;
    what: "PE" | "SIMD";
    given: number;
    legal: readonly number[];
  }>({
    message: ({ layer, what, given }) => `${what} ${given} does not fit layer ${layer}, a convolution`,
    hint: ({ what, legal }) => `choose ${what} among ${legal.join(", ")}`,
  }),
  "verilog/folding-too-large": entry<{ layer: string; what: "PE" | "SIMD"; given: number; bound: number }>({
    message: ({ layer, what, given, bound }) =>
      `${what} ${given} of layer ${layer} is more than the layer has ${what === "PE" ? "outputs" : "inputs"}: ${bound}`,
    hint: ({ what, bound }) => `choose ${what} between 1 and ${bound}`,
  }),
  "verilog/folding-unknown-layer": entry<{ layer: string; known: readonly string[] }>({
    message: ({ layer }) =>
      `PE and SIMD are given for ${layer}, which is no dense layer or convolution of the hardware`,
    hint: ({ known }) =>
      known.length > 0 ? `layers with products: ${known.join(", ")}` : "leave the folding out",
  }),
  "verilog/interval-impossible": entry<{ where: string; interval: number; least: number }>({
    message: ({ where, interval, least }) =>
      `an interval of ${interval} cycles is out of reach: ${where} needs at least ${least}`,
    hint: ({ least }) => `ask for an interval of at least ${least} cycles`,
  }),
  "verilog/interval-missed": entry<{ layer: string | null; interval: number; cycles: number }>({
    severity: "warning",
    message: ({ layer, interval, cycles }) =>
      layer === null
        ? `the design takes a packet every ${cycles} cycles, more than the interval of ${interval} that is wished for`
        : `layer ${layer} takes ${cycles} cycles with the PE and SIMD given for it, more than the interval of ${interval}`,
    hint: ({ layer, cycles }) =>
      layer === null
        ? `ask for an interval of ${cycles} cycles; PE and SIMD that are given, joined branches or a class behind its logits may hold it up`
        : "leave out the layer's PE and SIMD to have them chosen, or ask for a longer interval",
  }),
  "verilog/no-such-output": entry<{ wanted: string; has: string }>({
    message: ({ wanted, has }) => `the hardware cannot give ${wanted}: the model's outputs are ${has}`,
    hint: () => "ask for an output that the model declares",
  }),
  "verilog/transpose": entry<{ layer: string; from: readonly number[]; to: readonly number[] }>({
    message: ({ layer, from, to }) =>
      `the Verilog back end does not support the transpose of layer ${layer}: elements pass one after the other, and ` +
      `from ${from.join(" x ")} to ${to.join(" x ")} they would have to change their order`,
    hint: () =>
      "move only axes of size 1, or transpose the data and the weights instead; noisefloor builds Verilog and C together",
  }),
  "verilog/unsupported": entry<{ feature: string; where: string }>({
    message: ({ feature, where }) => `the Verilog back end does not support ${feature} (${where})`,
    hint: () => "change the model: noisefloor builds Verilog and C together",
  }),
};
