// Diagnostics of the Verilog back end.
import { entry } from "./define.ts";

/** A layer or a port and the cycles that it is busy with one packet. */
export interface Busy {
  readonly where: string;
  readonly cycles: number;
}

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
  "verilog/interval-missed": entry<{
    layer: string | null;
    interval: number;
    cycles: number;
    busiest: readonly Busy[];
  }>({
    severity: "warning",
    message: ({ layer, interval, cycles, busiest }) =>
      layer === null
        ? `the design takes a packet every ${cycles} cycles, more than the interval of ${interval} that is wished for; ` +
          `busiest: ${busiest.map((b) => `${b.where} with ${b.cycles}`).join(", ")}`
        : `layer ${layer} takes ${cycles} cycles with the PE and SIMD given for it, more than the interval of ${interval}`,
    hint: ({ layer, interval, cycles, busiest }) =>
      layer === null
        ? busiest.some((b) => b.cycles > interval)
          ? `ask for an interval of ${cycles} cycles, or make what is busiest smaller: it has all the lanes, PE and SIMD ` +
            "that it can have, so fewer channels, a stride or a smaller image help"
          : `ask for an interval of ${cycles} cycles; no layer takes longer than is wished, but line buffers that fill, ` +
            "branches that wait for each other or a class behind its logits hold layers up: more PE and SIMD for the busiest help"
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
