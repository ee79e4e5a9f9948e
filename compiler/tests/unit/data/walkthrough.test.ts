// The CSV walkthrough of docs/data.md has to work as it is written.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type DataFiles, loadDataSet } from "../../../data/load.ts";
import { compileSource } from "../../../dsl/compile-source.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { encodeUtf8 } from "../../../support/text.ts";
import { messagesOf } from "./diagnostics-of.ts";

const page = readFileSync(new URL("../../../../docs/data.md", import.meta.url), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^ *\`\`\`${language}\n([^]*?)^ *\`\`\`$`, "gm"))].map((m) =>
    m[1]!.replace(/^ {3}/gm, ""),
  );
const source = createSourceFile("motor.floor", blocks("floor")[0]!);
const { project } = compileSource(source, { exists: () => "found" });
const target = {
  shape: [4],
  stored: { signed: false, width: 8, fraction: 8 },
  outputs: { kind: "classes", count: 3 } as const,
};

function load(train: string, test: string) {
  const read = (path: string) => encodeUtf8(path === "train.csv" ? train : test);
  return loadDataSet(project!.data as DataFiles, target, { read });
}

describe("docs/data.md", () => {
  const [train, test] = blocks("csv") as [string, string];

  it("shows files that load", () => {
    const data = load(train, test);
    expect(data.train.classNames).toEqual(["blocked", "normal", "worn"]);
    expect([...data.train.labels]).toEqual([1, 2, 0, 1]);
    expect([...data.test.labels]).toEqual([1, 2]);
    expect(data.train.numbers).toBe("values");
  });

  it("shows the messages as they are", () => {
    const lines = train.trimEnd().split("\n");
    const damaged = [lines[0], lines[1], lines[2]!.replace("0.29", ""), ...new Array(5).fill(lines[1])];
    const text = [...damaged, "0.35,0.49,0.47,normal", lines[3]].join("\n");
    expect(messagesOf(() => load(text, test))).toBe(blocks("text")[0]!.trimEnd());
  });
});
