// What logic costs on each part, as fitted to synthesised designs, by target.
import { cyclone5 } from "./cyclone5.ts";
import { ecp5 } from "./ecp5.ts";
import { gowin } from "./gowin.ts";
import { ice40Hx8k } from "./ice40-hx8k.ts";
import { ice40Up5k } from "./ice40-up5k.ts";
import { xc7 } from "./xc7.ts";
import { xcup } from "./xcup.ts";

/** Look-up tables and flip-flops for one of each kind of logic that estimates tell apart. */
export interface Coefficients {
  readonly lut: Readonly<Record<string, number>>;
  /** Flip-flops for each register that the Verilog has. */
  readonly register: number;
  /** In nanoseconds; absent where nothing was placed. */
  readonly delays?: Delays;
}

/** What lies on the longest path of a stage. */
export interface Delays {
  /** From one stage's control to the next one's. */
  readonly control: number;
  /** Into a carry chain and out of it, each bit of it, and a choice by its last bit. */
  readonly carry: number;
  readonly carryBit: number;
  readonly cut: number;
  /** A product made of logic, and each of its rows. */
  readonly product: number;
  readonly productRow: number;
  /** A product in a block. */
  readonly block: number;
  /** The way from one window of an image to the next: each bit of its counts, windows of several elements, padding. */
  readonly window: number;
  readonly windowBit: number;
  readonly windowKernel: number;
  readonly windowPadding: number;
}

export const COEFFICIENTS: Readonly<Record<string, Coefficients>> = {
  "ice40-hx8k": ice40Hx8k,
  "ice40-up5k": ice40Up5k,
  ecp5,
  gowin,
  xc7,
  xcup,
  cyclone5,
};
