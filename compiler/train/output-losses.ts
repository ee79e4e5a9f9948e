// The loss of a whole network: the weighted sum of the losses of its outputs. In: the outputs, with what each is compared
// with. Out: loss per sample, gradients for every output, scores.
import type { OutputLoss } from "../graph/project.ts";
import type { Answers } from "../graph/samples.ts";
import type { Score } from "../graph/trained-graph.ts";
import { createLoss, judgedLoss, type LossResult, scoreOf } from "./losses.ts";

/** Every list has an entry for each output of the network. */
export interface NetworkLossRequest {
  /** Each count x elements, row-major. */
  readonly outputs: readonly ArrayLike<number>[];
  readonly count: number;
  readonly answers: readonly Answers[];
  /** Receive d(mean loss)/d(output). */
  readonly gradients?: readonly Float32Array[] | undefined;
  /** Receives the loss of every sample. */
  readonly perSample?: Float64Array | undefined;
  /** Another network, as of `Teacher`. */
  readonly teacher?:
    | { readonly outputs: readonly Float32Array[]; readonly weight: number; readonly temperature: number }
    | undefined;
}

export interface NetworkLoss {
  /** Sum of the samples' losses; the hits of all outputs. */
  evaluate(request: NetworkLossRequest): LossResult;
}

/** The loss of a network whose outputs have so many elements. */
export function createNetworkLoss(losses: readonly OutputLoss[], elements: readonly number[]): NetworkLoss {
  const each = losses.map(({ loss }, i) => createLoss(loss, elements[i]!));
  return {
    evaluate: ({ outputs, count, answers, gradients, perSample, teacher }) => {
      let total = 0;
      let hits = 0;
      perSample?.fill(0);
      losses.forEach(({ weight }, i) => {
        const own = perSample && new Float64Array(count);
        const gradient = gradients?.[i];
        const found = each[i]!.evaluate({
          outputs: outputs[i]!,
          count,
          targets: answers[i]!,
          gradient,
          perSample: own,
          teacher: teacher && { ...teacher, outputs: teacher.outputs[i]! },
        });
        total += weight * found.total;
        hits += found.hits;
        own?.forEach((x, n) => {
          perSample![n]! += weight * x;
        });
        if (gradient) for (let k = 0; k < gradient.length; k++) gradient[k] = gradient[k]! * weight;
      });
      return { total, hits };
    },
  };
}

/** The sum of one figure of each output by the outputs' weights. */
export function weightedSum(losses: readonly OutputLoss[], figures: readonly number[]): number {
  return losses.reduce((sum, { weight }, i) => sum + weight * figures[i]!, 0);
}

/** Mean judged loss of each output, not weighted. */
export function judgedLosses(
  losses: readonly OutputLoss[],
  outputs: readonly Float32Array[],
  answers: readonly Answers[],
  count: number,
): number[] {
  return losses.map(({ loss }, i) => {
    const judged = createLoss(judgedLoss(loss), outputs[i]!.length / count);
    return judged.evaluate({ outputs: outputs[i]!, count, targets: answers[i]! }).total / count;
  });
}

/** Whether the network has an accuracy: its one output tells classes. */
export function hasAccuracy([first, ...others]: readonly OutputLoss[]): boolean {
  return first?.loss.kind === "cross-entropy" && others.length === 0;
}

/**
 * Score of a network by its outputs of `count` samples, each row-major [count, elements]; of several outputs each has its
 * own too. `fractions`, of each output one or one for each channel, make accumulators into values.
 */
export function scoreOutputs(
  losses: readonly OutputLoss[],
  names: readonly string[],
  outputs: readonly ArrayLike<number>[],
  answers: readonly Answers[],
  count: number,
  fractions?: readonly (number | readonly number[])[],
): Score {
  const each = losses.map(({ loss }, i) =>
    scoreOf(loss, outputs[i]!, outputs[i]!.length / count, answers[i]!, fractions?.[i]),
  );
  const loss = weightedSum(
    losses,
    each.map((score) => score.loss),
  );
  const [first, ...others] = each;
  if (others.length === 0) return { accuracy: first!.accuracy, loss };
  return {
    accuracy: null,
    loss,
    outputs: each.map((score, i) => ({ name: names[i]!, ...score })),
  };
}
