// What accepted texts mean: graph, training, hardware. Their data: good-data.test.ts.
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

describe("layers", () => {
  const specOf = (text: string) => projectOf(modelWith(text)).training;
  const complete = {
    weights: { granularity: { kind: "layer" }, bits: { min: 1, max: 8 } },
    input: { granularity: "layer", bits: { min: 1, max: 8 } },
    bias: "accumulator",
    prune: true,
  };

  test("each dense is quantized by defaults where it asks for nothing", () => {
    const { layers } = specOf("input x: 6 as u8\n output y = x -> a: dense(4) -> relu -> b: dense(2)");
    expect(layers).toEqual({ a: complete, b: complete });
  });

  test("every option", () => {
    const { layers } = specOf(`input x: 6 as u8
      output y = x -> a: dense(4) {
        weight_alpha: group(3), weight_bits: 2..4, input_alpha: layer
        input_bits: 1..2 bits, bias_alpha: layer, prune: off, pe: 2, simd: 3
      } -> relu -> b: dense(2) { weight_alpha: channel weight_bits: 1..2 input_alpha: channel input_bits: 3 bits bias_alpha: channel }`);
    expect(layers.a).toEqual({
      weights: { granularity: { kind: "group", size: 3 }, bits: { min: 2, max: 4 } },
      input: { granularity: "layer", bits: { min: 1, max: 2 } },
      bias: "layer",
      prune: false,
    });
    expect(layers.b).toEqual({
      weights: { granularity: { kind: "channel" }, bits: { min: 1, max: 2 } },
      input: { granularity: "channel", bits: { min: 3, max: 3 } },
      bias: "channel",
      prune: true,
    });
  });

  test.each([
    ["u8", "", 1, 8],
    ["s8", "", 2, 8],
    ["u8", "-> a: dense(4)", 2, 8],
    ["u8", "-> a: dense(4) -> relu", 1, 8],
    ["u8", "-> a: dense(4) -> hardtanh", 2, 8],
    ["u8", "-> a: dense(4) -> sign", 1, 1],
    ["u8", "-> a: dense(4) -> step", 1, 1],
    ["u8", "-> a: dense(4) -> batchnorm -> relu", 1, 8],
    ["u8", "-> a: dense(4) { weight_bits: 1 } -> batchnorm -> relu", 1, 4],
    ["u8", "-> a: dense(4) { weight_bits: 1 } -> batchnorm -> hardtanh", 2, 4],
    ["u8", "-> a: dense(4) -> batchnorm -> sign", 1, 1],
    ["u8", "-> a: dense(4) -> batchnorm -> step", 1, 1],
  ])("%s %s is entered with %i to %i bits", (stored, stages, min, max) => {
    const { layers } = specOf(`input x: 6 as ${stored}\n output y = x ${stages} -> z: dense(2)`);
    expect(layers.z?.input.bits).toEqual({ min, max });
  });

  test("a flatten hides nothing of the input", () => {
    const { layers } = specOf("input x: 2x3 as s4\n output y = x -> flatten -> a: dense(2)");
    expect(layers.a?.input.bits).toEqual({ min: 2, max: 8 });
  });

  test("stages of a labelled dense are named after it", () => {
    const text = modelWith(
      "input x: 6 as u8\n output y = x -> a: dense(4) -> batchnorm -> sign -> b: dense(2)",
    );
    expect(layersOf(text)).toEqual([
      "x: input 6",
      "a: dense 4",
      "a.batchnorm: batchnorm 4",
      "a.sign: sign 4",
      "b: dense 2",
    ]);
  });

  test.each([
    ["straight_through", { kind: "straight-through" }],
    ["ewgs(0.1)", { kind: "ewgs", delta: 0.1 }],
    ["normal(0.5)", { kind: "regularized", noise: "normal", sigma: 0.5 }],
    ["uniform(sigma: 1)", { kind: "regularized", noise: "uniform", sigma: 1 }],
  ])("gradient: %s, of all and of one activation", (written, gradient) => {
    for (const activation of ["relu", "hardtanh", "step", "sign"]) {
      const model = `model m { input x: 6 as u8
        output y = x -> a: dense(4) -> ${activation} { gradient: ${written} } -> dense(3) -> ${activation} -> dense(2) }`;
      const { training } = projectOf(fileWith({ model, train: `train { gradient: ${written} }` }));
      expect(training.gradient).toEqual(gradient);
      expect(training.surrogates).toEqual({ [`a.${activation}`]: gradient });
    }
  });

  test.each(["__proto__", "constructor"])(
    "a layer named %s has what it asks for and nothing else",
    (name) => {
      const model = `input x: 6 as u8\n output y = x -> "${name}": dense(2) { prune: off }`;
      const { layers, surrogates } = specOf(model);
      expect(Object.keys(layers)).toEqual([name]);
      expect(layers[name]).toEqual({ ...complete, prune: false });
      expect(surrogates[name]).toBeUndefined();
    },
  );
});

describe("train and hardware", () => {
  const trainingOf = (train: string) => {
    const {
      layers: _,
      surrogates: __,
      ...training
    } = projectOf(fileWith({ train: `train { ${train} }` })).training;
    return training;
  };
  const DEFAULTS = {
    objective: { kind: "lossless", epsilon: null },
    losses: [{ loss: { kind: "cross-entropy", smoothing: 0, weights: null }, weight: 1 }],
    target: "data",
    epochs: { float: 0, noise: 12, rounding: 24 },
    batch: 256,
    optimizer: { kind: "adam" },
    weightDecay: 0,
    learningRate: 0.003,
    schedule: { kind: "cosine" },
    patience: null,
    seed: 1,
    augment: { shiftPixels: 0, flip: "none", noise: 0 },
    augmentUntil: 1,
    normalize: "none",
    search: "noise",
    gradient: null,
    distillation: null,
  };

  test("an empty train section is lossless, by the defaults", () => {
    expect(trainingOf("")).toEqual(DEFAULTS);
  });

  test.each([
    ["objective: lossless", { objective: { kind: "lossless", epsilon: null } }],
    ["objective: lossless(0.02)", { objective: { kind: "lossless", epsilon: 0.02 } }],
    ["objective: budget(210 kbitops)", { objective: { kind: "budget", limits: { bitOperations: 210_000 } } }],
    ["objective: budget(mean: 2.5 bits)", { objective: { kind: "budget", limits: { meanWeightBits: 2.5 } } }],
    [
      `objective: budget(bit_operations: 118016 bitops, weights: 60 kbits, ebops: 100 kebops, luts: 5 kluts,
        mean: 1 bit)`,
      {
        objective: {
          kind: "budget",
          limits: {
            bitOperations: 118_016,
            weightBits: 60_000,
            ebops: 100_000,
            luts: 5000,
            meanWeightBits: 1,
          },
        },
      },
    ],
    [
      "objective: budget(118016 bitops, weights: 0.06 Mbits)",
      { objective: { kind: "budget", limits: { bitOperations: 118_016, weightBits: 60_000 } } },
    ],
    [
      "loss: cross_entropy(smoothing: 0.1, weights: [1, 2.5, 1])",
      { losses: [{ loss: { kind: "cross-entropy", smoothing: 0.1, weights: [1, 2.5, 1] }, weight: 1 }] },
    ],
    ["target: data", {}],
    ["optimizer: radam", { optimizer: { kind: "radam" } }],
    ["optimizer: sgd", { optimizer: { kind: "sgd", momentum: 0 } }],
    ["optimizer: sgd(momentum: 0.9)", { optimizer: { kind: "sgd", momentum: 0.9 } }],
    ["optimizer: adam, weight_decay: 1e-4", { weightDecay: 1e-4 }],
    ["optimizer: adamw", { weightDecay: 0.01 }],
    ["weight_decay: 0, optimizer: adamw", { weightDecay: 0 }],
    ["schedule: constant", { schedule: { kind: "constant" } }],
    ["schedule: step(10 epochs)", { schedule: { kind: "step", epochs: 10, factor: 0.1 } }],
    ["schedule: step(3, factor: 0.5)", { schedule: { kind: "step", epochs: 3, factor: 0.5 } }],
    ["patience: 5 epochs", { patience: 5 }],
    ["augment: none", {}],
    ["augment: flip(vertical)", { augment: { shiftPixels: 0, flip: "vertical", noise: 0 } }],
    [
      "augment: [noise(0.05), shift(1 px), flip(horizontal)]",
      { augment: { shiftPixels: 1, flip: "horizontal", noise: 0.05 } },
    ],
    ["normalize: element", { normalize: "element" }],
    ["normalize: tensor", { normalize: "tensor" }],
    ["search: rounding", { search: "rounding" }],
    ["distillation: none", {}],
    ["distillation: distill(0.5)", { distillation: { weight: 0.5, temperature: 2 } }],
    ["distillation: distill(1, temperature: 4)", { distillation: { weight: 1, temperature: 4 } }],
  ])("%s", (written, changed) => expect(trainingOf(written)).toEqual({ ...DEFAULTS, ...changed }));

  test.each([
    ["mse", { kind: "mse", weights: null }],
    ["mse(weights: [1, 2])", { kind: "mse", weights: [1, 2] }],
    ["huber", { kind: "huber", delta: 1, weights: null }],
    ["huber(0.5)", { kind: "huber", delta: 0.5, weights: null }],
    ["huber(delta: 2, weights: [3, 1])", { kind: "huber", delta: 2, weights: [3, 1] }],
  ])("loss: %s, of data and of the input", (written, loss) => {
    const model = "model m { input x: 2 as u8 output y = x -> dense(2) }";
    for (const target of ["data", "input"]) {
      const file = target === "data" ? 'csv("a.csv", targets: ["p", "q"])' : 'csv("a.csv")';
      const data = `data { train: ${file}, test: ${file}, validation: 3 }`;
      const { training } = projectOf(
        fileWith({ model, data, train: `train { loss: ${written} target: ${target} }` }),
      );
      expect(training).toMatchObject({ losses: [{ loss, weight: 1 }], target });
    }
  });

  test("one value is a regression's output too", () => {
    const model = "model m { input x: 2 as u8 output y = x -> dense(1) }";
    const data = 'data { train: csv("a", targets: ["p"]), test: csv("b", targets: ["p"]), validation: 3 }';
    expect(projectOf(fileWith({ model, data, train: "train { loss: mse }" })).hardware.outputs).toBe(
      "logits",
    );
  });

  test("hardware has defaults", () => {
    const { hardware } = projectOf(`floor 1\n${SECTIONS.model}\n${SECTIONS.data}\n${SECTIONS.train}`);
    expect(hardware).toMatchObject({ clockMHz: 100, intervalCycles: 1024, outputs: "class" });
    expect(hardware.multiplier).toBeUndefined();
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
    expect(training).toMatchObject({
      objective: { kind: "budget", limits: { bitOperations: 210_000 } },
      epochs: { float: 0, noise: 1, rounding: 1 },
      batch: 64,
      learningRate: 5e-4,
      seed: 4294967295,
      augment: { shiftPixels: 3, flip: "none", noise: 0 },
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

  test("a whole file may stand on one line", () => {
    const line = (text: string) => text.replaceAll(/\s+/g, " ");
    const one = projectOf(line(fileWith({ train: "train { target: data seed: 1\n}" })));
    const { graph } = projectOf(fileWith({}));
    expect(one.graph.nodes.map((n) => n.name)).toEqual(graph.nodes.map((n) => n.name));
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
