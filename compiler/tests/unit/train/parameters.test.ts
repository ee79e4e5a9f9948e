// Names of trained variables.
import { expect, test } from "vitest";
import { floatModelOf } from "../../../train/float-model.ts";
import { isQuantizerVariable, type LayerVariable, variableName } from "../../../train/parameters.ts";

const IS_QUANTIZER: Readonly<Record<LayerVariable, boolean>> = {
  weights: false,
  bias: false,
  gain: false,
  shift: false,
  mean: false,
  variance: false,
  outside: false,
  weightLogStep: true,
  biasLogStep: true,
  activationLogStep: true,
  activationLogRange: true,
};

test("a variable is a quantizer's or the float model's, by its name and not by part of it", () => {
  const names = Object.entries(IS_QUANTIZER) as [LayerVariable, boolean][];
  for (const [variable, expected] of names)
    expect(isQuantizerVariable(variableName(12, variable)), variable).toBe(expected);
  expect(isQuantizerVariable("0.Logits")).toBe(false);
  const parameters = Object.fromEntries(names.map(([v]) => [variableName(3, v), Float32Array.of(1)]));
  expect(Object.keys(floatModelOf(parameters, [0]).parameters)).toEqual(
    names.filter(([, isQuantizer]) => !isQuantizer).map(([v]) => variableName(3, v)),
  );
});
