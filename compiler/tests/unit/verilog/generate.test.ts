import { describe, expect, it } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { tracedValues } from "../../../program/trace.ts";
import { type ScheduleOptions, scheduleProgram } from "../../../schedule/schedule.ts";
import { generateVerilog } from "../../../verilog/generate.ts";
import { randomCase } from "./random-program.ts";

const OPTIONS: ScheduleOptions = { clockMHz: 100, intervalCycles: 100, folding: {}, outputs: "both" };
const INFO = { version: "0.0.0" };

/** A classifier of one dense layer with every name chosen. */
function named(name: string, layer: string, input = "x", size = 4): Program {
  const builder = createProgramBuilder(name);
  let x = builder.input({ name: input, shape: [size], format: intFormat(false, 8, 8) });
  x = builder.requantize({ layer: input, name: "q", input: x, format: intFormat(false, 4, 4) });
  const data = Array.from({ length: 3 * size }, (_, i) => (i % 7) - 3);
  x = builder.dense({
    layer,
    name: "logits",
    input: x,
    weights: { units: 3, data, format: intFormat(true, 3, 0) },
    bias: [1, 2, 3],
  });
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "digit", name: "class", input: x }), "class");
  return builder.build();
}

const generate = (program: Program, options = OPTIONS) =>
  generateVerilog(program, scheduleProgram(program, options), INFO);
const text = (files: ReadonlyMap<string, string | Uint8Array>, path: string): string => {
  const content = files.get(path);
  if (typeof content !== "string") throw new Error(`no text file ${path}`);
  return content;
};

describe("generateVerilog", () => {
  it("gives the same bytes twice", () => {
    const [a, b] = [generate(named("m", "fc")), generate(named("m", "fc"))];
    expect([...a.files]).toEqual([...b.files]);
    expect(a.manifest).toEqual(b.manifest);
  });

  it("lists every file of rtl/ in the manifest, and no other", () => {
    const { files, manifest } = generate(named("m", "fc"));
    const rtl = [...files.keys()].filter((path) => path.startsWith("rtl/")).sort();
    expect([...manifest.sources, ...manifest.memories].sort()).toEqual(rtl);
    expect(manifest.sources[manifest.sources.length - 1]).toBe("rtl/m.v");
    expect(files.has(manifest.tapWrapper.file)).toBe(true);
  });

  it("taps every traced value, in the simulation wrapper only", () => {
    const program = named("m", "fc");
    const { files, manifest } = generate(program);
    expect(manifest.taps.map((t) => t.index)).toEqual(tracedValues(program).map((t) => t.index));
    for (const [path, content] of files) {
      if (path.startsWith("rtl/")) expect(content).not.toMatch(/nf_tap|import "DPI/);
    }
  });

  it("leaves out the tap of an argmax that is not built", () => {
    const { manifest } = generate(named("m", "fc"), { ...OPTIONS, outputs: "logits" });
    expect(manifest.taps.map((t) => t.value)).toEqual(["q", "logits"]);
    expect(manifest.outputs[0]!.values.map((v) => v.role)).toEqual(["logits"]);
  });

  it("streams logits, then the class", () => {
    const { manifest } = generate(named("m", "fc"));
    expect(manifest.outputs[0]!.values.map((v) => [v.role, v.elements, v.beats])).toEqual([
      ["logits", 3, 3],
      ["class", 1, 1],
    ]);
    expect(manifest.outputs[0]!.beats).toBe(4);
    expect(manifest.outputs[0]!.laneBits % 8).toBe(0);
  });

  it("says in header and manifest which streams are bipolar", () => {
    const builder = createProgramBuilder("m");
    const bits = { kind: "bipolar", fraction: 0 } as const;
    const x = builder.input({ name: "x", shape: [3], format: bits });
    const weights = { units: 2, data: [0, 1, 1, 0, 1, 1], format: bits };
    const y = builder.dense({ layer: "fc", name: "y", input: x, weights });
    builder.output("y", y, "value");
    const { files, manifest } = generate(builder.build());
    expect(manifest.inputs[0]!.values[0]).toMatchObject({ width: 1, signed: false, bipolar: true });
    expect(manifest.outputs[0]!.values[0]).not.toHaveProperty("bipolar");
    expect(text(files, "rtl/m.v")).toMatch(/3 x b1 x;/);
    expect(text(files, "rtl/m.v")).toMatch(/b1: a bit b that counts as 2b - 1/);
    expect(text(files, "rtl/m.v")).toMatch(/XNOR gate/);
    expect(text(generate(named("m", "fc")).files, "rtl/m.v")).not.toMatch(/b1|XNOR/);
  });

  it("counts one beat as one in its comments", () => {
    const { files } = generate(named("m", "fc"), { ...OPTIONS, outputs: "class" });
    expect(text(files, "rtl/m.v")).toMatch(/m_axis {2}1 x .*; 1 beat of 1 x/);
    expect(text(files, "rtl/m.v")).not.toMatch(/\b1 (beat|lane|word|element|input|output)s/);
  });

  it("does not grow with the number of weights", () => {
    const lengthOf = (size: number): number =>
      text(generate(named("m", "fc", "x", size)).files, "rtl/m.v").length;
    expect(Math.abs(lengthOf(4000) - lengthOf(400))).toBeLessThan(200);
  });

  it.each([
    ["module", "while"],
    ["reg; endmodule //", "../../x"],
    ["größe", "größe"],
    ["x".repeat(300), "x".repeat(300)],
    ["nf_dense", "nf_dense"],
    ["con", "aux"],
    ["a\nendmodule", "b*/\\"],
    ["aclk", "m_axis_tdata"],
    ["verilator lint_off WIDTH", "synopsys translate_off"],
  ])("keeps the names %j and %j from files and text", (model, layer) => {
    const { files } = generate(named(model, layer, layer));
    const seen = new Set<string>();
    for (const [path, content] of files) {
      expect(path).toMatch(/^(rtl|tb)\/[A-Za-z][A-Za-z0-9_]{0,63}\.(v|sv|mem)$/);
      expect(content).toMatch(/^[\n -~]*$/);
      expect(content).not.toMatch(/\/\/\s*(verilator|synopsys)/);
      seen.add(path.toLowerCase());
      for (const word of text(files, path).match(/[A-Za-z_][A-Za-z0-9_$]*/g) ?? [])
        if (!path.includes("nf_")) expect(word.length).toBeLessThanOrEqual(64);
    }
    expect(seen.size).toBe(files.size);
    const tops = [...files.values()].join("\n").match(/^endmodule$/gm);
    // Two memories; taps and rules have a module each beside their own.
    expect(tops?.length).toBe(files.size - 2 + 2);
  });

  it("keeps layers apart whose names differ in case only", () => {
    const builder = createProgramBuilder("m");
    let x = builder.input({ name: "FC", shape: [2], format: intFormat(false, 4, 0) });
    for (const layer of ["fc", "Fc", "fc_2"]) {
      const weights = { units: 2, data: [1, 2, 3, 1], format: intFormat(true, 3, 0) };
      x = builder.dense({ layer, name: `${layer}.acc`, input: x, weights });
      x = builder.requantize({ layer, name: layer, input: x, format: intFormat(true, 4, 0) });
    }
    builder.output("y", x, "value");
    const { files, manifest } = generate(builder.build());
    expect(new Set([...files.keys()].map((p) => p.toLowerCase())).size).toBe(files.size);
    expect(new Set(manifest.stages.map((s) => s.instance.toLowerCase())).size).toBe(manifest.stages.length);
    expect(manifest.memories.length).toBe(3);
  });

  it("builds every random program", () => {
    for (let seed = 1000; seed < 1100; seed++) {
      const { program, options } = randomCase(seed);
      expect(generate(program, options).manifest.latencyCycles).toBeGreaterThan(0);
    }
  });
});
