// Lattice iCE40 HX8K. Source: Lattice FPGA-DS-02029, table of the family: 7,680 logic cells (a LUT4 and a flip-flop each),
// 32 block RAMs of 4 Kbit, no multipliers.
import { ICE40_BRAM, ICE40_CELLS, ICE40_LUT, ICE40_MODELS, ICE40_PINS } from "./ice40.ts";
import type { Target } from "./target.ts";

export const ice40Hx8k: Target = {
  name: "ice40-hx8k",
  title: "Lattice iCE40 HX8K",
  part: "iCE40HX8K-CT256",
  has: { lut: 7680, ff: 7680, dsp: 0, bram: 32 },
  lut: ICE40_LUT,
  bram: ICE40_BRAM,
  cells: ICE40_CELLS,
  flow: {
    synth: "synth_ice40 -device hx",
    bare: [],
    ...ICE40_MODELS,
    place: {
      tool: "nextpnr-ice40",
      device: ["--hx8k", "--package", "ct256"],
      pins: ICE40_PINS,
      cells: { lut: "ICESTORM_LC", bram: "ICESTORM_RAM" },
    },
  },
};
