// What a program costs, counted on its integers: parameters, stored bits, bit operations, EBOPs.
import { digitSpan } from "../support/fixed-point.ts";
import { constantNamed, elementsOf, type Program, valueNamed, widthOf } from "./program.ts";

/** Costs of one layer with weights. */
export interface LayerCost {
  readonly layer: string;
  readonly macs: number;
  readonly weights: number;
  /** Weights and biases. */
  readonly parameters: number;
  /** Weights x width, without biases. */
  readonly weightBits: number;
  readonly biasBits: number;
  /** MACs x weight width x activation width: the operands of the multiplier as built. */
  readonly bitOperations: number;
  /** Sum over weights of the span of non-zero binary digits of |m| x positions x activation width (arXiv:2405.00645); the sign is not counted. */
  readonly ebops: number;
  readonly weightWidth: number;
  readonly activationWidth: number;
  readonly accumulatorWidth: number;
}

/** Costs of every dense and conv instruction, in program order; a conv applies its weights at every position of the result. */
export function layerCosts(program: Program): readonly LayerCost[] {
  const costs: LayerCost[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op !== "dense" && instruction.op !== "conv") continue;
    const weights = constantNamed(program, instruction.weights);
    const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
    const weightWidth = widthOf(weights.format);
    const activationWidth = widthOf(valueNamed(program, instruction.input).format);
    const result = valueNamed(program, instruction.result);
    const stored = weights.data.length;
    // Padded positions count: the multiplier is there for them too.
    const positions = elementsOf(result.shape) / weights.shape[0]!;
    const macs = positions * stored;
    const digits =
      weights.format.kind === "bipolar" ? stored : weights.data.reduce((sum, m) => sum + digitSpan(m), 0);
    costs.push({
      layer: instruction.layer,
      macs,
      weights: stored,
      parameters: stored + (bias ? bias.data.length : 0),
      weightBits: stored * weightWidth,
      biasBits: bias ? bias.data.length * widthOf(bias.format) : 0,
      bitOperations: macs * weightWidth * activationWidth,
      ebops: positions * digits * activationWidth,
      weightWidth,
      activationWidth,
      accumulatorWidth: widthOf(result.format),
    });
  }
  return costs;
}
