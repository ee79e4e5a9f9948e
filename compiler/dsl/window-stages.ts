// Stages that slide a window: convolutions and pools. In: a stage and the value before it. Out: the operator, with its
// padding resolved for that value.
import type { Padding, Sizes } from "../graph/graph.ts";
import { spatialOf, weightsPerUnit } from "../graph/shapes.ts";
import { readLayerOptions } from "./layer-options.ts";
import {
  type CheckContext,
  type Fields,
  type FieldValues,
  numberReader,
  type Signature,
  type ValueReader,
} from "./read-fields.ts";
import {
  paddingReader,
  resolvePadding,
  sizesReader,
  spread,
  type Window,
  type WrittenPadding,
  type WrittenSizes,
} from "./read-sizes.ts";
import type { Signal } from "./signal.ts";
import { placeOf, readArguments, readNoOptions, refuseBipolar, type StageRule } from "./stage-rule.ts";

const MAX_WINDOW = 4096;
const sizes = (example: string) => sizesReader(example, MAX_WINDOW);
const count = (example: string) => numberReader({ min: 1, max: 65536, whole: true, example });

const slide = {
  kernel: sizes("kernel: 3x3"),
  stride: sizes("stride: 2"),
  dilation: sizes("dilation: 2"),
  padding: paddingReader,
} as const;

const convForm = (word: string): string => `c1: ${word}(16, kernel: 3x3, stride: 2, padding: same)`;
const convSignature = (word: string) =>
  ({
    fields: { units: count(`${word}(16, kernel: 3x3)`), ...slide, groups: count("groups: 2") },
    positional: ["units", "kernel"],
    required: ["units", "kernel"],
    form: convForm(word),
  }) as const satisfies Signature<Fields>;

const depthwiseSignature = {
  fields: { ...slide, multiplier: count("multiplier: 2") },
  positional: ["kernel"],
  required: ["kernel"],
  form: "d1: depthwise(kernel: 3x3, padding: same)",
} as const satisfies Signature<Fields>;

interface Written {
  readonly kernel?: WrittenSizes;
  readonly stride?: WrittenSizes;
  readonly dilation?: WrittenSizes;
  readonly padding?: WrittenPadding;
}

/** The window on a value of a known shape, and what stands around that; undefined after a reported error. */
function windowOn(
  shape: Sizes,
  kernel: WrittenSizes,
  { stride = 1, dilation = 1, padding = { kind: "valid" } }: Written,
  transposed: boolean,
  places: FieldValues<Fields>["places"],
  context: CheckContext,
): (Required<Window> & { readonly padding: Padding }) | undefined {
  const axes = spatialOf(shape).length;
  const window = {
    kernel: spread(kernel, axes),
    strides: spread(stride, axes),
    dilations: spread(dilation, axes),
    transposed,
  };
  const resolved = resolvePadding(padding, shape, window, places.get("padding"), context);
  return resolved && { ...window, padding: resolved };
}

const hasZeros = ({ before, after }: Padding): boolean => [...before, ...after].some((cells) => cells !== 0);

function convolution(word: string, transposed: boolean): StageRule {
  const signature = convSignature(word);
  return {
    check: (input, stage, context) => {
      const { values, places } = readArguments(word, stage, signature, context);
      const { units, kernel, groups = 1 } = values;
      const window =
        input && kernel !== undefined
          ? windowOn(input.shape, kernel, values, transposed, places, context)
          : undefined;
      const operator =
        window && units !== undefined ? { kind: "conv" as const, units, groups, ...window } : undefined;
      const inputs = operator && input ? weightsPerUnit(operator, input.shape.at(-1)!) : undefined;
      const whole = inputs !== undefined && Number.isInteger(inputs) ? inputs : undefined;
      const options = readLayerOptions(word, stage, units, input, whole, context);
      checkBefore(word, input, stage, context);
      if (!operator) return undefined;
      if (hasZeros(operator.padding) || transposed)
        refuseBipolar(transposed ? word : `the padding of ${word}`, input, placeOf(stage).span, context);
      return { operator, places, ...options };
    },
  };
}

const depthwise: StageRule = {
  check: (input, stage, context) => {
    const word = "depthwise";
    const { values, places } = readArguments(word, stage, depthwiseSignature, context);
    const { kernel, multiplier = 1 } = values;
    const channels = input?.shape.at(-1);
    const units = channels === undefined ? undefined : channels * multiplier;
    const window =
      input && kernel !== undefined
        ? windowOn(input.shape, kernel, values, false, places, context)
        : undefined;
    const operator =
      window && channels !== undefined && units !== undefined
        ? { kind: "conv" as const, units, groups: channels, ...window }
        : undefined;
    const inputs = operator && weightsPerUnit(operator, channels!);
    const options = readLayerOptions(word, stage, units, input, inputs, context);
    checkBefore(word, input, stage, context);
    if (!operator) return undefined;
    if (hasZeros(operator.padding))
      refuseBipolar(`the padding of ${word}`, input, placeOf(stage).span, context);
    return { operator, places, ...options };
  },
};

/** A layer does not directly follow a batchnorm. */
export function checkBefore(
  word: string,
  input: Signal | undefined,
  stage: Parameters<typeof placeOf>[0],
  context: CheckContext,
): void {
  const batchnorm = input?.kind === "batchnorm" ? input : undefined;
  // A batchnorm that follows no layer is an error already.
  if (!batchnorm || !["dense", "conv"].includes(batchnorm.inputs[0]!.kind)) return;
  const related = [{ message: "the batchnorm", span: batchnorm.span }];
  context.collector.add("language/batchnorm-without-activation", { word }, { ...placeOf(stage), related });
}

const windowSizes = sizes("maxpool(2x2)");
/** `2x2`, or the word `global` for a window of the whole size. */
const windowReader: ValueReader<WrittenSizes | "global"> = (value, subject, context) => {
  const isGlobal = value.kind === "call" && value.name.text === "global" && !value.args;
  return isGlobal ? "global" : windowSizes(value, subject, context);
};

function pool(word: string, pooling: "max" | "average"): StageRule {
  const signature = {
    fields: { window: windowReader, stride: slide.stride, padding: paddingReader },
    positional: ["window"],
    required: ["window"],
    form: `${word}(2x2)`,
  } as const satisfies Signature<Fields>;
  return {
    check: (input, stage, context) => {
      const { values, places } = readArguments(word, stage, signature, context);
      readNoOptions(word, stage, context);
      const { window: written } = values;
      if (!input || written === undefined) return undefined;
      const kernel = written === "global" ? spatialOf(input.shape) : written;
      const stride = values.stride ?? kernel;
      const found = windowOn(input.shape, kernel, { ...values, stride }, false, places, context);
      if (!found) return undefined;
      if (pooling === "average") refuseBipolar(word, input, placeOf(stage).span, context);
      const { kernel: window, strides, padding } = found;
      return { operator: { kind: "pool", pooling, window, strides, padding }, places };
    },
  };
}

export const WINDOW_STAGES: readonly (readonly [string, StageRule])[] = [
  ["avgpool", pool("avgpool", "average")],
  ["conv", convolution("conv", false)],
  ["conv_transpose", convolution("conv_transpose", true)],
  ["depthwise", depthwise],
  ["maxpool", pool("maxpool", "max")],
];
