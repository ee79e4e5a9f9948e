// Lattice iCE40 UltraPlus 5K. Source: Lattice FPGA-DS-02008, table of the family: 5,280 logic cells, 30 block RAMs of 4 Kbit,
// 8 DSP blocks (16 x 16 bits, or two 8 x 8, with an accumulator of 32 bits). Its 4 single-port RAMs of 256 Kbit are not used.
import { ICE40_BRAM, ICE40_CELLS, ICE40_LUT, ICE40_MODELS, ICE40_PINS } from "./ice40.ts";
import type { Target } from "./target.ts";

export const ice40Up5k: Target = {
  name: "ice40-up5k",
  title: "Lattice iCE40 UltraPlus 5K",
  part: "iCE40UP5K-SG48",
  has: { lut: 5280, ff: 5280, dsp: 8, bram: 30 },
  lut: ICE40_LUT,
  dsp: {
    cell: "SB_MAC16",
    products: [
      { count: 1, operands: [16, 16] },
      { count: 2, operands: [8, 8] },
    ],
    accumulatorBits: 32,
    isInferred: true,
  },
  bram: ICE40_BRAM,
  cells: ICE40_CELLS,
  flow: {
    synth: "synth_ice40 -device u -dsp",
    bare: [],
    ...ICE40_MODELS,
    place: {
      tool: "nextpnr-ice40",
      device: ["--up5k", "--package", "sg48"],
      pins: ICE40_PINS,
      cells: { lut: "ICESTORM_LC", bram: "ICESTORM_RAM", dsp: "ICESTORM_DSP" },
    },
  },
};
