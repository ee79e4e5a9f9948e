// QKeras files made integers: the reader's grids through exact lowering, against the operators in doubles.
import { describe, expect, it } from "vitest";
import { readKeras } from "../../../../import/keras/read-keras.ts";
import { constantNamed, widthOf } from "../../../../program/program.ts";
import { createRandom } from "../../../../support/random.ts";
import { kerasArchive, type TestModel } from "../../import/keras-files.ts";
import { createDraws, inputLayer, tensorOf } from "../../import/random-keras.ts";
import { compareWithFormulas } from "./compare.ts";

const draws = createDraws(9);

const model: TestModel = {
  layers: [
    inputLayer([6, 6, 2]),
    { type: "QActivation", name: "q0", uses: [["image"]], config: { activation: "quantized_bits(6,1)" } },
    {
      type: "QConv2D",
      name: "c1",
      uses: [["q0"]],
      config: {
        filters: 3,
        kernel_size: [3, 3],
        strides: [1, 1],
        padding: "same",
        kernel_quantizer: "quantized_bits(4,0,alpha=1)",
        bias_quantizer: "quantized_bits(6,1,alpha=1)",
      },
      weights: [tensorOf(draws, "kernel", [3, 3, 2, 3]), tensorOf(draws, "bias", [3])],
    },
    { type: "QActivation", name: "q1", uses: [["c1"]], config: { activation: "quantized_relu(4,2)" } },
    {
      type: "MaxPooling2D",
      name: "p1",
      uses: [["q1"]],
      config: { pool_size: [2, 2], strides: [2, 2], padding: "valid" },
    },
    { type: "Flatten", name: "flat", uses: [["p1"]], config: {} },
    {
      type: "QDense",
      name: "d2",
      uses: [["flat"]],
      config: {
        units: 4,
        kernel_quantizer: "ternary(alpha=1)",
        bias_quantizer: "quantized_bits(5,1,alpha=1)",
      },
      weights: [tensorOf(draws, "kernel", [27, 4]), tensorOf(draws, "bias", [4])],
    },
  ],
  outputs: ["d2"],
};

describe("a QKeras model", () => {
  it("is integers that give what its layers give", () => {
    const imported = readKeras({ bytes: kerasArchive(model), name: "m.keras" }).model;
    const random = createRandom("qkeras");
    const samples = Array.from(
      { length: 40 },
      () => new Map([["image", Array.from({ length: 72 }, () => random.normal())]]),
    );
    const { lowered, compared, differences } = compareWithFormulas(imported, samples);
    expect(differences).toEqual([]);
    expect(compared).toBe(40 * 4);
    const { program, inputs } = lowered;
    expect(inputs).toMatchObject([{ name: "image", scale: Float64Array.of(1 / 16), statedBy: "file" }]);
    const widths = program.instructions.flatMap((i) =>
      i.op === "dense" || i.op === "conv" ? [widthOf(constantNamed(program, i.weights).format)] : [],
    );
    expect(widths).toEqual([4, 2]);
  });
});
