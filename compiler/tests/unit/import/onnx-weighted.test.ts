// Operators with weights and pools in every form, against onnxruntime.
import { describe } from "vitest";
import { float } from "./build-onnx.ts";
import { type Case, image, one, testCases, vector } from "./onnx-cases.ts";

const weighted: readonly Case[] = [
  ["Gemm", 13, (b) => b.node("Gemm", [b.input("x", vector), b.weights([6, 5]), b.weights([5])]), "dense"],
  [
    "Gemm, transposed weights, alpha and beta",
    7,
    (b) =>
      b.node("Gemm", [b.input("x", vector), b.weights([5, 6]), b.weights([1, 5])], {
        transB: 1,
        alpha: float(0.5),
        beta: float(2),
      }),
    "dense",
  ],
  [
    "Gemm, transposed input",
    11,
    (b) => {
      const x = b.node("Transpose", [b.input("x", [1, 6])], { perm: [1, 0] });
      return b.node("Gemm", [x, b.weights([6, 5])], { transA: 1 });
    },
    "dense",
  ],
  [
    "Gemm, one bias for all",
    13,
    (b) => b.node("Gemm", [b.input("x", vector), b.weights([6, 5]), b.weights([1])]),
  ],
  [
    "Gemm, beta 0",
    13,
    (b) => b.node("Gemm", [b.input("x", vector), b.weights([6, 5]), b.weights([5])], { beta: float(0) }),
    "dense",
  ],
  ["MatMul", 13, (b) => b.node("MatMul", [b.input("x", vector), b.weights([6, 5])]), "dense"],
  [
    "MatMul and Add",
    13,
    (b) => b.node("Add", [b.weights([5]), b.node("MatMul", [b.input("x", vector), b.weights([6, 5])])]),
    "dense",
  ],
  [
    "MatMul and Sub",
    13,
    (b) => b.node("Sub", [b.node("MatMul", [b.input("x", vector), b.weights([6, 5])]), b.weights([1, 5])]),
    "dense",
  ],
  [
    "MatMul whose result is read twice, and Add",
    13,
    (b) => {
      const y = b.node("MatMul", [b.input("x", vector), b.weights([6, 5])]);
      return b.node("Add", [b.node("Add", [y, b.weights([5])]), b.node("Relu", [y])]);
    },
    "dense affine relu add",
  ],
  [
    "MatMul at every position",
    13,
    (b) => b.node("MatMul", [b.input("x", [null, 4, 6]), b.weights([6, 5])]),
    "conv",
  ],
  [
    "MatMul at every pixel",
    13,
    (b) => b.node("MatMul", [b.input("x", [null, 3, 4, 6]), b.weights([1, 1, 6, 5])]),
    "conv",
  ],
  [
    "MatMul, fixed batch of 4",
    13,
    (b) => b.node("MatMul", [b.input("x", [4, 6]), b.weights([6, 5])]),
    "dense",
  ],
  ["Conv", 11, (b) => b.node("Conv", [b.input("x", image), b.weights([4, 3, 3, 3]), b.weights([4])]), "conv"],
  [
    "Conv, strides, dilations, pads",
    11,
    (b) =>
      b.node("Conv", [b.input("x", image), b.weights([4, 3, 3, 2])], {
        kernel_shape: [3, 2],
        strides: [2, 1],
        dilations: [2, 3],
        pads: [1, 0, 2, 1],
      }),
    "conv",
  ],
  [
    "Conv, groups",
    11,
    (b) =>
      b.node("Conv", [b.input("x", [1, 4, 5, 5]), b.weights([6, 2, 3, 3]), b.weights([6])], { group: 2 }),
    "conv",
  ],
  [
    "Conv, depthwise",
    11,
    (b) => b.node("Conv", [b.input("x", image), b.weights([6, 1, 3, 3]), b.weights([6])], { group: 3 }),
    "conv",
  ],
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].map(
    (auto_pad): Case => [
      `Conv, ${auto_pad}`,
      11,
      (b) => b.node("Conv", [b.input("x", image), b.weights([4, 3, 4, 3])], { auto_pad, strides: [2, 3] }),
      "conv",
    ],
  ),
  [
    "Conv of a sequence",
    11,
    (b) => b.node("Conv", [b.input("x", [null, 3, 9]), b.weights([4, 3, 4])], { strides: [2], pads: [1, 2] }),
    "conv",
  ],
  [
    "ConvTranspose",
    11,
    (b) => b.node("ConvTranspose", [b.input("x", image), b.weights([3, 4, 3, 3]), b.weights([4])]),
    "conv",
  ],
  [
    "ConvTranspose, strides, pads, output_padding",
    11,
    (b) =>
      b.node("ConvTranspose", [b.input("x", image), b.weights([3, 4, 3, 4])], {
        strides: [2, 3],
        pads: [1, 0, 1, 2],
        output_padding: [1, 2],
      }),
    "conv",
  ],
  [
    "ConvTranspose, groups and dilations",
    11,
    (b) =>
      b.node("ConvTranspose", [b.input("x", [null, 4, 5, 5]), b.weights([4, 3, 3, 3])], {
        group: 2,
        dilations: [2, 1],
      }),
    "conv",
  ],
  [
    "ConvTranspose, output_shape",
    11,
    (b) =>
      b.node("ConvTranspose", [b.input("x", image), b.weights([3, 4, 4, 4])], {
        strides: [2, 2],
        output_shape: [15, 13],
      }),
    "conv",
  ],
  ...["SAME_UPPER", "SAME_LOWER"].map(
    (auto_pad): Case => [
      `ConvTranspose, ${auto_pad}`,
      11,
      (b) =>
        b.node("ConvTranspose", [b.input("x", image), b.weights([3, 4, 3, 3])], {
          auto_pad,
          strides: [2, 2],
        }),
      "conv",
    ],
  ),
  [
    "ConvTranspose of a sequence",
    11,
    (b) => b.node("ConvTranspose", [b.input("x", [null, 3, 5]), b.weights([3, 2, 4])], { strides: [3] }),
    "conv",
  ],
];

const pools: readonly Case[] = [
  ["MaxPool", 12, one(image, "MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }), "pool"],
  [
    "MaxPool, pads",
    8,
    one(image, "MaxPool", { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 0, 1, 2] }),
    "pool",
  ],
  [
    "MaxPool, SAME_UPPER",
    12,
    one(image, "MaxPool", { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }),
    "pool",
  ],
  [
    "MaxPool, ceil_mode",
    12,
    one([null, 3, 8, 7], "MaxPool", { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }),
    "pool",
  ],
  ["MaxPool of a sequence", 12, one([null, 3, 9], "MaxPool", { kernel_shape: [2], strides: [2] }), "pool"],
  ["AveragePool", 11, one(image, "AveragePool", { kernel_shape: [2, 3], strides: [2, 2] }), "pool"],
  [
    "AveragePool, counted padding",
    11,
    one(image, "AveragePool", { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
    "pool",
  ],
  [
    "AveragePool, ceil_mode that changes nothing",
    11,
    one(image, "AveragePool", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    "pool",
  ],
  ["GlobalAveragePool", 11, one(image, "GlobalAveragePool"), "pool"],
  ["GlobalMaxPool", 11, one([null, 3, 9], "GlobalMaxPool"), "pool"],
  ["ReduceMean", 13, one(image, "ReduceMean", { axes: [2, 3], keepdims: 0 }), "pool flatten"],
  ["ReduceMean of channels-last images", 13, one([null, 8, 6, 3], "ReduceMean", { axes: [1, 2] }), "pool"],
  [
    "ReduceMean, axes as operand",
    18,
    (b) => b.node("ReduceMean", [b.input("x", image), b.list([-1, -2])]),
    "pool",
  ],
  ["ReduceMax", 13, one([null, 5, 3], "ReduceMax", { axes: [1], keepdims: 0 }), "pool flatten"],
];

describe("weighted", () => testCases(weighted));
describe("pools", () => testCases(pools));
