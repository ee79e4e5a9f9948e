// Which cells can be simulated: read off the models, never assumed.
import { describe, expect, it } from "vitest";
import { cellsWithoutModel } from "../../../flow/models.ts";
import { TARGETS } from "../../../targets/targets.ts";
import { createFlowTools } from "../../../tools/flow-tools.ts";

describe("a cell has a model", () => {
  const models = `
// module COMMENTED (output O); assign O = 1; endmodule
module LUT1 (output O, input I); assign O = ~I; endmodule
(* abc9_box, lib_whitebox *)
module CARRY (output CO, input CI);
  assign CO = CI;
endmodule
module DELAY (output O, input I);
  specify (I => O) = 100; endspecify
endmodule
(* blackbox *)
module RAM (output O, input CLK);
  always @(posedge CLK) O <= 1;
endmodule
(* blackbox, keep *) module PLL (output O); parameter A = 1; endmodule
module PAIR (output O, input I);
  LUT1 a (.O(O), .I(I));
endmodule
module FF (output reg Q, input C, D);
  initial Q = 0;
endmodule
`;
  it.each(["LUT1", "CARRY", "PAIR", "FF"])("when its module says what it does: %s", (cell) => {
    expect(cellsWithoutModel([cell], [models])).toEqual([]);
  });

  it.each(["COMMENTED", "DELAY", "RAM", "PLL", "OTHER"])("else it has none: %s", (cell) => {
    expect(cellsWithoutModel([cell], [models])).toEqual([cell]);
  });
});

describe("the models of Yosys", () => {
  const tools = createFlowTools({ projectFolder: process.cwd(), path: "" });
  it.each([
    ["ice40-hx8k", ["SB_LUT4", "SB_CARRY", "SB_DFFESR", "SB_RAM40_4K"], []],
    ["ice40-up5k", ["SB_MAC16", "SB_LUT4", "SB_SPRAM256KA"], []],
    ["ecp5", ["LUT4", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4"], ["MULT18X18D", "DP16KD"]],
    ["gowin", ["LUT3", "ALU", "DFFR", "MUX2_LUT5", "RAM16SDP4", "GND"], ["SP", "SDPX9B"]],
    ["xc7", ["LUT6", "FDRE", "CARRY4", "MUXF7", "RAM32M", "DSP48E1"], ["RAMB18E1", "RAMB36E1"]],
    ["xcup", ["LUT6", "FDRE", "RAM32M16"], ["DSP48E2", "RAMB18E2"]],
    [
      "cyclone5",
      ["MISTRAL_ALUT6", "MISTRAL_ALUT_ARITH", "MISTRAL_FF", "MISTRAL_MLAB", "MISTRAL_MUL9X9", "MISTRAL_M10K"],
      [],
    ],
  ])("of %s are there, but of some blocks", async (name, modelled, missing) => {
    const { flow } = TARGETS.find((target) => target.name === name)!;
    const yosys = await tools.need("yosys");
    const texts = await Promise.all(flow.models.map((path) => yosys.readShare(path)));
    expect(texts.every((text) => text !== undefined)).toBe(true);
    expect(cellsWithoutModel([...modelled, ...missing], texts as string[])).toEqual(missing);
  });

  it("are found by no other name", async () => {
    const yosys = await tools.need("yosys");
    expect(await yosys.readShare("ice40/none.v")).toBeUndefined();
    expect(await yosys.readShare("none/cells_sim.v")).toBeUndefined();
  });
});
