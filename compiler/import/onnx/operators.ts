// Which function reads which operator, by domain. What is not here is refused by its name.
import type { Reader } from "./call.ts";
import { batchNormalization, ELEMENTWISE } from "./operators/elementwise.ts";
import { constantNode, isFoldOnly } from "./operators/fold.ts";
import { JOINS } from "./operators/joins.ts";
import { MOVES } from "./operators/moves.ts";
import { QDQ } from "./operators/qdq.ts";
import { QUANTIZERS } from "./operators/quantizers.ts";
import { conv, WEIGHTED } from "./operators/weighted.ts";
import { pool, WINDOWS } from "./operators/windows.ts";

const STANDARD: Readonly<Record<string, Reader>> = {
  ...ELEMENTWISE,
  ...WEIGHTED,
  ...JOINS,
  ...MOVES,
  ...WINDOWS,
  ...QDQ,
  Constant: constantNode,
};

const GENERAL: Readonly<Record<string, Reader>> = { ...QUANTIZERS, MaxPoolNHWC: pool("max", true) };

const CHANNELS_LAST: Readonly<Record<string, Reader>> = {
  Conv: conv(false, true),
  MaxPool: pool("max", true),
  AveragePool: pool("average", true),
  BatchNormalization: batchNormalization(true),
};

const DOMAINS: ReadonlyMap<string, Readonly<Record<string, Reader>>> = new Map([
  ["", STANDARD],
  ["qonnx.custom_op.general", GENERAL],
  ["finn.custom_op.general", GENERAL],
  ["onnx.brevitas", GENERAL],
  ["qonnx.custom_op.channels_last", CHANNELS_LAST],
]);

/** The one name of a domain: "" is ONNX's own. */
export const domainOf = (domain: string | undefined): string =>
  domain === undefined || domain === "ai.onnx" ? "" : domain;

export interface KnownOperator {
  /** Null where only constants may be operated on. */
  readonly read: Reader | null;
  /** Axis of the channels of an image, where the operator is about one. */
  readonly channelAxis: 1 | -1 | null;
}

const IMAGE_OPERATORS: readonly string[] = [
  "Conv",
  "ConvTranspose",
  "MaxPool",
  "AveragePool",
  "GlobalMaxPool",
  "GlobalAveragePool",
  "BatchNormalization",
  "QLinearConv",
  "Resize",
  "Upsample",
];

/** What is known of an operator; undefined where it is not supported. */
export function operatorOf(domain: string, name: string): KnownOperator | undefined {
  const own = DOMAINS.get(domain);
  const read = own && Object.hasOwn(own, name) ? own[name]! : null;
  if (!read && !(domain === "" && isFoldOnly(name))) return undefined;
  const isLast = domain.endsWith("channels_last") || name === "MaxPoolNHWC";
  const channelAxis = isLast ? -1 : domain === "" && IMAGE_OPERATORS.includes(name) ? 1 : null;
  return { read, channelAxis };
}

/** What to do instead of an operator that is not supported. */
export function adviceFor(domain: string, name: string): string {
  if (domain !== "" && !DOMAINS.has(domain))
    return "only ONNX's own operators and those of QONNX are read; export the model without others";
  if (["LSTM", "GRU", "RNN", "Loop", "If", "Scan"].includes(name))
    return "networks without loops and branches are read; unroll it before the export";
  if (["LRN", "InstanceNormalization", "LayerNormalization", "GroupNormalization"].includes(name))
    return "use BatchNormalization, whose statistics are constants";
  if (["Gelu", "Erf", "Mish", "Softplus", "Softsign", "Celu", "ThresholdedRelu"].includes(name))
    return "use Relu, LeakyRelu, HardSwish, Sigmoid or Tanh";
  return "write this part with supported operators; docs/onnx.md lists them";
}
