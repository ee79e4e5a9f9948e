// iCEBreaker by 1BitSquared. Source: icebreaker.pcf of the IceStorm examples: oscillator of 12 MHz on 35, which is the pad of the
// PLL; the second channel of its FT2232H on 6 and 9; button 10 and LED 37 (green) are active low.
import type { Board } from "./board.ts";

export const icebreaker: Board = {
  name: "icebreaker",
  title: "1BitSquared iCEBreaker",
  target: "ice40-up5k",
  clock: { pin: "35", mhz: 12 },
  pll: "pad",
  uart: { rx: "6", tx: "9", chip: "FT2232H, its second port" },
  led: { pin: "37", activeLow: true },
  button: { pin: "10", activeLow: true },
  tied: [],
  ioStandard: "LVCMOS33",
};
