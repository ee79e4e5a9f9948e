// Sipeed Tang Primer 20K. Source: the platform file of LiteX for it: oscillator of 27 MHz on H11, its serial line on T13 (to the
// FPGA) and M11 (from it). Its LEDs are on the dock, at other levels, and are left alone.
import type { Board } from "./board.ts";

export const tangPrimer20k: Board = {
  name: "tang-primer-20k",
  title: "Sipeed Tang Primer 20K",
  target: "gowin",
  clock: { pin: "H11", mhz: 27 },
  uart: { rx: "T13", tx: "M11", chip: "debugger's serial port" },
  tied: [],
  ioStandard: "LVCMOS33",
};
