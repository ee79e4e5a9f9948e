// How Yosys maps memories and products onto each part: what its own rule files (share/*/brams.txt, lutrams.txt, synth_*) say,
// as data. In estimates it decides, as Yosys does, what becomes a block.
import type { Resources } from "./target.ts";

/** A memory primitive that words are laid into. */
export interface MemoryKind {
  readonly kind: "block" | "distributed";
  /** By which Yosys weighs one unit, and the part of that which grows with the bits in use. */
  readonly cost: number;
  readonly scaledCost: number;
  /** Word widths it can be read at, narrowest first; the words halve in number from each to the next. */
  readonly widths: readonly number[];
  /** Words at the narrowest width. */
  readonly depth: number;
  /** Bits that are written together; 0: the whole word. */
  readonly byte: number;
  /** What reading needs around it, as Yosys scores it: of a memory that is never written, and of one that is. */
  readonly extra: { readonly rom: number; readonly ram: number };
  /** Whether a memory that is never written may be of this kind. */
  readonly holdsRom: boolean;
  /** What one unit takes. */
  readonly takes: Partial<Resources>;
}

/** Products that become DSP blocks: widths of the operands, the wider one first, and of the product. */
export interface ProductRule {
  readonly least: readonly [number, number];
  readonly leastProduct: number;
  readonly most: readonly [number, number];
  /** Blocks that one product takes. */
  readonly blocks: number;
}

export interface Mapping {
  /**
   * Where Yosys lays memories by its older pass memory_bram: percent of a unit that have to be in use, in the one that is used
   * the least. The first kind with a shape that keeps it is taken, whatever style is asked for.
   */
  readonly leastUse?: number;
  /** First the kind that is preferred at the same cost. */
  readonly memories: readonly MemoryKind[];
  /** The first that fits counts; none: products are made of logic. */
  readonly products: readonly ProductRule[];
  /** Whether a block takes the registers around its product and the adder behind it. */
  readonly absorbs: { readonly operands: boolean; readonly product: boolean; readonly adder: boolean };
}

const NOTHING_ABSORBED = { operands: false, product: false, adder: false } as const;

/** A block that is read before it is written only with logic around it. */
const block = (
  widths: readonly number[],
  depth: number,
  cost: number,
  byte: number,
  ram: number,
  bram = 1,
): MemoryKind => ({
  kind: "block",
  cost,
  scaledCost: 0,
  widths,
  depth,
  byte,
  extra: { rom: 1, ram },
  holdsRom: true,
  takes: { bram },
});

const distributed = (
  width: number,
  depth: number,
  cost: number,
  scaledCost: number,
  lut: number,
): MemoryKind => ({
  kind: "distributed",
  cost,
  scaledCost,
  widths: [width],
  depth,
  byte: 0,
  extra: { rom: 1, ram: 1 },
  holdsRom: false,
  takes: { lut },
});

const ICE40_BLOCK = block([2, 4, 8, 16], 2048, 64, 1, 7);
const NARROW = [1, 2, 4, 9, 18];

/** Halves of a block of 36 Kbit, whole ones, and in a row; the widest words have one port. */
const XILINX_BLOCKS = [
  block([...NARROW, 36], 2 ** 14, 129, 9, 1),
  block([...NARROW, 36, 72], 2 ** 15, 257, 9, 1, 2),
  block([1, 2, 4, 9], 2 ** 16, 513, 9, 1, 4),
];

/** Operands of the part's widest multiplier that is a whole block; undefined where products are made of logic. */
export function multiplierOf({ products }: Mapping): readonly [number, number] | undefined {
  return products.find(({ blocks }) => blocks === 1)?.most;
}

export const MAPPINGS: Readonly<Record<string, Mapping>> = {
  "ice40-hx8k": { memories: [ICE40_BLOCK], products: [], absorbs: NOTHING_ABSORBED },
  "ice40-up5k": {
    memories: [ICE40_BLOCK],
    products: [{ least: [2, 2], leastProduct: 11, most: [16, 16], blocks: 1 }],
    absorbs: { operands: false, product: true, adder: false },
  },
  ecp5: {
    memories: [distributed(4, 16, 4, 0, 6), block([...NARROW, 36], 2 ** 14, 128, 9, 7)],
    products: [{ least: [2, 2], leastProduct: 0, most: [18, 18], blocks: 1 }],
    absorbs: NOTHING_ABSORBED,
  },
  gowin: {
    memories: [distributed(4, 16, 4, 4, 4), block([...NARROW, 36], 2 ** 14, 128, 0, 7)],
    products: [],
    absorbs: NOTHING_ABSORBED,
  },
  xc7: {
    memories: [distributed(6, 32, 8, 7, 4), distributed(3, 64, 8, 7, 4), ...XILINX_BLOCKS],
    products: [{ least: [2, 2], leastProduct: 9, most: [25, 18], blocks: 1 }],
    absorbs: { operands: true, product: true, adder: true },
  },
  xcup: {
    memories: [distributed(14, 32, 16, 16, 8), distributed(7, 64, 16, 16, 8), ...XILINX_BLOCKS],
    products: [{ least: [2, 2], leastProduct: 9, most: [27, 18], blocks: 1 }],
    absorbs: NOTHING_ABSORBED,
  },
  cyclone5: {
    leastUse: 5,
    memories: [
      block([1, 2, 5, 10, 20, 40], 8192, 1, 0, 1),
      { ...distributed(1, 32, 1, 0, 1), extra: { rom: 0, ram: 0 } },
    ],
    products: [
      { least: [19, 4], leastProduct: 0, most: [27, 27], blocks: 1 },
      { least: [10, 4], leastProduct: 0, most: [18, 18], blocks: 1 / 2 },
      { least: [4, 4], leastProduct: 0, most: [9, 9], blocks: 1 / 3 },
    ],
    absorbs: NOTHING_ABSORBED,
  },
};
