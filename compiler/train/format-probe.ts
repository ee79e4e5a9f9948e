// Measures what formats cost in loss, on samples and without training. In: variables, samples, formats. Out: mean
// cross entropy. Layers before the one that a candidate changes are computed once.
import type { SampleSet } from "../graph/samples.ts";
import type { TensorFlow } from "../support/tensorflow.ts";
import type { ParameterSet } from "./adam.ts";
import { valuesOf } from "./batches.ts";
import type { LayerFormats } from "./bit-operations.ts";
import type { Chain } from "./chain.ts";
import { crossEntropy } from "./cross-entropy.ts";
import type { FormatProbe } from "./greedy.ts";
import { enteringTensors, logitsOf } from "./network.ts";
import { roundedPasses } from "./phases.ts";

/** Makes a probe; `giveWay` runs before each measurement. */
export function createFormatProbe(
  tf: TensorFlow,
  chain: Chain,
  parameters: ParameterSet,
  samples: SampleSet,
  inputFraction: number,
  giveWay: () => Promise<void>,
): FormatProbe {
  const { count, inputs, labels } = valuesOf(samples, inputFraction, 0, samples.count);
  let settled: readonly LayerFormats[] = [];
  let entering: readonly Float32Array[] = [inputs];
  return {
    loss: async (formats) => {
      await giveWay();
      const same = formats.findIndex((layer, i) => layer !== settled[i]);
      const from = same < 0 || same >= entering.length ? 0 : same;
      const passes = roundedPasses(chain, parameters, formats).slice(from);
      const logits = logitsOf(tf, count, entering[from]!, passes);
      return crossEntropy(logits, labels, chain.classes).total / count;
    },
    settle: (formats) => {
      settled = formats;
      entering = enteringTensors(tf, count, inputs, roundedPasses(chain, parameters, formats));
    },
  };
}
