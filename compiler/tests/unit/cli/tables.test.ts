// Tables as a person reads them: aligned columns, and not more rows than anybody reads.
import { describe, expect, it } from "vitest";
import { summaryLines, table } from "../../../cli/tables.ts";

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

describe("the summary", () => {
  const report = { schema: "noisefloor.report/1", model: "m" } as const;
  const missing = (names: readonly string[]) => [
    { op: "requantize", layer: "fc2", value: "fc2.out", branches: [...names] },
  ];

  it("says how many branches the vectors took, and names those that they missed", () => {
    const branches = {
      vectors: 90,
      requantize: { possible: 38, reached: 37 },
      argmax: { possible: 2, reached: 2 },
      missing: missing(["saturation low"]),
    };
    expect(summaryLines({ ...report, verify: { branches } }).split("\n")).toEqual([
      "verify       requantizer branches: 37 of 38 reached; missing: fc2 saturation low",
      "verify       argmax branches: 2 of 2 reached",
    ]);
  });

  it("names no more of them than anybody reads", () => {
    const names = ["exact", "tie", "limit", "ReLU cut", "saturation low", "saturation high"];
    const branches = { vectors: 1, requantize: { possible: 8, reached: 2 }, missing: missing(names) };
    expect(summaryLines({ ...report, verify: { branches } })).toBe(
      "verify       requantizer branches: 2 of 8 reached; missing: fc2 exact, fc2 tie, fc2 limit, fc2 ReLU cut, ...",
    );
  });
});
