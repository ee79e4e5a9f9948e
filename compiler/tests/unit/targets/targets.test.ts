// The parts as data: what a reader of them may rely on.
import { describe, expect, it } from "vitest";
import { TARGETS, targetNamed } from "../../../targets/targets.ts";

describe("the targets", () => {
  it("are found by their names, and by no other", () => {
    expect(TARGETS.map((t) => t.name)).toEqual([
      "ice40-hx8k",
      "ice40-up5k",
      "ecp5",
      "gowin",
      "xc7",
      "xcup",
      "cyclone5",
    ]);
    for (const target of TARGETS) expect(targetNamed(target.name)).toBe(target);
    expect(targetNamed("ice40")).toBeUndefined();
  });

  it.each(TARGETS)("$name has memory blocks whose words fill at most the block", ({ bram }) => {
    for (const { width, depth } of bram.shapes) {
      expect(width * depth).toBeLessThanOrEqual(bram.bits);
      // Parity bits are all that a narrow word leaves unused.
      expect(width * depth).toBeGreaterThanOrEqual((bram.bits * 4) / 5);
    }
    const widths = bram.shapes.map((s) => s.width);
    expect(widths).toEqual([...new Set(widths)].sort((a, b) => a - b));
  });

  it.each(TARGETS)("$name has multipliers exactly where it says their widths, widest first", (target) => {
    expect(target.has.dsp > 0).toBe(target.dsp !== undefined);
    const widths = target.dsp?.products.map((p) => p.operands[0]) ?? [];
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
    for (const { operands } of target.dsp?.products ?? [])
      expect(target.dsp!.accumulatorBits).toBeGreaterThanOrEqual(operands[0] + operands[1]);
  });

  it.each(TARGETS)("$name counts its own blocks as one of their kind", ({ bram, dsp, cells }) => {
    const taken = (cell: string) =>
      Object.entries(cells).find(([name]) =>
        name.endsWith("*") ? cell.startsWith(name.slice(0, -1)) : cell === name,
      )?.[1];
    expect(taken(bram.cell)).toEqual({ bram: 1 });
    if (dsp) expect(taken(dsp.cell)).toEqual({ dsp: 1 });
  });

  it("knows of a way onto each part: open place-and-route or a vendor's project", () => {
    for (const { name, flow } of TARGETS) {
      expect(flow.place ?? flow.vendor, name).toBeDefined();
      expect(flow.models.length, name).toBeGreaterThan(0);
    }
  });
});
