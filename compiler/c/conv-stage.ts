// A convolution as a C function. In: the instruction with its formats. Out: the function's text and constants: at every
// position what the kernel sees is one row of inputs, and each output channel a row of weights.
import { type ConvInstruction, channelsOf, constantNamed, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { commentText } from "../support/comment-text.ts";
import { widthOfRange } from "../support/fixed-point.ts";
import { advancing, type ConvBody, type ConvLayer, patchCall } from "./conv-parts.ts";
import { planDepthwise } from "./depthwise-stage.ts";
import { functionBody, type Loop, nest } from "./loops.ts";
import { type Bipolar, computedRange, planProduct, productText, type RowSize } from "./products.ts";
import {
  biasConstant,
  claim,
  hullOf,
  rangeOfValue,
  rangeText,
  type Stage,
  type StageContext,
  shapeText,
  typeOfValue,
} from "./stage-parts.ts";
import { accumulatorType, type CType, smallestType } from "./types.ts";
import {
  contiguousStart,
  declaredVariables,
  planeOf,
  positionLoops,
  type Window,
  windowDeclaration,
} from "./windows.ts";

/** Plans a conv; its sums are exact because every partial sum stays within the proved range. */
export function planConv(context: StageContext, instruction: ConvInstruction): Stage {
  const { program, ranges } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const weights = constantNamed(program, instruction.weights);
  const { groups, padding, padMantissa } = instruction;
  const sums = rangeOfValue(ranges, result.name);
  const kernel = weights.shape.slice(1, -1);
  const window: Window = {
    input: planeOf(input.shape.slice(0, -1)),
    pitch: channelsOf(input),
    channels: channelsOf(input) / groups,
    taps: planeOf(kernel),
    strides: planeOf(instruction.strides),
    dilations: planeOf(instruction.dilations),
    spread: planeOf(instruction.spread),
    before: planeOf(padding.before, 0),
    positions: planeOf(result.shape.slice(0, -1)),
  };
  const patchRange = hullOf(
    rangeOfValue(ranges, input.name),
    ...([...padding.before, ...padding.after].some((n) => n > 0)
      ? [{ min: padMantissa, max: padMantissa }]
      : []),
    ...(instruction.spread.some((s) => s > 1) ? [{ min: 0, max: 0 }] : []),
  );
  const signed = patchRange.min < 0;
  const row = {
    inputs: weights.data.length / weights.shape[0]!,
    bits: widthOfRange(patchRange, signed),
    signed,
  };
  const bipolar = { weights: weights.format.kind === "bipolar", input: input.format.kind === "bipolar" };
  const depthwise = groups === channelsOf(input) && groups > 1 && !bipolar.input;
  const layer: ConvLayer = {
    context,
    name: instruction.layer,
    weights,
    bias: instruction.bias === null ? null : constantNamed(program, instruction.bias),
    window,
    groups,
    padMantissa,
    type: typeOfValue(ranges, input),
    patchType: smallestType(patchRange),
    patchRange,
    accumulator: accumulatorType(depthwise ? sums : computedRange(sums, row, bipolar)),
    resultType: typeOfValue(ranges, result),
  };
  const { body, constants } = depthwise ? planDepthwise(layer) : planRows(layer, row, bipolar);
  return {
    name: claim(context, instruction.layer, "conv"),
    comment: [
      `${commentText(instruction.layer)}: ${depthwise ? "depthwise convolution" : "convolution"} of ` +
        `${shapeText(input.shape)} to ${shapeText(result.shape)}, kernel ${shapeText(kernel)}` +
        `${groups > 1 && !depthwise ? `, ${groups} groups` : ""}${layer.bias ? ", with bias" : ""}.`,
      `No partial sum leaves ${rangeText(sums)} for inputs ` +
        (bipolar.input ? "of -1 and +1." : `within ${rangeText(patchRange)}.`),
    ],
    inputs: ["x"],
    body,
    constants,
    accumulator: layer.accumulator,
    overwrites: [],
  };
}

/** What the kernel sees as a row, times the rows of weights. */
function planRows(layer: ConvLayer, row: RowSize, bipolar: Bipolar): ConvBody {
  const { context, name, weights, bias, window, groups, patchType, accumulator } = layer;
  const units = weights.shape[0]!;
  const start = contiguousStart(window);
  const product = planProduct(
    {
      context,
      name,
      data: weights.data,
      units,
      ...row,
      shapeText: `[${weights.shape.join("][")}]`,
      source: start === undefined ? "patch" : "from",
      type: patchType,
      accumulator,
    },
    bipolar,
  );
  const group: Loop = { variable: "g", count: groups };
  const loops = positionLoops(window);
  const channel = groups > 1 ? `g * ${window.channels}` : "0";
  const constants = [product.weights];
  let biasElement = "0";
  if (bias) {
    const plan = biasConstant(context, name, bias.data, `[${units}]`);
    constants.push(plan);
    biasElement = `${plan.name}[o]`;
  }
  const { options, operand, kernel, rowSize, preparations } = productText(product);
  const atGroup = renderTemplate("c/conv-position", {
    patch: start === undefined ? patchCall(layer, groups > 1 ? `&x[${channel}]` : "x") : "",
    from: start === undefined ? "" : pointer(patchType, start, channel),
    preparations,
    first: groups > 1 ? `g * ${units / groups}` : "0",
    end: groups > 1 ? `(g + 1) * ${units / groups}` : `${units}`,
    call: `${kernel}(${operand}, &${product.weights.name}[o * ${rowSize}], ${row.inputs}${options}, ${biasElement})`,
    cast: layer.resultType === accumulator ? "" : `(${layer.resultType.name})`,
  });
  return {
    constants,
    body: functionBody(
      [
        ...(start === undefined
          ? [...windowDeclaration(window), `${patchType.name} patch[${row.inputs}];`]
          : []),
        ...product.locals,
        ...declaredVariables([...loops, group]),
        "int32_t o;",
      ],
      nest(loops, advancing(nest([group], atGroup), window, units)),
    ),
  };
}

/** Declaration of a pointer to the elements under the window. */
function pointer(type: CType, start: string, channel: string): string {
  const terms = [start, channel].filter((term) => term !== "0");
  return `const ${type.name} *from = ${terms.length === 0 ? "x" : `&x[${terms.join(" + ")}]`};`;
}
