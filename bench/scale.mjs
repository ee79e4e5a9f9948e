// How long networks of a million parameters take from a trained graph to Verilog and C, how much memory, and whether the
// text of the RTL grows with them. Needs a build (`npm run build`). Use: node bench/scale.mjs [words of a name]. Each
// network is trained for a moment on made-up samples, since a trained graph is what the way begins with; then its design is
// made in a process of its own, which reads the graph from a file. Exit 1 where one takes more processor time or memory
// than the limits below.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileDesign } from "../dist/driver/compile-design.js";
import { compileSource } from "../dist/dsl/compile-source.js";
import { createRandom } from "../dist/support/random.js";
import { createSourceFile } from "../dist/support/source-file.js";
import { openBundledTensorFlow } from "../dist/tools/tensorflow.js";
import { evaluateFrozen } from "../dist/train/frozen.js";
import { train } from "../dist/train/train.js";

const MOST_SECONDS = 10;
const MOST_MEGABYTES = 1000;

const BITS = "{ weight_bits: 4, input_bits: 4, prune: off }";
const conv = (name, units, more = "") => `${name}: conv(${units}, kernel: 3x3, padding: same${more}) ${BITS}`;
/** The model's text behind its input, which is `image`, and cycles between packets. */
const NETWORKS = {
  "dense, 10 thousand": {
    text: `output digit = image
    -> flatten -> fc1: dense(12) ${BITS} -> relu -> fc2: dense(10) ${BITS} -> argmax`,
    intervals: [200_000],
  },
  "dense, 1 million": {
    text: `output digit = image -> flatten
    -> fc1: dense(1000) ${BITS} -> relu -> fc2: dense(220) ${BITS} -> relu -> fc3: dense(10) ${BITS} -> argmax`,
    intervals: [200_000],
  },
  "convolutions, 1 million": {
    text: `output digit = image
    -> c1: conv(64, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c2: conv(128, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c3: conv(256, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c4: conv(260, kernel: 3x3, padding: same) ${BITS} -> relu -> avgpool(global) -> flatten
    -> fc: dense(10) ${BITS} -> argmax`,
    intervals: [200_000],
  },
  "residual, 1 million": {
    text: `stem = image -> ${conv("c1", 64, ", stride: 2")} -> relu -> ${conv("c2", 128, ", stride: 2")} -> relu
  left1 = stem -> ${conv("c3", 128)} -> relu -> ${conv("c4", 128)}
  block1 = add(left1, stem) -> relu
  left2 = block1 -> ${conv("c5", 256, ", stride: 2")} -> relu -> ${conv("c6", 128)}
  right2 = block1 -> c7: conv(128, kernel: 1x1, stride: 2) ${BITS}
  block2 = add(left2, right2) -> relu
  output digit = block2 -> avgpool(global) -> flatten -> fc: dense(10) ${BITS} -> argmax`,
    intervals: [200_000, 1_000_000],
  },
  "U-Net, 1 million": {
    text: `fine = image -> ${conv("e1", 32)} -> relu
  middle = fine -> maxpool(2x2) -> ${conv("e2", 64)} -> relu
  coarse = middle -> maxpool(2x2) -> ${conv("e3", 128)} -> relu -> ${conv("e4", 256)} -> relu -> ${conv("e5", 128)} -> relu
  up2 = coarse -> s2: conv(64, kernel: 1x1) ${BITS} -> relu -> upsample(2x2)
  merged2 = concat(middle, up2) -> ${conv("d2", 128)} -> relu
  up1 = merged2 -> s1: conv(32, kernel: 1x1) ${BITS} -> relu -> upsample(2x2)
  merged1 = concat(fine, up1) -> ${conv("d1", 64)} -> relu
  output mask = merged1 -> classes: conv(4, kernel: 1x1) ${BITS} -> argmax`,
    intervals: [200_000, 1_000_000],
  },
};
/** Few, as training and scoring are no part of what is measured. */
const SAMPLES = 4;
const CLASSES = { digit: 10, mask: 4 };
const MEASURE = "--measure";

function projectOf(text, interval) {
  const source = `floor 1
data {
  train: npy("a.npy", labels: "b.npy")
  test: npy("a.npy", labels: "b.npy")
  validation: 8 samples
}
model big {
  input image: 28x28x1 as u8
  ${text}
}
train {
  objective: budget(1000000 Mbitops)
  float: 1 epoch
  noise: 1 epoch
  rounding: 1 epoch
}
hardware {
  clock: 100 MHz
  interval: ${interval} cycles
}
`;
  const { project, diagnostics } = compileSource(createSourceFile("big.floor", source), {
    exists: () => "found",
  });
  if (!project) throw new Error(JSON.stringify(diagnostics));
  return project;
}

async function trainedOf({ graph, training, hardware }) {
  const { tf } = await openBundledTensorFlow("comes with the package");
  const random = createRandom("scale");
  const { shape, stored } = graph.nodes.find((n) => n.kind === "input");
  const { name } = graph.outputs[0];
  const size = shape.reduce((a, b) => a * b, 1);
  const samples = {
    count: SAMPLES,
    inputs: [
      {
        shape,
        stored,
        mantissas: Uint8Array.from({ length: SAMPLES * size }, () => random.integer(0, 255)),
      },
    ],
    answers: [
      {
        labels: Int32Array.from({ length: SAMPLES * (name === "mask" ? size : 1) }, () =>
          random.integer(0, CLASSES[name] - 1),
        ),
        values: null,
      },
    ],
  };
  const { trained } = await train(tf, {
    graph,
    training,
    samples,
    validation: samples,
    intervalCycles: hardware.intervalCycles,
    checkpoint: undefined,
    events: { progress: () => {}, checkpoint: () => {}, log: () => {} },
    stop: { stopped: false },
    yieldToHost: () => Promise.resolve(),
    backend: "wasm",
  });
  const { outputs } = evaluateFrozen(tf, trained, samples, training.losses);
  return { trained, samples, sums: outputs[0].sums };
}

/** In the process of a network: reads the graph, makes the design, prints what it took. */
function measure(file) {
  const { trained, training, hardware, samples, sums } = JSON.parse(readFileSync(file, "utf8"));
  const { count, shape, stored, mantissas, labels } = samples;
  const restored = {
    count,
    inputs: [{ shape, stored, mantissas: Uint8Array.from(mantissas) }],
    answers: [{ labels: Int32Array.from(labels), values: null }],
  };
  const start = process.cpuUsage();
  const { files } = compileDesign(trained, training, hardware, {
    samples: restored,
    outputs: [Float64Array.from(sums)],
  });
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  const bytes = (pattern) =>
    [...files].reduce((sum, [path, text]) => sum + (pattern.test(path) ? text.length : 0), 0);
  console.log(
    JSON.stringify({
      parameters: trained.layers.reduce((n, l) => n + l.weights.length + (l.bias?.length ?? 0), 0),
      "processor seconds": Number(seconds.toFixed(2)),
      "peak memory, MB": Math.round(process.resourceUsage().maxRSS / 1000),
      "RTL text, bytes": bytes(/^design\/rtl\/.*\.v$/),
      "C, bytes": bytes(/^design\/c\//),
    }),
  );
}

/** Trains a network, hands its graph to a process of its own and gives what that printed. */
async function rowOf(folder, text, interval) {
  const { graph, training, hardware } = projectOf(text, interval);
  const { trained, samples, sums } = await trainedOf({ graph, training, hardware });
  const file = join(folder, "trained.json");
  const [{ mantissas, ...input }] = samples.inputs;
  const labels = [...samples.answers[0].labels];
  const plain = { count: samples.count, ...input, mantissas: [...mantissas], labels };
  writeFileSync(file, JSON.stringify({ trained, training, hardware, samples: plain, sums: [...sums] }));
  const script = fileURLToPath(import.meta.url);
  return JSON.parse(execFileSync(process.execPath, [script, MEASURE, file], { encoding: "utf8" }));
}

const [first = "", file] = process.argv.slice(2);
if (first === MEASURE) measure(file);
else {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-scale-"));
  const rows = {};
  try {
    for (const [name, { text, intervals }] of Object.entries(NETWORKS))
      for (const interval of intervals) {
        if (!name.includes(first)) continue;
        rows[`${name}, interval ${interval}`] = await rowOf(folder, text, interval);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.table(rows);
  const over = Object.entries(rows).filter(
    ([, row]) => row["processor seconds"] > MOST_SECONDS || row["peak memory, MB"] > MOST_MEGABYTES,
  );
  for (const [name] of over)
    console.error(`${name} takes more than ${MOST_SECONDS} s or ${MOST_MEGABYTES} MB`);
  if (over.length > 0) process.exitCode = 1;
}
