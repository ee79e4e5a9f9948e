// Softmax cross entropy and accuracy of logits. In: logits and labels. Out: loss in nats, hits, gradient.
import type { Score } from "../graph/trained-graph.ts";

export interface CrossEntropy {
  /** Sum over the samples of -log softmax(logits)[label], nats. */
  readonly total: number;
  /** Samples whose largest logit (the first of equals) is that of their label. */
  readonly hits: number;
}

/**
 * Cross entropy of `logits` (labels.length x classes, row-major), each multiplied by `scale`. When `gradient` is
 * given it receives d(mean loss)/d(logit).
 */
export function crossEntropy(
  logits: ArrayLike<number>,
  labels: Int32Array,
  classes: number,
  scale = 1,
  gradient?: Float32Array,
): CrossEntropy {
  let total = 0;
  let hits = 0;
  const weight = scale / labels.length;
  for (let row = 0; row < labels.length; row++) {
    const at = row * classes;
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[at + k]! > logits[at + best]!) best = k;
    const top = logits[at + best]! * scale;
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[at + k]! * scale - top);
    const label = labels[row]!;
    total += Math.log(sum) - (logits[at + label]! * scale - top);
    if (best === label) hits++;
    if (!gradient) continue;
    for (let k = 0; k < classes; k++) {
      const p = Math.exp(logits[at + k]! * scale - top) / sum;
      gradient[at + k] = (p - (k === label ? 1 : 0)) * weight;
    }
  }
  return { total, hits };
}

/** Accuracy and mean loss of a whole set of logits; `fraction` makes accumulators into values. */
export function scoreOf(logits: ArrayLike<number>, labels: Int32Array, classes: number, fraction = 0): Score {
  const { total, hits } = crossEntropy(logits, labels, classes, 2 ** -fraction);
  return { accuracy: hits / labels.length, loss: total / labels.length };
}
