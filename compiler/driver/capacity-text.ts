// The capacity ledger as people read it: how the objective ended, what pruning saved, what bits are worth. In: accounts
// and outcome of a report. Out: facts, each a value with its reason.
import { NOTHING_TO_FIND } from "../graph/trained-graph.ts";
import type { LayerAccount, RemovedLayerAccount, Report, TensorAccount } from "../report/results.ts";

type Outcome = NonNullable<Report["outcome"]>;
type Price = NonNullable<TensorAccount["more"]>;

/** What something is, and why it is so. */
export interface Fact {
  readonly what: string;
  readonly value: string;
  readonly because: string;
}

const LIMITS: Readonly<Record<string, string>> = {
  bitOperations: "bit operations",
  ebops: "EBOPs",
  weightBits: "weight bits",
  luts: "estimated look-up tables",
  meanWeightBits: "bits per weight",
};

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");

/** A limit's unit: counts are whole, means are not. */
function limitValue(limit: string, value: number): string {
  return limit === "meanWeightBits" ? value.toFixed(2) : whole(value);
}

/** A loss: four decimals, or three digits of a small one. */
export function lossText(loss: number): string {
  return loss === 0 || Math.abs(loss) >= 1e-3 ? loss.toFixed(4) : loss.toPrecision(3);
}

/** A change with its sign. */
export function changeText(value: number, text: (size: number) => string): string {
  return `${value < 0 ? "-" : "+"}${text(Math.abs(value))}`;
}

/**
 * How the objective ended. `isKnown`: whether there was anything but the model itself to compare with; else epsilon says
 * nothing of widths that nobody looked for.
 */
export function outcomeFacts({ objective, bound, limits, difference }: Outcome, isKnown: boolean): Fact[] {
  const facts: Fact[] = [{ what: "objective", value: objective, because: `bound by ${bound}` }];
  for (const { limit, asked, reached } of limits)
    facts.push({
      what: "limit",
      value: `${limitValue(limit, reached)} of ${limitValue(limit, asked)} ${LIMITS[limit] ?? limit}`,
      because: `${((100 * reached) / asked).toFixed(1)} % of what was asked`,
    });
  if (difference) {
    const { mean, standardError, upper, epsilon, holds } = difference;
    facts.push({
      what: "difference",
      value: `loss ${changeText(mean, lossText)} with standard error ${lossText(standardError)}`,
      because:
        `integers minus float on the validation samples; at most ${lossText(upper)} with 95 % confidence` +
        (objective === "lossless" && (isKnown || bound !== NOTHING_TO_FIND)
          ? `, ${lossText(epsilon)} allowed: ${holds ? "it holds" : "it does NOT hold"}`
          : ""),
    });
  }
  return facts;
}

/** What pruning removed; savings by inputs that never change have a fact of their own. */
export function pruningFacts(
  ledger: readonly LayerAccount[],
  removed: readonly RemovedLayerAccount[],
): Fact[] {
  const sum = (of: keyof LayerAccount["pruned"]): number => ledger.reduce((n, l) => n + l.pruned[of], 0);
  const facts: Fact[] = [];
  if (removed.length > 0)
    facts.push({
      what: "removed",
      value:
        `${removed.map((layer) => layer.name).join(", ")}: ` +
        `${whole(removed.reduce((n, layer) => n + layer.bitOperations, 0))} bit operations saved`,
      because: "nothing at the end of their branch stands above its noise",
    });
  if (sum("weights") === 0) return facts;
  // The inputs of a later layer are the units of the one before it.
  const { inputs, allocatedInputs } = ledger[0]!.pruned;
  const allocated = sum("allocatedBitOperations");
  const add = (what: string, elements: number, units: number, saved: number, because: string): void => {
    if (saved > 0)
      facts.push({
        what,
        value: `${whole(elements)} inputs, ${whole(units)} units: ${whole(saved)} bit operations saved`,
        because,
      });
  };
  add(
    "pruned",
    inputs - allocatedInputs - sum("constantInputs"),
    sum("outputs") - sum("allocatedOutputs"),
    sum("bitOperations") - sum("constantBitOperations") - allocated,
    "their signal does not stand above its noise",
  );
  add(
    "taken",
    allocatedInputs,
    sum("allocatedOutputs"),
    allocated,
    "above their noise, but the weakest: bit allocation took them to meet the bound",
  );
  if (sum("constantInputs") > 0)
    facts.push({
      what: "constant",
      value: `${whole(sum("constantInputs"))} inputs: ${whole(sum("constantBitOperations"))} bit operations saved`,
      because: "they are the same in every training sample",
    });
  return facts;
}

/** What another bit of a tensor would change. */
export function priceText({ width, decibels, loss, bitOperations }: Price): string {
  const quality = decibels === null ? "" : `${changeText(decibels, (d) => d.toFixed(2))} dB, `;
  return `${width} bits: ${quality}loss ${changeText(loss, lossText)}, ${changeText(bitOperations, whole)} bit operations`;
}

/** Facts of one layer's account. */
export function accountFacts(account: LayerAccount): Fact[] {
  const { weights, activations, pruned, share } = account;
  const facts: Fact[] = [
    {
      what: "share",
      value: `${(100 * share).toFixed(1)} %`,
      because: `${whole(account.bitOperations)} of the network's bit operations`,
    },
    {
      what: "information",
      value: `${activations.informationBits.toFixed(1)} bits enter per inference`,
      because: `${whole(activations.elements)} elements x ${Math.max(0, activations.varyingSnrBits ?? 0).toFixed(2)} bits = log2(std / alpha), not below 0`,
    },
  ];
  for (const [name, tensor] of [
    ["weights", weights],
    ["input", activations],
  ] as const) {
    const prices = [tensor.more, tensor.less].filter((p) => p !== null);
    if (prices.length > 0)
      facts.push({
        what: `${name} +-1 bit`,
        value: prices.map(priceText).join("; "),
        because: "measured on the validation samples, without training again",
      });
  }
  if (pruned.weights > 0)
    facts.push({
      what: "pruned",
      value:
        `${pruned.inputs} inputs (${pruned.constantInputs} constant, ${pruned.allocatedInputs} by bit allocation), ` +
        `${pruned.outputs} units (${pruned.allocatedOutputs} by bit allocation), ${whole(pruned.weights)} weights`,
      because:
        `${whole(pruned.bitOperations)} bit operations, ${whole(pruned.constantBitOperations)} of them by constant ` +
        `inputs, ${whole(pruned.allocatedBitOperations)} by bit allocation`,
    });
  return facts;
}
