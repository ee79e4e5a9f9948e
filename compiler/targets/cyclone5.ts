// Intel Cyclone V SE A6 (DE10-Nano). Sources: CV-51001 and CV-51002, and what Quartus reports as available: 41,910 ALMs with two
// look-up tables and four flip-flops each, 553 memory blocks of 10 Kbit, 112 DSP blocks (27 x 27, two 18 x 18, three 9 x 9 bits).
import type { Target } from "./target.ts";

export const cyclone5: Target = {
  name: "cyclone5",
  title: "Intel Cyclone V SE A6",
  part: "5CSEBA6U23I7",
  // The unit of logic is half of an ALM.
  has: { lut: 83820, ff: 167640, dsp: 112, bram: 553 },
  lut: { inputs: 5, ramBits: 32 },
  dsp: {
    cell: "MISTRAL_MUL27X27",
    products: [
      { count: 1, operands: [27, 27] },
      { count: 2, operands: [18, 18] },
      { count: 3, operands: [9, 9] },
    ],
    accumulatorBits: 64,
    isInferred: true,
  },
  bram: {
    cell: "MISTRAL_M10K",
    bits: 10240,
    shapes: [
      { width: 1, depth: 8192 },
      { width: 2, depth: 4096 },
      { width: 5, depth: 2048 },
      { width: 10, depth: 1024 },
      { width: 20, depth: 512 },
      { width: 40, depth: 256 },
    ],
  },
  cells: {
    // A function of six inputs fills an ALM.
    MISTRAL_ALUT6: { lut: 2 },
    "MISTRAL_ALUT*": { lut: 1 },
    MISTRAL_NOT: { lut: 1 },
    // One bit of 32 words; twenty of them share a memory of ten ALMs.
    MISTRAL_MLAB: { lut: 1 },
    MISTRAL_FF: { ff: 1 },
    MISTRAL_M10K: { bram: 1 },
    MISTRAL_MUL27X27: { dsp: 1 },
    MISTRAL_MUL18X18: { dsp: 1 / 2 },
    MISTRAL_MUL9X9: { dsp: 1 / 3 },
    MISTRAL_CLKENA: {},
  },
  flow: {
    synth: "synth_intel_alm -family cyclonev",
    bare: ["-noiopad", "-noclkbuf"],
    models: ["alm_sim", "dff_sim", "dsp_sim", "mem_sim", "misc_sim"].map(
      (name) => `intel_alm/common/${name}.v`,
    ),
    defines: [],
    vendor: "quartus",
  },
};
