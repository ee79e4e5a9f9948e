// What the AMD parts have in common. Sources: UG473 and UG573 (block RAM), UG474 and UG574 (look-up tables as memory).
import type { BramShape, LutKind, Target } from "./target.ts";

export const XILINX_LUT: LutKind = { inputs: 6, ramBits: 64 };

/** Half of a block RAM of 36 Kbit, which is the unit here: both halves can be used alone. The widest words have one port. */
export const XILINX_BRAM_SHAPES: readonly BramShape[] = [
  { width: 1, depth: 16384 },
  { width: 2, depth: 8192 },
  { width: 4, depth: 4096 },
  { width: 9, depth: 2048 },
  { width: 18, depth: 1024 },
  { width: 36, depth: 512 },
];

export const XILINX_CELLS: Target["cells"] = {
  "LUT*": { lut: 1 },
  INV: { lut: 1 },
  "MUXF*": {},
  "CARRY*": {},
  "FD*": { ff: 1 },
  "SRL*": { lut: 1 },
  RAM32M16: { lut: 8 },
  RAM64M8: { lut: 8 },
  RAM32M: { lut: 4 },
  RAM64M: { lut: 4 },
  RAM32X1D: { lut: 2 },
  RAM64X1D: { lut: 2 },
  RAM128X1D: { lut: 4 },
  RAM256X1D: { lut: 8 },
  RAM32X1S: { lut: 1 },
  RAM64X1S: { lut: 1 },
  RAM128X1S: { lut: 2 },
  RAM256X1S: { lut: 4 },
  RAM512X1S: { lut: 8 },
  "RAMB18*": { bram: 1 },
  "RAMB36*": { bram: 2 },
  "DSP48*": { dsp: 1 },
  BUFG: {},
};

export const XILINX_MODELS = { models: ["xilinx/cells_sim.v"], defines: [] } as const;
