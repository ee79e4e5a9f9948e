// AMD Zynq UltraScale+ ZU3EG (Ultra96). Source: AMD DS891, table of EG devices: 70,560 LUT6, 141,120 flip-flops, 360 DSP48E2, 216
// block RAMs of 36 Kbit, which are 432 of 18 Kbit. UG579: 27 x 18 bits and an accumulator of 48.
import type { Target } from "./target.ts";
import { XILINX_CELLS, XILINX_LUT, xilinxBram, xilinxDsp, xilinxFlow } from "./xilinx.ts";

export const xcup: Target = {
  name: "xcup",
  title: "AMD Zynq UltraScale+ ZU3EG",
  part: "xczu3eg-sbva484-1-e",
  has: { lut: 70560, ff: 141120, dsp: 360, bram: 432 },
  lut: XILINX_LUT,
  dsp: xilinxDsp("DSP48E2", 27),
  bram: xilinxBram("RAMB18E2"),
  cells: XILINX_CELLS,
  flow: xilinxFlow("xcup"),
};
