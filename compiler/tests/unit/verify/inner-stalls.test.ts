// Stalls between the stages: every stream of a top module gets a gate, the module's ports and data stay as they are.
import { expect, test } from "vitest";
import { withInnerStalls } from "../../../verify/inner-stalls.ts";
import { classifier, designOf } from "./designs.ts";

const design = designOf(classifier("stalls", [12, 6, 4]), { folding: { fc1: { pe: 2, simd: 3 } } });
const top = String(design.files.get(`rtl/${design.manifest.rtl!.top}.v`));

test("every stream but the copies of nf_fork has a gate on both of its sides", () => {
  const stalled = withInnerStalls(top)!;
  const [fork] = /nf_fork #\([\s\S]*?\);/.exec(top) ?? [""];
  const streams = [...top.matchAll(/^ {2}wire +(\w+)_valid;$/gm)]
    .map(([, stream]) => stream!)
    .filter((stream) => !new RegExp(`\\.[ab]_valid *\\(${stream}_valid\\)`).test(fork));
  expect(streams.length).toBeGreaterThan(5);
  for (const [k, stream] of streams.entries()) {
    expect(stalled).toContain(`wire ${stream}_valid = ${stream}_valid_made && nf_gates[${k}];`);
    expect(stalled).toContain(`wire ${stream}_ready = ${stream}_ready_made && nf_gates[${k}];`);
    // One sender drives it, and one receiver answers.
    expect(stalled.match(new RegExp(`\\.m_valid *\\(.*\\b${stream}_valid_made\\b`, "g"))).toHaveLength(1);
    expect(stalled.match(new RegExp(`_ready *\\(${stream}_ready_made\\b`, "g"))).toHaveLength(1);
  }
});

test("ports, data and instances are the same", () => {
  const stalled = withInnerStalls(top)!;
  const kept = (text: string): readonly string[] =>
    text.split("\n").filter((line) => /^ {2}nf_|_data|axis|^ {4}(in|out)put|\.mem"/.test(line));
  expect(kept(stalled)).toEqual(kept(top));
});

test("a text without streams has no gates", () => {
  expect(withInnerStalls("module empty (\n    input wire aclk\n);\n\nendmodule\n")).toBeUndefined();
});
