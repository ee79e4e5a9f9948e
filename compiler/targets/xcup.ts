// AMD Zynq UltraScale+ ZU3EG (Ultra96). Source: AMD DS891, table of EG devices: 70,560 LUT6, 141,120 flip-flops, 360 DSP48E2, 216
// block RAMs of 36 Kbit, which are 432 of 18 Kbit. UG579: 27 x 18 bits and an accumulator of 48.
import type { Target } from "./target.ts";
import { XILINX_BRAM_SHAPES, XILINX_CELLS, XILINX_LUT, XILINX_MODELS } from "./xilinx.ts";

export const xcup: Target = {
  name: "xcup",
  title: "AMD Zynq UltraScale+ ZU3EG",
  part: "xczu3eg-sbva484-1-e",
  has: { lut: 70560, ff: 141120, dsp: 360, bram: 432 },
  lut: XILINX_LUT,
  dsp: {
    cell: "DSP48E2",
    products: [{ count: 1, operands: [27, 18] }],
    accumulatorBits: 48,
    isInferred: true,
  },
  bram: { cell: "RAMB18E2", bits: 18432, shapes: XILINX_BRAM_SHAPES },
  cells: XILINX_CELLS,
  flow: {
    // Shift registers stay flip-flops: Yosys (issue 6058, up to 0.67) drops their clock enable.
    synth: "synth_xilinx -family xcup -flatten -nosrl",
    bare: ["-noiopad", "-noclkbuf"],
    ...XILINX_MODELS,
    vendor: "vivado",
  },
};
