// The forward pass in which steps are found, and its gradients, as plain loops over float32 values. In: values, steps
// and ranges, samples of a uniform variable. Out: quantized values; gradients for values, steps and ranges.
//
// Two forward passes are legal. `noise` adds a residue of the trained amplitude. `rounding` rounds to the step, and the
// gradient of alpha takes an independent residue of the same variance, so that alpha cannot exploit how the real one
// depends on the value (arXiv:2508.14004).
import { floats } from "./scratch.ts";
import { byStretch, oneStep, type StepMap } from "./step-map.ts";

/** A quantizer whose steps are trained. Its residue has the amplitude alpha = step / sqrt(12). */
export interface NoisyQuantizer {
  /** Values are clamped to [-range, range], or to [0, range] when unsigned. */
  readonly signed: boolean;
  readonly forward: "noise" | "rounding";
  /** By the map's index. */
  readonly ranges: ArrayLike<number>;
  readonly steps: ArrayLike<number>;
  readonly map: StepMap;
  /** Of weights: whether single steps may grow until what they round has nothing above its noise. */
  readonly canBeSilent?: boolean;
}

/** Gradients for the base-2 logarithms of steps and ranges, by the map's index. */
export interface QuantizerGradient {
  readonly logSteps: Float32Array;
  readonly logRanges: Float32Array;
}

/** A quantizer with one step for a tensor of `length` elements. */
export function tensorQuantizer(
  signed: boolean,
  range: number,
  step: number,
  length: number,
  forward: NoisyQuantizer["forward"] = "noise",
): NoisyQuantizer {
  return { signed, forward, ranges: [range], steps: [step], map: oneStep(1, length) };
}

/**
 * The quantized values. noise: clamp(x) + step * u for x strictly inside of the range and not 0; an exact zero and a
 * clamped value have no rounding error, so they get no noise. `noise` holds at least x.length samples of a uniform u
 * in [-1/2, 1/2). rounding: step * floor(x / step + 1/2), clamped.
 */
export function quantize(x: Float32Array, noise: Float32Array, q: NoisyQuantizer): Float32Array {
  const out = floats(x.length);
  byStretch(q.map, (from, to, index) => {
    const range = q.ranges[index]!;
    const step = q.steps[index]!;
    const low = q.signed ? -range : 0;
    if (q.forward === "noise") {
      addNoise(x, noise, out, from, to, low, range, step);
      return;
    }
    for (let i = from; i < to; i++) {
      const value = x[i]!;
      if (value <= low) out[i] = low;
      else if (value >= range) out[i] = range;
      else out[i] = step * Math.floor(value / step + 0.5);
    }
  });
  return out;
}

/**
 * Noise on the elements strictly inside of the range but 0. Zeros come in long runs (the background of an image) or hardly
 * ever, so that a branch on them is guessed right; at the clamps it would not be, hence products with 0 or 1.
 */
function addNoise(
  x: Float32Array,
  noise: Float32Array,
  out: Float32Array,
  from: number,
  to: number,
  low: number,
  high: number,
  step: number,
): void {
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    if (value === 0) {
      out[i] = 0;
      continue;
    }
    const above = Number(value > low);
    const below = Number(value < high);
    out[i] = (value + step * noise[i]!) * (above & below) + low * (1 - above) + high * (1 - below);
  }
}

/** Standard deviation of a uniform residue of one step: sqrt(1/12). */
const UNIT_RESIDUE = Math.sqrt(1 / 12);

/**
 * Gradient of `quantize` for the samples that it was given. Writes the gradient for x into `dx` when given; clamped
 * values get none.
 */
export function quantizeGradient(
  x: Float32Array,
  noise: Float32Array,
  dy: Float32Array,
  q: NoisyQuantizer,
  dx?: Float32Array,
): QuantizerGradient {
  const logSteps = new Float32Array(q.map.count);
  const logRanges = new Float32Array(q.map.count);
  const passedOn = dx ?? floats(x.length);
  const residues = q.forward === "rounding" ? independentResidues(noise, x.length) : noise;
  byStretch(q.map, (from, to, index) => {
    const range = q.ranges[index]!;
    const low = q.signed ? -range : 0;
    const sums = { residue: 0, clamped: 0 };
    addGradients(x, residues, dy, passedOn, from, to, low, range, sums);
    logSteps[index]! += sums.residue * q.steps[index]! * Math.LN2;
    logRanges[index]! += sums.clamped * range * Math.LN2;
  });
  return { logSteps, logRanges };
}

/** Gradients for values, and the sums for the step and the range of these elements; without branches, as above. */
function addGradients(
  x: Float32Array,
  residues: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  from: number,
  to: number,
  low: number,
  high: number,
  sums: { residue: number; clamped: number },
): void {
  const sign = Number(low < 0);
  let residue = 0;
  let clamped = 0;
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    const g = dy[i]!;
    const above = Number(value >= high);
    const below = Number(value <= low);
    const passed = g * (1 - (above | below));
    clamped += g * (above - sign * below);
    residue += passed * Number(value !== 0) * residues[i]!;
    dx[i] = passed;
  }
  sums.residue = residue;
  sums.clamped = clamped;
}

/**
 * Gradient of `quantize` for the steps alone, by the map's index: of weights, whose ranges follow from themselves and whose
 * own gradient is that of what they were quantized to.
 */
export function stepGradient(
  x: Float32Array,
  noise: Float32Array,
  dy: Float32Array,
  q: NoisyQuantizer,
): Float32Array {
  const logSteps = new Float32Array(q.map.count);
  const residues = q.forward === "rounding" ? independentResidues(noise, x.length) : noise;
  byStretch(q.map, (from, to, index) => {
    const range = q.ranges[index]!;
    const sum = residueSum(x, residues, dy, from, to, q.signed ? -range : 0, range);
    logSteps[index]! += sum * q.steps[index]! * Math.LN2;
  });
  return logSteps;
}

/** The sum for the step of `addGradients`. */
function residueSum(
  x: Float32Array,
  residues: Float32Array,
  dy: Float32Array,
  from: number,
  to: number,
  low: number,
  high: number,
): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    sum += dy[i]! * (Number(value > low) & Number(value < high) & Number(value !== 0)) * residues[i]!;
  }
  return sum;
}

/** Residues of real rounding's variance that know nothing of the values: the signs of the samples. */
function independentResidues(noise: Float32Array, count: number): Float32Array {
  const residues = floats(count);
  for (let i = 0; i < count; i++) residues[i] = noise[i]! < 0 ? -UNIT_RESIDUE : UNIT_RESIDUE;
  return residues;
}
