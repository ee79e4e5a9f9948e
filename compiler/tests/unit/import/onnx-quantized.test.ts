// Files that state their quantizers. Of QDQ the reference is onnxruntime itself; of QONNX the same network with every
// quantizer written out in ONNX's own operators, in double precision. Both have to be equal to the last bit, since the
// numbers are chosen so that every product and sum is exact.
import { describe, expect, it } from "vitest";
import type { QuantizeNode } from "../../../graph/imported.ts";
import type { ModelImport } from "../../../import/model-import.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { lowerImported } from "../../../lower/exact/lower-imported.ts";
import { createRandom } from "../../../support/random.ts";
import { diagnosticsOf } from "../data/diagnostics-of.ts";
import { compareWithOnnxruntime } from "./against-onnxruntime.ts";
import { type Attributes, createOnnx, float, type OnnxBuilder } from "./build-onnx.ts";
import { roundBy } from "./evaluate-imported.ts";

const kindsOf = ({ model }: ModelImport): string => model.nodes.map(({ kind }) => kind).join(" ");

/** Random multiples of 1/8 below 2. */
function coarse(b: OnnxBuilder, dims: readonly number[], seed = 1): string {
  const random = createRandom(seed, "coarse");
  const count = dims.reduce((a, c) => a * c, 1);
  return b.weights(
    dims,
    Array.from({ length: count }, () => random.integer(-16, 16) / 8),
  );
}

const scalar = (b: OnnxBuilder, value: number): string => b.weights([], [value]);

interface QuantForm {
  readonly domain: string;
  readonly operator: string;
  readonly scale: readonly number[];
  readonly zero: number;
  readonly bits: number;
  readonly signed: number;
  readonly narrow: number;
  readonly rounding: string;
}

/** A quantizer of QONNX, or the same in ONNX's own operators. `scaleDims` are those of the scale. */
type Quantize = (b: OnnxBuilder, x: string, form: QuantForm, scaleDims: readonly number[]) => string;

const stated: Quantize = (
  b,
  x,
  { domain, operator, scale, zero, bits, signed, narrow, rounding },
  scaleDims,
) => {
  const attributes: Attributes = { signed, narrow, rounding_mode: rounding };
  const operands = [x, b.weights(scaleDims, scale), scalar(b, zero), scalar(b, bits)];
  return b.node(`${domain}:${operator}`, operands, attributes);
};

const double = (b: OnnxBuilder, x: string): string => b.node("Cast", [x], { to: 11 });

const writtenOut: Quantize = (b, x, { scale, zero, bits, signed, narrow, rounding }, scaleDims) => {
  const number = (value: number): string => double(b, scalar(b, value));
  const step = double(b, b.weights(scaleDims, scale));
  const [least, greatest] = signed
    ? [-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1]
    : [0, 2 ** bits - 1 - narrow];
  const line = b.node("Add", [b.node("Div", [x, step]), number(zero)]);
  const operators: Readonly<Record<string, string>> = { ROUND: "Round", FLOOR: "Floor", CEIL: "Ceil" };
  const round = (y: string): string => b.node(operators[rounding]!, [y]);
  const m = b.node("Clip", [round(line), number(least), number(greatest)]);
  return b.node("Mul", [b.node("Sub", [m, number(zero)]), step]);
};

const form: QuantForm = {
  domain: "qonnx.custom_op.general",
  operator: "Quant",
  scale: [0.25],
  zero: 0,
  bits: 4,
  signed: 1,
  narrow: 0,
  rounding: "ROUND",
};

/** A network of a conv and a dense layer whose weights, biases and activations are quantized. */
function network(
  b: OnnxBuilder,
  quantize: Quantize,
  wide: (x: string) => string,
  f: Partial<QuantForm>,
): string {
  const all = { ...form, ...f };
  const channels = [0.25, 0.5, 0.125];
  const x = quantize(b, wide(b.input("x", [1, 2, 5, 5])), { ...all, scale: [0.0625], bits: 6 }, []);
  const w = quantize(b, wide(coarse(b, [3, 2, 3, 3])), { ...all, scale: channels, zero: 0 }, [3, 1, 1, 1]);
  const c = b.node("Conv", [x, w]);
  const biased = b.node("Add", [
    c,
    quantize(b, wide(coarse(b, [3, 1, 1], 2)), { ...all, zero: 0, bits: 8 }, []),
  ]);
  const y = quantize(b, b.node("Relu", [biased]), { ...all, scale: channels }, [1, 3, 1, 1]);
  const v = quantize(
    b,
    wide(coarse(b, [4, 27], 3)),
    { ...all, scale: [...channels, 0.25], zero: 0, bits: 3 },
    [4, 1],
  );
  return b.node("MatMul", [
    b.node("Reshape", [y, b.list([-1, 27])]),
    b.node("Transpose", [v], { perm: [1, 0] }),
  ]);
}

describe("QONNX", () => {
  it.each<readonly [string, Partial<QuantForm>]>([
    ["Quant", {}],
    ["IntQuant, narrow", { operator: "IntQuant", narrow: 1 }],
    ["Quant of Brevitas, unsigned", { domain: "onnx.brevitas", signed: 0 }],
    ["Quant of FINN, rounded down", { domain: "finn.custom_op.general", rounding: "FLOOR" }],
    ["Quant, rounded up, with a zero point", { rounding: "CEIL", zero: 2, signed: 0 }],
    ["Quant, two bits", { bits: 2, narrow: 1 }],
  ])("%s is what its formula says in double precision", async (_, f) => {
    const b = createOnnx();
    const bytes = b.finish([network(b, stated, (x) => x, f)], 13);
    const r = createOnnx();
    // onnxruntime has no convolution in double precision: float32 is exact for these numbers.
    const single = (x: string): string => r.node("Cast", [x], { to: 1 });
    const outer: Quantize = (builder, x, ...rest) => single(writtenOut(builder, double(r, x), ...rest));
    const reference = r.finish([network(r, outer, (x) => x, f)], 13);
    const { imported, difference } = await compareWithOnnxruntime(bytes, { runs: 50, reference });
    expect(kindsOf(imported)).toBe("input quantize conv relu quantize flatten dense");
    expect(difference).toBe(0);
    const [convolution, dense] = [...imported.model.constants.values()];
    expect(convolution!.weightQuantizer!.scale).toEqual(Float64Array.of(0.25, 0.5, 0.125));
    expect(convolution!.biasQuantizer!.scale).toHaveLength(1);
    expect(dense!.weightQuantizer!.scale).toEqual(Float64Array.of(0.25, 0.5, 0.125, 0.25));
  });

  it("keeps scales exactly, and rounds as each mode says", () => {
    for (const rounding of [
      "ROUND",
      "HALF_UP",
      "HALF_DOWN",
      "UP",
      "DOWN",
      "CEIL",
      "FLOOR",
      "ROUND_TO_ZERO",
    ]) {
      const b = createOnnx();
      const y = stated(
        b,
        b.input("x", [1, 2]),
        { ...form, scale: [0.1], rounding: rounding.toLowerCase() },
        [],
      );
      const { model } = readOnnx(b.finish([y], 13), { path: "q.onnx" });
      const { quantizer } = model.nodes[1] as QuantizeNode;
      expect(quantizer).toMatchObject({ rounding, scale: Float64Array.of(Math.fround(0.1)) });
    }
    const ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
    expect(ties.map((x) => roundBy(x, "ROUND") + 0)).toEqual([-2, -2, 0, 0, 2, 2]);
    expect(ties.map((x) => roundBy(x, "HALF_UP"))).toEqual([-3, -2, -1, 1, 2, 3]);
    expect(ties.map((x) => roundBy(x, "HALF_DOWN") + 0)).toEqual([-2, -1, 0, 0, 1, 2]);
  });

  it("makes bipolar quantizers of BipolarQuant and of one signed bit", () => {
    const b = createOnnx();
    const w = b.node("qonnx.custom_op.general:BipolarQuant", [b.weights([6, 4]), scalar(b, 0.5)]);
    const y = b.node("MatMul", [b.input("x", [1, 6]), w]);
    const z = stated(b, y, { ...form, bits: 1 }, []);
    const { model } = readOnnx(b.finish([z], 13), { path: "q.onnx" });
    expect([...model.constants.values()][0]!.weightQuantizer).toEqual({
      kind: "bipolar",
      scale: Float64Array.of(0.5),
    });
    expect(model.nodes.at(-1)).toMatchObject({
      quantizer: { kind: "bipolar", scale: Float64Array.of(0.25) },
    });
  });

  it("reads MultiThreshold in both layouts, and Trunc", () => {
    for (const layout of ["NCHW", "NHWC"]) {
      const b = createOnnx();
      const dims = layout === "NCHW" ? [1, 3, 4, 4] : [1, 4, 4, 3];
      const rows = b.weights([3, 2], [0, 1, 2, 3, 4, 5]);
      const attributes: Attributes = {
        data_layout: layout,
        out_dtype: "INT2",
        out_scale: float(2),
        out_bias: float(-1),
      };
      const y = b.node("qonnx.custom_op.general:MultiThreshold", [b.input("x", dims), rows], attributes);
      const t = b.node("qonnx.custom_op.general:Trunc", [
        y,
        scalar(b, 1),
        scalar(b, 0),
        scalar(b, 4),
        scalar(b, 2),
      ]);
      const { model } = readOnnx(b.finish([t], 13), { path: "q.onnx" });
      expect(model.nodes[1]).toMatchObject({ kind: "multithreshold", channels: 3, outScale: 2, outBias: -1 });
      expect(model.nodes[1]).toMatchObject({ thresholds: Float64Array.of(0, 1, 2, 3, 4, 5) });
      expect(model.nodes[2]).toMatchObject({
        kind: "trunc",
        inputWidth: 4,
        outputWidth: 2,
        rounding: "FLOOR",
      });
    }
  });

  it("reads channels-last operators as the ones with Transposes around them", async () => {
    const values = Array.from({ length: 4 * 3 * 3 * 2 }, (_, i) => ((i * 7) % 11) / 8 - 0.5);
    // [units, rows, columns, channels] and the same as [units, channels, rows, columns].
    const first = Array.from({ length: values.length }, (_, i) => {
      const [u, c, r, k] = [Math.floor(i / 18), Math.floor(i / 9) % 2, Math.floor(i / 3) % 3, i % 3];
      return values[((u * 3 + r) * 3 + k) * 2 + c]!;
    });
    const make = (isLast: boolean): Uint8Array => {
      const b = createOnnx();
      const domain = isLast ? "qonnx.custom_op.channels_last:" : "";
      const to = (x: string, perm: readonly number[]): string =>
        isLast ? x : b.node("Transpose", [x], { perm });
      const x = to(b.input("x", [1, 6, 6, 2]), [0, 3, 1, 2]);
      const w = isLast ? b.weights([4, 3, 3, 2], values) : b.weights([4, 2, 3, 3], first);
      const c = b.node(`${domain}Conv`, [x, w, b.weights([4])], {
        kernel_shape: [3, 3],
        strides: [1, 1],
        dilations: [1, 1],
        group: 1,
      });
      const n = b.node(`${domain}BatchNormalization`, [
        c,
        b.weights([4]),
        b.weights([4]),
        b.weights([4]),
        b.positive([4]),
      ]);
      const p = b.node(`${domain}MaxPool`, [n], { kernel_shape: [2, 2], strides: [2, 2] });
      return b.finish([to(p, [0, 2, 3, 1])], 13);
    };
    const { imported, difference } = await compareWithOnnxruntime(make(true), { reference: make(false) });
    expect(kindsOf(imported)).toBe("input conv norm pool");
    expect(difference).toBeLessThan(1e-5);
  });

  it("refuses a scale within one unit, one that is computed, and widths that are none", () => {
    const refused = (make: (b: OnnxBuilder) => string): string => {
      const b = createOnnx();
      return diagnosticsOf(() => readOnnx(b.finish([make(b)], 13), { path: "q.onnx" }))
        .map(({ message }) => message)
        .join("\n");
    };
    const quant = "qonnx.custom_op.general:Quant";
    expect(
      refused((b) => {
        const w = b.node(quant, [b.weights([6, 4]), b.positive([6, 1]), scalar(b, 0), scalar(b, 4)]);
        return b.node("MatMul", [b.input("x", [1, 6]), w]);
      }),
    ).toContain("within one unit");
    expect(
      refused((b) => {
        const x = b.input("x", [1, 4]);
        return b.node(quant, [x, x, scalar(b, 0), scalar(b, 4)]);
      }),
    ).toContain("its scale depends on the network's input");
    for (const bits of [0, 2.5, 64])
      expect(
        refused((b) => b.node(quant, [b.input("x", [1, 4]), scalar(b, 1), scalar(b, 0), scalar(b, bits)])),
      ).toContain("bit width");
    expect(
      refused((b) => b.node(quant, [b.input("x", [1, 4]), scalar(b, -1), scalar(b, 0), scalar(b, 4)])),
    ).toContain("above 0");
  });
});

/** A constant of 8-bit integers. */
const bytes8 = (
  b: OnnxBuilder,
  signed: boolean,
  dims: readonly number[],
  values: readonly number[],
): string => b.constant({ dims, dataType: signed ? 3 : 2, rawData: Uint8Array.from(values, (v) => v & 255) });

const integers = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 37) % 31) - 15);

describe("QDQ", () => {
  it("QuantizeLinear and DequantizeLinear around Conv, MaxPool, Flatten and Gemm", async () => {
    const b = createOnnx();
    const grid = (x: string, scale: number, zero: number): string => {
      const operands = [scalar(b, scale), bytes8(b, false, [], [zero])];
      return b.node("QuantizeLinear", [x, ...operands]);
    };
    const back = (q: string, scale: number, zero: number): string =>
      b.node("DequantizeLinear", [q, scalar(b, scale), bytes8(b, false, [], [zero])]);
    const x = back(grid(b.input("x", [1, 2, 6, 6]), 1 / 32, 128), 1 / 32, 128);
    const each = b.weights([3], [1 / 16, 1 / 8, 1 / 32]);
    const zeros = bytes8(b, true, [3], [0, 0, 0]);
    const w = b.node("DequantizeLinear", [bytes8(b, true, [3, 2, 3, 3], integers(54)), each, zeros], {
      axis: 0,
    });
    const bias = b.node(
      "DequantizeLinear",
      [
        b.constant({ dims: [3], dataType: 6, int32Data: [100, -7, 12] }),
        b.weights([3], [1 / 512, 1 / 256, 1 / 1024]),
      ],
      { axis: 0 },
    );
    const c = grid(b.node("Relu", [b.node("Conv", [x, w, bias])]), 1 / 8, 3);
    const p = b.node("Flatten", [b.node("MaxPool", [c], { kernel_shape: [2, 2], strides: [2, 2] })]);
    const v = b.node("DequantizeLinear", [bytes8(b, true, [12, 4], integers(48)), scalar(b, 1 / 16)]);
    const y = b.node("MatMul", [back(p, 1 / 8, 3), v]);
    const { imported, difference } = await compareWithOnnxruntime(
      b.finish([back(grid(y, 0.25, 120), 0.25, 120)], 13),
      { runs: 50 },
    );
    expect(kindsOf(imported)).toBe("input quantize conv relu quantize pool flatten dense quantize");
    expect(difference).toBe(0);
    const [first, second] = [...imported.model.constants.values()];
    expect(first!.weightQuantizer).toMatchObject({
      least: -128,
      greatest: 127,
      scale: Float64Array.of(1 / 16, 1 / 8, 1 / 32),
    });
    expect(first!.biasQuantizer).toMatchObject({ scale: Float64Array.of(1 / 512, 1 / 256, 1 / 1024) });
    expect(second!.weightQuantizer).toMatchObject({ scale: Float64Array.of(1 / 16) });
  });

  it("hands on the integers of a network that ends in them", async () => {
    const bytesOf = (isCast: boolean): Uint8Array => {
      const b = createOnnx();
      const at = (scale: number, zero: number): readonly string[] => [
        scalar(b, scale),
        bytes8(b, false, [], [zero]),
      ];
      const x = b.node("QuantizeLinear", [b.input("x", [1, 6]), ...at(0.03, 100)]);
      const matrix = [bytes8(b, true, [6, 4], integers(24)), scalar(b, 0.017), bytes8(b, true, [], [0])];
      const m = b.node("QLinearMatMul", [x, ...at(0.03, 100), ...matrix, ...at(0.11, 131)]);
      return b.finish([isCast ? b.node("Cast", [m], { to: 1 }) : m], 13);
    };
    // onnxruntime asks for the types of outputs; the builder says that all are floats.
    const options = { runs: 50, reference: bytesOf(true) };
    const { imported, difference } = await compareWithOnnxruntime(bytesOf(false), options);
    expect(kindsOf(imported)).toBe("input quantize dense quantize affine");
    expect(difference).toBeLessThan(1e-9);
    const { outputs } = lowerImported(imported.model);
    expect([outputs[0]!.scale, outputs[0]!.offset]).toEqual([Float64Array.of(1), Float64Array.of(0)]);
  });

  it("QLinearConv and QLinearMatMul", async () => {
    const b = createOnnx();
    const at = (scale: number, zero: number): readonly string[] => [
      scalar(b, scale),
      bytes8(b, false, [], [zero]),
    ];
    const x = b.node("QuantizeLinear", [b.input("x", [1, 2, 5, 5]), ...at(1 / 32, 100)]);
    const each = [b.weights([3], [1 / 16, 1 / 8, 1 / 32]), bytes8(b, true, [3], [0, 0, 0])];
    const weights = [bytes8(b, true, [3, 2, 3, 3], integers(54)), ...each];
    const bias = b.constant({ dims: [3], dataType: 6, int32Data: [100, -7, 12] });
    const c = b.node("QLinearConv", [x, ...at(1 / 32, 100), ...weights, ...at(1 / 8, 90), bias], {
      pads: [1, 1, 0, 0],
    });
    const flat = b.node("Reshape", [c, b.list([1, -1])]);
    const matrix = [bytes8(b, true, [48, 4], integers(192)), scalar(b, 1 / 64), bytes8(b, true, [], [0])];
    const m = b.node("QLinearMatMul", [flat, ...at(1 / 8, 90), ...matrix, ...at(1 / 4, 128)]);
    const y = b.node("DequantizeLinear", [m, ...at(1 / 4, 128)]);
    const { imported, difference } = await compareWithOnnxruntime(b.finish([y], 13), { runs: 50 });
    expect(kindsOf(imported)).toBe("input quantize conv quantize flatten dense quantize");
    expect(difference).toBe(0);
  });

  it("a byte image that is dequantized", async () => {
    const b = createOnnx();
    const x = b.node("DequantizeLinear", [
      b.input("x", [1, 6], 2),
      scalar(b, 1 / 64),
      bytes8(b, false, [], [7]),
    ]);
    const { imported, difference } = await compareWithOnnxruntime(b.finish([b.node("Relu", [x])], 13));
    expect(imported.model.nodes[0]).toMatchObject({ stored: { signed: false, width: 8, fraction: 0 } });
    expect(difference).toBe(0);
  });

  it("refuses integers that are read by another scale, or computed with", () => {
    const refused = (make: (b: OnnxBuilder, q: string) => string): string => {
      const b = createOnnx();
      const q = b.node("QuantizeLinear", [b.input("x", [1, 4]), scalar(b, 0.5), bytes8(b, false, [], [0])]);
      return diagnosticsOf(() => readOnnx(b.finish([make(b, q)], 13), { path: "q.onnx" }))
        .map(({ message }) => message)
        .join("\n");
    };
    expect(
      refused((b, q) => b.node("DequantizeLinear", [q, scalar(b, 0.25), bytes8(b, false, [], [0])])),
    ).toContain("of its own");
    expect(refused((b, q) => b.node("Relu", [q]))).toContain("quantized integers");
  });
});
