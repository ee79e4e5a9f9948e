// What accepted texts mean: graph, data, training, hardware.
import { describe, expect, test } from "vitest";
import { compileText, diagnose, fileWith, modelWith, projectOf, SECTIONS } from "./model-text.ts";

const layersOf = (text: string): string[] =>
  projectOf(text).graph.nodes.map((n) => `${n.name}: ${n.kind} ${n.shape.join("x")}`);

describe("model", () => {
  test("becomes a graph with shapes, inputs and origins", () => {
    const { graph, spans, source } = projectOf(fileWith({ model: SECTIONS.model }));
    expect(graph).toEqual({
      name: "digits",
      nodes: [
        {
          kind: "input",
          name: "image",
          shape: [4, 4, 1],
          stored: { signed: false, width: 8, fraction: 8 },
          origin: { file: "test.floor", line: 3, column: 9 },
        },
        {
          kind: "flatten",
          name: "digit.flatten",
          shape: [16],
          input: "image",
          origin: { file: "test.floor", line: 4, column: 27 },
        },
        {
          kind: "dense",
          name: "fc1",
          shape: [8],
          units: 8,
          input: "digit.flatten",
          origin: { file: "test.floor", line: 4, column: 38 },
        },
        {
          kind: "relu",
          name: "fc1.relu",
          shape: [8],
          input: "fc1",
          origin: { file: "test.floor", line: 4, column: 55 },
        },
        {
          kind: "dense",
          name: "fc2",
          shape: [3],
          units: 3,
          input: "fc1.relu",
          origin: { file: "test.floor", line: 4, column: 63 },
        },
        {
          kind: "argmax",
          name: "digit.argmax",
          shape: [1],
          input: "fc2",
          origin: { file: "test.floor", line: 4, column: 80 },
        },
      ],
      outputs: [{ name: "digit", node: "digit.argmax" }],
    });
    const { start, end } = spans.get("fc1")!;
    expect(source.text.slice(start, end)).toBe("fc1");
    expect([...spans.keys()]).toEqual(graph.nodes.map((n) => n.name));
  });

  test("a flat input needs no flatten, and a dense may follow a dense", () => {
    const text = modelWith("input x: 6 as s12\n output y = x -> a: dense(4) -> b: dense(2)");
    expect(layersOf(text)).toEqual(["x: input 6", "a: dense 4", "b: dense 2"]);
    expect(projectOf(text).graph.outputs).toEqual([{ name: "y", node: "b" }]);
  });

  test("named values may be joined in any number of steps, and named again", () => {
    const text = modelWith(`input x: 6 as u1
      first = x -> dense(4)
      second = first -> relu
      third = second
      scores = third -> dense(units: 2)
      output y = scores`);
    const layers = ["x: input 6", "first.dense: dense 4", "second.relu: relu 4", "scores.dense: dense 2"];
    expect(layersOf(text)).toEqual(layers);
  });

  test("stages without a label are named apart, also from the user's names", () => {
    const text = modelWith(
      'input x: 6 as u8\n output y = x -> "y.dense2": dense(5) -> dense(4) -> dense(3) -> relu -> dense(2)',
    );
    const names = projectOf(text).graph.nodes.map((n) => n.name);
    expect(names).toEqual(["x", "y.dense2", "y.dense", "y.dense3", "y.relu", "y.dense4"]);
  });

  test.each([
    "reg; endmodule //",
    "../../x",
    "while",
    "größe",
    "名",
    "a".repeat(300),
    "__proto__",
    "constructor",
    'say "x"\n',
    " ",
  ])("%j is a name when it is quoted", (name) => {
    const quoted = JSON.stringify(name);
    const text = modelWith(`input x: 6 as u8\n output y = x -> ${quoted}: dense(2) { pe: 2, simd: 3 }`);
    const { graph, hardware } = projectOf(text);
    expect(graph.nodes[1]?.name).toBe(name);
    expect(hardware.folding[name]).toEqual({ pe: 2, simd: 3 });
    expect(Object.keys(hardware.folding)).toEqual([name]);
  });

  test("a layer that asks for no folding has none, whatever it is called", () => {
    const text = modelWith('input x: 6 as u8\n output y = x -> "constructor": dense(2)');
    expect(projectOf(text).hardware.folding.constructor).toBeUndefined();
  });

  test("letters of any script make a name without quotes", () => {
    expect(
      projectOf(modelWith("input größe: 6 as u8\n output 答 = größe -> dense(2)")).graph.outputs[0]?.name,
    ).toBe("答");
  });

  test.each([
    ["u8", { signed: false, width: 8, fraction: 8 }],
    ["s8", { signed: true, width: 8, fraction: 7 }],
    ["u1", { signed: false, width: 1, fraction: 1 }],
    ["s16", { signed: true, width: 16, fraction: 15 }],
    ["s12 { fraction: 8 }", { signed: true, width: 12, fraction: 8 }],
    ["u8 { fraction: 0 }", { signed: false, width: 8, fraction: 0 }],
    ["u8 { fraction: -2 }", { signed: false, width: 8, fraction: -2 }],
  ])("as %s is a stored type", (written, stored) => {
    const [input] = projectOf(modelWith(`input x: 6 as ${written}\n output y = x -> dense(2)`)).graph.nodes;
    expect(input).toMatchObject({ stored });
  });

  test("what is not used is left out of the graph, with a warning", () => {
    const text = modelWith("input x: 6 as u8\n extra = x -> dense(9)\n output y = x -> a: dense(2)");
    expect(layersOf(text)).toEqual(["x: input 6", "a: dense 2"]);
    expect(diagnose(text)).toEqual(["4:2 language/unused-value"]);
  });

  test("a flatten of a flat value is left out, with a warning", () => {
    const text = modelWith("input x: 6 as u8\n output y = x -> flatten -> a: dense(2)");
    expect(layersOf(text)).toEqual(["x: input 6", "a: dense 2"]);
    expect(diagnose(text)).toEqual(["4:18 language/idle-flatten"]);
  });
});

describe("data", () => {
  const dataOf = (train: string) => {
    const { span: _, ...file } = projectOf(
      fileWith({ data: `data { train: ${train}\n test: ${train}\n validation: 9 samples }` }),
    ).data.train;
    return file;
  };
  test.each([
    ['idx("a", labels: "b")', { format: "idx", path: "a", labels: "b" }],
    ['idx(labels: "b", path: "a")', { format: "idx", path: "a", labels: "b" }],
    ['npy("a.npy", labels: "b.npy")', { format: "npy", path: "a.npy", labels: "b.npy" }],
    ['npz("a.npz")', { format: "npz", path: "a.npz", inputKeys: ["x"], labelKey: "y" }],
    [
      'npz("a.npz", inputs: "u", labels: "v")',
      { format: "npz", path: "a.npz", inputKeys: ["u"], labelKey: "v" },
    ],
    ['csv("a.csv", label: "k")', { format: "csv", path: "a.csv", labelKey: "k" }],
    [
      'csv("a.csv", label: "k", features: ["p", "q"])',
      { format: "csv", path: "a.csv", labelKey: "k", inputKeys: ["p", "q"] },
    ],
    ['json("a.json")', { format: "json", path: "a.json", inputKeys: ["inputs"], labelKey: "labels" }],
    [
      'idx("npm:@scope/name/data/x", labels: "npm:name/y")',
      { format: "idx", path: "npm:@scope/name/data/x", labels: "npm:name/y" },
    ],
  ])("%s", (written, file) => expect(dataOf(written)).toEqual(file));

  test("each path is looked for once", async () => {
    const { compileSource } = await import("../../../dsl/compile-source.ts");
    const { createSourceFile } = await import("../../../support/source-file.ts");
    const asked: string[] = [];
    const exists = (path: string) => {
      asked.push(path);
      return "found" as const;
    };
    const data = 'data { train: csv("a.csv", label: "k"), test: csv("a.csv", label: "k"), validation: 3 }';
    compileSource(createSourceFile("test.floor", fileWith({ data })), { exists });
    expect(asked).toEqual(["a.csv"]);
  });
});

describe("train and hardware", () => {
  test("have defaults", () => {
    const { training, hardware } = projectOf(
      `floor 1\n${SECTIONS.model}\n${SECTIONS.data}\n${SECTIONS.train}`,
    );
    expect(training).toEqual({
      objective: { kind: "budget", bitOperations: 1000 },
      epochs: { float: 4, noise: 12, rounding: 24 },
      batch: 256,
      learningRate: 0.003,
      seed: 1,
      shiftPixels: 0,
    });
    expect(hardware).toMatchObject({ clockMHz: 100, intervalCycles: 1024, outputs: "class" });
  });

  test("every key", () => {
    const { training, hardware } = projectOf(
      fileWith({
        train: `train {
          objective: budget(0.21 Mbitops), float: 0 epochs
          noise: 1, rounding: 1 epoch
          batch: 64 samples
          learning_rate: 5e-4
          seed: 4_294_967_295
          augment: shift(3 px) }`,
        hardware: "hardware { clock: 12.5 MHz interval: 1_000 cycles outputs: both }",
      }),
    );
    expect(training).toEqual({
      objective: { kind: "budget", bitOperations: 210000 },
      epochs: { float: 0, noise: 1, rounding: 1 },
      batch: 64,
      learningRate: 5e-4,
      seed: 4294967295,
      shiftPixels: 3,
    });
    expect(hardware).toMatchObject({ clockMHz: 12.5, intervalCycles: 1000, outputs: "both" });
  });

  test.each([
    ["25 MHz", 25],
    ["25MHz", 25],
    ["27000 kHz", 27],
    ["1.5e6 Hz", 1.5],
    ["0.2 GHz", 200],
  ])("clock: %s", (clock, clockMHz) => {
    expect(projectOf(fileWith({ hardware: `hardware { clock: ${clock} }` })).hardware.clockMHz).toBe(
      clockMHz,
    );
  });

  test("a model without argmax puts out its logits", () => {
    const text = modelWith("input x: 6 as u8\n output y = x -> dense(2)");
    expect(projectOf(text).hardware.outputs).toBe("logits");
  });
});

describe("texts", () => {
  test("a byte order mark, Windows line ends and tabs change nothing", () => {
    const text = fileWith({});
    const windows = `\ufeff${text.replaceAll("\n", "\r\n").replaceAll("  ", "\t")}`;
    const plain = projectOf(text);
    const { graph, ...rest } = projectOf(windows);
    expect(graph.nodes.map((n) => n.origin.line)).toEqual(plain.graph.nodes.map((n) => n.origin.line));
    expect(rest.training).toEqual(plain.training);
    expect(diagnose(`\ufeff${text.replace("floor 1", "floor 2")}`)).toEqual([
      "1:7 language/unsupported-version",
    ]);
  });

  test("comments go to the end of the line, sections come in any order", () => {
    const { model, data, train } = SECTIONS;
    const text = `# first\nfloor 1 # the version\n${train} # "\n${model}\n${data}#last`;
    expect(compileText(text).diagnostics).toEqual([]);
  });

  test("the same text gives the same project", () => {
    expect(projectOf(fileWith({}))).toEqual(projectOf(fileWith({})));
  });
});
