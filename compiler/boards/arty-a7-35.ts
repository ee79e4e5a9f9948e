// Digilent Arty A7-35T. Source: Digilent's master constraints: oscillator of 100 MHz on E3, the FT2232H on A9 (to the FPGA) and D10
// (from it), LED 4 on H5, the red reset button on C2 is active low.
import type { Board } from "./board.ts";

export const artyA735: Board = {
  name: "arty-a7-35",
  title: "Digilent Arty A7-35T",
  target: "xc7",
  clock: { pin: "E3", mhz: 100 },
  uart: { rx: "A9", tx: "D10", chip: "FT2232H, its second port" },
  led: { pin: "H5", activeLow: false },
  button: { pin: "C2", activeLow: true },
  tied: [],
  ioStandard: "LVCMOS33",
};
