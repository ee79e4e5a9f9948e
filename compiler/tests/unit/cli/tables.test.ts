// Tables as a person reads them: aligned columns, and not more rows than anybody reads.
import { describe, expect, it } from "vitest";
import { table } from "../../../cli/tables.ts";

const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => [`layer${i}`, `${i}`]);

describe("a table", () => {
  it("has aligned columns, names to the left and numbers to the right", () => {
    expect(
      table(
        ["layer", "MACs"],
        [
          ["a", "1"],
          ["longer", "1,000"],
        ],
        1,
      ).split("\n"),
    ).toEqual(["layer    MACs", "a           1", "longer  1,000"]);
  });

  it("has five hundred rows, and of more says how many", () => {
    const whole = table(["layer", "MACs"], rowsOf(500)).split("\n");
    expect([whole.length, whole.at(-1)]).toEqual([501, "layer499   499"]);
    const cut = table(["layer", "MACs"], rowsOf(3345)).split("\n");
    expect(cut.slice(0, -1)).toEqual(whole);
    expect(cut.at(-1)).toBe("and 2,845 more; --json has all");
  });
});
