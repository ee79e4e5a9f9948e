// The network as it would be frozen at this moment of a run. In: a run. Out: frozen formats, widths, and what pruning would
// leave: costs are counted on that.
import { partOf } from "./batches.ts";
import type { EpochRecord } from "./checkpoint.ts";
import { freeze } from "./freeze.ts";
import { bitOperationsOf, type Frozen, meanWeightBits, widthsOf } from "./limits.ts";
import { quantizersOf } from "./noise-phase.ts";
import { variableOf } from "./parameters.ts";
import { momentsOf, staying } from "./prune.ts";
import { leftOf } from "./rounding-phase.ts";
import { frozenOf, type Run } from "./run.ts";
import { silenceOf } from "./silence.ts";

/** Samples on which the noise phase looks for inputs below their noise: only costs follow from it. */
const SILENCE_SAMPLES = 1024;

/** The network as it would be frozen now, unpruned; null while nothing is quantized. */
export function frozenNow(run: Run): Frozen | null {
  const { folded, training, state } = run;
  if (state.phase === "rounding") return frozenOf(run);
  if (state.phase !== "noise") return null;
  const quantizers = quantizersOf(folded, training, state.parameters, 1);
  const formats = freeze(folded, training, quantizers, (i) => variableOf(state.parameters, i, "weights"));
  const kept = folded.signals.map(() => null);
  return { network: folded, parameters: state.parameters, formats, kept };
}

/** What a step reports of the widths; null while nothing is quantized. */
export function widthsNow(run: Run): Pick<EpochRecord, "meanBits" | "bitOperations"> {
  const frozen = frozenNow(run);
  if (!frozen) return { meanBits: null, bitOperations: null };
  const widths = widthsOf(frozen);
  return {
    meanBits: meanWeightBits(frozen.network, widths),
    bitOperations: bitOperationsOf(frozen.network, widths),
  };
}

/** What pruning will leave of each signal, looked at once an epoch: costs are counted on that. */
export function lookForSilence(run: Run): void {
  const frozen = frozenNow(run)!;
  const some = partOf(run.measured, 0, Math.min(SILENCE_SAMPLES, run.measured.count));
  const moments = momentsOf(run.tf, frozen, run.training, some);
  const quantizers = quantizersOf(run.folded, run.training, run.state.parameters, 1);
  const kept = staying(frozen, run.training, moments, silenceOf(quantizers)).map((channels, s) => {
    const whole = run.folded.signals[s]!.channels;
    // One channel is the least that a network has.
    return channels.length === whole ? null : channels.length === 0 ? [0] : channels;
  });
  run.audible = leftOf(run.folded, kept);
}

/** A frozen network as large as what will be left of it; its weights are those of all. */
export function withoutSilence(run: Run, frozen: Frozen): Frozen {
  return { ...frozen, network: run.audible! };
}
