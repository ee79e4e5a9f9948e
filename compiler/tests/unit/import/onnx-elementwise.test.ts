// Activations, and sums, products and normalisations with constants, against onnxruntime.
import { describe } from "vitest";
import { float } from "./build-onnx.ts";
import { type Case, image, one, testCases, vector } from "./onnx-cases.ts";

const elementwise: readonly Case[] = [
  ["Relu", 13, one(image, "Relu"), "relu"],
  ["Sigmoid", 13, one(vector, "Sigmoid"), "sigmoid"],
  ["Tanh", 13, one(vector, "Tanh"), "tanh"],
  ["LeakyRelu", 6 + 1, one(vector, "LeakyRelu", { alpha: float(0.125) }), "leaky_relu"],
  ["LeakyRelu, default", 13, one(vector, "LeakyRelu"), "leaky_relu"],
  [
    "PRelu, one slope",
    13,
    (b) => b.node("PRelu", [b.input("x", vector), b.weights([1], [0.3])]),
    "leaky_relu",
  ],
  ["Elu", 13, one(vector, "Elu", { alpha: float(0.7) }), "elu"],
  ["Selu", 13, one(vector, "Selu"), "elu"],
  ["HardSwish", 14, one(vector, "HardSwish"), "hardswish"],
  ["HardSigmoid, the hardware's", 13, one(vector, "HardSigmoid", { alpha: float(1 / 6) }), "hardsigmoid"],
  ["HardSigmoid, the default", 13, one(vector, "HardSigmoid"), "affine hardsigmoid"],
  [
    "HardSigmoid, other numbers",
    13,
    one(vector, "HardSigmoid", { alpha: float(0.3), beta: float(0.4) }),
    "affine hardsigmoid",
  ],
  ["Clip by attributes", 7, one([null, 9], "Clip", { min: float(0), max: float(6) }), "relu6"],
  [
    "Clip by operands",
    13,
    (b) => b.node("Clip", [b.input("x", vector), b.weights([], [-1]), b.weights([], [1])]),
    "hardtanh",
  ],
  ["Clip from below", 13, (b) => b.node("Clip", [b.input("x", vector), b.weights([], [0])]), "relu"],
  ["Clip of nothing", 13, (b) => b.node("Relu", [b.node("Clip", [b.input("x", vector)])]), "relu"],
  ["Max with 0", 13, (b) => b.node("Max", [b.weights([], [0]), b.input("x", vector)]), "relu"],
  ["Neg", 13, one(vector, "Neg"), "affine"],
  ["Add of a number", 13, (b) => b.node("Add", [b.input("x", image), b.weights([])]), "affine"],
  ["Add of a value for each channel", 13, (b) => b.node("Add", [b.weights([3, 1, 1]), b.input("x", image)])],
  ["Sub of a value for each pixel", 13, (b) => b.node("Sub", [b.input("x", image), b.weights([3, 8, 6])])],
  ["Sub from a constant", 13, (b) => b.node("Sub", [b.weights([6]), b.input("x", vector)]), "affine"],
  ["Mul by a value for each row", 13, (b) => b.node("Mul", [b.input("x", image), b.weights([1, 1, 8, 1])])],
  ["Div by 255", 13, (b) => b.node("Div", [b.input("x", vector), b.weights([], [255])]), "affine"],
  ["Div by values", 13, (b) => b.node("Div", [b.input("x", vector), b.positive([6])]), "affine"],
  [
    "BatchNormalization",
    9,
    (b) =>
      b.node("BatchNormalization", [
        b.input("x", image),
        b.weights([3]),
        b.weights([3]),
        b.weights([3]),
        b.positive([3]),
      ]),
    "norm",
  ],
  [
    "BatchNormalization of a vector",
    15,
    (b) =>
      b.node(
        "BatchNormalization",
        [b.input("x", vector), b.weights([6]), b.weights([6]), b.weights([6]), b.positive([6])],
        {
          epsilon: float(0.01),
        },
      ),
    "norm",
  ],
  [
    "BatchNormalization between Unsqueeze and Squeeze",
    13,
    (b) => {
      const x = b.node("Unsqueeze", [b.input("x", vector), b.list([2])]);
      const y = b.node("BatchNormalization", [
        x,
        b.weights([6]),
        b.weights([6]),
        b.weights([6]),
        b.positive([6]),
      ]);
      return b.node("Squeeze", [y, b.list([2])]);
    },
    "norm",
  ],
  [
    "BatchNormalization of one channel",
    9,
    (b) =>
      b.node("BatchNormalization", [
        b.input("x", [null, 1, 4, 4]),
        b.weights([1]),
        b.weights([1]),
        b.weights([1]),
        b.positive([1]),
      ]),
    "norm",
  ],
  [
    "the hard swish that PyTorch writes out",
    13,
    (b) => {
      const x = b.input("x", vector);
      const y = b.node("Clip", [
        b.node("Add", [x, b.weights([], [3])]),
        b.weights([], [0]),
        b.weights([], [6]),
      ]);
      return b.node("Div", [b.node("Mul", [x, y]), b.weights([], [6])]);
    },
    "affine relu6 multiply affine",
  ],
];

describe("elementwise", () => testCases(elementwise));
