// Gowin GW2A-18 (Tang Primer 20K). Source: Gowin DS102, table of product resources: 20,736 LUT4, 15,552 flip-flops, 46 block
// RAMs of 18 Kbit, 48 multipliers of 18 x 18 bits. Yosys 0.55 infers no multiplier for Gowin: products are made of LUTs.
import { BRAM_18_KBIT, type Target } from "./target.ts";

export const gowin: Target = {
  name: "gowin",
  title: "Gowin GW2A-18",
  part: "GW2A-LV18PG256C8/I7",
  has: { lut: 20736, ff: 15552, dsp: 48, bram: 46 },
  lut: { inputs: 4, ramBits: 16 },
  dsp: {
    cell: "MULT18X18",
    products: [
      { count: 1, operands: [18, 18] },
      { count: 2, operands: [9, 9] },
    ],
    accumulatorBits: 54,
    isInferred: false,
  },
  bram: { cell: "SDPX9B", ...BRAM_18_KBIT },
  cells: {
    LUT1: { lut: 1 },
    LUT2: { lut: 1 },
    LUT3: { lut: 1 },
    LUT4: { lut: 1 },
    INV: { lut: 1 },
    ALU: { lut: 1 },
    "MUX2_LUT*": {},
    "DFF*": { ff: 1 },
    "RAM16S*": { lut: 4 },
    "SDP*": { bram: 1 },
    DPB: { bram: 1 },
    DPX9B: { bram: 1 },
    SP: { bram: 1 },
    SPX9: { bram: 1 },
    "pROM*": { bram: 1 },
    MULT18X18: { dsp: 1 },
    MULT9X9: { dsp: 1 / 2 },
    IBUF: {},
    OBUF: {},
    GND: {},
    VCC: {},
    GSR: {},
  },
  flow: {
    synth: "synth_gowin -family gw2a",
    bare: ["-noiopads"],
    models: ["gowin/cells_sim.v"],
    defines: [],
    place: {
      tool: "nextpnr-himbaechel",
      device: ["--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18C"],
      pins: { language: "cst", option: "--vopt", prefix: "cst=" },
      ringPins: 'IO_LOC "aclk" H11;\nIO_LOC "scan_in" T13;\nIO_LOC "scan_out" M11;\n',
      cells: { lut: "LUT4", ff: "DFF", bram: "BSRAM" },
    },
  },
};
