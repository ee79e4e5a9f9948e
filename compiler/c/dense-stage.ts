// A dense layer as a C function. In: the instruction with its formats. Out: the function's text and constants.
import { constantNamed, type DenseInstruction, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { commentText } from "../support/comment-text.ts";
import { widthOfRange } from "../support/fixed-point.ts";
import { computedRange, planProduct, productText } from "./products.ts";
import {
  biasConstant,
  claim,
  rangeOfValue,
  rangeText,
  type Stage,
  type StageContext,
  typeOfValue,
} from "./stage-parts.ts";
import { accumulatorType } from "./types.ts";

/** Plans a dense layer; its sums are exact because every partial sum stays within the proved range. */
export function planDense(context: StageContext, instruction: DenseInstruction): Stage {
  const { program, ranges } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  const [units, inputs] = weights.shape as [number, number];
  const sums = rangeOfValue(ranges, result.name);
  const range = rangeOfValue(ranges, input.name);
  const signed = range.min < 0;
  const bipolar = { weights: weights.format.kind === "bipolar", input: input.format.kind === "bipolar" };
  const bits = widthOfRange(range, signed);
  const accumulator = accumulatorType(computedRange(sums, { inputs, bits, signed }, bipolar));
  const product = planProduct(
    {
      context,
      name: instruction.layer,
      data: weights.data,
      units,
      inputs,
      shapeText: `[${units}][${inputs}]`,
      source: "x",
      type: typeOfValue(ranges, input),
      bits,
      signed,
      accumulator,
    },
    bipolar,
  );
  const constants = [product.weights];
  const comment = commentText(instruction.layer);
  let biasElement = "0";
  if (bias) {
    const plan = biasConstant(context, instruction.layer, bias.data, `[${units}]`);
    constants.push(plan);
    biasElement = `${plan.name}[o]`;
  }
  const resultType = typeOfValue(ranges, result);
  return {
    name: claim(context, instruction.layer, "dense"),
    comment: [
      `${comment}: ${inputs} inputs, ${units} sums of products${bias ? " and bias" : ""}.`,
      `No partial sum leaves ${rangeText(sums)} for inputs ` +
        (bipolar.input ? "of -1 and +1." : `within ${rangeText(range)}.`),
    ],
    inputs: ["x"],
    body: renderTemplate("c/stage-dense", {
      ...productText(product),
      units,
      inputs,
      bias: biasElement,
      // Conversions that lose nothing are left to the compiler.
      cast: resultType === accumulator ? "" : `(${resultType.name})`,
    }),
    constants,
    accumulator,
    overwrites: [],
  };
}
