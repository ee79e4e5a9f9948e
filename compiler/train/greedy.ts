// The rounding pass at the freeze: takes bits away one at a time where the measured loss suffers least, until the
// budget is met, then spends what is left of it. In: formats and a probe that measures their loss.
// Out: formats whose bit operations are at or below the budget.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { bitOperationsOf, type LayerFormats, MAX_WIDTH, minWidth } from "./bit-operations.ts";
import type { Chain } from "./chain.ts";

/** Measures formats; candidates differ from the settled formats in one tensor. */
export interface FormatProbe {
  /** Mean cross entropy of the network rounded to these formats, nats. */
  loss(formats: readonly LayerFormats[]): Promise<number>;
  /** Tells that the next candidates are neighbours of these formats. */
  settle(formats: readonly LayerFormats[]): void;
}

/** Least improvement for which a bit is added, nats. */
const LEAST_GAIN = 1e-4;

function resized(format: FrozenFormat, bits: 1 | -1): FrozenFormat[] {
  const width = format.width + bits;
  if (width > MAX_WIDTH || width < minWidth(format.signed)) return [];
  // The same range with another step, and the same step with another range.
  return [
    { ...format, width, fraction: format.fraction + bits },
    { ...format, width },
  ];
}

function neighbours(formats: readonly LayerFormats[], bits: 1 | -1): LayerFormats[][] {
  return formats.flatMap((layer, index) =>
    (["weight", "activation"] as const).flatMap((tensor) =>
      resized(layer[tensor], bits).map((format) => formats.with(index, { ...layer, [tensor]: format })),
    ),
  );
}

/** Meets the budget from below. The budget must not be under the least possible. */
export async function meetBudget(
  chain: Chain,
  start: readonly LayerFormats[],
  budget: number,
  probe: FormatProbe,
): Promise<readonly LayerFormats[]> {
  let formats = start;
  let loss = await probe.loss(formats);
  probe.settle(formats);
  const cost = (f: readonly LayerFormats[]): number => Math.log2(bitOperationsOf(chain, f));

  /** Best neighbour by change of the loss per change of the cost's logarithm. */
  const bestOf = async (
    candidates: readonly (readonly LayerFormats[])[],
  ): Promise<{ formats: readonly LayerFormats[]; loss: number } | undefined> => {
    let best: { formats: readonly LayerFormats[]; loss: number; slope: number } | undefined;
    for (const candidate of candidates) {
      const candidateLoss = await probe.loss(candidate);
      const slope = (candidateLoss - loss) / Math.abs(cost(candidate) - cost(formats));
      if (!best || slope < best.slope) best = { formats: candidate, loss: candidateLoss, slope };
    }
    return best;
  };

  while (bitOperationsOf(chain, formats) > budget) {
    const best = await bestOf(neighbours(formats, -1));
    if (!best) break;
    ({ formats, loss } = best);
    probe.settle(formats);
  }
  for (;;) {
    const fitting = neighbours(formats, 1).filter((f) => bitOperationsOf(chain, f) <= budget);
    const best = await bestOf(fitting);
    if (!best || best.loss > loss - LEAST_GAIN) return formats;
    ({ formats, loss } = best);
    probe.settle(formats);
  }
}
