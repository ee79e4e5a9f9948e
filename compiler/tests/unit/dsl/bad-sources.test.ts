// Every code of the language: which text gives it, and at which place. Each text has one mistake, so the table
// also shows that a mistake has no consequences in the report.
import { describe, expect, test } from "vitest";
import { graphMessages } from "../../../support/messages/graph.ts";
import { languageMessages } from "../../../support/messages/language.ts";
import { compileText, diagnose, fileWith, modelWith, SECTIONS } from "./model-text.ts";

// The first line of a body is line 3 of the file.
const inData = (body: string): string => fileWith({ data: `data {\n${body}\n}` });
const inTrain = (body: string): string =>
  fileWith({ train: `train {\n${body}\nobjective: budget(1 kbitops)\n}` });
/** A class at each position, or three values. */
const segmenting = (train: string, { beside = "labels", end = "-> argmax" } = {}): string =>
  fileWith({
    train: `train {\n${train}\n}`,
    model: `model m {\n input x: 4x4x1 as u8\n output y = x -> conv(3, 1) ${end}\n}`,
    data: `data { train: npy("a", ${beside}: "b"), test: npy("c", ${beside}: "d"), validation: 5 }`,
  });
const inHardware = (body: string): string => fileWith({ hardware: `hardware {\n${body}\n}` });
const inFlatTrain = (train: string, body: string): string =>
  fileWith({ model: `model m {\ninput x: 6 as u8\n${body}\n}`, train: `train { ${train} }` });
/** A regression of two values, with its data from line 3 on. */
const inTargets = (body: string): string =>
  fileWith({
    data: `data {\n${body}\n}`,
    train: "train { loss: mse }",
    model: "model m {\n input x: 6 as u8\n output y = x -> dense(2)\n}",
  });
const inCopy = (body: string): string =>
  fileWith({
    data: `data {\n${body}\n}`,
    train: "train { loss: mse, target: input }",
    model: "model m {\n input x: 6 as u8\n output y = x -> dense(6)\n}",
  });
const inCopyOf = (units: number): string =>
  fileWith({
    model: `model m {\n input x: 6 as u8\n output y = x -> dense(${units})\n}`,
    train: "train { loss: mse, target: input }",
    data: 'data { train: csv("a.csv"), test: csv("b.csv"), validation: 5 }',
  });
const inFlat = (body: string): string => modelWith(`input x: 6 as u8\n${body}`);
const inImage = (body: string): string => modelWith(`input x: 2x3x1 as u8\n${body}`);
const TARGETS_REST = 'test: npz("a.npz"), validation: 5';
const DATA_REST = 'test: csv("a.csv", label: "k"), validation: 5';
const GOOD = fileWith({});

type Case = readonly [expected: string, text: string];

const words: readonly Case[] = [
  ["4:16 language/unexpected-character", inFlat("output y = x   ; -> dense(2)")],
  ["4:1 language/unclosed-text", inData(`train: csv(\n"a.csv\n, label: "k") ${DATA_REST}`)],
  ["4:14 language/foreign-arrow", inFlat("output y = x => dense(2)")],
  ["4:14 language/foreign-arrow", inFlat("output y = x |> dense(2)")],
  ["4:14 language/foreign-arrow", inFlat("output y = x → dense(2)")],
  ["4:26 language/foreign-comment", inFlat("output y = x -> dense(2) // two")],
  ["3:12 language/single-quotes", inData(`train: csv('a.csv', label: "k") ${DATA_REST}`)],
  ["3:14 language/bad-escape", inData(`train: csv("a\\.csv", label: "k") ${DATA_REST}`)],
  ["4:17 language/empty-name", inFlat('output y = x -> "": dense(2)')],
  ["3:12 language/empty-text", inData(`train: csv("", label: "k") ${DATA_REST}`)],
  ["2:7 language/keyword-as-name", GOOD.replace("model digits", "model train")],
  ["3:7 language/keyword-as-name", modelWith('input data: 6 as u8\noutput y = "data" -> dense(2)')],
];

const syntax: readonly Case[] = [
  ["3:9 language/syntax", modelWith("input x 6 as u8\noutput y = x -> dense(2)")],
  ["3:10 language/syntax", modelWith("input x: as u8\noutput y = x -> dense(2)")],
  ["3:11 language/syntax", modelWith("input x: 6\noutput y = x -> dense(2)")],
  ["3:14 language/syntax", modelWith("input x: 6 as\noutput y = x -> dense(2)")],
  ["4:24 language/syntax", inFlat("output y = x -> dense(2")],
  ["4:16 language/syntax", inFlat("output y = x ->")],
  ["4:17 language/syntax", inFlat("output y = x -> 12")],
  ["4:12 language/syntax", inFlat("output y = -> dense(2)")],
  ["4:8 language/syntax", inFlat("output = x -> dense(2)")],
  ["4:10 language/syntax", inFlat("output y x -> dense(2)")],
  ["4:1 language/syntax", inFlat("-> dense(2)\noutput y = x -> dense(2)")],
  ["2:1 language/syntax", GOOD.replace("floor 1", "floor 1\nhello world")],
  ["3:7 language/syntax", inHardware("clock 100 MHz")],
  ["3:7 language/syntax", inHardware("clock:\ninterval: 5 cycles")],
  ["3:16 language/syntax", inHardware("clock: 100 MHz )")],
  ["2:6 language/syntax", fileWith({ data: SECTIONS.data.replace("{", "mnist {") })],
  ["2:7 language/syntax", GOOD.replace("model digits", "model")],
  ["3:8 language/unexpected-end", "floor 1\nhardware {\n clock:"],
  ["3:16 language/unexpected-end", "floor 1\nhardware {\n clock: 100 MHz\n\n"],
  [
    "2:64 language/too-deep",
    `floor 1\ntrain { objective: ${"[".repeat(60)}`.replace("objective: ", "objective:              "),
  ],
];

const sections: readonly Case[] = [
  ["1:1 language/empty-file", "\n# nothing\n"],
  ["language/not-text", "floor 1\0"],
  ["language/file-too-large", `floor 1 ${" ".repeat(200_000)}`],
  ["1:1 language/missing-version", GOOD.replace("floor 1\n", "")],
  ["1:7 language/unsupported-version", GOOD.replace("floor 1", "floor 2")],
  ["1:7 language/unsupported-version", GOOD.replace("floor 1", "floor 1.5")],
  ["2:1 language/unknown-section", GOOD.replace("floor 1", "floor 1\nhardwear { clock: 3 }")],
  ["2:1 language/unknown-section", GOOD.replace("floor 1", "floor 1\nconstructor { }")],
  [
    "3:1 language/duplicate-section",
    GOOD.replace("floor 1", "floor 1\nhardware { }\nhardware { }").replace(/hardware \{ clock.*/, ""),
  ],
  ["7:27 language/missing-section", GOOD.replace(/train \{.*\}\n/, "")],
];

const models: readonly Case[] = [
  ["2:1 language/no-input, 2:1 language/no-output", modelWith("")],
  ["2:1 language/no-output", modelWith("input x: 6 as u8")],
  ["4:7 language/unused-input", inFlat("input z: 6 as u8\noutput y = x -> dense(2)")],
  [
    "4:7 language/unused-input, 5:1 language/unused-value",
    inFlat("input z: 6 as u8\na = z -> dense(3)\noutput y = x -> dense(2)"),
  ],
  ["3:10 language/bad-size", modelWith("input x: 0 as u8\noutput y = x -> dense(2)")],
  ["3:10 language/bad-size", modelWith("input x: 28x0x1 as u8\noutput y = x -> flatten -> dense(2)")],
  ["3:10 language/bad-size", modelWith("input x: 2.5 as u8\noutput y = x -> dense(2)")],
  [
    "3:10 language/shape-too-large",
    modelWith("input x: 9999999999x9999 as u8\noutput y = x -> flatten -> dense(2)"),
  ],
  [
    "3:10 language/shape-too-large",
    modelWith("input x: 1x1x1x1x1 as u8\noutput y = x -> flatten -> dense(2)"),
  ],
  ["3:15 language/bad-type", modelWith("input x: 6 as i8\noutput y = x -> dense(2)")],
  ["3:15 language/bad-type", modelWith("input x: 6 as u17\noutput y = x -> dense(2)")],
  ["3:15 language/bad-type", modelWith("input x: 6 as s1\noutput y = x -> dense(2)")],
  ["3:20 language/unknown-key", modelWith("input x: 6 as u8 { fractoin: 3 }\noutput y = x -> dense(2)")],
  ["4:12 language/unknown-name", inFlat("output y = X1 -> dense(2)")],
  ["4:12 language/unknown-name", inFlat("output y = constructor -> dense(2)")],
  [
    "4:5 language/used-before-definition",
    inFlat("a = b -> dense(2)\nb = x -> dense(3) -> relu\noutput y = a"),
  ],
  ["4:5 language/used-before-definition", inFlat("a = a -> dense(2)\noutput y = a")],
  ["4:5 language/stage-as-value", inFlat("a = fc1 -> dense(2)\noutput y = a -> fc1: dense(2)")],
  ["5:17 language/duplicate-name", inFlat("a = x -> fc1: dense(3)\noutput y = a -> fc1: dense(2)")],
  ["4:1 language/duplicate-name", inFlat("x = x -> dense(3)\noutput y = x -> dense(2)")],
  ["4:17 language/unknown-stage", inFlat("output y = x -> conv2d(3, 3x3, stride: 2)")],
  ["4:17 language/unknown-stage", inFlat("output y = x -> dens(3)")],
  ["4:17 language/needs-flat", inImage("output y = x -> dense(2)")],
  ["4:8 language/no-dense", inImage("output y = x -> argmax")],
  ["4:17 language/needs-dense", inFlat("output y = x -> relu -> dense(2)")],
  ["4:37 language/needs-dense", inFlat("output y = x -> dense(3) -> relu -> relu -> dense(2)")],
  ["4:17 language/needs-dense", inFlat("output y = x -> sign -> dense(2)")],
  ["4:37 language/needs-dense", inFlat("output y = x -> dense(3) -> step -> hardtanh -> dense(2)")],
  ["4:17 language/needs-dense", inFlat("output y = x -> batchnorm -> dense(3) -> relu -> dense(2)")],
  ["4:37 language/needs-dense", inFlat("output y = x -> dense(3) -> relu -> batchnorm -> sign -> dense(2)")],
  ["4:42 language/batchnorm-without-activation", inFlat("output y = x -> dense(3) -> batchnorm -> dense(2)")],
  ["4:8 language/output-not-dense", inFlat("output y = x -> dense(3) -> batchnorm")],
  ["4:8 language/output-not-dense", inFlat("output y = x -> dense(3) -> batchnorm -> sign -> argmax")],
  ["4:46 language/wrong-kind", inFlat("output y = x -> dense(3) -> sign { gradient: 3 } -> dense(2)")],
  [
    "4:46 language/unknown-word",
    inFlat("output y = x -> dense(3) -> sign { gradient: gauss(1) } -> dense(2)"),
  ],
  ["4:46 language/missing-key", inFlat("output y = x -> dense(3) -> sign { gradient: normal } -> dense(2)")],
  [
    "4:53 language/out-of-range",
    inFlat("output y = x -> dense(3) -> step { gradient: normal(0) } -> dense(2)"),
  ],
  [
    "4:41 language/unknown-key",
    inFlat("output y = x -> dense(3) -> batchnorm { gradient: normal(1) } -> relu -> dense(2)"),
  ],
  ["4:28 language/unknown-key", inFlat("output y = x -> dense(2) { weight_alfa: layer }")],
  ["4:42 language/unknown-word", inFlat("output y = x -> dense(2) { weight_alpha: tensor }")],
  ["4:42 language/missing-key", inFlat("output y = x -> dense(2) { weight_alpha: group }")],
  ["4:48 language/out-of-range", inFlat("output y = x -> dense(2) { weight_alpha: group(0) }")],
  ["4:28 language/group-too-wide", inFlat("output y = x -> dense(2) { weight_alpha: group(7) }")],
  ["4:41 language/unknown-word", inFlat("output y = x -> dense(2) { input_alpha: group(2) }")],
  [
    "4:28 language/idle-weight-alpha",
    inFlat("output y = x -> dense(2) { weight_alpha: channel, weight_bits: 1 }"),
  ],
  [
    "4:28 language/idle-weight-alpha",
    inFlat("output y = x -> dense(2) { weight_alpha: group(3), weight_bits: 1 }"),
  ],
  [
    "4:28 language/idle-weight-alpha",
    inFlat("output y = x -> dense(2) { weight_alpha: group(3), weight_bits: 4 }"),
  ],
  ["4:28 language/input-alpha-of-input", inFlat("output y = x -> dense(2) { input_alpha: channel }")],
  [
    "4:39 language/input-alpha-of-input",
    inImage("output y = x -> flatten -> dense(2) { input_alpha: channel }"),
  ],
  ["4:40 language/unknown-word", inFlat("output y = x -> dense(2) { bias_alpha: none }")],
  ["4:41 language/out-of-range", inFlat("output y = x -> dense(2) { weight_bits: 9 }")],
  ["4:41 language/out-of-range", inFlat("output y = x -> dense(2) { weight_bits: 0..9 }")],
  ["4:41 language/empty-range", inFlat("output y = x -> dense(2) { weight_bits: 4..2 }")],
  ["4:41 language/wrong-unit", inFlat("output y = x -> dense(2) { weight_bits: 2..4 px }")],
  ["4:41 language/wrong-kind", inFlat("output y = x -> dense(2) { weight_bits: narrow }")],
  ["4:41 language/not-whole", inFlat("output y = x -> dense(2) { weight_bits: 1.5 }")],
  ["4:35 language/unknown-word", inFlat("output y = x -> dense(2) { prune: yes }")],
  ["4:23 language/wrong-kind", inFlat("output y = x -> dense(2..3)")],
  ["4:28 language/unfit-bits", modelWith("input x: 6 as s8\noutput y = x -> dense(2) { input_bits: 1..4 }")],
  ["4:40 language/unfit-bits", inFlat("output y = x -> dense(3) -> dense(2) { input_bits: 1 }")],
  ["4:52 language/unfit-bits", inFlat("output y = x -> dense(3) -> hardtanh -> dense(2) { input_bits: 1 }")],
  ["4:48 language/unfit-bits", inFlat("output y = x -> dense(3) -> sign -> dense(2) { input_bits: 2 }")],
  ["4:48 language/unfit-bits", inFlat("output y = x -> dense(3) -> step -> dense(2) { input_bits: 1..2 }")],
  [
    "4:80 language/unfit-bits",
    inFlat(
      "output y = x -> dense(3) { weight_bits: 1 } -> batchnorm -> relu -> dense(2) { input_bits: 2..5 }",
    ),
  ],
  ["4:39 language/after-argmax", inFlat("output y = x -> dense(3) -> argmax -> dense(2)")],
  ["4:8 language/output-not-dense", inFlat("output y = x -> dense(3) -> relu")],
  ["4:8 language/output-not-dense", inFlat("output y = x -> dense(3) -> relu -> argmax")],
  ["4:8 language/no-dense", inImage("output y = x -> flatten")],
  ["4:8 language/no-dense", inFlat("output y = x")],
  ["4:17 language/too-few-classes", inFlat("output y = x -> dense(1)")],
  ["4:23 language/out-of-range", inFlat("output y = x -> dense(0)")],
  ["4:23 language/out-of-range", inFlat("output y = x -> dense(1e400)")],
  ["4:23 language/out-of-range", inFlat("output y = x -> dense(-3)")],
  ["4:23 language/not-whole", inFlat("output y = x -> dense(2.5)")],
  ["4:23 language/wrong-kind", inFlat("output y = x -> dense(2x3)")],
  ["4:23 language/wrong-kind", inFlat('output y = x -> dense("2")')],
  ["4:26 language/surplus-argument", inFlat("output y = x -> dense(2, 3)")],
  ["4:26 language/unknown-key", inFlat("output y = x -> dense(2, bias: none)")],
  ["4:26 language/duplicate-key", inFlat("output y = x -> dense(2, units: 2)")],
  ["4:17 language/missing-key", inFlat("output y = x -> dense")],
  ["4:17 language/missing-key", inFlat("output y = x -> dense()")],
  ["4:34 language/surplus-argument", inFlat("output y = x -> dense(3) -> relu(0.1) -> dense(2)")],
  ["4:28 language/folding-too-wide", inFlat("output y = x -> dense(2) { pe: 3, simd: 2 }")],
  ["4:35 language/folding-too-wide", inFlat("output y = x -> dense(2) { pe: 2, simd: 7 }")],
  ["4:28 language/half-folding", inFlat("output y = x -> dense(2) { pe: 2 }")],
  ["4:28 language/unknown-key", inFlat("output y = x -> dense(2) { ep: 2, simd: 2 }")],
  ["4:45 language/unknown-key", inFlat("output y = x -> dense(3) -> argmax        { pe: 2 }")],
  ["4:1 language/unused-value", inFlat("a = x -> dense(3)\noutput y = x -> dense(2)")],
  ["4:17 language/idle-flatten", inFlat("output y = x -> flatten -> dense(2)")],
  [
    "4:49 graph/too-many-weights",
    modelWith("input x: 1024x1024x1 as u8\noutput y = x ->             flatten ->          dense(60000)"),
  ],
];

/** A model of an image of 8 x 6 with 4 channels; its body begins in line 4. */
const inPicture = (body: string): string => modelWith(`input x: 8x6x4 as u8\n${body}`);
/** A stage of that image in line 4, column 10, and an output. */
const staged = (stage: string): string => inPicture(`a = x -> ${stage}\noutput y = a -> flatten -> dense(2)`);
/** A join in line 6, column 5, of that image with the image z and the sequence s. */
const joined = (join: string): string =>
  inPicture(
    `input z: 8x6x2 as u8\ninput s: 8x4 as u8\na = ${join}\nb = add(s -> flatten -> dense(3), z -> flatten -> dense(3))\noutput y = add(a -> flatten -> dense(3), b)`,
  ).replace(SECTIONS.data, 'data { train: npz("a"), test: npz("b"), validation: 10 }');
const bipolar = (rest: string): string =>
  inPicture(`b = x -> conv(4, kernel: 1) -> sign\na = b -> ${rest}\noutput y = a -> flatten -> dense(2)`);

const windows: readonly Case[] = [
  ["4:10 graph/wrong-rank", inFlat("a = x -> conv(2, kernel: 3)\noutput y = a")],
  ["4:10 graph/wrong-rank", inFlat("a = x -> maxpool(2)\noutput y = a -> dense(2)")],
  ["4:10 graph/wrong-rank", inFlat("a = x -> upsample(2)\noutput y = a -> dense(2)")],
  ["4:10 graph/wrong-rank", inFlat("a = x -> avgpool(global)\noutput y = a -> dense(2)")],
  ["4:10 graph/wrong-rank", inFlat("a = x -> depthwise(3)\noutput y = a -> dense(2)")],
  ["4:18 graph/attribute-rank", staged("conv(2, kernel: 3x3x3)")],
  ["4:18 graph/kernel-too-large", staged("conv(2, kernel: 7)")],
  ["4:18 graph/kernel-too-large", staged("conv(2, kernel: 3, dilation: 3)")],
  ["4:18 graph/kernel-too-large", staged("maxpool(window: 9x1)")],
  ["4:29 graph/attribute-rank", staged("conv(2, kernel: 3, stride: 2x2x1)")],
  ["4:29 graph/bad-groups", staged("conv(6, kernel: 3, groups: 3)")],
  ["4:29 graph/bad-groups, 4:29 graph/bad-groups", staged("conv(4, kernel: 3, groups: 3)")],
  ["4:29 language/padding-sides", staged("conv(4, kernel: 3, padding: [1, 1])")],
  ["4:38 language/out-of-range", staged("conv(4, kernel: 3, padding: -1)")],
  ["4:38 language/unknown-word", staged("conv(4, kernel: 3, padding: full)")],
  ["4:38 language/wrong-kind", staged('conv(4, kernel: 3, padding: "same")')],
  ["4:10 language/missing-key", staged("conv(4)")],
  ["4:15 language/unknown-key", staged("conv(kernal: 3, units: 4)")],
  ["4:26 language/wrong-kind", staged("conv(2, kernel: [3, 3])")],
  ["4:26 language/out-of-range", staged("conv(2, kernel: 3x0)")],
  ["4:10 language/unknown-stage", staged("conv2(2, kernel: 3)")],
  ["4:38 language/folding-too-wide", staged("conv(2, kernel: 3) { pe: 1, simd: 37 }")],
  ["4:31 language/unknown-key", staged("conv(2, kernel: 3) { weight_bit: 2 }")],
  ["4:21 graph/padding-too-wide", staged("maxpool(2, padding: 2)")],
  ["4:39 graph/padding-too-wide", staged("conv_transpose(4, kernel: 2, padding: 2)")],
  ["5:10 language/bipolar-operand", bipolar("avgpool(2)")],
  ["5:10 language/bipolar-operand", bipolar("conv(2, kernel: 3, padding: same)")],
  ["5:10 language/bipolar-operand", bipolar("depthwise(3, padding: 1)")],
  ["5:10 language/bipolar-operand", bipolar("conv_transpose(2, kernel: 2, stride: 2)")],
  ["5:10 language/bipolar-operand", bipolar("pad(rows: 1)")],
  ["4:10 graph/too-large", staged("upsample(256x256)")],
  [
    "4:45 language/batchnorm-without-activation",
    staged("conv(2, kernel: 1) -> batchnorm -> conv(2, kernel: 1)"),
  ],
  ["4:24 language/needs-dense", staged("maxpool(2) -> relu6")],
  ["4:10 language/needs-dense", staged("sigmoid")],
  ["4:43 language/out-of-range", staged("conv(2, kernel: 1) -> leaky_relu(0)")],
  ["4:32 language/missing-key", staged("conv(2, kernel: 1) -> curve")],
  ["4:38 language/wrong-kind", staged("conv(2, kernel: 1) -> curve(x)")],
  ["4:43 language/bad-formula", staged('conv(2, kernel: 1) -> curve("x * y")')],
  ["4:38 language/formula-undefined", staged('conv(2, kernel: 1) -> curve("log(x)")')],
];

const moves: readonly Case[] = [
  ["4:16 graph/slice-outside", staged("slice(rows: 0..8)")],
  ["4:16 language/absent-axis", staged("slice(positions: 0..3)")],
  ["4:22 language/empty-range", staged("slice(rows: 3..2)")],
  ["4:10 language/missing-key", staged("slice()")],
  ["4:16 language/unknown-key", staged("slice(row: 1..2)")],
  ["4:20 language/wrong-kind", staged("pad(rows: [1, 2, 3])")],
  ["4:10 language/missing-key", staged("pad(value: 3)")],
  ["4:18 graph/reshape-elements", staged("reshape(8x6x5)")],
  ["4:18 language/wrong-kind", staged("reshape([8, 24])")],
  ["4:20 graph/bad-permutation", staged("transpose([rows, rows, channels])")],
  ["4:20 graph/bad-permutation", staged("transpose([rows, columns])")],
  ["4:20 language/absent-axis", staged("transpose([positions, rows, columns])")],
  ["4:21 language/unknown-word", staged("transpose([row, columns, channels])")],
  ["4:19 graph/attribute-rank", staged("upsample(2x2x2)")],
];

const joins: readonly Case[] = [
  ["6:5 graph/unlike-shapes", joined("add(x, z)")],
  ["6:5 graph/unlike-shapes", joined("subtract(x, s)")],
  ["6:5 graph/unlike-shapes", joined("multiply(z -> avgpool(global), z)")],
  ["6:5 graph/operand-count", joined("add(x)")],
  ["6:5 graph/operand-count", joined("multiply(x, x, x)")],
  ["6:5 graph/operand-count", joined("concat(x)")],
  ["6:5 graph/operand-count", joined("add()")],
  ["6:5 graph/concat-shapes", joined("concat(x, s)")],
  ["6:5 graph/concat-shapes", joined("concat(x, z, axis: rows)")],
  ["6:18 language/absent-axis", joined("concat(x, z, axis: positions)")],
  ["6:24 language/unknown-word", joined("concat(x, z, axis: row)")],
  ["6:18 language/unknown-key", joined("concat(x, z, axes: rows)")],
  ["6:15 language/unknown-key", joined("add(x, x, axis: rows)")],
  ["6:5 language/unknown-join", joined("ad(x, x)")],
  ["6:5 language/unknown-join", joined("sum(x, x)")],
  ["6:5 language/stage-as-join", joined("flatten(x)")],
  ["6:10 language/join-as-stage", joined("x -> add(x)")],
  ["6:12 language/unknown-name", joined("add(x, zz)")],
  ["6:9 language/syntax", joined("add(3, x)")],
  ["6:24 language/syntax", joined("add(x, x -> flatten")],
  ["6:18 language/unknown-key", joined("add(x, x)  { pe: 2 }")],
  ["6:5 language/bipolar-operand", joined("add(x, x -> conv(4, kernel: 1) -> sign)")],
  ["6:5 language/bipolar-operand", joined("concat(x, x -> conv(4, kernel: 1) -> sign)")],
  ["6:5 language/after-argmax", joined("add(x, x -> conv(4, kernel: 1) -> argmax)")],
];

const settings: readonly Case[] = [
  ["2:1 language/missing-key", inData(DATA_REST)],
  ["3:8 language/missing-key", inData(`train: csv("a.csv") ${DATA_REST}`)],
  ["3:8 language/missing-key", inData(`train: idx("a") ${DATA_REST}`)],
  ["3:8 language/unknown-word", inData(`train: cvs("a.csv", label: "k") ${DATA_REST}`)],
  ["3:21 language/unknown-key", inData(`train: csv("a.csv", lable: "k") ${DATA_REST}`)],
  ["3:8 language/wrong-kind", inData(`train: "a.csv" ${DATA_REST}`)],
  ["3:12 language/wrong-kind", inData(`train: csv(a, label: "k") ${DATA_REST}`)],
  ["3:43 language/wrong-kind", inData(`train: csv("a.csv", label: "k", features: "q") ${DATA_REST}`)],
  ["3:43 language/wrong-kind", inData(`train: csv("a.csv", label: "k", features: []) ${DATA_REST}`)],
  ["3:44 language/wrong-kind", inData(`train: csv("a.csv", label: "k", features: [3]) ${DATA_REST}`)],
  ["3:12 data/missing-file", inData(`train: csv("missing-a.csv", label: "k") ${DATA_REST}`)],
  ["3:25 data/missing-file", inData(`train: idx("a", labels: "missing-b") ${DATA_REST}`)],
  ["3:12 data/missing-package", inData(`train: csv("npm:absent-data/a.csv", label: "k") ${DATA_REST}`)],
  ["3:12 data/missing-file", inData(`train: npy("missing-{class}") ${DATA_REST}`)],
  ["3:23 data/class-path", inData(`train: npy("{class}", labels: "b") ${DATA_REST}`)],
  ["3:8 data/class-path", inTargets(`train: npy("{class}") ${TARGETS_REST}`)],
  ["3:8 data/class-path", inCopy('train: npy("{class}"), test: npy("b"), validation: 5')],
  ["3:12 data/bad-path", inData(`train: csv("bad-a", label: "k") ${DATA_REST}`)],
  ["3:1 language/unknown-key", inTrain("epoch: 3")],
  ["3:1 language/unknown-key", inTrain("toString: 3")],
  ["4:1 language/duplicate-key", inTrain("seed: 3\nseed: 4")],
  ["3:8 language/wrong-unit", inTrain("float: 3 samples")],
  ["3:8 language/wrong-unit", inTrain("batch: 3 %")],
  ["3:7 language/wrong-unit", inTrain("seed: 3 epochs")],
  ["3:7 language/not-whole", inTrain("seed: 1.5")],
  ["3:7 language/out-of-range", inTrain("seed: -1")],
  ["3:8 language/out-of-range", inTrain("noise: 0")],
  ["3:8 language/out-of-range", inTrain("batch: 0")],
  ["3:16 language/out-of-range", inTrain("learning_rate: 0")],
  ["3:10 language/unknown-word", inTrain("augment: rotate(3)")],
  ["3:10 language/missing-key", inTrain("augment: flip")],
  ["3:15 language/unknown-word", inTrain("augment: flip(sideways)")],
  ["3:16 language/out-of-range", inTrain("augment: noise(0)")],
  ["3:10 language/wrong-kind", inTrain("augment: []")],
  ["3:11 language/unknown-word", inTrain("augment: [none]")],
  ["3:24 language/duplicate-key", inTrain("augment: [shift(1 px), shift(2 px)]")],
  ["3:16 language/missing-unit", inTrain("augment: shift(1)")],
  ["3:16 language/unknown-unit", inTrain("augment: shift(1 pixel)")],
  ["3:10 language/shift-too-far", inTrain("augment: shift(4 px)")],
  ["3:23 language/shift-too-far", inTrain("augment: [noise(0.1), shift(4 px)]")],
  ["3:11 language/positions-not-moved", segmenting("augment: [shift(1 px), flip(vertical), noise(0.1)]")],
  [
    "3:10 language/positions-not-moved",
    segmenting("augment: flip(vertical)", { end: "-> maxpool(2) -> argmax" }),
  ],
  [
    "3:10 language/positions-not-moved",
    segmenting("augment: flip(horizontal), loss: mse", { beside: "targets", end: "" }),
  ],
  [
    "3:10 language/needs-image, 3:33 language/needs-image",
    fileWith({
      train: "train {\naugment:[shift(1 px), noise(1), flip(vertical)]\nobjective: budget(1 kbitops) }",
      model: "model m {\n input x: 6 as u8\n output y = x -> dense(2)\n}",
    }),
  ],
  ["2:29 language/unknown-key", fileWith({ train: "train { objective: lossless(tolerance: 0.2 %) }" })],
  ["2:29 language/wrong-unit", fileWith({ train: "train { objective: lossless(2 %) }" })],
  ["2:29 language/out-of-range", fileWith({ train: "train { objective: lossless(0) }" })],
  ["2:20 language/unknown-word", fileWith({ train: "train { objective: smallest }" })],
  ["2:34 language/wrong-unit", fileWith({ train: "train { objective: budget(ebops: 3 bitops) }" })],
  ["2:36 language/missing-unit", fileWith({ train: "train { objective: budget(weights: 60) }" })],
  ["2:33 language/unknown-unit", fileWith({ train: "train { objective: budget(luts: 5 LUT) }" })],
  ["2:33 language/out-of-range", fileWith({ train: "train { objective: budget(mean: 0.5 bits) }" })],
  ["2:27 language/unknown-key", fileWith({ train: "train { objective: budget(lut: 5 luts) }" })],
  ["2:20 language/missing-key", fileWith({ train: "train { objective: budget() }" })],
  ["2:27 language/missing-unit", fileWith({ train: "train { objective: budget(210000) }" })],
  ["2:27 language/wrong-unit", fileWith({ train: "train { objective: budget(210 kbits) }" })],
  ["2:27 language/out-of-range", fileWith({ train: "train { objective: budget(0 bitops) }" })],
  ["2:20 language/missing-key", fileWith({ train: "train { objective: budget }" })],
  ["3:7 language/unknown-word", inTrain("loss: cross_entropi")],
  ["3:32 language/out-of-range", inTrain("loss: cross_entropy(smoothing: 1)")],
  ["3:30 language/wrong-kind", inTrain("loss: cross_entropy(weights: 2)")],
  ["3:31 language/out-of-range", inTrain("loss: cross_entropy(weights: [0, 1, 1])")],
  ["3:21 language/weight-count", inTrain("loss: cross_entropy(weights: [2, 1])")],
  [
    "6:21 language/out-of-range, 6:24 language/unknown-key",
    inFlatTrain("loss: huber(0, wights: [1])", "output y = x -> dense(2)")
      .replaceAll('"kind"', '["a", "b"]')
      .replaceAll("label", "targets"),
  ],
  ["3:9 language/unknown-word", inTrain("target: labels")],
  ["3:1 language/unknown-key", inTrain("targets: data")],
  ["3:12 language/unknown-word", inTrain("optimizer: rmsprop")],
  ["3:17 language/surplus-argument", inTrain("optimizer: adam(0.9)")],
  ["3:26 language/out-of-range", inTrain("optimizer: sgd(momentum: 1)")],
  ["3:15 language/out-of-range", inTrain("weight_decay: 2")],
  ["3:11 language/unknown-word", inTrain("schedule: linear")],
  ["3:11 language/missing-key", inTrain("schedule: step")],
  ["3:16 language/wrong-unit", inTrain("schedule: step(3 px)")],
  ["3:11 language/out-of-range", inTrain("patience: 0 epochs")],
  ["3:12 language/unknown-word", inTrain("normalize: layer")],
  ["3:9 language/unknown-word", inTrain("search: exact")],
  ["3:11 language/missing-key", inTrain("gradient: ewgs")],
  ["3:15 language/unknown-word", inTrain("distillation: both")],
  ["3:15 language/missing-key", inTrain("distillation: distill")],
  ["3:23 language/out-of-range", inTrain("distillation: distill(2)")],
  ["6:9 language/input-without-classes", inFlatTrain("target: input", "output y = x -> dense(6)")],
  [
    "7:9 language/argmax-of-values",
    inFlatTrain("loss: mse", "output y = x -> dense(2) -> argmax\n").replace(
      /label: "kind"/g,
      'targets: ["a", "b"]',
    ),
  ],
  ["4:18 language/units-unlike-input", inCopyOf(5)],
  ["4:17 language/too-few-classes", inFlatTrain("", "output y = x -> dense(1)")],
  ["3:8 language/missing-key", inTargets(`train: csv("a.csv") ${TARGETS_REST}`)],
  ["3:8 language/missing-key", inTargets(`train: npy("a.npy") ${TARGETS_REST}`)],
  ["3:8 language/unfit-data", inTargets(`train: idx("a") ${TARGETS_REST}`)],
  ["3:17 language/unfit-data", inTargets(`train: idx("a", labels: "b") ${TARGETS_REST}`)],
  ["3:21 language/unfit-data", inTargets(`train: csv("a.csv", label: "k") ${TARGETS_REST}`)],
  ["3:21 language/target-count", inTargets(`train: csv("a.csv", targets: ["k"]) ${TARGETS_REST}`)],
  ["3:21 language/unknown-key", inTargets(`train: csv("a.csv", target: ["k", "l"]) ${TARGETS_REST}`)],
  ["3:21 language/unfit-data", inCopy(`train: npy("a.npy", labels: "b") test: npy("a.npy"), validation: 5`)],
  ["3:21 language/unfit-data", inCopy(`train: npy("a.npy", targets: "b") test: npy("a.npy"), validation: 5`)],
  ["3:21 language/unfit-data", inData(`train: csv("a.csv", targets: ["k"]) ${DATA_REST}`)],
  ["3:21 language/unfit-data", inData(`train: npz("a.npz", targets: "k") ${DATA_REST}`)],
  ["3:33 language/conflicting-keys", inData(`train: csv("a.csv", label: "k", targets: ["l"]) ${DATA_REST}`)],
  ["3:33 language/conflicting-keys", inData(`train: json("a.json", first: 3, last: 4) ${DATA_REST}`)],
  ["3:39 language/unknown-word", inData(`train: json("a.json", skip_malformed: maybe) ${DATA_REST}`)],
  ["3:30 language/out-of-range", inData(`train: json("a.json", first: 0) ${DATA_REST}`)],
  ["3:33 language/unknown-key", inData(`train: csv("a.csv", label: "k", first: 3) ${DATA_REST}`)],
  ["3:8 language/missing-unit", inHardware("clock: 100")],
  ["3:8 language/unknown-unit", inHardware("clock: 100 Mhz")],
  ["3:8 language/wrong-unit", inHardware("clock: 10 ns")],
  ["3:8 language/out-of-range", inHardware("clock: 0 MHz")],
  ["3:11 language/wrong-unit", inHardware("interval: 100 MHz")],
  ["3:11 language/missing-unit", inHardware("interval: 784")],
  ["3:11 language/not-whole", inHardware("interval: 1.5 cycles")],
  ["3:13 language/wrong-kind", inHardware("multiplier: 25x18x3")],
  ["3:13 language/out-of-range", inHardware("multiplier: 25x100")],
  ["3:1 language/unknown-key", inHardware("intervall: 100 cycles")],
  ["3:10 language/unknown-word", inHardware("outputs: clas")],
  ["3:15 language/surplus-argument", inHardware("outputs: both(3)")],
  [
    "2:12 language/class-without-argmax",
    fileWith({
      hardware: "hardware { outputs: class }",
      model: "model m {\n input x: 6 as u8\n output y = x -> dense(2)\n}",
    }),
  ],
];

/** Two inputs, a class and two values; the data and train sections from lines 7 and 8 on. */
const inPorts = (data: string, train = "loss: { kind: cross_entropy, place: mse }"): string =>
  fileWith({
    model:
      "model m {\ninput a: 4 as u8\ninput b: 4 as u8\noutput kind = add(a, b) -> dense(3) -> argmax\noutput place = add(a, b) -> dense(2)\n}",
    data: `data { ${data}, validation: 9 }`,
    train: `train { ${train} }`,
  });
const NPZ = 'train: npz("a.npz"), test: npz("b.npz")';
const inBlock = (block: string): string => inPorts(`train: { ${block} }, test: npz("b.npz")`);
const ABKIND = 'a: npy("a"), b: npy("b"), kind: npy("k")';

const ports: readonly Case[] = [
  [
    "8:15 language/needs-ports, 8:47 language/needs-ports",
    inPorts('train: csv("a.csv", label: "k"), test: csv("a.csv", label: "k")'),
  ],
  ["8:15 language/needs-ports", inPorts('train: npz("a.npz", inputs: "x"), test: npz("b.npz")')],
  ["8:15 language/missing-key", inBlock(ABKIND)],
  ["8:59 language/unknown-key", inBlock(`${ABKIND}, plase: npy("p")`)],
  ["8:59 language/duplicate-key", inBlock(`${ABKIND}, a: npy("p"), place: npy("p")`)],
  ["8:66 language/unknown-word", inBlock(`${ABKIND}, place: nyp("p")`)],
  ["8:66 language/wrong-kind", inBlock(`${ABKIND}, place: "p"`)],
  ["8:75 language/unknown-key", inBlock(`${ABKIND}, place: npy("p", label: "x")`)],
  ["8:70 data/missing-file", inBlock(`${ABKIND}, place: npy("missing-p")`)],
  ["8:59 language/syntax", inBlock(`${ABKIND}, 3: npy("p")`)],
  ["8:65 language/syntax", inBlock(`${ABKIND}, place npy("p")`)],
  ["8:66 data/class-path", inBlock(`${ABKIND}, place: npy("{class}")`)],
  ["8:75 language/target-count", inBlock(`${ABKIND}, place: csv("p", columns: "x")`)],
  [
    "8:57 language/one-column",
    inBlock('a: npy("a"), b: npy("b"), kind: csv("k", ["x", "y"]), place: npy("p")').replace(
      "kind: csv",
      "kind:csv",
    ),
  ],
  ["9:9 language/missing-key", inPorts(NPZ, "loss: { kind: cross_entropy }")],
  ["9:38 language/unknown-key", inPorts(NPZ, "loss: { kind: cross_entropy, plaec: mse }")],
  ["9:42 language/argmax-of-values", inPorts(NPZ, "loss: { place: mse(weight: 0.5), kind: mse }")],
  ["9:36 language/out-of-range", inPorts(NPZ, "loss: { place: mse(weight: 0), kind: cross_entropy }")],
  [
    "10:20 language/outputs-unlike-inputs",
    inPorts(NPZ, "loss: mse, target: input")
      .replace("dense(3) -> argmax\n", "dense(4)\noutput more = add(b, a) -> dense(4)\n")
      .replace("dense(2)", "dense(4)"),
  ],
  [
    "4:7 language/unlike-splits",
    inData('train: { image: npy("x"), digit: npy("y") },\ntest: npy("x", labels: "y"), validation: 5'),
  ],
];

/** A model of a file with conv1, fc1 and fc2; its section begins on line 2. */
const inImport = (body: string, rest: string): string =>
  `floor 1\nmodel digits from "digits.onnx" {\n${body}\n}\n${rest}`;
const someData = 'data { train: npz("digits.npz"), test: 20 %, validation: 20 % }';
const unlabelled = 'data { train: npy("x.npy"), test: 20 %, validation: 20 % }';

const imports: readonly Case[] = [
  ["3:1 language/unknown-layer", inImport("fc3 { weight_bits: 2 }", someData)],
  ["3:7 language/unknown-layer", inImport("input y as s8", someData)],
  ["3:1 language/stage-in-import", inImport("output y = x -> dense(3)", someData)],
  ["3:11 language/bad-input-range", inImport("input x { range: [1, -1] }", someData)],
  [
    "6:24 language/float-without-classes",
    inImport("", `${unlabelled}\ntrain { target: float, loss: cross_entropy }`),
  ],
  [
    "6:33 language/augmented-float",
    inImport("", `${unlabelled}\ntrain { target: float, augment: shift(1 px) }`),
  ],
];

const GROUPS = { words, syntax, sections, models, windows, moves, joins, settings, ports, imports };

describe.each(Object.entries(GROUPS))("%s", (_, cases) => {
  test.each(cases)("%s %#", (expected, text) => {
    const { diagnostics } = compileText(text);
    expect(diagnose(text).join(", ")).toBe(expected);
    for (const { message, hint } of diagnostics) {
      expect(message).not.toBe("");
      expect(hint).not.toBe("");
      expect(hint).toBeDefined();
    }
  });
});

test("every code of the language is in the table", () => {
  const covered = new Set(
    Object.values(GROUPS)
      .flat()
      .flatMap(([expected]) => expected.split(/[ ,]+/)),
  );
  const codes = [...Object.keys(languageMessages), ...Object.keys(graphMessages)];
  const missing = codes.filter((code) => !covered.has(code));
  // Tests of their own: the first takes many mistakes, the language does not read the second from a text.
  expect(missing).toEqual(["language/too-many-errors", "graph/bad-attribute"]);
});
