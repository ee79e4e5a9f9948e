// Float models of somebody else's as networks of the language: the same function, by another evaluation.
import { describe, expect, test } from "vitest";
import type { Graph, StoredType } from "../../../graph/graph.ts";
import type { ImportedModel, ImportedNode } from "../../../graph/imported.ts";
import { product } from "../../../graph/shapes.ts";
import { floatNetworkOf } from "../../../import/float-network.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { createRandom } from "../../../support/random.ts";
import { networkOf } from "../../../train/network.ts";
import { evaluate, type ModelBuilder, modelBuilder, modelOf } from "./float-models.ts";

const stored: StoredType = { signed: true, width: 8, fraction: 7 };
const relu = { kind: "relu" } as const;
const flatten = { kind: "flatten" } as const;
const same = { padding: { before: [1, 1], after: [1, 1] } };
const line = { kernel: [3], padding: { before: [0], after: [0] } };
const max2 = {
  kind: "pool",
  pooling: "max",
  window: [2, 2],
  strides: [2, 2],
  padding: { before: [0, 0], after: [0, 0] },
} as const;
const average2 = { ...max2, pooling: "average" } as const;

type Made = (b: ModelBuilder) => string;

const kindsOf = ({ nodes }: Graph): string[] => nodes.map(({ kind }) => kind);

/** Converts and compares on random samples, to what float32 weights allow. */
function expectSame(make: Made, kinds: readonly string[], scale = 1): Graph {
  const builder = modelBuilder(7);
  const model = builder.model(make(builder));
  const network = floatNetworkOf(model, () => ({ stored, scale }));
  expect(kindsOf(network.graph)).toEqual(kinds);
  // Training takes it as it takes one of the language.
  networkOf(network.graph);
  const again = modelOf(network);
  const random = createRandom("inputs", 3);
  for (let n = 0; n < 20; n++) {
    const x = Float64Array.from({ length: product(model.nodes[0]!.shape) }, () => 2 * random.uniform() - 1);
    const found = evaluate(again, x);
    const wanted = evaluate(
      model,
      x.map((v) => v * scale),
    );
    expect(found.length).toBe(wanted.length);
    const size = Math.max(1, ...wanted.map(Math.abs));
    wanted.forEach((y, e) => {
      expect(Math.abs(found[e]! - y) / size).toBeLessThan(3e-6);
    });
  }
  return network.graph;
}

describe("the same function", () => {
  test("a batch-norm behind a layer stays one before an activation, whatever its gains", () => {
    const scale = Float64Array.of(-0.7, 0, 1.3, 2);
    for (const epsilon of [1e-3, 1e-5, 1e-9])
      expectSame(
        (b) => b.dense(b.op(b.norm(b.dense(b.input([5]), 4), { scale, epsilon }), relu), 3),
        ["input", "dense", "batchnorm", "relu", "dense"],
      );
  });

  test("a batch-norm before a layer, a curve or the output is part of the weights", () => {
    expectSame(
      (b) =>
        b.norm(b.dense(b.op(b.norm(b.dense(b.norm(b.dense(b.input([5]), 4)), 4)), { kind: "sigmoid" }), 3)),
      ["input", "dense", "dense", "sigmoid", "dense"],
    );
  });

  test("an affine of positions that no layer takes is a depthwise layer: before padding, or between activations", () => {
    const graph = expectSame(
      (b) => {
        const shifted = b.affine(b.input([4, 4, 2]), {}, "shifted");
        const c = b.op(b.conv(shifted, 3, same), { kind: "tanh" });
        const scaled = b.norm(c, {}, "between");
        return b.dense(b.op(b.op(scaled, { kind: "sigmoid" }), flatten), 2);
      },
      ["input", "conv", "conv", "tanh", "conv", "sigmoid", "flatten", "dense"],
    );
    expect(graph.nodes[1]).toMatchObject({ name: "shifted", groups: 2, units: 2, kernel: [1, 1] });
    expect(graph.nodes[4]).toMatchObject({ name: "between", groups: 3, units: 3, kernel: [1, 1] });
    expectSame(
      (b) =>
        b.dense(
          b.op(b.op(b.affine(b.op(b.conv(b.input([9, 2]), 3, line), { kind: "tanh" })), relu), flatten),
          2,
        ),
      ["input", "conv", "tanh", "conv", "relu", "flatten", "dense"],
    );
  });

  test("affines one behind the other, and behind a batch-norm that stays", () => {
    expectSame(
      (b) => b.dense(b.op(b.affine(b.affine(b.dense(b.input([5]), 4))), relu), 3),
      ["input", "dense", "relu", "dense"],
    );
    expectSame(
      (b) => b.dense(b.op(b.affine(b.norm(b.dense(b.input([5]), 4))), relu), 3),
      ["input", "dense", "relu", "dense"],
    );
  });

  test("an affine of the input goes into the first layer; without an offset also where that pads", () => {
    expectSame((b) => b.conv(b.affine(b.input([4, 4, 2])), 3), ["input", "conv"]);
    const plain = { offset: Float64Array.of(0) };
    expectSame((b) => b.conv(b.affine(b.input([4, 4, 2]), plain), 3, same), ["input", "conv"]);
    expectSame((b) => b.dense(b.op(b.norm(b.input([2, 2, 3])), flatten), 3), ["input", "flatten", "dense"]);
    expectSame((b) => b.conv(b.affine(b.input([4, 4, 4])), 6, { groups: 2 }), ["input", "conv"]);
    expectSame((b) => b.conv(b.affine(b.input([5, 4])), 4, { groups: 4, kernel: [3] }), ["input", "conv"]);
  });

  test("a step of the input that is no power of two", () => {
    expectSame((b) => b.conv(b.input([4, 4, 2]), 3, same), ["input", "conv"], 1.2549);
  });

  test("a transposed convolution, whose kernel the network has the other way round", () => {
    const options = { transposed: true, kernel: [3, 2], strides: [2, 3], groups: 2 };
    const make: Made = (b) => b.conv(b.input([3, 4, 4]), 6, options, "up");
    expectSame(make, ["input", "conv"]);
    const builder = modelBuilder(7);
    const model = builder.model(make(builder));
    const own = floatNetworkOf(model, () => ({ stored, scale: 1 })).weights.get("up")!.weights;
    const units = 6;
    const [taps, channels] = [6, 2];
    const { weights } = model.constants.get("up")!;
    for (let i = 0; i < units * taps * channels; i++) {
      const [unit, tap] = [Math.floor(i / (taps * channels)), Math.floor(i / channels) % taps];
      const flipped = (unit * taps + taps - 1 - tap) * channels + (i % channels);
      expect(own[i]).toBe(Math.fround(weights[flipped]!));
    }
  });

  test("through pools, moves and activations", () => {
    const positive = { gain: Float64Array.of(0.5, 2, 1.5), offset: Float64Array.of(0.1, -0.2, 0) };
    const scaling = { ...positive, offset: Float64Array.of(0) };
    expectSame(
      (b) => b.dense(b.op(b.affine(b.op(b.conv(b.input([6, 6, 2]), 3), max2), positive), flatten), 4),
      ["input", "conv", "pool", "flatten", "dense"],
    );
    expectSame(
      (b) => b.dense(b.op(b.affine(b.op(b.op(b.conv(b.input([6, 6, 2]), 3), relu), average2)), flatten), 4),
      ["input", "conv", "relu", "pool", "flatten", "dense"],
    );
    expectSame(
      (b) => b.dense(b.op(b.affine(b.op(b.conv(b.input([4, 4, 2]), 3), relu), scaling), flatten), 4),
      ["input", "conv", "relu", "flatten", "dense"],
    );
    // Behind a flatten every element has a channel of its own: the dense takes them.
    expectSame(
      (b) => b.dense(b.affine(b.op(b.op(b.conv(b.input([4, 4, 2]), 3), relu), flatten)), 4),
      ["input", "conv", "relu", "flatten", "dense"],
    );
    expectSame(
      (b) => {
        const c = b.op(b.conv(b.input([4, 4, 2]), 3), { kind: "slice", begin: [0, 1, 1], sizes: [2, 1, 2] });
        const t = b.op(b.op(c, { kind: "upsample", factors: [2, 1] }), {
          kind: "transpose",
          permutation: [1, 0, 2],
        });
        return b.dense(b.op(b.op(b.norm(t), relu), flatten), 2);
      },
      ["input", "conv", "slice", "upsample", "transpose", "relu", "flatten", "dense"],
    );
  });

  test("where branches meet", () => {
    expectSame(
      (b) => {
        const x = b.input([4, 4, 2]);
        const stem = b.op(b.conv(x, 3, same), relu);
        const left = b.norm(b.conv(stem, 3, same));
        return b.dense(b.op(b.op(b.join("add", left, stem), relu), flatten), 2);
      },
      ["input", "conv", "relu", "conv", "add", "relu", "flatten", "dense"],
    );
    expectSame(
      (b) => {
        const x = b.input([4, 4, 2]);
        const both = b.affine(b.join("subtract", b.conv(x, 3), b.conv(x, 3)));
        const wide = b.affine(b.concat([both, b.conv(x, 2)], 2));
        return b.dense(b.op(b.op(wide, relu), flatten), 2);
      },
      ["input", "conv", "conv", "subtract", "conv", "concat", "relu", "flatten", "dense"],
    );
    // One branch of a concat, read elsewhere too.
    expectSame(
      (b) => {
        const x = b.input([4, 4, 2]);
        const c = b.op(b.conv(x, 3), relu);
        const wide = b.concat([b.affine(c), c], 2);
        return b.dense(b.op(wide, flatten), 2);
      },
      ["input", "conv", "relu", "concat", "flatten", "dense"],
    );
  });

  test("an output that flattens its sums is the sums", () => {
    expectSame((b) => b.op(b.conv(b.input([3, 3, 2]), 4), flatten), ["input", "conv"]);
    expectSame(
      (b) => b.op(b.op(b.conv(b.input([3, 3, 2]), 4), flatten), { kind: "argmax" }),
      ["input", "conv", "argmax"],
    );
  });

  test("what no output needs is left out", () => {
    expectSame(
      (b) => {
        const fc = b.dense(b.input([4]), 3);
        b.op(fc, { kind: "sigmoid" });
        return fc;
      },
      ["input", "dense"],
    );
  });

  test("the input has the file's integers where it says which", () => {
    const b = modelBuilder();
    const bytes: StoredType = { signed: false, width: 8, fraction: 0 };
    const model = b.model(b.dense(b.input([4], bytes), 3));
    expect(floatNetworkOf(model, () => ({ stored, scale: 1 })).graph.nodes[0]).toMatchObject({
      stored: bytes,
    });
  });
});

describe("refusals name the node", () => {
  function codesOf(make: (b: ModelBuilder) => ImportedModel): string[] {
    try {
      floatNetworkOf(make(modelBuilder()), () => ({ stored, scale: 1 }));
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const d of error.diagnostics) expect(d.file).toBe("model.onnx");
      return error.diagnostics.map((d) => `${d.code}: ${d.message}`);
    }
    return [];
  }

  test("an affine that no layer can take, all of them at once", () => {
    const found = codesOf((b) => {
      const x = b.op(b.affine(b.input([4]), {}, "shifted"), { kind: "sigmoid" });
      const c = b.op(b.dense(x, 3), { kind: "tanh" });
      const scaled = b.affine(c, {}, "between");
      return b.model(b.dense(b.op(scaled, { kind: "sigmoid" }), 2));
    });
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(/^import\/unfoldable: .*"shifted".* between input "x" and sigmoid/);
    expect(found[1]).toMatch(/^import\/unfoldable: .*"between".* between tanh/);
  });

  test("an affine of a value that others read as it is", () => {
    const found = codesOf((b) => {
      const fc = b.dense(b.input([4]), 3, "shared");
      return b.model(b.dense(b.join("add", b.op(b.affine(fc, {}, "one"), relu), fc), 2));
    });
    expect(found).toEqual([expect.stringMatching(/"one".*"shared", which others read too,/)]);
  });

  test("an activation at the output", () => {
    const found = codesOf((b) => b.model(b.op(b.dense(b.input([4]), 3), relu, "last")));
    expect(found).toEqual([expect.stringMatching(/^import\/output-activation: .*relu \("last"\)/)]);
  });

  test("constants that are no numbers", () => {
    const found = codesOf((b) => {
      const fc = b.dense(b.input([4]), 3, "fc");
      b.constants(fc).weights[5] = Number.NaN;
      const bn = b.norm(fc, { variance: Float64Array.of(1, 0, 1), epsilon: 0 }, "bn");
      return b.model(b.affine(bn, { gain: Float64Array.of(1e300) }, "huge"));
    });
    expect(found).toEqual([
      expect.stringMatching(/a weight of "fc"/),
      expect.stringMatching(/deviation of "bn"/),
      expect.stringMatching(/factor of "huge"/),
    ]);
  });

  test("quantizers beside float weights", () => {
    const found = codesOf((b) => {
      const model = b.model(b.dense(b.input([4]), 3, "fc"));
      const [input, fc] = model.nodes as [ImportedNode, ImportedNode & { input: string }];
      const quantizer = { kind: "bipolar", scale: Float64Array.of(1) } as const;
      const { shape, origin } = input;
      const quantize = { kind: "quantize", name: "q", input: "x", shape, origin, quantizer } as const;
      return { ...model, nodes: [input, quantize, { ...fc, input: "q" } as ImportedNode] };
    });
    expect(found).toEqual([expect.stringMatching(/^import\/quantizer-in-float: "q"/)]);
  });

  test("a network whose shapes do not fit", () => {
    const found = () => {
      const b = modelBuilder();
      const model = b.model(b.dense(b.input([4]), 3, "fc"));
      const [input, fc] = model.nodes as [ImportedNode, ImportedNode];
      floatNetworkOf({ ...model, nodes: [input, { ...fc, shape: [5] }] }, () => ({ stored, scale: 1 }));
    };
    expect(found).toThrow(/import\/bad-graph.*"fc"/);
  });
});
