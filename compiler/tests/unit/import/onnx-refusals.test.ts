// What is refused, and how: all problems of a file at once, each with node, operator and what to do. Hostile files end in
// a diagnostic, soon and in little memory.
import { describe, expect, it } from "vitest";
import type { ModelSource } from "../../../import/model-import.ts";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import type { ModelProto, NodeProto, TensorProto } from "../../../import/onnx/messages.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { diagnosticsOf } from "../data/diagnostics-of.ts";
import { type Attributes, createOnnx, float, type OnnxBuilder } from "./build-onnx.ts";

function problemsOf(bytes: Uint8Array, source: Partial<ModelSource> = {}) {
  const started = process.cpuUsage();
  const diagnostics = diagnosticsOf(() => readOnnx(bytes, { path: "model.onnx", ...source }));
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(2000);
  for (const { code, hint, message, file, severity } of diagnostics) {
    expect(code).toMatch(/^import\//);
    expect(file).toBe("model.onnx");
    expect(message.length).toBeLessThan(600);
    if (severity === "error") expect(hint).toMatch(/./);
  }
  return diagnostics;
}

const made = (make: (b: OnnxBuilder) => string, opset = 13): Uint8Array => {
  const b = createOnnx();
  return b.finish([make(b)], opset);
};

const node = (
  operator: string,
  dims: readonly number[],
  attributes: Attributes = {},
  rest: readonly string[] = [],
) => made((b) => b.node(operator, [b.input("x", dims), ...rest], attributes));

describe("operators that are refused", () => {
  it.each<readonly [string, Uint8Array, string]>([
    [
      "an unknown operator",
      node("LSTM", [1, 4]),
      'the operator LSTM (opset 13) is not supported; it is used by "LSTM_0"',
    ],
    ["a domain of somebody else", node("com.microsoft:Gelu", [1, 4]), "com.microsoft.Gelu"],
    ["a sign with a zero", node("Sign", [1, 4]), "gives 0 where its input is 0"],
    [
      "a clamp to other bounds",
      made((b) => b.node("Clip", [b.input("x", [1, 4]), b.weights([], [0]), b.weights([], [1])])),
      "clamps to 0..1",
    ],
    [
      "elements in another order",
      made((b) => b.node("Gather", [b.input("x", [1, 4]), b.list([2, 1])], { axis: 1 })),
      "changes the order of the elements",
    ],
    [
      "rows of a matrix",
      made((b) => b.node("Gather", [b.input("x", [1, 4, 3]), b.list([1, 2])], { axis: 1 })),
      "several axes",
    ],
    [
      "places of a table that something else reads",
      made((b) => {
        const places = b.node("Cast", [b.input("x", [1, 4])], { to: 7 });
        const entries = b.node("Gather", [b.weights([4]), places]);
        return b.node("Add", [b.node("Cast", [places], { to: 1 }), entries]);
      }),
      "turns numbers that are no integers into another type",
    ],
    [
      "padding that does not count",
      node("AveragePool", [1, 2, 6, 6], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      "padding that does not count",
    ],
    [
      "ceil_mode with smaller windows",
      node("AveragePool", [1, 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
      "different sizes",
    ],
    [
      "a dilated pool",
      node("MaxPool", [1, 2, 6, 6], { kernel_shape: [2, 2], dilations: [2, 2] }),
      "dilations",
    ],
    [
      "a volume",
      made((b) => b.node("Conv", [b.input("x", [1, 1, 4, 4, 4]), b.weights([1, 1, 2, 2, 2])])),
      "5 axes",
    ],
    [
      "weights that are computed",
      made((b) => {
        const x = b.input("x", [1, 4, 4]);
        return b.node("MatMul", [x, x]);
      }),
      "two tensors",
    ],
    [
      "a quotient of tensors",
      made((b) => {
        const x = b.input("x", [1, 4]);
        return b.node("Div", [x, b.node("Sigmoid", [x])]);
      }),
      "divides by a tensor",
    ],
    [
      "a division by zero",
      made((b) => b.node("Div", [b.input("x", [1, 4]), b.weights([], [0])])),
      "division by zero",
    ],
    [
      "a softmax in the middle",
      made((b) => b.node("MatMul", [b.node("Softmax", [b.input("x", [1, 4])]), b.weights([4, 2])])),
      "not the last operator",
    ],
    [
      "linear interpolation",
      made((b) =>
        b.node("Resize", [b.input("x", [1, 1, 4, 4]), "", b.weights([4], [1, 1, 2, 2])], { mode: "linear" }),
      ),
      '"linear"',
    ],
    [
      "a nearest neighbour that is no repetition",
      made((b) =>
        b.node("Resize", [b.input("x", [1, 1, 4, 4]), "", b.weights([4], [1, 1, 3, 3])], {
          coordinate_transformation_mode: "align_corners",
        }),
      ),
      "does not repeat",
    ],
    [
      "every second element",
      made((b) =>
        b.node("Slice", [b.input("x", [1, 8]), b.list([0]), b.list([8]), b.list([1]), b.list([2])]),
      ),
      "every 2th element",
    ],
    [
      "mirrored padding",
      made((b) =>
        b.node("Pad", [b.input("x", [1, 1, 4, 4]), b.list([0, 0, 1, 1, 0, 0, 1, 1])], { mode: "reflect" }),
      ),
      '"reflect"',
    ],
    [
      "samples that are mixed",
      made((b) => b.node("Relu", [b.node("Reshape", [b.input("x", [4, 6]), b.list([1, 24])])])),
      "mixes the 4 samples",
    ],
    [
      "a class that is computed with",
      made((b) =>
        b.node("Relu", [b.node("Cast", [b.node("ArgMax", [b.input("x", [1, 4])], { axis: 1 })], { to: 1 })]),
      ),
      "goes on with the class",
    ],
    [
      "a conv that does not fit",
      made((b) => b.node("Conv", [b.input("x", [1, 1, 2, 2]), b.weights([1, 1, 3, 3])])),
      "reaches over 3x3 positions",
    ],
    [
      "weights for other channels",
      made((b) => b.node("Conv", [b.input("x", [1, 2, 4, 4]), b.weights([1, 3, 3, 3])])),
      "for 3 channels",
    ],
    [
      "weights that are no numbers",
      made((b) => b.node("MatMul", [b.input("x", [1, 2]), b.weights([2, 1], [Number.NaN, 1])])),
      "not finite",
    ],
    [
      "training",
      made((b) =>
        b.node("Dropout", [b.input("x", [1, 4]), "", b.constant({ dims: [], dataType: 9, int32Data: [1] })]),
      ),
      "training mode",
    ],
  ])("%s", (_, bytes, text) => {
    const [diagnostic, ...rest] = problemsOf(bytes);
    expect(rest).toEqual([]);
    expect(diagnostic!.message).toContain(text);
  });

  it("are named all at once, the unknown ones together", () => {
    const b = createOnnx();
    const x = b.input("x", [1, 1, 8, 8]);
    const outputs = [
      b.node("Mish", [x]),
      b.node("Sign", [x]),
      b.node("Mish", [b.node("Relu", [x])]),
      b.node("Relu", [b.node("Loop", [x])]),
      b.node("AveragePool", [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    ];
    const found = problemsOf(b.finish(outputs, 13)).map(({ message }) => message);
    expect(found).toHaveLength(4);
    expect(found[0]).toContain('Mish (opset 13) is not supported; it is used by "Mish_0", "Mish_3"');
    expect(found[1]).toContain("Loop");
    expect(found[2]).toContain('Sign "Sign_1" (opset 13)');
    expect(found[3]).toContain("AveragePool");
  });

  it("are not looked for where no output needs them", () => {
    const b = createOnnx();
    const x = b.input("x", [1, 4]);
    b.node("Loop", [x]);
    expect(problemsOf(b.finish([b.node("Relu", [x])], 13))).toEqual([]);
  });

  it("functions of the model are refused by name", () => {
    const b = createOnnx();
    const model = b.model([b.node("pkg:Block", [b.input("x", [1, 4])])], 13);
    const bytes = encodeMessage("ModelProto", { ...model, functions: [{ name: "Block", domain: "pkg" }] });
    expect(problemsOf(bytes).map(({ code }) => code)).toEqual(["import/function"]);
  });

  it("old opsets are refused, newer ones warned about", () => {
    const relu = (b: OnnxBuilder): string => b.node("Relu", [b.input("x", [1, 4])]);
    expect(problemsOf(made(relu, 6)).map(({ code }) => code)).toEqual(["import/old-opset"]);
    const { warnings } = readOnnx(made(relu, 99), { path: "model.onnx" });
    expect(warnings.map(({ code }) => code)).toEqual(["import/newer-opset"]);
  });

  it("inputs without a fixed shape are refused", () => {
    const open = made((b) => b.node("Relu", [b.input("x", [null, 3, null, 8])]));
    expect(problemsOf(open)[0]!.message).toContain("axis 2 is not fixed");
  });
});

/** A model of one node, as its message. */
const model = (
  nodes: readonly NodeProto[],
  initializer: readonly TensorProto[] = [],
  dims: readonly number[] = [1, 4],
): ModelProto => ({
  opsetImport: [{ version: 13 }],
  graph: {
    node: nodes,
    initializer,
    input: [
      {
        name: "x",
        type: { tensorType: { elemType: 1, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
      },
    ],
    output: [{ name: "y" }],
  },
});
const bytesOf = (message: ModelProto): Uint8Array => encodeMessage("ModelProto", message);
const add = (tensor: TensorProto, dims?: readonly number[]): Uint8Array =>
  bytesOf(model([{ opType: "Add", input: ["x", "w"], output: ["y"] }], [{ name: "w", ...tensor }], dims));
const reshape = (sizes: readonly number[]): Uint8Array => {
  const w: TensorProto = { name: "w", dims: [sizes.length], dataType: 7, int64Data: sizes };
  return bytesOf(model([{ opType: "Reshape", input: ["x", "w"], output: ["y"] }], [w]));
};

describe("hostile files", () => {
  const relu = { opType: "Relu", input: ["x"], output: ["y"] };
  const sound = bytesOf(model([relu]));

  it("start from a sound one", () => expect(problemsOf(sound)).toEqual([]));

  it("truncated at every byte", () => {
    const b = createOnnx();
    const bytes = b.finish([b.node("Gemm", [b.input("x", [1, 6]), b.weights([6, 5]), b.weights([5])])], 13);
    for (let length = 0; length < bytes.length - 8; length++)
      expect(problemsOf(bytes.subarray(0, length)).length).toBeGreaterThan(0);
  });

  const gigabyte = 2 ** 30;
  it.each<readonly [string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "import/damaged"],
    ["text", new TextEncoder().encode("this is no model, but long enough"), "import/damaged"],
    ["no graph", bytesOf({ opsetImport: [{ version: 13 }] }), "import/damaged"],
    [
      "a node that reads itself",
      bytesOf(model([{ opType: "Add", input: ["x", "y"], output: ["y"] }])),
      "import/cycle",
    ],
    [
      "two nodes that wait for each other",
      bytesOf(
        model([
          { opType: "Add", input: ["x", "a"], output: ["y"] },
          { opType: "Relu", input: ["y"], output: ["a"] },
        ]),
      ),
      "import/cycle",
    ],
    ["two nodes that make one tensor", bytesOf(model([relu, relu])), "import/duplicate-tensor"],
    [
      "a node that makes an input",
      bytesOf(model([{ ...relu, output: ["x"] }, relu])),
      "import/duplicate-tensor",
    ],
    ["a tensor that nothing makes", bytesOf(model([{ ...relu, input: ["z"] }])), "import/missing-tensor"],
    ["an output that nothing makes", bytesOf(model([{ ...relu, output: ["z"] }])), "import/missing-tensor"],
    ["a negative size", add({ dims: [-4], dataType: 1 }), "import/bad-tensor"],
    ["a size of half the integers", add({ dims: [2 ** 62], dataType: 1 }), "import/bad-tensor"],
    ["sizes whose product overflows", add({ dims: [2 ** 32, 2 ** 32, 4], dataType: 1 }), "import/bad-tensor"],
    [
      "a gigabyte that is not there",
      add({ dims: [gigabyte], dataType: 1, rawData: new Uint8Array(16) }),
      "import/bad-tensor",
    ],
    [
      "more axes than there are",
      add({ dims: Array(1000).fill(1), dataType: 1, rawData: new Uint8Array(4) }),
      "import/bad-tensor",
    ],
    ["an unknown element type", add({ dims: [4], dataType: 8 }), "import/bad-tensor"],
    ["a huge input", bytesOf(model([relu], [], [1, 2 ** 40])), "import/bad-shape"],
    ["a huge image", bytesOf(model([relu], [], [1, 2 ** 20, 2 ** 20])), "import/bad-shape"],
    ["a shape of negative sizes", reshape([-1, -1]), "import/unsupported-form"],
    ["a shape of huge sizes", reshape([2 ** 53, 2 ** 53]), "import/unsupported-form"],
    [
      "a constant out of nothing",
      bytesOf(
        model(
          [
            { opType: "ConstantOfShape", input: ["w"], output: ["c"] },
            { opType: "Add", input: ["x", "c"], output: ["y"] },
          ],
          [{ name: "w", dims: [2], dataType: 7, int64Data: [2 ** 20, 2 ** 20] }],
        ),
      ),
      "import/unsupported-form",
    ],
    [
      "external data that names no file",
      add({ dims: [4], dataType: 1, dataLocation: 1 }),
      "import/external-data",
    ],
    [
      "an output twice",
      bytesOf({
        ...model([relu]),
        graph: { ...model([relu]).graph, output: [{ name: "y" }, { name: "y" }] },
      }),
      "import/duplicate-tensor",
    ],
  ])("%s", (_, bytes, code) => {
    expect(problemsOf(bytes).map((d) => d.code)).toEqual([code]);
  });

  it("a padding of a gigabyte", () => {
    const bytes = made((b) => b.node("Pad", [b.input("x", [1, 4]), b.list([0, 0, 0, gigabyte])]));
    expect(problemsOf(bytes).map((d) => d.code)).toEqual(["import/does-not-fit"]);
  });

  it("constants that double at every node", () => {
    const b = createOnnx();
    let c = b.weights([64]);
    for (let i = 0; i < 40; i++) c = b.node("Concat", [c, c], { axis: 0 });
    expect(problemsOf(b.finish([b.node("Add", [b.input("x", [1, 4]), c])], 13)).map((d) => d.code)).toEqual([
      "import/too-large",
    ]);
  });

  it("two hundred thousand empty nodes", () => {
    const node = Array.from({ length: 200_001 }, (): NodeProto => ({}));
    expect(problemsOf(bytesOf(model(node))).map((d) => d.code)).toEqual(["import/too-many"]);
  });

  it("five thousand nodes of one name", () => {
    const nodes = Array.from(
      { length: 5000 },
      (_, i): NodeProto => ({
        name: "same",
        opType: "Relu",
        input: [i === 0 ? "x" : `t${i - 1}`],
        output: [i === 4999 ? "y" : `t${i}`],
      }),
    );
    expect(problemsOf(bytesOf(model(nodes)))).toEqual([]);
  });

  it("a thousand unknown operators: the first fifty are told", () => {
    const nodes = Array.from(
      { length: 1000 },
      (_, i): NodeProto => ({
        opType: `Unknown${i}`,
        input: [i === 0 ? "x" : `t${i - 1}`],
        output: [i === 999 ? "y" : `t${i}`],
      }),
    );
    const found = problemsOf(bytesOf(model(nodes)));
    expect(found).toHaveLength(51);
    expect(found.at(-1)!.message).toBe("and 950 more");
  });

  it("names that would write over the terminal", () => {
    const bytes = bytesOf(model([{ opType: "\u001b[2J", name: "\u001b[31m", input: ["x"], output: ["y"] }]));
    expect(problemsOf(bytes)[0]!.message).not.toContain("\u001b");
  });
});

describe("data in other files", () => {
  const external = (location: string, more: Readonly<Record<string, string>> = {}): Uint8Array => {
    const entries = Object.entries({ location, ...more }).map(([key, value]) => ({ key, value }));
    return add({ dims: [4], dataType: 1, dataLocation: 1, externalData: entries });
  };
  const content = new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer);
  const readExternal = (location: string, offset: number, length: number) =>
    location === "weights/w.bin" ? content.subarray(offset, offset + length) : undefined;

  it("are read at their offset", () => {
    const { model: read } = readOnnx(external("weights/w.bin", { offset: "4", length: "16" }), {
      path: "m.onnx",
      readExternal,
    });
    expect(read.nodes[1]).toMatchObject({ kind: "affine", offset: Float64Array.of(1, 2, 3, 4) });
  });

  it.each(["../w.bin", "/etc/passwd", "weights/../../w.bin", "C:\\w.bin", "a//b", "weights\\w.bin", ""])(
    "%j is not opened",
    (location) => {
      const opened: string[] = [];
      const found = problemsOf(external(location), {
        readExternal: (path) => {
          opened.push(path);
          return content;
        },
      });
      expect(found.map((d) => d.code)).toEqual(["import/external-data"]);
      expect(opened).toEqual([]);
    },
  );

  it("are refused where they are missing, too short, or of another length", () => {
    const codes = (bytes: Uint8Array) => problemsOf(bytes, { readExternal }).map((d) => d.code);
    expect(codes(external("absent.bin"))).toEqual(["import/external-data"]);
    expect(codes(external("weights/w.bin", { offset: "8" }))).toEqual(["import/external-data"]);
    expect(codes(external("weights/w.bin", { length: "17" }))).toEqual(["import/external-data"]);
    expect(codes(external("weights/w.bin", { offset: "-4" }))).toEqual(["import/external-data"]);
  });
});

describe("warnings", () => {
  it("a Softmax at the end is left out, an unused input too", () => {
    const b = createOnnx();
    b.input("unused", [1, 3]);
    const { model: read, warnings } = readOnnx(
      b.finish([b.node("Softmax", [b.input("x", [1, 4])], { axis: -1 })], 13),
      { path: "m.onnx" },
    );
    expect(warnings.map((d) => d.code)).toEqual(["import/unused-input", "import/softmax-dropped"]);
    expect(read.nodes.map(({ name }) => name)).toEqual(["x"]);
  });

  it("none for a file without surprises", () => {
    const bytes = made((b) => b.node("LeakyRelu", [b.input("x", [1, 4])], { alpha: float(0.1) }));
    expect(readOnnx(bytes, { path: "m.onnx" }).warnings).toEqual([]);
  });
});
