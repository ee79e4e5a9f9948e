// Diagnostics of imported models that are compiled without training: what has no exact integers, and what to do.
import { entry } from "./define.ts";

export const importExactMessages = {
  // sorted by code
  "import/exact-argmax": entry<{ node: string }>({
    message: ({ node }) =>
      `${node} compares channels whose scales have no common unit of few bits: there are no integers to compare instead`,
    hint: () =>
      "quantize the logits with one scale, or make the layer before it use one scale for all channels",
  }),
  "import/exact-channel-scales": entry<{ node: string }>({
    message: ({ node }) =>
      `${node} brings channels together whose scales are no small multiples of a common unit`,
    hint: () => "quantize its input with one scale for the tensor, or with powers of two",
  }),
  "import/exact-concat": entry<{ node: string }>({
    message: ({ node }) => `${node} joins tensors of different scales along an axis that has one scale`,
    hint: () => "quantize the tensors with one scale, or with powers of two, before they are joined",
  }),
  "import/exact-falling-pool": entry<{ node: string }>({
    message: ({ node }) =>
      `${node} takes the largest value of channels whose integers fall where their values rise`,
    hint: () =>
      "make the gains between the layer, the pool and the quantizer positive, or quantize before the pool",
  }),
  "import/exact-input": entry<{ input: string; reader: string | null }>({
    message: ({ input, reader }) =>
      reader === null
        ? `the input ${JSON.stringify(input)} has no integers: no quantizer stands behind it`
        : `${JSON.stringify(reader)} reads the input ${JSON.stringify(input)} before a quantizer has made integers of it`,
    hint: () =>
      "say which integers the input has (--input-type and --input-scale), or put a Quant behind it in the model",
  }),
  "import/exact-input-grids": entry<{ input: string; first: string; second: string }>({
    message: ({ input, first, second }) =>
      `${JSON.stringify(first)} and ${JSON.stringify(second)} quantize the input ${JSON.stringify(input)} in two ways: its port has one`,
    hint: () => "say which integers the input has: --input-type and --input-scale",
  }),
  "import/exact-levels": entry<{ node: string; levels: number; limit: number }>({
    message: ({ node, levels, limit }) =>
      `${node} tells ${levels} values apart, at most ${limit} where scales are no powers of two`,
    hint: ({ limit }) =>
      `use at most ${Math.log2(limit)} bits, or scales that are powers of two, which need a shift alone`,
  }),
  "import/exact-lookup": entry<{ node: string; entries: number }>({
    message: ({ node, entries }) =>
      `${node} looks up a table of ${entries} entries by what is not known to be one of its places`,
    hint: () => "quantize the places to whole numbers within the table before the operator",
  }),
  "import/exact-no-operator": entry<{ node: string }>({
    message: ({ node }) => `${node} has no exact integer form`,
    hint: () =>
      "replace it by another activation (relu, relu6, hardtanh, hardsigmoid, sigmoid, tanh or elu, one before each quantizer), or save the model without quantizers: it is calibrated here then",
  }),
  "import/exact-not-monotone": entry<{ node: string; limit: number }>({
    message: ({ node, limit }) =>
      `${node} quantizes what rises and falls, which takes a table of at most ${limit} bits that all channels share`,
    hint: () => "quantize with one scale before the operator as well, or use relu",
  }),
  "import/exact-output": entry<{ output: string; node: string }>({
    message: ({ output, node }) =>
      `the output ${JSON.stringify(output)} is what ${node} makes of sums: no integers stand for it`,
    hint: () => "put a quantizer behind it, or take the output before it",
  }),
  "import/exact-padding": entry<{ node: string }>({
    message: ({ node }) => `${node} pads with a value that its input's integers do not have`,
    hint: () => "use an integer zero point within the range of the input's quantizer",
  }),
  "import/exact-quantizer": entry<{ node: string; problem: string }>({
    message: ({ node, problem }) => `the quantizer of ${node} cannot be used: ${problem}`,
    hint: () => "scales are constants above 0, one for the tensor or one for each channel",
  }),
  "import/exact-residual": entry<{ node: string; ratio: string }>({
    message: ({ node, ratio }) =>
      `${node} takes tensors whose scales have the ratio ${ratio}: no unit of few bits is common to them`,
    hint: () => "quantize both with one scale, or with scales that are small multiples of one",
  }),
  "import/exact-too-wide": entry<{ node: string; operation: string; width: number; limit: number }>({
    message: ({ node, operation, width, limit }) =>
      `${node}: ${operation} takes at most ${limit} bits, not ${width}`,
    hint: () => "quantize to fewer bits, there or before it",
  }),
  "import/exact-unquantized": entry<{ node: string; input: string }>({
    message: ({ node, input }) => `${node} reads ${input}, which no quantizer has made integers of`,
    hint: () =>
      "put a quantizer between them, or save the model without quantizers and train or calibrate it here",
  }),
  "import/exact-weights": entry<{ node: string; limit: number }>({
    message: ({ node, limit }) =>
      `the weights of ${node} have no quantizer, and are no multiples of a unit of ${limit} bits`,
    hint: () =>
      "quantize the weights in the model, or save it without quantizers and train or calibrate it here",
  }),
  "import/exact-weights-wide": entry<{ node: string; width: number; limit: number }>({
    message: ({ node, width, limit }) =>
      `${node} needs weights of ${width} bits to be exact, at most ${limit} are supported`,
    hint: () => "use fewer bits for its weights, or scales that are small multiples of each other",
  }),
  "import/exact-zero-point": entry<{ node: string }>({
    message: ({ node }) => `the weights of ${node} have a zero point that is no integer`,
    hint: () => "use integer zero points",
  }),
};
