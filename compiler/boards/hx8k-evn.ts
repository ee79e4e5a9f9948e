// Lattice iCE40-HX8K Breakout Board (iCE40HX8K-B-EVN). Source: Lattice FPGA-EB-02031 (EB85), and constraint files of open projects
// for it, which agree: oscillator of 12 MHz on J3, the second channel of its FT2232H on B10 and B12, LED D9 on B5.
import type { Board } from "./board.ts";

export const hx8kEvn: Board = {
  name: "hx8k-evn",
  title: "Lattice iCE40-HX8K Breakout Board",
  target: "ice40-hx8k",
  clock: { pin: "J3", mhz: 12 },
  pll: "core",
  uart: { rx: "B10", tx: "B12", chip: "FT2232H, its second port" },
  led: { pin: "B5", activeLow: false },
  tied: [],
  ioStandard: "LVCMOS33",
};
