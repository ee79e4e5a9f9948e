// What the fuzzer once found: every file of this folder passes the quick judges and the one that complained of it. The files are
// written by `make fuzz` and stay for good.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Complaint, JUDGES, type JudgeName } from "../fuzz/judges.ts";
import { type Regression, readRegression } from "../fuzz/regression.ts";

const QUICK: readonly JudgeName[] = ["c", "icarus"];
const TIMEOUT = 600_000;
const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort();
const regressions = new Map(
  names.map((name): [string, Regression] => [name, readRegression(readFileSync(folder + name, "utf8"))]),
);

describe("what once failed", () => {
  it(names.length === 0 ? "is nothing: the folder is empty" : `are ${names.length} files`, () => {
    expect(regressions.size).toBe(names.length);
  });

  it.skipIf(!QUICK.every((judge) => JUDGES[judge].isPresent())).each(names)(
    "passes the quick judges: %s",
    async (name) => {
      for (const judge of QUICK) expect(await complaintOf(judge, name), judge).toBe(null);
    },
    TIMEOUT,
  );

  const strict = names.filter((name) => !QUICK.includes(regressions.get(name)!.found.judge));
  for (const name of strict) {
    const { judge } = regressions.get(name)!.found;
    it.skipIf(!JUDGES[judge].isPresent())(
      `passes ${judge}: ${name}`,
      async () => {
        expect(await complaintOf(judge, name)).toBe(null);
      },
      TIMEOUT,
    );
  }
});

async function complaintOf(judge: JudgeName, name: string): Promise<Complaint | null> {
  const [complaint] = await JUDGES[judge].judge([regressions.get(name)!.one]);
  return complaint!;
}
