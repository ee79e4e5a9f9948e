// The optimizers over named float32 arrays: SGD with momentum, Adam and RAdam, each with decoupled weight decay. In:
// parameters and gradients. Out: parameters and moments, updated in place. The whole state is plain data, so that a
// resumed run continues bit for bit.
import type { OptimizerSpec } from "../graph/project.ts";
import { assertNever } from "../support/assert.ts";

/** Named arrays: parameters, gradients or moments. */
export type ParameterSet = Record<string, Float32Array>;

export interface OptimizerState {
  /** Updates done so far. */
  step: number;
  /** Momentum, or the mean of the gradients. */
  readonly first: ParameterSet;
  /** Mean of their squares; of SGD none. */
  readonly second: ParameterSet;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** The optimizer of a parameter, by its name. */
export type OptimizerOf = (name: string) => OptimizerSpec;

/** State before the first update of the named parameters. */
export function createOptimizer(specOf: OptimizerOf, parameters: ParameterSet): OptimizerState {
  const zeros = (names: readonly string[]): ParameterSet =>
    Object.fromEntries(names.map((name) => [name, new Float32Array(parameters[name]!.length)]));
  const names = Object.keys(parameters);
  return {
    step: 0,
    first: zeros(names),
    second: zeros(names.filter((name) => specOf(name).kind !== "sgd")),
  };
}

/** How far an update goes along the first moment, and whether it is divided by the root of the second. */
interface Stride {
  readonly rate: number;
  /** Null: not divided. */
  readonly epsilon: number | null;
}

/** Adam with both bias corrections taken into rate and epsilon. */
function adamStride(rate: number, step: number): Stride {
  const correct1 = 1 - BETA1 ** step;
  const correct2 = Math.sqrt(1 - BETA2 ** step);
  return { rate: (rate * correct2) / correct1, epsilon: EPSILON * correct2 };
}

/**
 * RAdam (arXiv:1908.03265): Adam scaled by how well the variance is known after so few updates; before the fifth,
 * where that is undefined, plain momentum.
 */
function radamStride(rate: number, step: number): Stride {
  const longest = 2 / (1 - BETA2) - 1;
  const decayed = BETA2 ** step;
  const length = longest - (2 * step * decayed) / (1 - decayed);
  if (length <= 4) return { rate: rate / (1 - BETA1 ** step), epsilon: null };
  const rectified = Math.sqrt(
    ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length),
  );
  return adamStride(rate * rectified, step);
}

function strideOf(spec: OptimizerSpec, rate: number, step: number): Stride {
  switch (spec.kind) {
    case "sgd":
      return { rate, epsilon: null };
    case "adam":
      return adamStride(rate, step);
    case "radam":
      return radamStride(rate, step);
    default:
      return assertNever(spec, "optimizer");
  }
}

/**
 * One update, in place. Parameters without a gradient stay as they are. `decayOf` gives the part of a parameter that is
 * taken away per unit of learning rate, beside the gradient's step and untouched by the moments (AdamW,
 * arXiv:1711.05101): p -= rate * decay * p.
 */
export function optimizerUpdate(
  specOf: OptimizerOf,
  parameters: ParameterSet,
  gradients: ParameterSet,
  state: OptimizerState,
  rateOf: (name: string) => number,
  decayOf: (name: string) => number,
): void {
  state.step++;
  for (const [name, gradient] of Object.entries(gradients)) {
    const p = parameters[name]!;
    const spec = specOf(name);
    const rate = rateOf(name);
    const stride = strideOf(spec, rate, state.step);
    const keep = 1 - rate * decayOf(name);
    if (keep !== 1) for (let i = 0; i < p.length; i++) p[i] = p[i]! * keep;
    const m = state.first[name]!;
    if (spec.kind === "sgd") momentumStep(p, gradient, m, stride.rate, spec.momentum);
    else momentsStep(p, gradient, m, state.second[name]!, stride);
  }
}

/** m = momentum * m + g; p -= rate * m. */
function momentumStep(
  p: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  rate: number,
  momentum: number,
): void {
  for (let i = 0; i < p.length; i++) {
    const mi = momentum * m[i]! + gradient[i]!;
    m[i] = mi;
    p[i] = p[i]! - rate * mi;
  }
}

/** Both moments, and the step along the first, which is divided by the root of the second or not. */
function momentsStep(
  p: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
  { rate, epsilon }: Stride,
): void {
  const divide = epsilon !== null;
  const least = epsilon ?? 0;
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i]!;
    const mi = BETA1 * m[i]! + (1 - BETA1) * g;
    const vi = BETA2 * v[i]! + (1 - BETA2) * g * g;
    m[i] = mi;
    v[i] = vi;
    p[i] = p[i]! - rate * (divide ? mi / (Math.sqrt(vi) + least) : mi);
  }
}
