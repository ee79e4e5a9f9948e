// Trains the example models for several seeds and prints what came out: widths, bit operations, accuracy or loss of
// float and integers on the test split, seconds. Models whose float phases are the same share them.
// Needs a build (`npm run build`).
// Use: node bench/capacity.mjs [--seeds 1,2,3] [--record FILE] [--set JSON ...] [--float TIMES] [--verbose] [MODEL.floor ...];
// without a model, examples/mnist/mnist.floor. Several --set are compared with each other.

import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openModel } from "../dist/cli/project.js";
import { loadProjectData } from "../dist/driver/project-data.js";
import { comparedSamples } from "../dist/driver/train-project.js";
import { openTensorFlow } from "../dist/tools/tensorflow.js";
import { scoreFloat } from "../dist/train/float-model.js";
import { evaluateFrozen } from "../dist/train/frozen.js";
import { train } from "../dist/train/train.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3" },
    /** Appends every row as a line of JSON to this file. */
    record: { type: "string" },
    /** Overrides of training settings as JSON, to compare them. */
    set: { type: "string", multiple: true, default: ["{}"] },
    /** Trains nothing but float networks, for so many times the baseline's epochs. */
    float: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const models = positionals.length > 0 ? positionals : [`${root}examples/mnist/mnist.floor`];

const { tf, backend, version, reason } = await openTensorFlow({ projectFolder: root });
console.log(`backend ${backend} ${version} (${reason})`);

/** The last checkpoints of the float phases, by what they depend on. */
const floats = new Map();
function floatKey({ graph, training, data }) {
  const { objective: _, layers, search, gradient, distillation, ...rest } = training;
  // Float networks have nothing to round, but a step or a sign has a gradient there too.
  const isDiscrete = graph.nodes.some(({ kind }) => kind === "step" || kind === "sign");
  if (isDiscrete) rest.gradient = gradient;
  const origins = graph.nodes.map(({ origin: __, ...node }) => node);
  return createHash("sha256")
    .update(JSON.stringify({ origins, rest, layers: Object.keys(layers), data }))
    .digest("hex");
}

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

const shown = ({ accuracy, loss }) =>
  accuracy === null ? loss.toPrecision(4) : `${(100 * accuracy).toFixed(2)} %`;
const rows = [];
function keep(row) {
  rows.push(row);
  console.log(JSON.stringify(row));
  if (values.record) appendFileSync(values.record, `${JSON.stringify(row)}\n`);
}

/** What the trainer is asked for. */
function requestFor({ project, data, training, checkpoint, onCheckpoint, log, stop }) {
  return {
    graph: project.graph,
    training,
    samples: data.training,
    validation: data.validation,
    intervalCycles: project.hardware.intervalCycles,
    checkpoint,
    events: { progress: () => {}, checkpoint: onCheckpoint, log },
    stop,
    yieldToHost: () => Promise.resolve(),
    backend: `${backend} ${version}`,
  };
}

/** The baseline alone, trained for `times` its epochs. */
async function trainFloat(model, seed, times) {
  const { project, files } = await openModel(model, { seed });
  const data = loadProjectData(project, files);
  const { float, noise, rounding } = project.training.epochs;
  const epochs = { float: 0, noise: 1, rounding: times * (float + noise + rounding) - 1 };
  const training = { ...project.training, epochs };
  const stop = { stopped: false };
  let baseline;
  const onCheckpoint = (c) => {
    if (!c.baseline) return;
    ({ baseline } = c);
    stop.stopped = true;
  };
  await train(tf, requestFor({ project, data, training, onCheckpoint, log: () => {}, stop })).catch(
    (error) => {
      if (!baseline) throw error;
    },
  );
  keep({
    model: model.split("/").slice(-2).join("/"),
    seed,
    epochs: epochs.noise + epochs.rounding,
    "float, validation": shown(baseline.validation),
    "float, test": shown(scoreFloat(tf, project.graph, training, baseline.model, data.test)),
  });
}

if (values.float !== undefined) {
  for (const seed of values.seeds.split(",").map(Number))
    for (const model of models) await trainFloat(model, seed, Number(values.float));
  console.table(rows);
  process.exit();
}

const runs = values.seeds
  .split(",")
  .flatMap((seed) =>
    models.flatMap((model) => values.set.map((set) => ({ seed: Number(seed), model, set }))),
  );
for (const { seed, model, set } of runs) {
  const { project, files } = await openModel(model, { seed });
  const data = loadProjectData(project, files);
  const training = { ...project.training, ...JSON.parse(set) };
  const key = floatKey({ graph: project.graph, training, data: project.data });
  const watch = createStopwatch();
  const start = performance.now();
  const onCheckpoint = (c) => {
    const last = c.history.at(-1);
    watch.epoch(last.phase);
    if (last.phase === "baseline" || last.phase === "float") floats.set(key, { ...c, history: [] });
    if (values.verbose)
      console.log(
        `  ${last.phase} ${last.round}.${last.epoch}: loss ${last.loss.toFixed(4)}, validation ${shown(last.validation)} ${last.validation.loss.toFixed(4)}, ${last.bitOperations} bit operations`,
      );
  };
  const log = (line) => console.log(`  ${line}`);
  const checkpoint = floats.get(key);
  const { trained, float } = await train(
    tf,
    requestFor({ project, data, training, checkpoint, onCheckpoint, log, stop: { stopped: false } }),
  );
  for (const line of watch.lines()) console.log(line);
  const test = comparedSamples(data.test, training);
  const row = {
    model: model.split("/").slice(-2).join("/"),
    seed,
    ...(values.set.length > 1 ? { set } : {}),
    "weight/input bits": trained.layers
      .map(
        (l) =>
          `${l.weightFormat.kind === "bipolar" ? "b" : l.weightFormat.width}/${l.activationFormat.width}`,
      )
      .join(" "),
    inputs: trained.layers.map((l) => l.inputs).join(" "),
    bitOperations: trained.bitOperations,
    weightBits: trained.layers.reduce((sum, l) => sum + l.inputs * l.units * l.weightFormat.width, 0),
    "float, validation": shown(trained.validation.float),
    "integers, validation": shown(trained.validation.quantized),
    "float, test": shown(scoreFloat(tf, project.graph, training, float, data.test)),
    "integers, test": shown(evaluateFrozen(tf, trained, test, training.losses).score),
    difference: trained.outcome.difference?.upper.toFixed(4),
    holds: trained.outcome.difference?.holds,
    seconds: Math.round((performance.now() - start) / 1000),
  };
  keep(row);
}
console.table(rows);
