// Diagnostics of training.
import { entry } from "./define.ts";

const LIMIT_NAMES: Readonly<Record<string, string>> = {
  bitOperations: "bit operations",
  ebops: "EBOPs",
  weightBits: "bits of weights",
  luts: "look-up tables",
  meanWeightBits: "bits a weight",
};

export const trainMessages = {
  // sorted by code
  "train/bad-checkpoint": entry<{ problem: string }>({
    message: ({ problem }) => `the checkpoint cannot be read: ${problem}`,
    hint: () => "train again from the start with --fresh",
  }),
  "train/bad-labels": entry<{ output: string; label: number; classes: number; set: string }>({
    message: ({ output, label, classes, set }) =>
      `the ${set} data has the label ${label}, but the last layer of output ${output} has ${classes} units`,
    hint: ({ label, classes }) =>
      label < 0
        ? "labels are class indices from 0"
        : `give the last layer ${label + 1} units or more, or leave classes from ${classes} on out of the data`,
  }),
  "train/bad-samples": entry<{ input: string; found: string; wanted: string; set: string }>({
    message: ({ input, found, wanted, set }) =>
      `the ${set} data holds ${found} samples, the model's input ${input} is ${wanted}`,
    hint: () => "make the input's shape and stored type those of the data",
  }),
  "train/bad-targets": entry<{ output: string; set: string; found: number; wanted: number }>({
    message: ({ output, set, found, wanted }) =>
      `the ${set} data has ${found} target values for each sample, but the last layer of output ${output} has ${wanted} units`,
    hint: () => "give the last layer one unit for each target value",
  }),
  "train/budget-too-small": entry<{ limit: string; budget: number; least: number }>({
    message: ({ limit, budget, least }) =>
      `a budget of ${budget} ${LIMIT_NAMES[limit] ?? limit} cannot be met: the least possible for this network is ${least}`,
    hint: ({ least }) =>
      `raise the budget to ${least} or more, use fewer units, or allow narrower weights and inputs (weight_bits, input_bits)`,
  }),
  "train/checkpoint-mismatch": entry<{ what: string }>({
    message: ({ what }) => `the checkpoint is of another training: ${what}`,
    hint: () => "train again from the start with --fresh",
  }),
  "train/dead-layer": entry<{ layer: string }>({
    message: ({ layer }) => `no unit of layer ${layer} fires for any sample: its relu gives only zeros`,
    hint: ({ layer }) => `lower the learning rate, give the layer ${layer} more units, or try another seed`,
  }),
  "train/diverged": entry<{ layer: string; what: string }>({
    message: ({ layer, what }) => `training diverged in layer ${layer}: ${what}`,
    hint: () => "lower the learning rate, or check that the inputs are scaled",
  }),
  "train/missing-inputs": entry<{ set: string; found: number; wanted: number }>({
    message: ({ set, found, wanted }) => `the ${set} data holds ${found} inputs, the model has ${wanted}`,
    hint: () => "give samples for every input of the model",
  }),
  "train/no-samples": entry<{ set: string }>({
    message: ({ set }) => `the ${set} data is empty`,
    hint: () => "training needs samples to learn from and, apart from them, samples for validation",
  }),
  "train/nothing-to-train": entry<{ model: string }>({
    message: ({ model }) => `the model ${model} has no dense layer or convolution that follows an input`,
    hint: () => "add a dense layer or a convolution",
  }),
  "train/pruned-away": entry<{ layer: string; inputs: number }>({
    message: ({ layer, inputs }) =>
      `the network is pruned to nothing: none of the ${inputs} inputs of layer ${layer} has a signal above its noise`,
    hint: ({ layer }) =>
      `raise the budget (--from of a sweep) or lower epsilon, give layer ${layer} more input bits (input_bits), or set its prune to off`,
  }),
  "train/shift-needs-image": entry<{ shape: string }>({
    message: ({ shape }) => `samples of shape ${shape} cannot be shifted by pixels`,
    hint: () => "set the shift to 0, or give the input the shape of an image, such as 28x28x1",
  }),
  "train/unsupported": entry<{ node: string; feature: string }>({
    message: ({ node, feature }) => `training does not support ${feature} (${node})`,
    hint: () => "docs/training.md says what is trained; write the network without it",
  }),
};
