// ULX3S with an 85F, by Radiona. Source: doc/constraints/ulx3s_v20.lpf of emard/ulx3s: oscillator of 25 MHz on G2, its FT231X on M1
// (to the FPGA) and L4 (from it), LED 0 on B2, button FIRE1 on R1; a low wifi_gpio0 would let the ESP32 start its loader.
import type { Board } from "./board.ts";

export const ulx3s: Board = {
  name: "ulx3s",
  title: "Radiona ULX3S 85F",
  target: "ecp5",
  clock: { pin: "G2", mhz: 25 },
  uart: { rx: "M1", tx: "L4", chip: "FT231X" },
  led: { pin: "B2", activeLow: false },
  button: { pin: "R1", activeLow: false },
  tied: [{ name: "wifi_gpio0", pin: "L2", level: 1 }],
  ioStandard: "LVCMOS33",
};
