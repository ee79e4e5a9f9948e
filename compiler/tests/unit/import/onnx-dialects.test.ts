// Networks as PyTorch, tf2onnx and keras2onnx write them, against onnxruntime.
import { describe } from "vitest";
import { floats, ints } from "./build-onnx.ts";
import { type Case, image, testCases, vector } from "./onnx-cases.ts";

const dialects: readonly Case[] = [
  [
    "PyTorch: x.view(x.size(0), -1)",
    11,
    (b) => {
      const x = b.node(
        "MaxPool",
        [b.node("Conv", [b.input("x", [null, 1, 8, 8]), b.weights([4, 1, 3, 3]), b.weights([4])])],
        { kernel_shape: [2, 2], strides: [2, 2] },
      );
      const size = b.node("Gather", [b.node("Shape", [x]), b.constant(ints([], [0]))], { axis: 0 });
      const first = b.node("Unsqueeze", [size], { axes: [0] });
      const shape = b.node("Concat", [first, b.list([-1])], { axis: 0 });
      return b.node("Gemm", [b.node("Reshape", [x, shape]), b.weights([5, 36]), b.weights([5])], {
        transB: 1,
      });
    },
    "conv pool flatten dense",
  ],
  [
    "PyTorch: x.view(-1, c * h * w) computed from the shape",
    13,
    (b) => {
      const x = b.node("Relu", [b.input("x", image)]);
      const shape = b.node("Shape", [x]);
      const part = (i: number): string => b.node("Gather", [shape, b.list([i])], { axis: 0 });
      const all = b.node("Mul", [b.node("Mul", [part(1), part(2)]), part(3)]);
      const wanted = b.node("Concat", [b.node("Constant", [], { value_ints: [-1] }), all], { axis: 0 });
      return b.node("MatMul", [b.node("Reshape", [x, wanted]), b.weights([144, 3])]);
    },
    "relu flatten dense",
  ],
  [
    "tf2onnx: channels last with Transposes around every conv",
    13,
    (b) => {
      const x = b.input("x", [null, 8, 6, 3]);
      const first = b.node("Transpose", [x], { perm: [0, 3, 1, 2] });
      const y = b.node("Relu", [b.node("Conv", [first, b.weights([4, 3, 3, 3]), b.weights([4])])]);
      const last = b.node("Transpose", [y], { perm: [0, 2, 3, 1] });
      const again = b.node("Transpose", [last], { perm: [0, 3, 1, 2] });
      const pool = b.node("MaxPool", [again], { kernel_shape: [2, 2], strides: [2, 2] });
      const out = b.node("Transpose", [pool], { perm: [0, 2, 3, 1] });
      return b.node("Add", [
        b.node("MatMul", [b.node("Reshape", [out, b.list([-1, 24])]), b.weights([24, 3])]),
        b.weights([3]),
      ]);
    },
    "conv relu pool flatten dense",
  ],
  [
    "tf2onnx: a sequence through a two-dimensional conv",
    13,
    (b) => {
      const x = b.node("Unsqueeze", [b.input("x", [null, 9, 3]), b.list([1])]);
      const y = b.node("Conv", [b.node("Transpose", [x], { perm: [0, 3, 1, 2] }), b.weights([4, 3, 1, 3])]);
      const z = b.node("Squeeze", [b.node("Transpose", [y], { perm: [0, 2, 3, 1] }), b.list([1])]);
      return b.node("ReduceMean", [z], { axes: [1], keepdims: 0 });
    },
  ],
  [
    "keras2onnx: Transpose before Conv, Flatten of channels last",
    9,
    (b) => {
      const x = b.node("Transpose", [b.input("x", [1, 9, 9, 1])], { perm: [0, 3, 1, 2] });
      const y = b.node("Conv", [x, b.weights([5, 1, 3, 3]), b.weights([5])], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      });
      const n = b.node("BatchNormalization", [
        b.node("Selu", [y]),
        b.weights([5]),
        b.weights([5]),
        b.weights([5]),
        b.positive([5]),
      ]);
      const z = b.node("Transpose", [n], { perm: [0, 2, 3, 1] });
      return b.node("Gemm", [b.node("Flatten", [z], { axis: 1 }), b.weights([125, 3]), b.weights([3])]);
    },
    "conv elu norm flatten dense",
  ],
  [
    "channels first with a bias by Add",
    13,
    (b) => {
      const y = b.node("Conv", [b.input("x", image), b.weights([4, 3, 3, 3])]);
      return b.node("Relu", [b.node("Add", [y, b.weights([1, 4, 1, 1])])]);
    },
    "conv relu",
  ],
  [
    "a batch of 3 that is fixed, reshaped by numbers",
    13,
    (b) => {
      const y = b.node("Conv", [b.input("x", [3, 2, 4, 4]), b.weights([2, 2, 3, 3])]);
      return b.node("MatMul", [b.node("Reshape", [y, b.list([3, 8])]), b.weights([8, 2])]);
    },
    "conv flatten dense",
  ],
  [
    "an image without batch that the model adds",
    13,
    (b) => {
      const x = b.node("Unsqueeze", [b.input("x", [3, 6, 6]), b.list([0])]);
      return b.node("Conv", [x, b.weights([2, 3, 3, 3])]);
    },
    "conv",
  ],
  [
    "positions folded into the batch and back",
    13,
    (b) => {
      const x = b.node("Reshape", [b.input("x", [1, 4, 6]), b.list([-1, 6])]);
      const y = b.node("Gemm", [x, b.weights([6, 5]), b.weights([5])]);
      return b.node("Relu", [b.node("Reshape", [y, b.list([1, 4, 5])])]);
    },
  ],
  [
    "weights made of constants",
    13,
    (b) => {
      const w = b.node("Transpose", [b.node("Mul", [b.weights([5, 6]), b.weights([], [0.5])])], {
        perm: [1, 0],
      });
      return b.node("MatMul", [b.input("x", vector), w]);
    },
    "dense",
  ],
  [
    "constants of all kinds",
    13,
    (b) => {
      const shape = b.node(
        "Cast",
        [b.node("ConstantOfShape", [b.list([2])], { value: { tensor: ints([1], [3]) } })],
        { to: 7 },
      );
      const x = b.node("Reshape", [
        b.input("x", [null, 9]),
        b.node("Concat", [b.list([-1]), shape], { axis: 0 }),
      ]);
      const c = b.node("Constant", [], { value: { tensor: floats([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]) } });
      return b.node("Add", [x, b.node("Slice", [c, b.list([1]), b.list([2]), b.list([0])])]);
    },
  ],
  [
    "two inputs",
    13,
    (b) => {
      const y = b.node("MatMul", [b.input("x", [null, 4]), b.weights([4, 3])]);
      const z = b.node("MatMul", [b.input("y", [null, 5]), b.weights([5, 3])]);
      return [b.node("Add", [y, z]), b.node("Mul", [y, z])];
    },
    "dense dense add multiply",
  ],
  [
    "a decoder: Gemm, Reshape, ConvTranspose",
    13,
    (b) => {
      const y = b.node("Relu", [b.node("Gemm", [b.input("x", vector), b.weights([6, 18]), b.weights([18])])]);
      return b.node(
        "ConvTranspose",
        [b.node("Reshape", [y, b.list([-1, 2, 3, 3])]), b.weights([2, 1, 2, 2])],
        { strides: [2, 2] },
      );
    },
    "dense relu reshape conv",
  ],
  [
    "a decoder with everything that has numbers for each unit",
    13,
    (b) => {
      const y = b.node("Gemm", [b.input("x", vector), b.weights([6, 18]), b.weights([18])]);
      const n = b.node("BatchNormalization", [
        y,
        b.weights([18]),
        b.weights([18]),
        b.weights([18]),
        b.positive([18]),
      ]);
      const z = b.node("Relu", [
        b.node("Reshape", [b.node("Mul", [n, b.weights([18])]), b.list([-1, 2, 3, 3])]),
      ]);
      return b.node("Conv", [z, b.weights([3, 2, 2, 2])]);
    },
    "dense norm affine relu reshape conv",
  ],
  [
    "a decoder whose first layer is read twice",
    13,
    (b) => {
      const y = b.node("Gemm", [b.input("x", vector), b.weights([6, 18]), b.weights([18])]);
      return [y, b.node("Conv", [b.node("Reshape", [y, b.list([-1, 2, 3, 3])]), b.weights([3, 2, 2, 2])])];
    },
  ],
  [
    "a byte image that is scaled",
    13,
    (b) => b.node("Div", [b.node("Cast", [b.input("x", vector, 2)], { to: 1 }), b.weights([], [255])]),
    "affine",
  ],
];

describe("dialects", () => testCases(dialects));
