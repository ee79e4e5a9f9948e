// Adam over named float32 arrays. Its whole state is plain data, so that a resumed run continues bit for bit.

/** Named arrays: parameters, gradients or moments. */
export type ParameterSet = Record<string, Float32Array>;

export interface AdamState {
  /** Updates done so far. */
  step: number;
  readonly first: ParameterSet;
  readonly second: ParameterSet;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** State before the first update of the named parameters. */
export function createAdam(parameters: ParameterSet): AdamState {
  const zeros = (): ParameterSet =>
    Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, new Float32Array(p.length)]));
  return { step: 0, first: zeros(), second: zeros() };
}

/** One update, in place. Parameters without a gradient stay as they are. */
export function adamUpdate(
  parameters: ParameterSet,
  gradients: ParameterSet,
  state: AdamState,
  rateOf: (name: string) => number,
): void {
  state.step++;
  const correct1 = 1 - BETA1 ** state.step;
  const correct2 = Math.sqrt(1 - BETA2 ** state.step);
  for (const [name, gradient] of Object.entries(gradients)) {
    const p = parameters[name]!;
    const m = state.first[name]!;
    const v = state.second[name]!;
    const rate = (rateOf(name) * correct2) / correct1;
    const epsilon = EPSILON * correct2;
    for (let i = 0; i < p.length; i++) {
      const g = gradient[i]!;
      const mi = BETA1 * m[i]! + (1 - BETA1) * g;
      const vi = BETA2 * v[i]! + (1 - BETA2) * g * g;
      m[i] = mi;
      v[i] = vi;
      p[i] = p[i]! - (rate * mi) / (Math.sqrt(vi) + epsilon);
    }
  }
}
