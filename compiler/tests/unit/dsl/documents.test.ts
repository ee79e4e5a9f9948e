// The examples of the documents are what they say they are: every block marked `floor` compiles, `floor stated` with a model
// that states its quantizers, one marked `floor error=CODE` gives that code alone. A block may leave out sections that it is not about.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { graphMessages } from "../../../support/messages/graph.ts";
import { languageMessages } from "../../../support/messages/language.ts";
import { compileStated, compileText, SECTIONS } from "./model-text.ts";

const root = new URL("../../../../", import.meta.url);

interface Block {
  readonly line: number;
  readonly error: string | undefined;
  /** Whether its model states its quantizers. */
  readonly isStated: boolean;
  readonly text: string;
}

function blocksOf(document: string): Block[] {
  const fence = /^([ \t]*)```floor([^\n]*)\n(.*?)^[ \t]*```/gms;
  return [...document.matchAll(fence)].map(({ index, 1: indent, 2: marks, 3: text }) => ({
    line: document.slice(0, index).split("\n").length,
    error: /error=(\S+)/.exec(marks!)?.[1],
    isStated: /\bstated\b/.test(marks!),
    text: text!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }));
}

/** A block with good sections in place of those that it leaves out. */
function completed(text: string): string {
  if (text.startsWith("floor ")) return text;
  const rest = Object.entries(SECTIONS).filter(([name]) => !new RegExp(`^${name}\\b`, "m").test(text));
  return ["floor 1", text, ...rest.map(([, section]) => section)].join("\n");
}

const documents = ["README.md", ...readdirSync(new URL("docs/", root)).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, blocks: blocksOf(readFileSync(new URL(name, root), "utf8")) }))
  .filter(({ blocks }) => blocks.length > 0);

describe.each(documents)("$name", ({ blocks }) => {
  test.each(blocks)("line $line $error", ({ text, error, isStated }) => {
    const { diagnostics, project, stated } = isStated ? compileStated(text) : compileText(completed(text));
    expect(diagnostics.map((d) => d.code)).toEqual(error === undefined ? [] : [error]);
    expect((isStated ? stated : project) === undefined).toBe(error !== undefined);
  });
});

test("the reference has examples of both kinds, with codes that exist", () => {
  const blocks = blocksOf(readFileSync(new URL("docs/language.md", root), "utf8"));
  const codes = blocks.flatMap(({ error }) => (error === undefined ? [] : [error]));
  expect(codes.length).toBeGreaterThan(3);
  expect(blocks.length - codes.length).toBeGreaterThan(6);
  for (const code of codes) expect(Object.keys({ ...languageMessages, ...graphMessages })).toContain(code);
});

test("the reference names every stage, key, unit and reserved word", async () => {
  const { STAGES } = await import("../../../dsl/stages.ts");
  const { JOINS } = await import("../../../dsl/joins.ts");
  const { UNITS } = await import("../../../dsl/units.ts");
  const { KEYWORDS } = await import("../../../dsl/tokens.ts");
  const reference = readFileSync(new URL("docs/language.md", root), "utf8");
  const units = [...UNITS].flatMap(([name, { dimension }]) =>
    dimension === "time" || dimension === "ratio" ? [] : [name],
  );
  /** What the report of an unknown key or word says is known there. */
  const known = (text: string): string[] => {
    const { message, hint } = compileText(completed(text)).diagnostics.find((d) => /unknown/.test(d.code))!;
    return (/supported: (.*)/.exec(message) ?? /keys: (.*)/.exec(hint!))?.[1]?.split(", ") ?? [];
  };
  const keys = ["data", "train", "hardware"].flatMap((section) => known(`${section} { unheard_of: 1 }`));
  const choices = ["objective", "loss", "target", "optimizer", "schedule", "augment"];
  choices.push("normalize", "search", "gradient", "distillation");
  for (const key of choices) {
    const words = known(`train { ${key}: unheard_of }`);
    expect(words.length).toBeGreaterThan(1);
    keys.push(...words, ...words.flatMap((word) => known(`train { ${key}: ${word}(unheard_of: 1) }`)));
  }
  const formats = known("data { train: unheard_of }");
  keys.push(...formats, ...formats.flatMap((format) => known(`data { train: ${format}(unheard_of: 1) }`)));
  const dense = (option: string) =>
    known(`model m {\ninput x: 6 as u8\noutput y = x -> dense(2) { ${option} }\n}`);
  keys.push(...dense("unheard_of: 1"));
  for (const key of ["weight_alpha", "input_alpha", "bias_alpha", "prune"]) {
    keys.push(...dense(`${key}: unheard_of`));
  }
  for (const stage of [...STAGES.keys()].filter((word) => word !== "flatten")) {
    keys.push(...known(`model m {\ninput x: 6 as u8\noutput y = x -> ${stage}(unheard_of: 1) }`));
  }
  keys.push(...known("model m {\ninput x: 6 as u8\noutput y = concat(x, x, unheard_of: 1) }"));
  // Names of single arguments that are always given by position.
  const positional = ["path", "distance", "direction", "deviation", "size"];
  const words = [...STAGES.keys(), ...JOINS.keys(), ...units, ...KEYWORDS, ...keys].filter(
    (w) => !positional.includes(w),
  );
  for (const word of words) {
    expect(reference).toMatch(new RegExp(`\`[^\`\n]*\\b${word}\\b`));
  }
});
