// Area from Yosys's report, in each target's own units.
import { describe, expect, it } from "vitest";
import { areaText, overflowOf, readArea } from "../../../flow/area.ts";
import { targetNamed } from "../../../targets/targets.ts";

const stat = (cells: Readonly<Record<string, number>>): string =>
  JSON.stringify({ modules: { "\\top": {} }, design: { num_cells: 1, num_cells_by_type: cells } });
const area = (target: string, cells: Readonly<Record<string, number>>) =>
  readArea(stat(cells), targetNamed(target)!);

describe("the area of a netlist", () => {
  it("adds up flip-flops of all kinds, and leaves out carries and marks", () => {
    const { used, cells, uncounted } = area("ice40-hx8k", {
      SB_LUT4: 502,
      SB_DFF: 9,
      SB_DFFESR: 88,
      SB_CARRY: 95,
      SB_RAM40_4KNR: 2,
      $scopeinfo: 13,
    });
    expect(used).toEqual({ lut: 502, ff: 97, dsp: 0, bram: 2 });
    expect(uncounted).toEqual([]);
    expect(Object.keys(cells)).toEqual(["SB_CARRY", "SB_DFF", "SB_DFFESR", "SB_LUT4", "SB_RAM40_4KNR"]);
  });

  it.each([
    ["ecp5", { LUT4: 3, CCU2C: 10, TRELLIS_DPR16X4: 4 }, { lut: 3 + 20 + 24 }],
    ["xc7", { LUT2: 1, LUT6: 5, RAM32M: 2, MUXF7: 9, RAMB36E1: 3, RAMB18E1: 1 }, { lut: 14, bram: 7 }],
    ["xcup", { DSP48E2: 2, RAM64M8: 1, CARRY8: 4 }, { dsp: 2, lut: 8 }],
    ["gowin", { ALU: 20, LUT4: 1, MUX2_LUT5: 7, RAM16SDP4: 1, SDPX9B: 2 }, { lut: 25, bram: 2 }],
    ["cyclone5", { MISTRAL_ALUT6: 2, MISTRAL_ALUT3: 1, MISTRAL_M10K: 1 }, { lut: 5, bram: 1 }],
  ])("counts memories and wide functions of %s as what they take", (target, cells, expected) => {
    expect(area(target, cells as unknown as Record<string, number>).used).toMatchObject(expected);
  });

  it("begins a block where parts of one are needed, exactly", () => {
    const blocks = (cells: Readonly<Record<string, number>>) => area("cyclone5", cells).used.dsp;
    expect(blocks({ MISTRAL_MUL9X9: 64 })).toBe(22);
    expect(blocks({ MISTRAL_MUL9X9: 66 })).toBe(22);
    expect(blocks({ MISTRAL_MUL18X18: 1, MISTRAL_MUL9X9: 1 })).toBe(1);
    expect(blocks({ MISTRAL_MUL18X18: 3 })).toBe(2);
    expect(Object.is(blocks({}), 0)).toBe(true);
  });

  it("names cells of unknown size", () => {
    expect(area("xc7", { LUT2: 1, URAM288: 1 }).uncounted).toEqual(["URAM288"]);
  });

  it("is refused when the report is none", () => {
    for (const text of ["", "{", "{}", `{"design": {}}`, "null"])
      expect(() => readArea(text, targetNamed("xc7")!), text).toThrow(/count of cells/);
  });

  it("is compared with the part, resource by resource", () => {
    const has = { lut: 10, ff: 10, dsp: 0, bram: 2 };
    expect(overflowOf({ lut: 10, ff: 10, dsp: 0, bram: 2 }, has)).toEqual([]);
    expect(overflowOf({ lut: 11, ff: 1, dsp: 1, bram: 2 }, has)).toEqual(["lut", "dsp"]);
    expect(areaText({ lut: 1100, ff: 1, dsp: 0, bram: 2 }, { ...has, lut: 7680 })).toBe(
      "1,100 of 7,680 LUT, 1 of 10 FF, no DSP, 2 of 2 BRAM",
    );
  });
});
