// Files of ONNX that are nearly sound, or sound in every part, and ask for far more work or memory than they are worth.
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../import/onnx/encode.ts";
import { createLastReadings, readGraph } from "../../../import/onnx/graph.ts";
import type { ModelProto, NodeProto } from "../../../import/onnx/messages.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { createCollector, type Diagnostic, DiagnosticError } from "../../../support/diagnostics.ts";
import { createOnnx, floats, type OnnxBuilder } from "./build-onnx.ts";

function problemsOf(bytes: Uint8Array): readonly Diagnostic[] {
  try {
    readOnnx(bytes, { path: "x.onnx" });
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics;
  }
}
const codesOf = (bytes: Uint8Array): readonly string[] => problemsOf(bytes).map(({ code }) => code);

const made = (make: (b: OnnxBuilder) => string): Uint8Array => {
  const b = createOnnx();
  return b.finish([make(b)], 13);
};
const fileOf = (node: readonly NodeProto[], more: Partial<ModelProto> = {}): Uint8Array => {
  const input = { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 4 }] } } } };
  const graph = { node, input: [input], output: [{ name: "y" }] };
  return encodeMessage("ModelProto", { opsetImport: [{ version: 13 }], graph, ...more });
};
const relu = (input: string, output: string): NodeProto => ({
  opType: "Relu",
  input: [input],
  output: [output],
});

/** A constant that is computed, of `count` elements. */
const computed = (b: OnnxBuilder, count: number): string => b.node("ConstantOfShape", [b.list([count])]);

describe("work on constants is counted", () => {
  /** The sum of an input and a constant of one element. */
  const added = (b: OnnxBuilder, constant: string): string =>
    b.node("Add", [b.input("x", [1, 4]), b.node("ReduceProd", [constant])]);
  const casts = (count: number): Uint8Array =>
    made((b) => {
      let c = computed(b, 2 ** 14);
      for (let i = 0; i < count; i++) c = b.node("Cast", [c], { to: 1 });
      return added(b, c);
    });
  const selections = (count: number): Uint8Array =>
    made((b) => {
      let c = computed(b, 2 ** 14);
      for (let i = 0; i < count; i++) c = b.node("Where", [c, c, c]);
      return added(b, c);
    });
  const products = (count: number): Uint8Array =>
    made((b) => {
      const c = computed(b, 2 ** 16);
      let x = b.input("x", [1, 4]);
      for (let i = 0; i < count; i++) x = b.node("Add", [x, b.node("ReduceProd", [c])]);
      return x;
    });
  it.each([
    ["casts", casts, 4, 200],
    ["selections", selections, 4, 200],
    ["readings of one computed constant", products, 4, 200],
  ] as const)("%s", (_, make, few, many) => {
    expect(codesOf(make(few))).toEqual([]);
    expect(codesOf(make(many))).toEqual(["import/too-large"]);
  });

  it("but not views of a constant, however many", () => {
    const views = made((b) => {
      let c = computed(b, 2 ** 16);
      for (let i = 0; i < 500; i++) c = b.node("Identity", [c]);
      return added(b, c);
    });
    expect(codesOf(views)).toEqual([]);
  });

  it("and a tensor may be forgotten behind its last reader, an output never", () => {
    const nodes = [
      relu("x", "a"),
      relu("a", "b"),
      { opType: "Add", input: ["a", "a"], output: ["c"] },
      { opType: "Add", input: ["b", "c"], output: ["y"] },
    ];
    const graph = { node: nodes, input: [{ name: "x" }], output: [{ name: "b" }, { name: "y" }] };
    const file = readGraph(graph, createCollector())!;
    const lastRead = createLastReadings(file);
    expect(file.nodes.map((node) => lastRead(node))).toEqual([["x"], [], ["a"], ["c"]]);
  });
});

describe("limits that are said in their own words", () => {
  it("nodes", () => {
    const node = Array.from({ length: 20_001 }, (_, i) => relu(`t${i}`, `t${i + 1}`));
    const [problem, ...others] = problemsOf(fileOf(node));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      code: "import/too-many",
      message: "it has more than 20000 nodes",
      file: "x.onnx",
    });
  });

  it("names that are too long, and texts that are no names", () => {
    const name = "n".repeat(5000);
    const [problem, ...others] = problemsOf(fileOf([relu("x", name), relu(name, "y")]));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: "import/long-name", file: "x.onnx" });
    expect(problem!.message).toContain("a name of 5000 bytes");
    expect(problem!.hint).toContain("shorter names");
    const metadataProps = [{ key: "noisefloor.layers", value: JSON.stringify({ [name]: name }) }];
    expect(codesOf(fileOf([relu("x", "y")], { metadataProps }))).toEqual([]);
  });

  it("problems, after which no more are looked for", () => {
    const input = Array.from({ length: 100_000 }, (_, i) => `gone${i}`);
    const problems = problemsOf(fileOf([{ opType: "Sum", input, output: ["y"] }]));
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)!.code).toBe("import/more-problems");
    expect(problems.at(-1)!.message).toBe("and 951 more");
  });

  it("sizes of an input that are no sizes", () => {
    const message = (size: number | null): string =>
      problemsOf(made((b) => b.node("Relu", [b.input("x", [1, size])])))[0]!.message;
    expect(message(-4)).toContain("the size of its axis 1 is -4, which is no size");
    expect(message(0)).toContain("the size of its axis 1 is 0, which is no size");
    expect(message(null)).toContain("the size of its axis 1 is not fixed");
  });

  it("thresholds", () => {
    const thresholds = (channels: number, count: number): Uint8Array =>
      made((b) => {
        const values = Array.from({ length: channels * count }, (_, i) => i % count);
        const rows = b.constant(floats([channels, count], values));
        return b.node("qonnx.custom_op.general:MultiThreshold", [b.input("x", [1, 4]), rows]);
      });
    expect(codesOf(thresholds(4, 255))).toEqual([]);
    const [problem] = problemsOf(thresholds(1, 65_536));
    expect(problem!.code).toBe("import/unsupported-form");
    expect(problem!.message).toContain("it has 65536 thresholds for one channel");
  });
});
