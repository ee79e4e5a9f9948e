// What the files of this folder say of a part: what it has, how wide its blocks are, and which tools make a design for it.
// Data only: synthesis reads it, and so may everything that plans hardware for a part.

/** How many of each a design takes, or a part has. Flip-flops, DSP and memory blocks are in units of the target's own. */
export interface Resources {
  readonly lut: number;
  readonly ff: number;
  readonly dsp: number;
  readonly bram: number;
}

export type ResourceName = keyof Resources;

export interface LutKind {
  /** Inputs of the function that counts as one LUT. */
  readonly inputs: number;
  /** Bits of memory that one LUT holds where it may be written; 0 where look-up tables are no memory. */
  readonly ramBits: number;
}

/** Products of one DSP block: so many at once, with signed operands of up to these widths. */
export interface DspProducts {
  readonly count: number;
  readonly operands: readonly [number, number];
}

export interface DspBlock {
  /** Primitive in the netlist. */
  readonly cell: string;
  /** Widest operands first; all of them are alternatives of one block. */
  readonly products: readonly DspProducts[];
  /** Bits of the block's own accumulator. */
  readonly accumulatorBits: number;
  /** Whether Yosys puts multiplications there by itself. */
  readonly isInferred: boolean;
}

/** A word width that a memory block can be read at, and how many words it then has. */
export interface BramShape {
  readonly width: number;
  readonly depth: number;
}

export interface BramBlock {
  readonly cell: string;
  readonly bits: number;
  /** Narrowest words first. A block with a width in between is used at the next one. */
  readonly shapes: readonly BramShape[];
}

/** A block of 18 Kbit, as several makers have it; the widest words have one port. */
export const BRAM_18_KBIT = {
  bits: 18432,
  shapes: [
    { width: 1, depth: 16384 },
    { width: 2, depth: 8192 },
    { width: 4, depth: 4096 },
    { width: 9, depth: 2048 },
    { width: 18, depth: 1024 },
    { width: 36, depth: 512 },
  ],
} as const satisfies Omit<BramBlock, "cell">;

export interface PlaceAndRoute {
  /** Command on PATH. */
  readonly tool: "nextpnr-ice40" | "nextpnr-ecp5" | "nextpnr-himbaechel";
  /** What selects the part. */
  readonly device: readonly string[];
  /** How a file of pins is named to the tool: an option, and what stands before the file's name in its value. */
  readonly pins: {
    readonly language: "pcf" | "lpf" | "cst";
    readonly option: string;
    readonly prefix: string;
  };
  /** Pins of the ring, for tools that place none by themselves: any three will do. */
  readonly ringPins?: string;
  /** Cells of its utilisation report, by which the part is full: logic, memory, multipliers. */
  readonly cells: Readonly<Partial<Record<ResourceName, string>>>;
}

export interface Flow {
  /** The synthesis pass of Yosys and its options. */
  readonly synth: string;
  /** Options that leave out pads and clock buffers, for a core that is a part of something. */
  readonly bare: readonly string[];
  /** Simulation models of the netlist's cells, and what they include, under Yosys's own share folder. */
  readonly models: readonly string[];
  /** Macros that those models are to be read with. */
  readonly defines: readonly string[];
  /** Open place-and-route. */
  readonly place?: PlaceAndRoute;
  /** Tool of the vendor that a project is written for. */
  readonly vendor?: "vivado" | "quartus";
}

export interface Target {
  readonly name: string;
  /** For people, such as Lattice iCE40 HX8K. */
  readonly title: string;
  /** The part as its vendor's tools name it. */
  readonly part: string;
  readonly has: Resources;
  readonly lut: LutKind;
  readonly dsp?: DspBlock;
  readonly bram: BramBlock;
  /**
   * What each cell of the netlist takes; a name may end in `*`, and the first name that fits counts. Fractions are parts of a
   * block, which is counted when it is begun.
   */
  readonly cells: Readonly<Record<string, Partial<Resources>>>;
  readonly flow: Flow;
}
