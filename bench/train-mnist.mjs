// Trains examples/mnist for several seeds and prints what came out: widths, bit operations, accuracy, seconds.
// Needs a build (`npm run build`). Use: node bench/train-mnist.mjs [--seeds 1,2,3] [--model FILE]

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openModel } from "../dist/cli/project.js";
import { loadProjectData } from "../dist/driver/project-data.js";
import { openTensorFlow } from "../dist/tools/tensorflow.js";
import { scoreFloat } from "../dist/train/float-model.js";
import { evaluateFrozen } from "../dist/train/frozen.js";
import { train } from "../dist/train/train.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    model: { type: "string", default: `${root}examples/mnist/mnist.floor` },
  },
});

const { tf, backend, version, reason } = await openTensorFlow({ projectFolder: root });
console.log(`backend ${backend} ${version} (${reason})`);

/** Wall and processor seconds of each phase, from the ends of its epochs. */
function createStopwatch() {
  const phases = new Map();
  let wall = performance.now();
  let cpu = process.cpuUsage();
  return {
    epoch(phase) {
      const used = process.cpuUsage(cpu);
      const entry = phases.get(phase) ?? { epochs: 0, wall: 0, cpu: 0 };
      entry.epochs++;
      entry.wall += (performance.now() - wall) / 1000;
      entry.cpu += (used.user + used.system) / 1e6;
      phases.set(phase, entry);
      wall = performance.now();
      cpu = process.cpuUsage();
    },
    lines: () =>
      [...phases].map(
        ([phase, e]) =>
          `  ${phase}: ${e.epochs} epochs, ${(e.wall / e.epochs).toFixed(2)} s each (${(e.cpu / e.epochs).toFixed(2)} s of processor time)`,
      ),
  };
}

const percent = (x) => `${(100 * x).toFixed(2)} %`;
const rows = [];
for (const seed of values.seeds.split(",").map(Number)) {
  const { project, files } = openModel(values.model, seed);
  const data = loadProjectData(project, files);
  const watch = createStopwatch();
  const start = performance.now();
  const { trained, float } = await train(tf, {
    graph: project.graph,
    training: project.training,
    samples: data.training,
    validation: data.validation,
    events: {
      progress: () => {},
      checkpoint: ({ history }) => watch.epoch(history.at(-1).phase),
      log: (line) => console.log(`  ${line}`),
    },
    stop: { stopped: false },
    yieldToHost: () => new Promise((resolve) => setImmediate(resolve)),
    backend: `${backend} ${version}`,
  });
  const seconds = (performance.now() - start) / 1000;
  for (const line of watch.lines()) console.log(line);
  rows.push({
    seed,
    "weight/activation bits": trained.layers
      .map((l) => `${l.weightFormat.width}/${l.activationFormat.width}`)
      .join(" "),
    bitOperations: trained.bitOperations,
    "float, validation": percent(trained.validation.float.accuracy),
    "integers, validation": percent(trained.validation.quantized.accuracy),
    "float, test": percent(scoreFloat(tf, project.graph, float, data.test).accuracy),
    "integers, test": percent(evaluateFrozen(tf, trained, data.test).score.accuracy),
    seconds: Math.round(seconds),
  });
  console.table(rows.slice(-1));
}
console.table(rows);
