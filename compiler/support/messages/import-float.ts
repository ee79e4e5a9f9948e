// Diagnostics of float models that are calibrated or fine-tuned, and of the files that imported models come from.
import { entry } from "./define.ts";

export const importFloatMessages = {
  // sorted by code
  "import/assumed-input": entry<{ model: string; inputs: readonly string[] }>({
    severity: "warning",
    message: ({ model, inputs }) =>
      `the model ${JSON.stringify(model)} does not say which integers ${inputs.map((name) => JSON.stringify(name)).join(", ")} has: 8 bits from -1 to 127/128 are taken`,
    hint: () =>
      "say it with --input-type and --input-range or --input-scale, or in a text: input NAME as s8 { range: [-4, 4] }",
  }),
  "import/bad-graph": entry<{ model: string; problems: readonly string[] }>({
    message: ({ model, problems }) =>
      `the network ${JSON.stringify(model)} does not fit together: ${problems.join("; ")}`,
    hint: () => "check the model with the tool that wrote it",
  }),
  "import/no-data": entry<{ because: string }>({
    severity: "warning",
    message: () =>
      "there are no data: the formats are those of 1,000 uniform samples of the input's range, and the accuracy is unknown",
    hint: () => "name samples of yours with --data, or in a data section",
  }),
  "import/not-a-number": entry<{ node: string; what: string }>({
    message: ({ node, what }) => `${what} of ${JSON.stringify(node)} is no finite number`,
    hint: () => "the model's training diverged, or its file is damaged: save it again",
  }),
  "import/nothing-to-train": entry<{ model: string; what: string; advice: string }>({
    message: ({ model, what }) =>
      `${what}: the model ${JSON.stringify(model)} states its quantizers, and nothing of it is trained`,
    hint: ({ advice }) => advice,
  }),
  "import/output-activation": entry<{ node: string; kind: string }>({
    message: ({ node, kind }) => `the output ends in the activation ${kind} (${JSON.stringify(node)})`,
    hint: () =>
      "save the model without it: its output is then the values before, which are compared just as well",
  }),
  "import/only-quantized": entry<{ node: string; kind: string }>({
    message: ({ node, kind }) =>
      `${JSON.stringify(node)} is a ${kind}, which is read in models alone that state their quantizers`,
    hint: () =>
      "state the quantizers of all weights and tensors in the file, or write the operator in another way",
  }),
  "import/quantizer-in-float": entry<{ node: string }>({
    message: ({ node }) =>
      `${JSON.stringify(node)} is quantized by the file, other parts of the network are not`,
    hint: () => "quantize all weights and tensors in the file, or none: then they are calibrated here",
  }),
  "import/unfoldable": entry<{ node: string; because: string }>({
    message: ({ node, because }) =>
      `the scale and offset of ${JSON.stringify(node)} cannot become part of a layer's weights: ${because}`,
    hint: () =>
      "put it directly behind a layer with weights, or before one without padding; a scale of the input may be given as --input-scale",
  }),
};
