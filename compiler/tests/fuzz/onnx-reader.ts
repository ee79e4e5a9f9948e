// ONNX files under the fuzzer: bytes of sound files, and messages of them with other fields.
import { importProblems } from "../../driver/import-problems.ts";
import { exportQonnx } from "../../export/qonnx.ts";
import { decodeMessage } from "../../import/onnx/decode.ts";
import { encodeMessage } from "../../import/onnx/encode.ts";
import type { ModelProto } from "../../import/onnx/messages.ts";
import { readOnnx } from "../../import/onnx/read.ts";
import { createProgramBuilder, intFormat } from "../../program/builder.ts";
import type { Program } from "../../program/program.ts";
import type { RandomStream } from "../../support/random.ts";
import { createOnnx, ints } from "../unit/import/build-onnx.ts";
import { importedProblems } from "../unit/import/check-imported.ts";
import { damagedBytes, madeUpBytes, placesOf, STRANGE_NAMES } from "./damage.ts";
import { type FuzzReader, holds, once, pick } from "./fuzz-reader.ts";

/** A program with what only export writes: a selection, a table, layers of nodes. */
function exported(): Program {
  const b = createProgramBuilder("exported");
  const x = b.input({ name: "x", shape: [2, 3, 2], format: intFormat(true, 3, 0) });
  const flat = b.flatten({ layer: "flat", name: "flat", input: x });
  const kept = b.select({ layer: "fc", name: "kept", input: flat, indices: [0, 2, 11] });
  const table = [3, 2, 1, 0, 0, 1, 2, 3];
  const bent = b.table({ layer: "fc", name: "bent", input: kept, table, format: intFormat(false, 2, 1) });
  const weights = { units: 2, data: [1, -2, 3, 0, 2, -1], format: intFormat(true, 3, 1) };
  const fc = b.dense({ layer: "fc", name: "fc", input: bent, weights, bias: [4, -5] });
  b.output("y.logits", fc, "logits");
  b.output("y", b.argmax({ layer: "best", name: "best", input: fc }), "class");
  return b.build();
}

/** Small files that have something of everything. */
export function onnxSeeds(): readonly Uint8Array[] {
  const files: Uint8Array[] = [];
  files.push(exportQonnx(exported()));
  const file = (opset: number, make: (b: ReturnType<typeof createOnnx>) => string): void => {
    const b = createOnnx(files.length);
    files.push(b.finish([make(b)], opset));
  };
  file(13, (b) => {
    const x = b.node("Conv", [b.input("x", [null, 2, 6, 6]), b.weights([2, 2, 3, 3]), b.weights([2])], {
      pads: [1, 1, 1, 1],
    });
    const n = b.node("BatchNormalization", [
      x,
      b.weights([2]),
      b.weights([2]),
      b.weights([2]),
      b.positive([2]),
    ]);
    const y = b.node("MaxPool", [b.node("Relu", [n])], { kernel_shape: [2, 2], strides: [2, 2] });
    const size = b.node("Gather", [b.node("Shape", [y]), b.constant(ints([], [0]))], { axis: 0 });
    const shape = b.node("Concat", [b.node("Unsqueeze", [size, b.list([0])]), b.list([-1])], { axis: 0 });
    return b.node("Gemm", [b.node("Reshape", [y, shape]), b.weights([4, 18]), b.weights([4])], { transB: 1 });
  });
  file(11, (b) => {
    const x = b.node("Transpose", [b.input("x", [1, 6, 5, 3])], { perm: [0, 3, 1, 2] });
    const [left, right] = b.nodes("Split", [x], { axis: 2, split: [2, 4] }, 2);
    const y = b.node("Concat", [left!, b.node("Sigmoid", [right!])], { axis: 2 });
    const z = b.node("Mul", [y, b.node("GlobalAveragePool", [x])]);
    const p = b.node("Pad", [z, b.list([0, 0, 1, 0, 0, 0, 0, 1])]);
    return b.node("ReduceMean", [b.node("Add", [p, b.weights([3, 1, 1])])], { axes: [2, 3] });
  });
  file(13, (b) => {
    const scale = b.positive([4, 1]);
    const [zero, bits] = [b.weights([], [0]), b.weights([], [3])];
    const w = b.node("qonnx.custom_op.general:Quant", [b.weights([4, 6]), scale, zero, bits], {
      signed: 1,
      narrow: 1,
      rounding_mode: "ROUND",
    });
    const y = b.node("MatMul", [b.input("x", [1, 6]), b.node("Transpose", [w], { perm: [1, 0] })]);
    const q = b.node("onnx.brevitas:Quant", [y, b.positive([1, 4]), zero, bits], {
      signed: 0,
      narrow: 0,
      rounding_mode: "FLOOR",
    });
    const m = b.node("qonnx.custom_op.general:MultiThreshold", [q, b.weights([4, 3])], { out_dtype: "INT2" });
    return b.node("Softmax", [b.node("Div", [m, b.weights([], [3])])], { axis: 1 });
  });
  file(13, (b) => {
    const x = b.node("Slice", [b.input("x", [null, 2, 8]), b.list([1]), b.list([7]), b.list([2])]);
    const y = b.node("ConvTranspose", [x, b.weights([2, 2, 3])], { strides: [2] });
    const z = b.node("Resize", [y, "", b.weights([3], [1, 1, 2])]);
    return b.node("ArgMax", [b.node("Clip", [z, b.weights([], [0]), b.weights([], [6])])], { axis: 1 });
  });
  file(13, (b) => {
    const bytes = (value: number): string =>
      b.constant({ dims: [], dataType: 2, rawData: Uint8Array.of(value) });
    const grid = [b.weights([], [0.125]), bytes(3)];
    const q = b.node("QuantizeLinear", [b.input("x", [1, 2, 4, 4]), ...grid]);
    const w = [
      b.constant({ dims: [2, 2, 1, 1], dataType: 3, int32Data: [1, -2, 3, 4] }),
      b.positive([2]),
      b.constant({ dims: [2], dataType: 3, int32Data: [0, 0] }),
    ];
    const c = b.node("QLinearConv", [
      q,
      ...grid,
      ...w,
      ...grid,
      b.constant({ dims: [2], dataType: 6, int32Data: [5, 6] }),
    ]);
    return b.node("Relu", [b.node("DequantizeLinear", [c, ...grid])]);
  });
  return files;
}

const NUMBERS = [
  0,
  1,
  -1,
  2,
  3,
  7,
  4,
  255,
  -128,
  1024,
  65536,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  2 ** 62,
];
const NAMES = [
  "",
  "x",
  "t0_0",
  "t1_0",
  "t2_0",
  "c0",
  "c1",
  "c2",
  "axis",
  "pads",
  "Add",
  "MatMul",
  "Conv",
  "Reshape",
  "Concat",
  "Transpose",
  "Flatten",
  "Quant",
  "N",
  ...STRANGE_NAMES,
];

/** One to three fields changed to other numbers, names or lists. */
function changedModel(model: ModelProto, random: RandomStream): ModelProto {
  const copy = structuredClone(model);
  for (let edits = random.integer(1, 3); edits > 0; edits--) {
    const [holder, key] = pick(random, placesOf(copy));
    const fields = holder as Record<string | number, unknown>;
    const value = fields[key];
    if (typeof value === "number") fields[key] = pick(random, NUMBERS);
    else if (typeof value === "string") fields[key] = pick(random, NAMES);
    else if (value instanceof Uint8Array) fields[key] = value.subarray(0, random.integer(0, value.length));
    else if (Array.isArray(holder)) {
      const kind = random.integer(0, 2);
      if (kind === 0) holder.splice(key as number, 1);
      else if (kind === 1) holder.push(structuredClone(value));
      else holder.reverse();
    } else if (Array.isArray(value) && random.integer(0, 1) === 0) value.push(...structuredClone(value));
    else delete fields[key];
  }
  return copy;
}

/** Bytes of a changed model; of the model itself where no file can say the change, such as a float beyond float32. */
function encoded(model: ModelProto, random: RandomStream): Uint8Array {
  for (let tries = 0; tries < 10; tries++)
    try {
      return encodeMessage("ModelProto", changedModel(model, random));
    } catch {}
  return encodeMessage("ModelProto", model);
}

export const ONNX_READER: FuzzReader = {
  name: "ONNX",
  share: 120,
  prepare: once(() => {
    const sound = onnxSeeds();
    const models = sound.map((bytes) => decodeMessage("ModelProto", bytes));
    return {
      sound,
      kinds: [
        (random) => damagedBytes(pick(random, sound), random),
        (random) => encoded(pick(random, models), random),
        (random) => encoded(pick(random, models), random),
        (random) =>
          random.integer(0, 3) > 0
            ? encoded(pick(random, models), random)
            : madeUpBytes(pick(random, sound), random),
      ],
    };
  }),
  read(bytes) {
    const { model } = readOnnx(bytes, { path: "fuzz.onnx" });
    const problems = importedProblems(model);
    holds(problems.length === 0, () => problems.join("\n"));
    importProblems(model);
  },
};
