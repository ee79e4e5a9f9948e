// Texts that name a file whose network states its quantizers: what they may say of it, and what there is nothing of.
import { describe, expect, test } from "vitest";
import { compileSource } from "../../../dsl/compile-source.ts";
import type { StatedNetwork, StatedProject } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { placed } from "./model-text.ts";

const NETWORK: StatedNetwork = {
  inputs: [{ name: "x", shape: [28, 28, 1] }],
  outputs: [{ name: "y", shape: [10], isClass: false }],
  layers: [
    { name: "fc1", units: 64, inputs: 784 },
    { name: "fc2", units: 10, inputs: 64 },
  ],
  digest: "of the file",
};
const SEVERAL: StatedNetwork = {
  ...NETWORK,
  inputs: [
    { name: "left", shape: [4] },
    { name: "right", shape: [3] },
  ],
  outputs: [
    { name: "kind", shape: [5], isClass: true },
    { name: "place", shape: [2], isClass: false },
  ],
};

const compile = (body: string, rest = "", network = NETWORK) =>
  compileSource(createSourceFile("test.floor", `floor 1\nmodel m from "m.onnx" {\n${body}\n}\n${rest}`), {
    exists: (path) => (path.startsWith("missing-") ? "missing" : "found"),
    stated: () => network,
  });

function projectOf(body: string, rest?: string, network?: StatedNetwork): StatedProject {
  const { stated, diagnostics } = compile(body, rest, network);
  if (!stated) throw new Error(`the text was refused: ${diagnostics.map(placed).join(", ")}`);
  return stated;
}

const diagnose = (body: string, rest?: string, network?: StatedNetwork): string[] =>
  compile(body, rest, network).diagnostics.map(placed);

describe("a text that names a model with quantizers", () => {
  test("needs nothing but the file", () => {
    const { project } = compile("");
    expect(project).toBeUndefined();
    expect(projectOf("")).toMatchObject({
      name: "m",
      data: null,
      compared: ["nothing"],
      seed: 1,
      hardware: { clockMHz: 100, intervalCycles: 1024, outputs: "logits", folding: {} },
    });
    expect(projectOf("input x").inputs.size).toBe(0);
  });

  test("puts out a class where there is one", () => {
    expect(projectOf("", "", SEVERAL).hardware.outputs).toBe("class");
    expect(projectOf("", "hardware { outputs: both }", SEVERAL).hardware.outputs).toBe("both");
    expect(diagnose("", "hardware { outputs: class }")).toEqual(["5:12 language/class-without-argmax"]);
  });

  test.each<[string, object]>([
    ["input x as u8", { signed: false, width: 8, step: 1 / 256 }],
    ["input x as u8 { scale: 0.00392156862745098 }", { signed: false, width: 8, step: 1 / 255 }],
    ["input x as s12 { fraction: 4 }", { signed: true, width: 12, step: 1 / 16 }],
    ["input x { range: [-4, 4] }", { signed: true, width: 8, step: 1 / 32 }],
  ])("%s", (line, input) => {
    expect(projectOf(line).inputs.get("x")).toEqual({
      ...input,
      step: expect.closeTo((input as { step: number }).step, 15),
    });
  });

  test("sets foldings, clock and interval, and nothing else of a layer", () => {
    const { hardware } = projectOf(
      "fc1 { pe: 8, simd: 16 }",
      "hardware { clock: 50 MHz, interval: 200 cycles }",
    );
    expect(hardware).toMatchObject({ clockMHz: 50, intervalCycles: 200 });
    expect({ ...hardware.folding }).toEqual({ fc1: { pe: 8, simd: 16 } });
    expect(diagnose("fc1 { weight_bits: 4 }\nfc3 { pe: 1, simd: 1 }\nfc2 { pe: 11, simd: 1 }")).toEqual([
      "3:7 language/unknown-key",
      "4:1 language/unknown-layer",
      "5:7 language/folding-too-wide",
    ]);
  });

  test("names samples to measure with: what they have beside the inputs is compared", () => {
    const compared = (call: string): StatedProject["compared"] =>
      projectOf("", `data { test: ${call} }`).compared;
    expect(compared('npz("d.npz")')).toEqual(["nothing"]);
    expect(compared('npz("d.npz", labels: "y")')).toEqual(["labels"]);
    expect(compared('npy("x.npy", targets: "y.npy")')).toEqual(["targets"]);
    expect(compared('csv("x.csv", label: "kind")')).toEqual(["labels"]);
    expect(compared('idx("images", labels: "labels")')).toEqual(["labels"]);
    expect(compared('csv("digit-{class}.csv")')).toEqual(["labels"]);
    expect(projectOf("", 'data { test: npz("d.npz", labels: "y") }').data).toMatchObject({
      path: "d.npz",
      inputKeys: ["x"],
      labelKey: "y",
    });
  });

  test("names samples of several inputs, and of the outputs that they have something for", () => {
    const text = (more: string): string =>
      `data { test: { left: npy("l.npy"), right: npy("r.npy")${more} } }`;
    const compared = (more: string): StatedProject["compared"] => projectOf("", text(more), SEVERAL).compared;
    expect(compared("")).toEqual(["nothing", "nothing"]);
    expect(compared(', kind: npy("k.npy")')).toEqual(["labels", "nothing"]);
    expect(compared(', place: npy("p.npy")')).toEqual(["nothing", "targets"]);
    expect(diagnose("", 'data { test: { left: npy("l.npy") } }', SEVERAL)).toEqual([
      "5:14 language/missing-key",
    ]);
    expect(diagnose("", 'data { test: npy("l.npy") }', SEVERAL)).toEqual(["5:14 language/needs-ports"]);
    expect(projectOf("input left as u8\ninput right as s8", "", SEVERAL).inputs.size).toBe(2);
  });
});

describe("there is nothing to train", () => {
  test("in a section of its own, or in that of the data", () => {
    expect(diagnose("", "train { seed: 3 }")).toEqual(["5:1 import/nothing-to-train"]);
    const data = 'data { train: npz("a.npz"), test: npz("b.npz"), validation: 10 samples }';
    expect(diagnose("", data)).toEqual(["5:8 import/nothing-to-train", "5:49 import/nothing-to-train"]);
  });
});

describe("what does not fit is said at once", () => {
  test.each<[string, string, string[]]>([
    ["input z as u8", "", ["3:7 language/unknown-layer"]],
    ["input x as u8\ninput x as s8", "", ["4:7 language/duplicate-key"]],
    ["h = x -> dense(3)\ninput x as u9q", "", ["3:1 language/stage-in-import", "4:12 language/bad-type"]],
    ["", 'data { test: npz("missing-d.npz") }', ["5:18 data/missing-file"]],
    ["", "data { test: 20 % }", ["5:14 language/wrong-kind"]],
    ["", "data { }", ["5:1 language/missing-key"]],
    ["", "hardwear { }", ["5:1 language/unknown-section"]],
  ])("%s %s", (body, rest, expected) => {
    expect(diagnose(body, rest)).toEqual(expected);
  });
});
