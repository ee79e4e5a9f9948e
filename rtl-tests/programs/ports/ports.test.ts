// Several ports: inputs of different sizes and rates whose packets belong together, outputs that other layers read, values
// beside logits and class.
import { describe, expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../compiler/program/builder.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { designOf } from "../../../compiler/tests/unit/verify/designs.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { verdict } from "../../harness/programs.ts";

const BYTE = intFormat(false, 8, 8);
const SMALL = intFormat(true, 4, 2);

/** The names differ in case only, and one of them is a keyword. */
function twoInputs(): Program {
  const b = createProgramBuilder("two inputs");
  const left = b.input({ name: "module", shape: [3, 4, 2], format: BYTE });
  const right = b.input({ name: "Module", shape: [1, 1, 2], format: SMALL });
  const few = b.requantize({ layer: "few", name: "few", input: left, format: SMALL });
  b.output("sum", b.add({ layer: "sum", name: "sum", inputs: [few, right] }), "value");
  return b.build();
}

/** A packet of 2 beats, one of 20 with elements that nothing reads, one that passes through. */
function threeInputs(): Program {
  const b = createProgramBuilder("three inputs");
  const a = b.input({ name: "a", shape: [2], format: SMALL });
  const x = b.input({ name: "x", shape: [20], format: BYTE });
  b.output("c", b.input({ name: "c", shape: [5], format: intFormat(false, 1, 0) }), "value");
  const kept = b.select({ layer: "keep", name: "kept", input: x, indices: [1, 2, 7, 11, 18, 19] });
  const bits = b.threshold({
    layer: "bits",
    name: "bits",
    input: kept,
    thresholds: [10, 200, 100, 128, 90, 3],
    levels: 1,
    base: 0,
    format: { kind: "bipolar", fraction: 0 },
  });
  const data = integers(randomFor("three inputs"), 12, 3, true);
  const weights = { units: 2, data, format: intFormat(true, 3, 2) };
  const sums = b.dense({ layer: "fc", name: "fc", input: bits, weights });
  b.output("gated", b.multiply({ layer: "gate", name: "gated", inputs: [sums, a] }), "value");
  return b.build();
}

/** An autoencoder that shows its code, and says of it which element is the largest. */
function codeAndImage(): Program {
  const b = createProgramBuilder("code and image");
  const x = b.input({ name: "x", shape: [12], format: BYTE });
  const dense = (layer: string, input: string, inputs: number, units: number): string => {
    const data = integers(randomFor("code", layer), units * inputs, 3, true);
    const weights = { units, data, format: intFormat(true, 3, 2) };
    return b.dense({ layer, name: `${layer}.sums`, input, weights });
  };
  const logits = dense("encode", x, 12, 3);
  const code = b.requantize({ layer: "code", name: "code", input: logits, format: SMALL });
  const image = dense("decode", code, 3, 12);
  b.output("logits", logits, "logits");
  b.output("class", b.argmax({ layer: "class", name: "class", input: logits }), "class");
  b.output("code", code, "value");
  b.output("image", image, "value");
  return b.build();
}

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("several ports", () => {
  test.each([
    ["two inputs", twoInputs, ["s_axis_input_module", "s_axis_input_Module_2"], ["m_axis"]],
    ["three inputs", threeInputs, ["s_axis_a", "s_axis_x", "s_axis_c"], ["m_axis_c", "m_axis_gated"]],
    ["code and image", codeAndImage, ["s_axis"], ["m_axis_logits", "m_axis_code", "m_axis_image"]],
  ] as const)("%s", async (_, programOf, inputs, outputs) => {
    const design = designOf(programOf(), { intervalCycles: 40 });
    const names = (ports: readonly { readonly name: string }[] = []) => ports.map(({ name }) => name);
    expect(names(design.manifest.rtl?.inputs)).toEqual(inputs);
    expect(names(design.manifest.rtl?.outputs)).toEqual(outputs);
    expect(await verdict(design)).toEqual({ c: "passed", rtl: "passed" });
  });

  test("are found wrong where a broken packet leaves its partners", async () => {
    const design = designOf(twoInputs(), { intervalCycles: 40 });
    const path = "rtl/nf_meet.v";
    const files = new Map(design.files);
    files.set(path, `${files.get(path)}`.replace("last && (|all_broken)", "s_drop && (|all_broken)"));
    expect((await verdict({ ...design, files })).rtl).toMatch(/wrong framing/);
  });
});
