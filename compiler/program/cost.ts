// What a program costs, counted on its integers: parameters, stored bits, bit operations, EBOPs.
import { digitSpan } from "../support/fixed-point.ts";
import { channelsOf, constantNamed, type Program, valueNamed, widthOf } from "./program.ts";

/** Costs of one layer with weights. */
export interface LayerCost {
  readonly layer: string;
  readonly macs: number;
  readonly parameters: number;
  /** Weights x width, without biases. */
  readonly weightBits: number;
  readonly biasBits: number;
  /** MACs x weight width x activation width: the operands of the multiplier as built. */
  readonly bitOperations: number;
  /** Sum over weights of the span of non-zero binary digits of |m| x activation width (arXiv:2405.00645); the sign is not counted. */
  readonly ebops: number;
  readonly weightWidth: number;
  readonly activationWidth: number;
  readonly accumulatorWidth: number;
}

/** Costs of every dense instruction, in program order. */
export function layerCosts(program: Program): readonly LayerCost[] {
  const costs: LayerCost[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op !== "dense") continue;
    const weights = constantNamed(program, instruction.weights);
    const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
    const weightWidth = widthOf(weights.format);
    const activationWidth = widthOf(valueNamed(program, instruction.input).format);
    const result = valueNamed(program, instruction.result);
    const macs = weights.data.length;
    const digits =
      weights.format.kind === "bipolar" ? macs : weights.data.reduce((sum, m) => sum + digitSpan(m), 0);
    costs.push({
      layer: instruction.layer,
      macs,
      parameters: macs + (bias ? channelsOf(result) : 0),
      weightBits: macs * weightWidth,
      biasBits: bias ? bias.data.length * widthOf(bias.format) : 0,
      bitOperations: macs * weightWidth * activationWidth,
      ebops: digits * activationWidth,
      weightWidth,
      activationWidth,
      accumulatorWidth: widthOf(result.format),
    });
  }
  return costs;
}
