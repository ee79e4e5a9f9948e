// The power of two that brings the inputs to a usual size for training. In: samples. Out: how far their binary point moves.
import type { SampleSet } from "../graph/samples.ts";

/** Values of a mean square between these need no scaling. */
const USUAL_RMS = { least: 2 ** -3, most: 2 ** 2 };

/**
 * Power of two by which the inputs are divided for training, so that one learning rate suits any unit of the data.
 * It only moves binary points: the first layer's formats take it back.
 */
export function inputScaleOf(samples: SampleSet): number {
  const scale = 2 ** -samples.stored.fraction;
  let squares = 0;
  for (let i = 0; i < samples.inputs.length; i++) squares += samples.inputs[i]! * samples.inputs[i]!;
  const rms = Math.sqrt(squares / samples.inputs.length) * scale;
  return rms === 0 || (rms >= USUAL_RMS.least && rms <= USUAL_RMS.most) ? 0 : Math.round(Math.log2(rms));
}
