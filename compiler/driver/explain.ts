// Where each number of a layer came from. In: a compiled design and, when there, the trained graph. Out: plain data and
// its text.
import type { TrainedGraph, TrainedLayer } from "../graph/trained-graph.ts";
import { productBounds, shiftsOf } from "../program/bounds.ts";
import { layerCosts } from "../program/cost.ts";
import type { Manifest } from "../program/manifest.ts";
import {
  type ConvInstruction,
  constantNamed,
  type DenseInstruction,
  type Format,
  mantissaRange,
  operandRange,
  operandsOf,
  type Program,
  valueNamed,
  widthOf,
} from "../program/program.ts";
import type { LayerAccount } from "../report/results.ts";
import { accountFacts, type Fact, outcomeFacts, pruningFacts } from "./capacity-text.ts";
import { accountsOf, plainOutcome, removedAccounts } from "./ledger.ts";

export interface LayerExplanation {
  readonly layer: string;
  readonly facts: readonly Fact[];
}

/** Facts of the whole network: how its objective ended, and where its bit operations went; `isKnown`: its accuracy is. */
export function explainNetwork(
  program: Program,
  trained: TrainedGraph | undefined,
  isKnown = true,
): readonly Fact[] {
  const costs = layerCosts(program);
  const total = costs.reduce((sum, cost) => sum + cost.bitOperations, 0);
  const size: Fact = {
    what: "bit operations",
    value: `${total}`,
    because: `the sum of the layers' MACs x weight width x input width`,
  };
  if (!trained) return [size];
  return [
    ...outcomeFacts(plainOutcome(trained), isKnown),
    size,
    ...pruningFacts(accountsOf(trained), removedAccounts(trained)),
  ];
}

/** One explanation for every layer with weights, or for the named one only. */
export function explainDesign(
  program: Program,
  manifest: Manifest,
  trained: TrainedGraph | undefined,
): readonly LayerExplanation[] {
  const accounts = trained ? accountsOf(trained) : [];
  return program.instructions.flatMap((instruction) => {
    if (instruction.op !== "dense" && instruction.op !== "conv") return [];
    const { layer } = instruction;
    const found = trained?.layers.find((l) => l.node === layer);
    const account = accounts.find((a) => a.name === layer);
    return [explainProduct(program, instruction, manifest, found, account)];
  });
}

/** `hasPoint` is false where no binary point says what the integers stand for. */
function formatText(format: Format, hasPoint: boolean): string {
  const { min, max } = mantissaRange(format);
  const { fraction } = format;
  if (!hasPoint)
    return format.kind === "bipolar" ? "1 bit, -1 or +1" : `${widthOf(format)} bits, integers ${min}..${max}`;
  const one = typeof fraction === "number";
  const coarsest = 2 ** -(one ? fraction : Math.min(...fraction));
  const range = operandRange(format);
  const values = `values ${range.min * coarsest}..${range.max * coarsest}`;
  if (format.kind === "bipolar")
    return `1 bit, -1 or +1 times 2^-(${one ? fraction : "per channel"}), ${values}`;
  const step = one ? `${fraction}` : `${Math.min(...fraction)}..${Math.max(...fraction)} per channel`;
  return `${widthOf(format)} bits, integers ${min}..${max}, step 2^-(${step}), ${values}`;
}

function noiseText(noise: TrainedLayer["weightNoise"] | undefined, isStated: boolean): string {
  if (isStated) return "as the model's file states it";
  if (!noise) return "from the program; no training in this directory";
  const bits = noise.snrBits === null ? "nothing left of the signal" : `${noise.snrBits.toFixed(2)} SNR bits`;
  const varying =
    noise.varyingSnrBits === null ? "nothing varies" : `${noise.varyingSnrBits.toFixed(2)} bits`;
  return (
    `${bits} = log2(rms ${noise.rms.toPrecision(3)} / alpha ${noise.alpha.toPrecision(3)}); ${varying} by the ` +
    `deviation ${noise.std.toPrecision(3)}; alpha = step / sqrt(12) as frozen, measured residue ${noise.residueRms.toPrecision(3)}`
  );
}

function explainProduct(
  program: Program,
  instruction: DenseInstruction | ConvInstruction,
  manifest: Manifest,
  trained: TrainedLayer | undefined,
  account: LayerAccount | undefined,
): LayerExplanation {
  const weights = constantNamed(program, instruction.weights);
  const input = valueNamed(program, instruction.input);
  const sum = valueNamed(program, instruction.result);
  const bounds = productBounds(program, instruction);
  const cost = layerCosts(program).find((k) => k.layer === instruction.layer)!;
  const [units, ...window] = weights.shape;
  const isStated = manifest.scales !== undefined;
  const tensor = (what: string, format: Format, noise: TrainedLayer["weightNoise"] | undefined): Fact => ({
    what,
    value: formatText(format, !isStated),
    because: noiseText(noise, isStated),
  });
  const facts: Fact[] = [
    tensor("weights", weights.format, trained?.weightNoise),
    tensor("input", input.format, trained?.activationNoise),
    {
      what: "accumulator",
      value: `${widthOf(sum.format)} bits`,
      because: `every partial sum lies in ${bounds.min}..${bounds.max}, by the actual weights; the rounding that follows fits too`,
    },
  ];
  const next = program.instructions.find((i) => operandsOf(i).includes(sum.name));
  if (next?.op === "threshold") {
    const [, levels] = constantNamed(program, next.thresholds).shape;
    facts.push({
      what: "thresholds",
      value: `${levels} for each unit`,
      because:
        "bias or batch-norm, activation and rounding of the next layer's input as comparisons of the sums",
    });
  }
  if (next?.op === "requantize") {
    const shifts = [...new Set(shiftsOf(sum, valueNamed(program, next.result)))];
    facts.push({
      what: "requantize",
      value:
        shifts.length === 1
          ? `shift by ${shifts[0]}`
          : `shifts by ${Math.min(...shifts)}..${Math.max(...shifts)}`,
      because: isStated
        ? "the scales of the sums and of the next tensor are so many powers of two apart"
        : "fraction of the accumulator minus fraction of the next layer's input",
    });
  }
  facts.push({
    what: "bit operations",
    value: `${cost.bitOperations}`,
    because: `${cost.macs} MACs x ${cost.weightWidth} x ${cost.activationWidth} bits`,
  });
  const stage = manifest.rtl?.stages.find((s) => s.layer === instruction.layer && s.op === instruction.op);
  if (stage)
    facts.push({
      what: "folding",
      value: `PE ${stage.pe}, SIMD ${stage.simd}: ${stage.cycles} cycles`,
      because:
        (instruction.op === "dense"
          ? `ceil(${units}/${stage.pe}) * ceil(${window[0]}/${stage.simd})`
          : `${cost.macs / cost.weights} positions of ${units} units with ${window.join("x")} weights each`) +
        `; the network's interval is ${manifest.rtl!.intervalCycles}`,
    });
  if (account) facts.push(...accountFacts(account));
  return { layer: instruction.layer, facts };
}

/** Text of explanations, each below its name. */
export function printExplanations(explanations: readonly LayerExplanation[]): string {
  return explanations
    .map(({ layer, facts }) =>
      [layer, ...facts.map((f) => `  ${f.what.padEnd(16)}${f.value}\n${" ".repeat(18)}${f.because}`)].join(
        "\n",
      ),
    )
    .join("\n\n");
}
