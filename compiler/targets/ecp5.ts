// Lattice ECP5, its largest part. Source: Lattice FPGA-DS-02012, table of the family, and what Lattice Diamond reports as
// available: 83,640 LUT4 and as many flip-flops in slices, 208 block RAMs of 18 Kbit, 156 multipliers of 18 x 18 bits.
import { BRAM_18_KBIT, type Target } from "./target.ts";

export const ecp5: Target = {
  name: "ecp5",
  title: "Lattice ECP5 85F",
  part: "LFE5U-85F-6BG381C",
  has: { lut: 83640, ff: 83640, dsp: 156, bram: 208 },
  lut: { inputs: 4, ramBits: 16 },
  dsp: {
    cell: "MULT18X18D",
    products: [
      { count: 1, operands: [18, 18] },
      { count: 2, operands: [9, 9] },
    ],
    accumulatorBits: 54,
    isInferred: true,
  },
  bram: { cell: "DP16KD", ...BRAM_18_KBIT },
  cells: {
    LUT4: { lut: 1 },
    // Two LUT4 with their carries.
    CCU2C: { lut: 2 },
    PFUMX: {},
    L6MUX21: {},
    TRELLIS_FF: { ff: 1 },
    // Four LUT4 as memory; the slice beside them drives their write port and has no other use.
    TRELLIS_DPR16X4: { lut: 6 },
    DP16KD: { bram: 1 },
    PDPW16KD: { bram: 1 },
    MULT18X18D: { dsp: 1 },
    ALU54B: {},
  },
  flow: {
    synth: "synth_ecp5",
    bare: [],
    models: ["ecp5/cells_sim.v", "ecp5/cells_ff.vh", "ecp5/cells_io.vh"],
    defines: [],
    place: {
      tool: "nextpnr-ecp5",
      device: ["--85k", "--package", "CABGA381", "--speed", "6"],
      pins: { language: "lpf", option: "--lpf", prefix: "" },
      cells: { lut: "TRELLIS_COMB", ff: "TRELLIS_FF", bram: "DP16KD", dsp: "MULT18X18D" },
    },
  },
};
