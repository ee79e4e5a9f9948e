// Times an epoch of each training phase on every backend that is installed: the whole training set in batches of the
// model's size, without what happens between epochs. Float is the measure: the same network, data and augmentation.
// Needs a build (`npm run build`). Use: node bench/epochs.mjs [--epochs 4] [MODEL.floor]; without a model,
// examples/mnist/mnist.floor.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openModel } from "../dist/cli/project.js";
import { loadProjectData } from "../dist/driver/project-data.js";
import { openBundledTensorFlow, openTensorFlow } from "../dist/tools/tensorflow.js";
import { train } from "../dist/train/train.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { epochs: { type: "string", default: "4" } },
});
const epochs = Number(values.epochs);
const [model = `${root}examples/mnist/mnist.floor`] = positionals;

const { project, files } = await openModel(model, { seed: 1 });
const data = loadProjectData(project, files);
const training = { ...project.training, epochs: { float: epochs, noise: epochs, rounding: epochs } };

/** Seconds of every epoch by phase: from the end of its first step to the end of its last, scaled to all steps. */
async function timed(tf, backend) {
  const phases = new Map();
  let start = 0;
  await train(tf, {
    graph: project.graph,
    training,
    samples: data.training,
    validation: data.validation,
    intervalCycles: project.hardware.intervalCycles,
    checkpoint: undefined,
    events: {
      progress: ({ phase, step, steps }) => {
        if (step === 1) start = performance.now();
        if (step !== steps) return;
        const seconds = ((performance.now() - start) / 1000) * (steps / (steps - 1));
        phases.set(phase, [...(phases.get(phase) ?? []), seconds]);
      },
      checkpoint: () => {},
      log: () => {},
    },
    stop: { stopped: false },
    yieldToHost: () => Promise.resolve(),
    backend,
  });
  return phases;
}

const middle = (seconds) => seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)];
const rows = [];
const bundled = await openBundledTensorFlow("comes with the package");
const chosen = await openTensorFlow({ projectFolder: root });
if (chosen.backend === bundled.backend) console.log(`one backend: ${chosen.reason}`);
for (const { tf, backend, version } of chosen.backend === bundled.backend ? [bundled] : [bundled, chosen]) {
  const phases = await timed(tf, `${backend} ${version}`);
  const float = middle(phases.get("float"));
  for (const [phase, seconds] of phases)
    rows.push({
      backend: `${backend} ${version}`,
      phase,
      epochs: seconds.length,
      "least, s": Math.min(...seconds).toFixed(2),
      "median, s": middle(seconds).toFixed(2),
      "of float": (middle(seconds) / float).toFixed(2),
    });
}
console.log(
  `${model.split("/").slice(-2).join("/")}, ${data.training.count} samples, batches of ${training.batch}`,
);
console.table(rows);
