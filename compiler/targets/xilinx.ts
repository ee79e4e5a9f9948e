// What the AMD parts have in common. Sources: UG473 and UG573 (block RAM), UG474 and UG574 (look-up tables as memory).
import {
  BRAM_18_KBIT,
  type BramBlock,
  type DspBlock,
  type Flow,
  type LutKind,
  type Target,
} from "./target.ts";

export const XILINX_LUT: LutKind = { inputs: 6, ramBits: 64 };

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
  IBUF: {},
  OBUF: {},
};

/** Half of a block RAM of 36 Kbit, which is the unit here: both halves can be used alone. */
export const xilinxBram = (cell: string): BramBlock => ({ cell, ...BRAM_18_KBIT });

/** A block for products of signed operands of up to `width` and 18 bits. */
export const xilinxDsp = (cell: string, width: number): DspBlock => ({
  cell,
  products: [{ count: 1, operands: [width, 18] }],
  accumulatorBits: 48,
  isInferred: true,
});

/** Shift registers stay flip-flops: Yosys (issue 6058, up to 0.67) drops their clock enable. */
export const xilinxFlow = (family: string): Flow => ({
  synth: `synth_xilinx -family ${family} -flatten -nosrl`,
  bare: ["-noiopad", "-noclkbuf"],
  models: ["xilinx/cells_sim.v"],
  defines: [],
  vendor: "vivado",
});
