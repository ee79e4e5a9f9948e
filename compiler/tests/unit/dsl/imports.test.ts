// Models that come from files: what a text says of them, and what is wrong with one.
import { describe, expect, test } from "vitest";
import { compileSource, importedPathOf } from "../../../dsl/compile-source.ts";
import type { DataSpec } from "../../../graph/project.ts";
import { createSourceFile } from "../../../support/source-file.ts";
import { compileText, diagnose, projectOf, SECTIONS } from "./model-text.ts";

const DATA = 'data { train: npz("digits.npz"), test: 20 %, validation: 100 samples }';
const imported = (body = "", rest = DATA): string =>
  `floor 1\nmodel digits from "digits.onnx" {\n${body}\n}\n${rest}`;

describe("a text that names a model file", () => {
  test("has the file's graph and weights, and a training without epochs", () => {
    const { graph, imported: source, training, hardware, data } = projectOf(imported());
    expect(graph.nodes.map((n) => `${n.name} ${n.kind}`)).toEqual([
      "x input",
      "conv1 conv",
      "bn2 batchnorm",
      "relu3 relu",
      "flatten4 flatten",
      "fc1 dense",
      "relu6 relu",
      "fc2 dense",
      "argmax8 argmax",
    ]);
    expect(graph.nodes[0]).toMatchObject({ stored: { signed: true, width: 8, fraction: 7 } });
    expect(graph.nodes[1]!.origin.file).toBe("model.onnx");
    expect([...source!.weights.keys()]).toEqual(["conv1", "fc1", "fc2"]);
    expect(source).toMatchObject({ path: "digits.onnx", digest: "of the file" });
    expect(training.epochs).toEqual({ baseline: 0, float: 0, noise: 0, rounding: 0 });
    expect(training.layers.fc1).toEqual({
      weights: { granularity: { kind: "layer" }, bits: { min: 1, max: 8 } },
      input: { granularity: "layer", bits: { min: 1, max: 8 } },
      bias: "accumulator",
      prune: true,
    });
    expect(training.layers.conv1!.input.bits).toEqual({ min: 2, max: 8 });
    expect(hardware).toMatchObject({ outputs: "class", intervalCycles: 1024 });
    expect(data).toMatchObject({ test: { share: 0.2 }, validation: 100 });
  });

  test("sets options of its layers by their names", () => {
    const { training, hardware } = projectOf(
      imported(
        'fc1 { weight_bits: 3, weight_alpha: channel, pe: 8, simd: 4 }\n"conv1" { weight_bits: 2..5 }',
      ),
    );
    expect(training.layers.fc1!.weights).toEqual({
      granularity: { kind: "channel" },
      bits: { min: 3, max: 3 },
    });
    expect(training.layers.conv1!.weights.bits).toEqual({ min: 2, max: 5 });
    expect(hardware.folding).toEqual({ fc1: { pe: 8, simd: 4 } });
  });

  test("is fine-tuned when it gives epochs", () => {
    const { training } = projectOf(imported("", `${DATA}\ntrain { noise: 4 epochs, rounding: 8 epochs }`));
    expect(training.epochs).toEqual({ baseline: 0, float: 0, noise: 4, rounding: 8 });
  });

  const inputs: [string, object, object][] = [
    ["input x as s8", { signed: true, width: 8, fraction: 7 }, { least: -128, greatest: 127 }],
    ["input x as u8", { signed: false, width: 8, fraction: 8 }, { least: 0, greatest: 255 }],
    ["input x { range: [-1, 1] }", { signed: true, width: 8, fraction: 7 }, { least: -128, greatest: 127 }],
    ["input x { range: [-3, 2.5] }", { signed: true, width: 8, fraction: 5 }, { least: -96, greatest: 80 }],
    [
      "input x as u8 { range: [0, 255] }",
      { signed: false, width: 8, fraction: 0 },
      { least: 0, greatest: 255 },
    ],
    [
      "input x as s12 { fraction: 4 }",
      { signed: true, width: 12, fraction: 4 },
      { least: -2048, greatest: 2047 },
    ],
    [
      "input x as u8 { scale: 0.00392156862745098, range: [0.5, 1] }",
      { signed: false, width: 8, fraction: 8 },
      { least: 128, greatest: 255 },
    ],
  ];
  test.each(inputs)("%s", (item, stored, made) => {
    const { graph, data } = projectOf(imported(item, ""));
    expect(graph.nodes[0]).toMatchObject({ stored });
    expect(data).toEqual({ made: [made] });
  });

  test("a step that is no power of two goes into the first layer", () => {
    const weightsOf = (item: string) => projectOf(imported(item)).imported!.weights.get("conv1")!.weights[0]!;
    const plain = weightsOf("input x as u8 { fraction: 8 }");
    expect(weightsOf("input x as u8 { scale: 0.00392156862745098 }") / plain).toBeCloseTo(256 / 255, 6);
  });

  test("without data it is compared with itself at full widths, and that is said", () => {
    const { project, diagnostics } = compileText(imported("fc1 { weight_bits: 2..4 }", ""));
    expect(diagnostics.map((d) => `${d.severity} ${d.code}`)).toEqual(["warning import/no-data"]);
    const { training } = project!;
    expect(training).toMatchObject({ target: "float", losses: [{ loss: { kind: "mse" } }] });
    expect(training.layers.fc1!.weights.bits).toEqual({ min: 4, max: 4 });
    expect(training.layers.fc2).toMatchObject({
      weights: { bits: { min: 8, max: 8 } },
      input: { bits: { min: 8, max: 8 } },
      prune: false,
    });
    const bounded = projectOf(imported("", "train { objective: budget(20 kbitops) }")).training;
    expect(bounded.layers.fc2!.weights.bits).toEqual({ min: 1, max: 8 });
    expect(bounded.layers.fc2!.prune).toBe(false);
  });

  test("data without labels", () => {
    const rest = 'data { train: npy("x.npy"), test: 10 %, validation: 10 % }\ntrain { target: float }';
    const { data, training } = projectOf(imported("", rest));
    expect(training).toMatchObject({ target: "float", losses: [{ loss: { kind: "mse" } }] });
    expect((data as DataSpec).train).toMatchObject({ format: "npy", path: "x.npy" });
  });

  test("is found before the text is checked", () => {
    const pathOf = (text: string) => importedPathOf(createSourceFile("x.floor", text));
    expect(pathOf(imported())).toBe("digits.onnx");
    expect(pathOf('floor 1 model "from" from "a \\"b\\".onnx" {')).toBe('a "b".onnx');
    expect(pathOf(`floor 1\n${SECTIONS.model}`)).toBeUndefined();
  });
});

test("from is a name everywhere else", () => {
  const model = `model from {\n input from: 4 as u8\n output y = from -> fc: dense(2) -> argmax\n}`;
  expect(projectOf(["floor 1", model, SECTIONS.data, SECTIONS.train].join("\n")).graph.name).toBe("from");
});

test("test data may be a part of the training data of any model", () => {
  const data = 'data { train: csv("a.csv", label: "kind"), test: 50 samples, validation: 10 % }';
  const project = projectOf(["floor 1", SECTIONS.model, data, SECTIONS.train].join("\n"));
  expect(project.data).toMatchObject({ test: 50, validation: { share: 0.1 } });
});

describe("what is wrong", () => {
  test.each([
    ["a layer that the file has not", imported("fc3 { weight_bits: 2 }"), ["3:1 language/unknown-layer"]],
    ["an activation's options", imported("relu3 { gradient: normal(0.5) }"), ["3:1 language/unknown-layer"]],
    ["another input", imported("input y as s8"), ["3:7 language/unknown-layer"]],
    ["a layer twice", imported("fc1 { prune: off }\nfc1 { prune: on }"), ["4:1 language/duplicate-key"]],
    ["two inputs", imported("input x as s8\ninput x as u8"), ["4:7 language/duplicate-key"]],
    ["stages", imported("output y = x -> dense(3)"), ["3:1 language/stage-in-import"]],
    ["a key", imported("fc1 { weight_bit: 3 }"), ["3:7 language/unknown-key"]],
    ["folding", imported("fc2 { pe: 64, simd: 2 }"), ["3:7 language/folding-too-wide"]],
    ["a type", imported("input x as i8"), ["3:12 language/bad-type"]],
    ["a range", imported("input x { range: [1, -1] }"), ["3:11 language/bad-input-range"]],
    ["one end", imported("input x { range: [1] }"), ["3:11 language/bad-input-range"]],
    ["negative values", imported("input x as u8 { range: [-1, 1] }"), ["3:17 language/bad-input-range"]],
    ["two steps", imported("input x { fraction: 3, scale: 2 }"), ["3:24 language/conflicting-keys"]],
    ["a missing file", imported().replace("digits.onnx", "missing-a.onnx"), ["2:19 data/missing-file"]],
    ["float epochs", imported("", `${DATA}\ntrain { float: 3 epochs }`), ["6:9 language/unknown-key"]],
    ["normalized inputs", imported("", `${DATA}\ntrain { normalize: tensor }`), ["6:9 language/unknown-key"]],
    ["classes without data", imported("", "train { target: data }"), ["2:19 language/missing-section"]],
    [
      "classes without labels",
      imported("", "train { target: float, loss: cross_entropy }"),
      ["5:24 language/float-without-classes"],
    ],
    [
      "images that move away from what they are compared with",
      imported("", "train { target: float, augment: shift(1 px) }"),
      ["2:19 import/no-data", "5:33 language/augmented-float"],
    ],
    ["no share", imported("", DATA.replace("20 %", "0 %")), ["5:40 language/out-of-range"]],
  ])("%s", (_, text, codes) => {
    expect(diagnose(text)).toEqual(codes);
  });

  test("targets of a float network are an imported model's alone", () => {
    const text = ["floor 1", SECTIONS.model, SECTIONS.data, "train { target: float }"].join("\n");
    expect(diagnose(text)).toEqual(["7:17 language/unknown-word"]);
  });

  test("no reader", () => {
    const source = createSourceFile("x.floor", imported());
    const { diagnostics } = compileSource(source, { exists: () => "found" });
    expect(diagnostics.map((d) => d.code)).toEqual(["import/unknown-format"]);
  });

  test("a damaged text still gives messages, and never throws", () => {
    for (const text of [
      "floor 1\nmodel a from {\n}",
      'floor 1\nmodel a from "x.onnx"\n',
      'floor 1\nmodel a from "x.onnx" { fc1 {',
      'floor 1\nmodel a from "x.onnx" { fc1 weight_bits: 3 }',
      'floor 1\nmodel from "x.onnx" { }',
    ])
      expect(diagnose(text).length, text).toBeGreaterThan(0);
  });
});
