// Operators that move elements and join tensors, against onnxruntime.
import { describe } from "vitest";
import { float } from "./build-onnx.ts";
import { type Case, image, one, testCases, vector } from "./onnx-cases.ts";

const moves: readonly Case[] = [
  [
    "Identity, Dropout, Cast",
    13,
    (b) =>
      b.node("Relu", [
        b.node("Cast", [b.node("Dropout", [b.node("Identity", [b.input("x", vector)])])], { to: 1 }),
      ]),
    "relu",
  ],
  [
    "Gather of some elements of a flattened image",
    13,
    (b) => {
      const flat = b.node("Flatten", [b.node("Relu", [b.input("x", image)])]);
      const some = b.node("Gather", [flat, b.list([0, 5, -3])], { axis: 1 });
      return b.node("Gemm", [some, b.weights([3, 2])]);
    },
  ],
  [
    "Gather from a table",
    13,
    (b) => {
      const y = b.node("Clip", [b.input("x", vector), b.weights([], [0]), b.weights([], [6])]);
      const table = b.weights([8], [3, -1, 4, 1, -5, 9, 2, 6]);
      const scale = b.weights([], [1]);
      const whole = b.node("QuantizeLinear", [
        y,
        scale,
        b.constant({ dims: [], dataType: 2, rawData: Uint8Array.of(0) }),
      ]);
      const places = b.node("DequantizeLinear", [whole, scale]);
      return b.node("Gather", [table, b.node("Cast", [places], { to: 7 })], { axis: 0 });
    },
  ],
  [
    "Reshape to an image and Conv",
    13,
    (b) =>
      b.node("Conv", [
        b.node("Reshape", [b.input("x", [null, 24]), b.list([-1, 2, 3, 4])]),
        b.weights([2, 2, 2, 2]),
      ]),
  ],
  [
    "Flatten of an image and Gemm",
    13,
    (b) =>
      b.node("Gemm", [
        b.node("Flatten", [b.node("Relu", [b.node("Conv", [b.input("x", image), b.weights([2, 3, 3, 3])])])]),
        b.weights([48, 5]),
      ]),
    "conv relu flatten dense",
  ],
  [
    "Flatten with axis 0",
    13,
    (b) =>
      b.node("MatMul", [
        b.node("Flatten", [b.node("Relu", [b.input("x", [1, 4, 3])])], { axis: 0 }),
        b.weights([12, 2]),
      ]),
    "relu flatten dense",
  ],
  [
    "Flatten as the output",
    13,
    (b) => b.node("Flatten", [b.node("Conv", [b.input("x", image), b.weights([2, 3, 3, 3])])]),
  ],
  [
    "Transpose as the output",
    13,
    (b) => b.node("Transpose", [b.node("Relu", [b.input("x", [null, 4, 5])])], { perm: [0, 2, 1] }),
  ],
  [
    "Reshape that cuts across the axes",
    13,
    (b) => b.node("Reshape", [b.node("Relu", [b.input("x", [null, 4, 6])]), b.list([0, 6, 4])]),
  ],
  [
    "Reshape after a Transpose that cuts across",
    13,
    (b) =>
      b.node("Relu", [
        b.node("Reshape", [
          b.node("Transpose", [b.input("x", [null, 4, 6])], { perm: [0, 2, 1] }),
          b.list([-1, 8, 3]),
        ]),
      ]),
  ],
  [
    "Concat of channels",
    13,
    (b) => {
      const x = b.input("x", image);
      return b.node("Concat", [b.node("Conv", [x, b.weights([2, 3, 1, 1])]), x, b.node("Relu", [x])], {
        axis: 1,
      });
    },
    "conv relu concat",
  ],
  [
    "Concat of single channels",
    13,
    (b) => {
      const x = b.input("x", [null, 1, 4, 4]);
      return b.node("Concat", [x, b.node("Relu", [x])], { axis: 1 });
    },
  ],
  [
    "Concat of flat layers",
    13,
    (b) => {
      const x = b.node("Conv", [b.input("x", image), b.weights([2, 3, 3, 3])]);
      const both = b.node("Concat", [b.node("Flatten", [x]), b.node("Flatten", [b.node("Relu", [x])])], {
        axis: -1,
      });
      return b.node("Gemm", [both, b.weights([96, 3])]);
    },
  ],
  [
    "Split",
    13,
    (b) => {
      const parts = b.nodes("Split", [b.input("x", image), b.list([3, 1, 4])], { axis: 2 }, 3);
      return parts.map((part) => b.node("Relu", [part]));
    },
  ],
  [
    "Split into equal parts of a vector",
    11,
    (b) => {
      const [x, y] = b.nodes("Split", [b.input("x", vector)], { axis: 1 }, 2);
      return b.node("Mul", [x!, b.node("Sigmoid", [y!])]);
    },
    "slice slice sigmoid multiply",
  ],
  [
    "Slice by attributes",
    9,
    one(image, "Slice", { starts: [1, -4], ends: [100, -1], axes: [2, 3] }),
    "slice",
  ],
  [
    "Slice by operands",
    13,
    (b) => b.node("Slice", [b.input("x", image), b.list([0, 1]), b.list([2, 2 ** 62]), b.list([1, -1])]),
    "slice",
  ],
  ["Pad by attributes", 9, one(image, "Pad", { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: float(0.5) }), "pad"],
  [
    "Pad by operands",
    13,
    (b) =>
      b.node("Conv", [
        b.node("Pad", [b.input("x", image), b.list([0, 0, 1, 1, 0, 0, 1, 1])]),
        b.weights([2, 3, 3, 3]),
      ]),
    "pad conv",
  ],
  [
    "Pad with axes",
    18,
    (b) => b.node("Pad", [b.input("x", [null, 4, 5]), b.list([1, 2]), "", b.list([-1])]),
    "pad",
  ],
  [
    "Add of two branches",
    13,
    (b) => {
      const x = b.input("x", image);
      return b.node("Add", [b.node("Conv", [x, b.weights([3, 3, 3, 3])], { pads: [1, 1, 1, 1] }), x]);
    },
    "conv add",
  ],
  [
    "Add of two layouts",
    13,
    (b) => {
      const x = b.input("x", [null, 4, 4]);
      return b.node("Add", [b.node("Transpose", [x], { perm: [0, 2, 1] }), x]);
    },
  ],
  [
    "Mul by a gate",
    13,
    (b) => {
      const x = b.input("x", image);
      return b.node("Mul", [b.node("Sigmoid", [b.node("GlobalAveragePool", [x])]), b.node("Relu", [x])]);
    },
    "pool relu sigmoid multiply",
  ],
  [
    "Sub of a tensor from its gate",
    13,
    (b) => {
      const x = b.input("x", image);
      return b.node("Sub", [b.node("GlobalMaxPool", [x]), x]);
    },
  ],
  [
    "a squeeze-and-excitation block with flat layers",
    13,
    (b) => {
      const x = b.node("Relu", [b.node("Conv", [b.input("x", image), b.weights([4, 3, 3, 3])])]);
      const flat = b.node("Flatten", [b.node("GlobalAveragePool", [x])]);
      const gate = b.node("Sigmoid", [b.node("Gemm", [flat, b.weights([4, 4]), b.weights([4])])]);
      return b.node("Mul", [x, b.node("Reshape", [gate, b.list([-1, 4, 1, 1])])]);
    },
  ],
  ["Upsample", 9, (b) => b.node("Upsample", [b.input("x", image), b.weights([4], [1, 1, 2, 3])]), "upsample"],
  [
    "Resize, asymmetric",
    11,
    (b) =>
      b.node("Resize", [b.input("x", image), b.weights([0], []), b.weights([4], [1, 1, 2, 2])], {
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    "upsample",
  ],
  [
    "Resize by sizes, half_pixel",
    13,
    (b) => b.node("Resize", [b.input("x", [1, 3, 4, 5]), "", "", b.list([1, 3, 12, 10])]),
    "upsample",
  ],
  [
    "Resize of a sequence",
    13,
    (b) => b.node("Resize", [b.input("x", [null, 3, 5]), "", b.weights([3], [1, 1, 2])]),
    "upsample",
  ],
  ["ArgMax", 13, one(vector, "ArgMax", { axis: 1, keepdims: 0 }), "argmax"],
  [
    "ArgMax of every pixel",
    13,
    (b) => b.node("ArgMax", [b.node("Conv", [b.input("x", image), b.weights([4, 3, 1, 1])])], { axis: 1 }),
    "conv argmax",
  ],
  [
    "Expand that repeats nothing",
    13,
    (b) => b.node("Relu", [b.node("Expand", [b.input("x", vector), b.list([1, 1, 6])])]),
  ],
];

describe("moves", () => testCases(moves));
