// What the files of this folder say of a board: its part, its clock, and the pins that a design talks through. Data only.

/** An output of one level: what would disturb the board if it were left alone. */
export interface TiedPin {
  /** Port of the top module. */
  readonly name: string;
  readonly pin: string;
  readonly level: 0 | 1;
}

export interface Board {
  readonly name: string;
  /** For people, such as Lattice iCE40-HX8K Breakout Board. */
  readonly title: string;
  /** Name of its target. */
  readonly target: string;
  readonly clock: { readonly pin: string; readonly mhz: number };
  /**
   * The PLL of an iCE40 that makes other clocks: `core` where its reference comes through the fabric, `pad` where the clock's pin is
   * the PLL's own. Absent where the core runs at the oscillator's clock alone.
   */
  readonly pll?: "core" | "pad";
  /** As the FPGA sees it: `rx` comes in, `tx` goes out. */
  readonly uart: { readonly rx: string; readonly tx: string; readonly chip: string };
  readonly led?: { readonly pin: string; readonly activeLow: boolean };
  readonly button?: { readonly pin: string; readonly activeLow: boolean };
  readonly tied: readonly TiedPin[];
  /** Levels of all pins here, for tools that ask. */
  readonly ioStandard: string;
  /** What has to be done to the board first. */
  readonly remark?: string;
}
