// Where each number of a layer came from. In: a compiled design and, when there, the trained graph. Out: plain data and
// its text.
import type { TrainedDense, TrainedGraph } from "../graph/trained-graph.ts";
import { denseBounds, shiftsOf } from "../program/bounds.ts";
import { layerCosts } from "../program/cost.ts";
import type { Manifest } from "../program/manifest.ts";
import {
  constantNamed,
  type DenseInstruction,
  type Format,
  mantissaRange,
  type Program,
  valueNamed,
  widthOf,
} from "../program/program.ts";

export interface LayerExplanation {
  readonly layer: string;
  /** What it is, and why it is so. */
  readonly facts: readonly { readonly what: string; readonly value: string; readonly because: string }[];
}

/** One explanation for every layer with weights, or for the named one only. */
export function explainDesign(
  program: Program,
  manifest: Manifest,
  trained: TrainedGraph | undefined,
): readonly LayerExplanation[] {
  const explanations: LayerExplanation[] = [];
  for (const instruction of program.instructions)
    if (instruction.op === "dense")
      explanations.push(
        explainDense(
          program,
          instruction,
          manifest,
          trained?.layers.find((l) => l.node === instruction.layer),
        ),
      );
  return explanations;
}

function formatText(format: Format): string {
  const { min, max } = mantissaRange(format);
  const fraction = typeof format.fraction === "number" ? `${format.fraction}` : "per channel";
  return `${widthOf(format)} bits, integers ${min}..${max}, step 2^-(${fraction})`;
}

function noiseText(noise: TrainedDense["weightNoise"] | undefined): string {
  if (!noise) return "from the program; no training in this directory";
  const bits = noise.snrBits === null ? "nothing left of the signal" : `${noise.snrBits.toFixed(2)} SNR bits`;
  return (
    `${bits} = log2(rms ${noise.rms.toPrecision(3)} / alpha ${noise.alpha.toPrecision(3)}); ` +
    `the step is the power of two nearest to sqrt(12)*alpha as frozen; measured residue ${noise.residueRms.toPrecision(3)}`
  );
}

function explainDense(
  program: Program,
  instruction: DenseInstruction,
  manifest: Manifest,
  trained: TrainedDense | undefined,
): LayerExplanation {
  const weights = constantNamed(program, instruction.weights);
  const input = valueNamed(program, instruction.input);
  const sum = valueNamed(program, instruction.result);
  const bounds = denseBounds(program, instruction);
  const cost = layerCosts(program).find((k) => k.layer === instruction.layer)!;
  const [out, inputs] = weights.shape as [number, number];
  const facts = [
    { what: "weights", value: formatText(weights.format), because: noiseText(trained?.weightNoise) },
    { what: "input", value: formatText(input.format), because: noiseText(trained?.activationNoise) },
    {
      what: "accumulator",
      value: `${widthOf(sum.format)} bits`,
      because: `every partial sum lies in ${bounds.min}..${bounds.max}, by the actual weights; the rounding that follows fits too`,
    },
  ];
  const next = program.instructions.find((i) => i.op === "requantize" && i.input === sum.name);
  if (next) {
    const shifts = [...new Set(shiftsOf(sum, valueNamed(program, next.result)))];
    facts.push({
      what: "requantize",
      value:
        shifts.length === 1
          ? `shift by ${shifts[0]}`
          : `shifts by ${Math.min(...shifts)}..${Math.max(...shifts)}`,
      because: "fraction of the accumulator minus fraction of the next layer's input",
    });
  }
  facts.push({
    what: "bit operations",
    value: `${cost.bitOperations}`,
    because: `${cost.macs} MACs x ${cost.weightWidth} x ${cost.activationWidth} bits`,
  });
  const stage = manifest.rtl?.stages.find((s) => s.layer === instruction.layer && s.op === "dense");
  if (stage)
    facts.push({
      what: "folding",
      value: `PE ${stage.pe}, SIMD ${stage.simd}: ${stage.cycles} cycles`,
      because: `ceil(${out}/${stage.pe}) * ceil(${inputs}/${stage.simd}); the network's interval is ${manifest.rtl!.intervalCycles}`,
    });
  return { layer: instruction.layer, facts };
}

/** Text of explanations. */
export function printExplanations(explanations: readonly LayerExplanation[]): string {
  return explanations
    .map(({ layer, facts }) =>
      [layer, ...facts.map((f) => `  ${f.what.padEnd(15)}${f.value}\n${" ".repeat(17)}${f.because}`)].join(
        "\n",
      ),
    )
    .join("\n\n");
}
