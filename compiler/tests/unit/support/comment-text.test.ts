// User's texts in comments of generated code: inert in every language that has them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commentText } from "../../../support/comment-text.ts";

describe("commentText", () => {
  it.each([
    ["fc1", "fc1"],
    ["fc1.input", "fc1.input"],
    ["reg; endmodule //", "reg_ endmodule _"],
    ["../../x", "____x"],
    ["a\nendmodule", "a_endmodule"],
    ["*/ größe\\", "_ gr_e_"],
    ["x".repeat(300), `${"x".repeat(57)}...`],
  ])("%j becomes %j", (text, expected) => {
    expect(commentText(text)).toBe(expected);
  });
  it("ends no comment, string or line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(commentText(text)).toMatch(/^[A-Za-z0-9 _.,+=-]{0,60}$/);
      }),
    );
  });
});
