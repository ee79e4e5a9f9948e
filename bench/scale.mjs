// How long networks of a million parameters take from a trained graph to Verilog and C, how much memory, and whether the
// text of the RTL grows with them. Needs a build (`npm run build`). Use: node bench/scale.mjs. Each network is trained for
// a moment on made-up samples, since a trained graph is what the way begins with; then its design is made in a process of
// its own, which reads the graph from a file.

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

const BITS = "{ weight_bits: 4, input_bits: 4, prune: off }";
const NETWORKS = {
  "dense, 10 thousand": `flatten -> fc1: dense(12) ${BITS} -> relu -> fc2: dense(10) ${BITS} -> argmax`,
  "dense, 1 million": `flatten -> fc1: dense(1000) ${BITS} -> relu -> fc2: dense(220) ${BITS} -> relu
    -> fc3: dense(10) ${BITS} -> argmax`,
  "convolutions, 1 million": `c1: conv(64, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c2: conv(128, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c3: conv(256, kernel: 3x3, stride: 2, padding: same) ${BITS} -> relu
    -> c4: conv(260, kernel: 3x3, padding: same) ${BITS} -> relu -> avgpool(global) -> flatten
    -> fc: dense(10) ${BITS} -> argmax`,
};
const SAMPLES = 16;

function projectOf(chain) {
  const text = `floor 1
data {
  train: npy("a.npy", labels: "b.npy")
  test: npy("a.npy", labels: "b.npy")
  validation: 8 samples
}
model big {
  input image: 28x28x1 as u8
  output digit = image -> ${chain}
}
train {
  objective: budget(1000000 Mbitops)
  float: 1 epoch
  noise: 1 epoch
  rounding: 1 epoch
}
hardware {
  clock: 100 MHz
  interval: 200000 cycles
}
`;
  const { project, diagnostics } = compileSource(createSourceFile("big.floor", text), {
    exists: () => "found",
  });
  if (!project) throw new Error(JSON.stringify(diagnostics));
  return project;
}

async function trainedOf({ graph, training, hardware }) {
  const { tf } = await openBundledTensorFlow("comes with the package");
  const random = createRandom("scale");
  const { shape, stored } = graph.nodes.find((n) => n.kind === "input");
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
    answers: [{ labels: Int32Array.from({ length: SAMPLES }, () => random.integer(0, 9)), values: null }],
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
  const start = performance.now();
  const { files } = compileDesign(trained, training, hardware, {
    samples: restored,
    outputs: [Float64Array.from(sums)],
  });
  const seconds = (performance.now() - start) / 1000;
  const bytes = (pattern) =>
    [...files].reduce((sum, [path, text]) => sum + (pattern.test(path) ? text.length : 0), 0);
  console.log(
    JSON.stringify({
      parameters: trained.layers.reduce((n, l) => n + l.weights.length + (l.bias?.length ?? 0), 0),
      seconds: Number(seconds.toFixed(2)),
      "peak memory, MB": Math.round(process.resourceUsage().maxRSS / 1000),
      "RTL text, bytes": bytes(/^design\/rtl\/.*\.v$/),
      "C, bytes": bytes(/^design\/c\//),
    }),
  );
}

if (process.argv[2]) measure(process.argv[2]);
else {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-scale-"));
  try {
    const rows = {};
    for (const [name, chain] of Object.entries(NETWORKS)) {
      const { graph, training, hardware } = projectOf(chain);
      const { trained, samples, sums } = await trainedOf({ graph, training, hardware });
      const file = join(folder, "trained.json");
      const [{ mantissas, ...input }] = samples.inputs;
      const labels = [...samples.answers[0].labels];
      const plain = { count: samples.count, ...input, mantissas: [...mantissas], labels };
      writeFileSync(file, JSON.stringify({ trained, training, hardware, samples: plain, sums: [...sums] }));
      const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), file], {
        encoding: "utf8",
      });
      rows[name] = JSON.parse(out);
    }
    console.table(rows);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
