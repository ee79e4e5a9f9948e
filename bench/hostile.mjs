// What files cost that are made to do harm, and the largest that are not: makes them in a temporary folder, runs
// `noisefloor inspect` on each, and prints processor seconds and peak memory, less what `noisefloor --version` takes. A
// refusal has to come within 2 s and 200 MB of that. Needs a build (`npm run build`). Use: node bench/hostile.mjs
// [words of a name]. Exit 1 where one takes more, crashes, or does not end.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync, deflateSync } from "node:zlib";
import { runnerImport } from "vite";
import { encodeMessage } from "../dist/import/onnx/encode.js";

const MOST_SECONDS = 2;
const MOST_MEGABYTES = 200;
const PATIENCE_MS = 60_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "bin/noisefloor.js");
const { module: hdf5 } = await runnerImport(join(root, "compiler/tests/unit/import/write-hdf5.ts"));

const floats = (name, dims, values) => ({
  name,
  dims,
  dataType: 1,
  rawData: new Uint8Array((values ?? new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.25)).buffer),
});
const ints = (name, values) => ({
  name,
  dims: [values.length],
  dataType: 7,
  rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});
const node = (opType, input, output, attribute = []) => ({ opType, input, output: [output], attribute });
/** An ONNX file from the input x of a shape to the output of the last node. */
const onnx = (shape, nodes, constants = []) =>
  encodeMessage("ModelProto", {
    irVersion: 7,
    opsetImport: ["", "qonnx.custom_op.general"].map((domain) => ({ domain, version: domain ? 1 : 13 })),
    graph: {
      name: "g",
      node: nodes,
      initializer: constants,
      input: [
        {
          name: "x",
          type: { tensorType: { elemType: 1, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
        },
      ],
      output: [{ name: nodes.at(-1).output[0], type: { tensorType: { elemType: 1 } } }],
    },
  });
/** One operator after the other; `inputs` makes the inputs of the next from the last tensor. */
const chain = (length, opType, inputs = (last) => [last], first = "x") =>
  Array.from({ length }, (_, i) => node(opType, inputs(i === 0 ? first : `t${i}`), `t${i + 1}`));

/** A zip archive of deflated entries; the first may declare another size than it has. */
function zip(files, declared) {
  const [pieces, directory] = [[], []];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = deflateRawSync(content, { level: 9 });
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(offset === 0 ? (declared ?? content.length) : content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = [Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed];
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\0"), fields, place, Buffer.from(name));
    pieces.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  for (const at of [8, 10]) end.writeUInt16LE(Object.keys(files).length, at);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...pieces, list, end]);
}
const zeros = (megabytes) => new Uint8Array(megabytes * 1e6);
const CONFIG = {
  class_name: "Sequential",
  config: {
    name: "s",
    layers: [
      { class_name: "InputLayer", config: { batch_input_shape: [null, 4], dtype: "float32", name: "i" } },
      { class_name: "Dense", config: { name: "d", units: 3, activation: "linear", use_bias: true } },
    ],
  },
};
const text = (value) => new TextEncoder().encode(value);
/** A Keras 2 file whose kernel is stored in chunks. */
const kerasHdf5 = (kernel) => {
  const weights = { "kernel:0": kernel, "bias:0": { shape: [3], type: "float32", data: [1, 1, 1] } };
  const layer = {
    attributes: { weight_names: ["d/kernel:0", "d/bias:0"] },
    children: { d: { children: weights } },
  };
  return hdf5.writeHdf5({
    attributes: { model_config: JSON.stringify(CONFIG) },
    children: { model_weights: { attributes: { layer_names: ["d"] }, children: { d: layer } } },
  });
};
const bomb = () => deflateSync(zeros(1000), { level: 9 });
const matrix = () => floats("w", [1000, 1000]);
const products = (length) => chain(length, "MatMul", (last) => [last, "w"]);

/** Eight channels with so many thresholds each. */
const multiThreshold = (count) => {
  const one = { ...node("MultiThreshold", ["x", "t"], "y"), domain: "qonnx.custom_op.general" };
  const thresholds = Float32Array.from({ length: 8 * count }, (_, i) => i % count);
  return onnx([1, 8], [one], [floats("t", [8, count], thresholds)]);
};

/** Name of a file -> what makes it: bytes, or a function of its path. */
const FILES = {
  "pipe.onnx": (path) => {
    execFileSync("mkfifo", [path]);
  },
  "device.onnx": (path) => symlinkSync("/dev/zero", path),
  "sparse-20-gigabytes.onnx": (path) => {
    writeFileSync(path, "");
    truncateSync(path, 20e9);
  },
  "zeros-100-megabytes.onnx": () => zeros(100),
  "zip-bomb.keras": () => zip({ "config.json": zeros(1000), "model.weights.h5": zeros(0) }),
  "zip-liar.keras": () => zip({ "config.json": zeros(1000) }, 10),
  "zip-weights.keras": () =>
    zip({ "config.json": text(JSON.stringify(CONFIG)), "model.weights.h5": zeros(120) }),
  "chunk-bomb.h5": () =>
    kerasHdf5({
      shape: [4, 3],
      type: "float32",
      chunked: { sizes: [4, 3], chunks: [{ start: [0, 0], packed: bomb() }] },
    }),
  "chunk-sizes.h5": () =>
    kerasHdf5({
      shape: [4, 3],
      type: "float32",
      chunked: { sizes: [2 ** 31, 2 ** 31], chunks: [{ start: [0, 0], packed: deflateSync(zeros(0)) }] },
    }),
  "deep/model.json": () => text("[".repeat(4e6)),
  "nodes-200-thousand.onnx": () => onnx([1, 4], chain(200_000, "Relu")),
  "attributes-190-thousand.onnx": () => {
    const attribute = Array.from({ length: 190_000 }, (_, i) => ({ name: `a${i}`, type: 2, i }));
    return onnx([1, 4], [node("Relu", ["x"], "y", attribute)]);
  },
  "names-400-thousand.onnx": () =>
    onnx(
      [1, 4],
      [
        node(
          "Concat",
          Array.from({ length: 400_000 }, (_, i) => `name${i}`),
          "y",
        ),
      ],
    ),
  "relus-9999.onnx": () => onnx([1, 4], chain(9999, "Relu")),
  "adds-3000.onnx": () =>
    onnx(
      [1, 4],
      [node("MatMul", ["x", "w"], "t0"), ...chain(3000, "Add", (t) => [t, t], "t0")],
      [floats("w", [4, 4])],
    ),
  "transposed-constants.onnx": () =>
    onnx(
      [1, 1000],
      [...chain(500, "Transpose", undefined, "w"), node("MatMul", ["x", "t500"], "y")],
      [matrix()],
    ),
  "cast-constants.onnx": () => {
    const to = [{ name: "to", type: 2, i: 1 }];
    const casts = Array.from({ length: 5000 }, (_, i) =>
      node("Cast", [i === 0 ? "w" : `t${i}`], `t${i + 1}`, to),
    );
    return onnx([1, 1000], [...casts, node("MatMul", ["x", "t5000"], "y")], [matrix()]);
  },
  "used-constant.onnx": () => onnx([1, 1000], products(300), [matrix()]),
  "used-computed-constant.onnx": () => {
    const uses = chain(300, "MatMul", (last) => [last, "v"]);
    return onnx([1, 1000], [node("Transpose", ["w"], "v"), ...uses], [matrix()]);
  },
  "equal-constants.onnx": () => {
    const adds = chain(5000, "Add", (last) => [last, "c"]);
    return onnx([1, 2 ** 20], [node("ConstantOfShape", ["s"], "c"), ...adds], [ints("s", [1, 2 ** 20])]);
  },
  "doubling-concats.onnx": () => {
    const axis = [{ name: "axis", type: 2, i: 1 }];
    const concats = Array.from({ length: 40 }, (_, i) => {
      const last = i === 0 ? "x" : `t${i}`;
      return node("Concat", [last, last], `t${i + 1}`, axis);
    });
    return onnx([1, 4], concats);
  },
  "input-of-30-gigabytes.onnx": () => onnx([1, 100_000, 100_000, 3], chain(1, "Relu")),
  "thresholds-8-million.onnx": () => multiThreshold(1_000_000),
  "thresholds-65535.onnx": () => multiThreshold(65_535),
  "sound-32-megabytes.onnx": () => {
    const constants = Array.from({ length: 8 }, (_, i) => floats(`w${i}`, [1000, 1000]));
    const layers = constants.map(({ name }, i) =>
      node("MatMul", [i === 0 ? "x" : `t${i}`, name], `t${i + 1}`),
    );
    return onnx([1, 1000], layers, constants);
  },
};

/** Loaded before the command line: says at its end what the process took. */
function preload() {
  process.on("exit", () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    process.stderr.write(`\n@ ${userCPUTime + systemCPUTime} ${maxRSS}\n`);
  });
}

/** Runs the command line; what it said, processor seconds and megabytes. */
function measured(folder, ...arguments_) {
  const before = join(folder, "measure.cjs");
  writeFileSync(before, `(${preload})();\n`);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--require", before, cli, ...arguments_], {
    cwd: folder,
    encoding: "utf8",
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
    maxBuffer: 2 ** 28,
  });
  const [, microseconds, kilobytes] = /^@ (\d+) (\d+)$/m.exec(stderr) ?? [];
  const code = /(?:error|warning) ([a-z]+\/[a-z0-9-]+)/.exec(stderr)?.[1];
  return {
    status,
    says:
      status === null
        ? "DOES NOT END"
        : status === 0
          ? "is read"
          : (code ?? `exit ${status}: ${stdout.slice(0, 40)}`),
    seconds: Number(microseconds) / 1e6,
    megabytes: Number(kilobytes) / 1024,
  };
}

const words = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "noisefloor-hostile-"));
let failed = false;
try {
  const plain = measured(folder, "--version");
  console.log(
    `noisefloor --version: ${plain.seconds.toFixed(2)} s, ${plain.megabytes.toFixed(0)} MB; above that:`,
  );
  console.log("  file                              seconds      MB  answer");
  for (const [name, make] of Object.entries(FILES)) {
    if (!words.every((word) => name.includes(word))) continue;
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    const bytes = make(path);
    if (bytes instanceof Uint8Array) writeFileSync(path, bytes);
    const { status, says, seconds, megabytes } = measured(folder, "inspect", name);
    rmSync(path);
    const [time, memory] = [seconds - plain.seconds, megabytes - plain.megabytes];
    const isBad =
      (status !== 0 && status !== 1) || (status === 1 && !(time <= MOST_SECONDS && memory <= MOST_MEGABYTES));
    failed ||= isBad;
    console.log(
      `${isBad ? "!" : " "} ${name.padEnd(32)}${time.toFixed(2).padStart(9)}${memory.toFixed(0).padStart(8)}  ${says}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
