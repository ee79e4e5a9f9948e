import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNameSpace, legalStem } from "../../../verilog/names.ts";

const LEGAL = /^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$/;

describe("legalStem", () => {
  it("keeps a good name", () => {
    expect(legalStem("fc1", "layer")).toBe("fc1");
    expect(legalStem("hidden_2", "layer")).toBe("hidden_2");
  });

  it.each([
    ["module", "layer_module"],
    ["MODULE", "layer_MODULE"],
    ["while", "layer_while"],
    ["logic", "layer_logic"],
    ["con", "layer_con"],
    ["nf_dense", "layer_nf_dense"],
    ["NF_x", "layer_NF_x"],
    ["1st", "layer_1st"],
    ["", "layer"],
    ["größe", "gr_e"],
    ["日本", "layer"],
    ["reg; endmodule //", "reg_endmodule"],
    ["../../x", "x"],
    ["a__b_", "a_b"],
    ["$display", "display"],
  ])("makes %j legal", (text, stem) => {
    expect(legalStem(text, "layer")).toBe(stem);
  });

  it("shortens long names and still tells them apart", () => {
    const [a, b] = [legalStem("x".repeat(300), "layer"), legalStem("x".repeat(301), "layer")];
    expect(a.length).toBeLessThanOrEqual(40);
    expect(a).not.toBe(b);
  });

  it("gives legal text for anything", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const stem = legalStem(text, "layer");
        expect(stem).toMatch(LEGAL);
        expect(stem.length).toBeLessThanOrEqual(50);
      }),
    );
  });
});

describe("createNameSpace", () => {
  it("tells names apart without regard to case", () => {
    const names = createNameSpace(["aclk"]);
    expect(names.take("fc1")).toBe("fc1");
    expect(names.take("FC1")).toBe("FC1_2");
    expect(names.take("ACLK")).toBe("ACLK_2");
  });

  it("keeps all suffixes of a stem free", () => {
    const names = createNameSpace();
    expect(names.take("a_data")).toBe("a_data");
    expect(names.take("a", ["_data", "_valid"])).toBe("a_2");
    expect(names.take("a_2_valid")).toBe("a_2_valid_2");
  });

  it("never gives out a keyword", () => {
    expect(createNameSpace().take("end", ["", "_x"])).toBe("end_2");
  });
});
