// A depthwise convolution as a C function. In: the layer. Out: the function's text and constants: the channels are the
// innermost loop, so the weights of a tap and the sums lie channel by channel.
import { operandOf } from "../program/bounds.ts";
import { renderTemplate } from "../render/render.ts";
import { commentText } from "../support/comment-text.ts";
import { advancing, type ConvBody, type ConvLayer, patchCall } from "./conv-parts.ts";
import { functionBody, index, type Loop, nest } from "./loops.ts";
import { storedRows } from "./products.ts";
import { biasConstant, claim } from "./stage-parts.ts";
import {
  contiguousStart,
  declaredVariables,
  positionLoops,
  type Window,
  windowDeclaration,
} from "./windows.ts";

/** Plans the body of a conv that has as many groups as input channels. */
export function planDepthwise(layer: ConvLayer): ConvBody {
  const { context, name, weights, bias, type, patchType, accumulator, resultType } = layer;
  const { kernels } = context;
  const channels = layer.window.pitch;
  const window: Window = { ...layer.window, channels };
  const units = weights.shape[0]!;
  const tap: Loop = { variable: "k", count: weights.data.length / units };
  const filter: Loop = { variable: "j", count: units / channels };
  const channel: Loop = { variable: "c", count: channels };
  const taps = tap.count;
  const filters = filter.count;

  // Filter j of channel c is output channel c * filters + j.
  const unitsByFilter = Array.from(
    { length: units },
    (_, i) => (i % channels) * filters + Math.floor(i / channels),
  );
  const data = Array.from({ length: taps }, (_, k) =>
    unitsByFilter.map((o) => operandOf(weights.format, weights.data[o * taps + k]!)),
  ).flat();
  const { stored, constant, rowSize, options } = storedRows(
    claim(context, name, "weights"),
    { data, rows: taps * filters, columns: channels },
    `${commentText(name)}: weights [${taps} taps]${filters > 1 ? `[${filters} filters]` : ""}[${channels}]`,
  );
  const constants = [constant];
  let start = "0";
  if (bias) {
    const plan = biasConstant(
      context,
      name,
      unitsByFilter.map((o) => bias.data[o]!),
      filters > 1 ? `[${filters} filters][${channels}]` : `[${channels}]`,
    );
    constants.push(plan);
    start = `${plan.name}[i]`;
  }
  const kernel =
    stored.kind === "plain"
      ? kernels.multiplyAdd(patchType, stored.type, accumulator)
      : kernels.multiplyAddPacked(patchType, accumulator);
  const inPlace = filters === 1 && resultType === accumulator;
  const sums = inPlace ? "y" : "sums";
  const at = (array: string, offset: string): string => (offset === "0" ? array : `&${array}[${offset}]`);
  const from = contiguousStart(window);
  const source = from === undefined ? "patch" : "from";
  const weightRow = index([
    { loop: tap, stride: filters * rowSize },
    { loop: filter, stride: rowSize },
  ]);
  const products =
    `${kernel}(${at(source, index([{ loop: tap, stride: channels }]))}, ${at(constant.name, weightRow)}, ` +
    `${channels}${options}, ${at(sums, index([{ loop: filter, stride: channels }]))});`;
  const results = `y[${index([
    { loop: channel, stride: filters },
    { loop: filter, stride: 1 },
  ])}] = ${resultType === accumulator ? "" : `(${resultType.name})`}sums[${index([
    { loop: filter, stride: channels },
    { loop: channel, stride: 1 },
  ])}];`;
  const loops = positionLoops(window);
  const statements = renderTemplate("c/depthwise-position", {
    patch: from === undefined ? patchCall({ ...layer, window }, "x") : "",
    from: from === undefined ? "" : `const ${type.name} *from = ${at("x", from)};`,
    sums,
    units,
    start,
    products: nest([tap, filter], products),
    results: inPlace ? "" : nest([channel, filter], results),
  });
  return {
    constants,
    body: functionBody(
      [
        ...(from === undefined
          ? [...windowDeclaration(window), `${patchType.name} patch[${taps * channels}];`]
          : []),
        ...(inPlace ? [] : [`${accumulator.name} sums[${units}];`]),
        ...declaredVariables([...loops, tap, filter, ...(inPlace ? [] : [channel])]),
        "int32_t i;",
      ],
      nest(loops, advancing(statements, window, units)),
    ),
  };
}
