// The power of two that brings an input to a usual size for training. In: its samples. Out: how far their binary point moves.
import type { InputSamples } from "../graph/samples.ts";

/** Values of a mean square between these need no scaling. */
const USUAL_RMS = { least: 2 ** -3, most: 2 ** 2 };

/**
 * Power of two by which an input is divided for training, so that one learning rate suits any unit of the data.
 * It only moves binary points: the first layer's formats take it back.
 */
export function inputScaleOf({ stored, mantissas }: InputSamples): number {
  const scale = 2 ** -stored.fraction;
  let squares = 0;
  for (let i = 0; i < mantissas.length; i++) squares += mantissas[i]! * mantissas[i]!;
  const rms = Math.sqrt(squares / mantissas.length) * scale;
  return rms === 0 || (rms >= USUAL_RMS.least && rms <= USUAL_RMS.most) ? 0 : Math.round(Math.log2(rms));
}
