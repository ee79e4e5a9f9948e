// Slopes of sums against what the simulator shows when one input element grows by 1, through everything that is linear.
import { expect, test } from "vitest";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { elementsOf, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { createRandom } from "../../../support/random.ts";
import { leaningSums } from "../../../verify/slopes.ts";

const random = createRandom(5, "slopes");
const integers = (count: number): number[] => Array.from({ length: count }, () => random.integer(-2, 2));

test("a slope is what the sum grows by, back through moves, sums, strides, groups and spread", () => {
  const b = createProgramBuilder("linear");
  const weights = intFormat(true, 3, 0);
  const x = b.input({ name: "x", shape: [3, 4, 2], format: intFormat(false, 2, 0) });
  const other = b.input({ name: "other", shape: [1, 1, 4], format: intFormat(false, 2, 0) });
  const turned = b.transpose({ layer: "t", name: "t", input: x, permutation: [1, 0, 2] });
  const wider = b.pad({
    layer: "p",
    name: "p",
    input: turned,
    before: [1, 0, 0],
    after: [0, 1, 0],
    mantissa: 3,
  });
  const part = b.slice({ layer: "s", name: "s", input: wider, begin: [1, 0, 0], size: [4, 4, 2] });
  const twice = b.concat({ layer: "c", name: "c", inputs: [part, part], axis: 2 });
  const lifted = b.add({ layer: "gate", name: "gate", inputs: [twice, other] });
  const large = b.upsample({ layer: "u", name: "u", input: lifted, factors: [1, 2] });
  const deep = b.conv({
    layer: "conv",
    name: "conv",
    input: large,
    weights: { units: 4, kernel: [2, 3], data: integers(4 * 6 * 2), format: weights },
    groups: 2,
    strides: [1, 2],
    dilations: [2, 1],
    padding: { before: [1, 1], after: [0, 2] },
  });
  const spread = b.conv({
    layer: "spread",
    name: "spread",
    input: deep,
    weights: { units: 4, kernel: [2, 2], data: integers(4 * 4 * 4), format: weights },
    spread: [2, 1],
    padding: { before: [1, 0], after: [0, 1] },
    padMantissa: 2,
  });
  const rest = b.subtract({ layer: "rest", name: "rest", inputs: [spread, spread] });
  const flat = b.flatten({ layer: "f", name: "f", input: spread });
  const fc = b.dense({
    layer: "fc",
    name: "fc",
    input: flat,
    weights: {
      units: 3,
      data: integers(3 * elementsOf(b.values().find((v) => v.name === flat)!.shape)),
      format: weights,
    },
  });
  for (const name of [fc, rest]) b.output(name, name, "value");
  const program = b.build();

  const sizes = { x: 24, other: 4 };
  const sumsOf = (value: string, element: number, grown?: { input: string; i: number }): number => {
    const inputs = new Map(
      Object.entries(sizes).map(([name, size]) => [name, new Float64Array(size).fill(1)]),
    );
    if (grown) inputs.get(grown.input)![grown.i] = 2;
    return simulate(program, inputs, 1).values.get(value)![element]!;
  };
  const leaning = leaningSums(program);
  expect(leaning.map(({ name }) => name.replace(/\[.*/, ""))).toEqual(
    ["conv", "spread"].flatMap((layer) => [layer, layer, layer, layer]).concat(["fc", "fc", "fc"]),
  );
  for (const { name, slopes } of leaning) {
    const [layer, unit] = name.replace("]", "").split("[") as [string, string];
    const { shape } = valueNamed(program, layer);
    const middle = shape.slice(0, -1).reduce((at, size) => at * size + Math.floor(size / 2), 0);
    const element = middle * shape[shape.length - 1]! + Number(unit);
    const start = sumsOf(layer, element);
    for (const [input, size] of Object.entries(sizes))
      for (let i = 0; i < size; i++)
        expect(slopes.get(input)![i]! + 0, `${name} along ${input}[${i}]`).toBe(
          sumsOf(layer, element, { input, i }) - start,
        );
  }
});
