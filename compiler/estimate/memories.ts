// What a memory becomes. In: its words and how they are read and written, the part's kinds of memory. Out: the kind that Yosys
// chooses (its pass memory_libmap, whose weighing is repeated here) and how many of it, or logic.
import type { MemoryStyle, StorageStyle } from "../schedule/folding.ts";
import type { Mapping, MemoryKind } from "../targets/mapping.ts";

export interface Memory {
  readonly words: number;
  readonly width: number;
  readonly access: "rom" | "ram";
  /** Whether what is read goes into a register with the memory; block memory has no other way. */
  readonly registered: boolean;
  readonly style: MemoryStyle | StorageStyle;
}

export interface MemoryChoice {
  /** Null: logic, which for a memory that is written means flip-flops. */
  readonly kind: MemoryKind | null;
  readonly units: number;
  /** Units that stand behind each other, of which one is chosen in reading. */
  readonly rows: number;
}

/** Bits of logic that weigh as much as one of Yosys's units of cost. */
const BITS_OF_ROM = 16;
const MULTIPLEXER = 0.5;
const EXTRA = 2;

interface Laid extends MemoryChoice {
  readonly cost: number;
}

/** A memory in words of each width of a kind: the cheapest. */
function laidInto(kind: MemoryKind, { words, width, access }: Memory): Laid {
  let best: Laid | null = null;
  for (const [index, unit] of kind.widths.entries()) {
    const rows = Math.ceil(words / (kind.depth >> index));
    const together = access === "rom" ? 1 : kind.byte === 0 ? unit : Math.min(kind.byte, unit);
    const bits = rows * together * Math.ceil(width / together);
    const units = Math.ceil(bits / unit);
    const cost =
      (kind.cost - kind.scaledCost) * units +
      (kind.scaledCost * rows * width) / unit +
      MULTIPLEXER * (rows - 1) * width +
      (access === "ram" && rows > 1 ? MULTIPLEXER * rows : 0) +
      EXTRA * kind.extra[access];
    if (!best || cost < best.cost) best = { kind, units, rows, cost };
  }
  return best!;
}

/** The first kind whose units are used enough, in the shape that uses them best. */
function chooseByUse(
  { words, width, access, registered }: Memory,
  { memories }: Mapping,
  leastUse: number,
): MemoryChoice {
  for (const kind of memories) {
    if (kind.kind === "block" ? !registered : access === "rom") continue;
    let best: (MemoryChoice & { readonly use: number }) | null = null;
    for (const [index, unit] of kind.widths.entries()) {
      const depth = kind.depth >> index;
      const [rows, columns] = [Math.ceil(words / depth), Math.ceil(width / unit)];
      const wasted = [rows * depth - words, columns * unit - width] as const;
      const waste = wasted[0] * unit + wasted[1] * depth - wasted[0] * wasted[1];
      const use = Math.floor(100 - (100 * waste) / (depth * unit));
      if (use >= leastUse && (!best || use > best.use)) best = { kind, units: rows * columns, rows, use };
    }
    if (best) return best;
  }
  return { kind: null, units: 0, rows: 1 };
}

/** What Yosys makes of a memory of a part. */
export function chooseMemory(memory: Memory, mapping: Mapping): MemoryChoice {
  const { memories, leastUse } = mapping;
  if (leastUse !== undefined) return chooseByUse(memory, mapping, leastUse);
  const { words, width, access, registered, style } = memory;
  const bits = words * width;
  const logic: Laid = {
    kind: null,
    units: 0,
    rows: 1,
    cost:
      style === "block" || style === "distributed"
        ? Number.POSITIVE_INFINITY
        : Math.trunc(access === "rom" ? bits / BITS_OF_ROM : bits),
  };
  if (style === "logic" || style === "registers") return logic;
  let best = logic;
  for (const kind of memories) {
    if (kind.kind === "block" ? !registered : access === "rom" && !kind.holdsRom) continue;
    if (style !== "auto" && kind.kind !== style) continue;
    const laid = laidInto(kind, memory);
    if (laid.cost < best.cost) best = laid;
  }
  return best;
}
