// What Yosys 0.55 made of memories of these sizes, in its own log (`debug memory_libmap`).
import { expect, it } from "vitest";
import { chooseMemory, type Memory } from "../../../estimate/memories.ts";
import { MAPPINGS } from "../../../targets/mapping.ts";

type Case = [
  target: string,
  words: number,
  width: number,
  more: Partial<Memory>,
  kind: string,
  units: number,
];

const CASES: readonly Case[] = [
  // A FIFO, a window, and a line buffer of two widths.
  ["ice40-hx8k", 77, 2, {}, "block", 1],
  ["ice40-hx8k", 726, 8, {}, "block", 2],
  ["ice40-hx8k", 108, 8, {}, "block", 1],
  ["ice40-hx8k", 2352, 6, {}, "block", 4],
  ["ice40-hx8k", 8, 4, {}, "logic", 0],
  ["ecp5", 77, 2, {}, "distributed", 5],
  ["ecp5", 726, 8, {}, "block", 1],
  ["ecp5", 108, 8, {}, "distributed", 14],
  ["gowin", 77, 2, {}, "distributed", 5],
  ["gowin", 726, 8, {}, "block", 1],
  ["xc7", 77, 2, {}, "distributed", 2],
  ["xc7", 726, 8, {}, "block", 1],
  ["xc7", 108, 8, {}, "distributed", 6],
  ["xc7", 72, 6, {}, "distributed", 3],
  // Weights and thresholds.
  ["ice40-hx8k", 162, 4, { access: "rom" }, "logic", 0],
  ["ice40-hx8k", 162, 4, { access: "rom", style: "block" }, "block", 1],
  ["ice40-hx8k", 6, 19, { access: "rom" }, "logic", 0],
  ["ice40-hx8k", 324, 16, { access: "rom" }, "block", 2],
  ["ice40-hx8k", 324, 16, { access: "rom", style: "logic" }, "logic", 0],
  ["xc7", 324, 36, { access: "rom", style: "block" }, "block", 1],
  ["xc7", 324, 40, { access: "rom", style: "block" }, "block", 1],
  // What is read without a register is in no block.
  ["ice40-hx8k", 128, 8, { registered: false }, "logic", 0],
  ["xc7", 128, 8, { registered: false }, "distributed", 6],
];

it.each(CASES)(
  "on %s: %i words of %i bits, %o, are %s in %i units",
  (target, words, width, more, kind, units) => {
    const memory: Memory = { words, width, access: "ram", registered: true, style: "auto", ...more };
    const choice = chooseMemory(memory, MAPPINGS[target]!);
    expect({ kind: choice.kind?.kind ?? "logic", units: choice.units }).toEqual({ kind, units });
  },
);

it("takes blocks where enough of one is used, whatever is asked for, on parts whose tools look at use alone", () => {
  const kindOf = (words: number, style: Memory["style"], access: Memory["access"] = "rom") =>
    chooseMemory({ words, width: 8, access, registered: true, style }, MAPPINGS.cyclone5!);
  // A block has 10,240 bits, 5 % of which are 512.
  for (const style of ["auto", "block", "logic"] as const) {
    expect(kindOf(63, style).kind).toBeNull();
    expect(kindOf(65, style)).toMatchObject({ kind: { kind: "block" }, units: 1 });
    expect(kindOf(63, style, "ram")).toMatchObject({ kind: { kind: "distributed" }, units: 16 });
  }
});

it("never puts memory of logic into a block, nor memory of blocks into logic", () => {
  // Where use alone decides, no style is asked for.
  for (const mapping of Object.values(MAPPINGS).filter(({ leastUse }) => leastUse === undefined))
    for (const words of [2, 60, 300, 5000]) {
      const memory = { words, width: 9, access: "rom", registered: true } as const;
      expect(chooseMemory({ ...memory, style: "logic" }, mapping).kind).toBeNull();
      expect(chooseMemory({ ...memory, style: "block" }, mapping).kind?.kind).toBe("block");
    }
});
