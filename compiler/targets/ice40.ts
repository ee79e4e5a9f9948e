// What the iCE40 parts have in common. Sources: Lattice FPGA-DS-02029 (iCE40 LP/HX) and FPGA-DS-02008 (iCE40 UltraPlus).
import type { BramBlock, LutKind, Target } from "./target.ts";

export const ICE40_LUT: LutKind = { inputs: 4, ramBits: 0 };

/** Embedded block RAM. */
export const ICE40_BRAM: BramBlock = {
  cell: "SB_RAM40_4K",
  bits: 4096,
  shapes: [
    { width: 2, depth: 2048 },
    { width: 4, depth: 1024 },
    { width: 8, depth: 512 },
    { width: 16, depth: 256 },
  ],
};

/** A carry stands in the same logic cell as the look-up table behind it. */
export const ICE40_CELLS: Target["cells"] = {
  SB_LUT4: { lut: 1 },
  SB_CARRY: {},
  "SB_DFF*": { ff: 1 },
  "SB_RAM40_4K*": { bram: 1 },
  SB_MAC16: { dsp: 1 },
  "SB_PLL40_*": {},
};

export const ICE40_PINS = { language: "pcf", option: "--pcf", prefix: "" } as const;

/** The ports of the models get no values of their own: Verilator refuses those, and the netlist connects all ports. */
export const ICE40_MODELS = {
  models: ["ice40/cells_sim.v"],
  defines: ["NO_ICE40_DEFAULT_ASSIGNMENTS"],
} as const;
