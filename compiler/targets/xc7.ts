// AMD Artix-7 35T (Arty A7, Basys 3). Source: AMD DS180, table of Artix-7: 20,800 LUT6, 41,600 flip-flops, 90 DSP48E1, 50 block
// RAMs of 36 Kbit, which are 100 of 18 Kbit. UG479: 25 x 18 bits and an accumulator of 48.
import type { Target } from "./target.ts";
import { XILINX_CELLS, XILINX_LUT, xilinxBram, xilinxDsp, xilinxFlow } from "./xilinx.ts";

export const xc7: Target = {
  name: "xc7",
  title: "AMD Artix-7 35T",
  part: "xc7a35tcsg324-1",
  has: { lut: 20800, ff: 41600, dsp: 90, bram: 100 },
  lut: XILINX_LUT,
  dsp: xilinxDsp("DSP48E1", 25),
  bram: xilinxBram("RAMB18E1"),
  cells: XILINX_CELLS,
  flow: xilinxFlow("xc7"),
};
