// UPduino 3 by tinyVision.ai. Source: the maker's pinout and its constraint file: 12 MHz on 20 where the jumper OSC is shorted; its
// FT232H on 14 (from the FPGA) and 15 (to it), lines that the flash has too, whose select on 16 is kept high; LED 39 is active low.
import type { Board } from "./board.ts";

export const upduino3: Board = {
  name: "upduino3",
  title: "tinyVision.ai UPduino 3",
  target: "ice40-up5k",
  clock: { pin: "20", mhz: 12 },
  pll: "core",
  uart: { rx: "15", tx: "14", chip: "FT232H" },
  led: { pin: "39", activeLow: true },
  tied: [{ name: "flash_select_n", pin: "16", level: 1 }],
  ioStandard: "LVCMOS33",
  remark: "short the jumper OSC, which puts the 12 MHz on gpio_20",
};
