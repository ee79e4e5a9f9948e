// The language under the fuzzer: bytes and words of sound texts, and models put together from its words.

import { inspectProject } from "../../driver/inspect.ts";
import { checkBuildable } from "../../driver/preflight.ts";
import { DiagnosticError } from "../../support/diagnostics.ts";
import type { RandomStream } from "../../support/random.ts";
import { encodeUtf8 } from "../../support/text.ts";
import { compileText, fileWith, modelWith, networkText } from "../unit/dsl/model-text.ts";
import { changedText, damagedBytes, madeUpBytes, STRANGE_NAMES, STRANGE_NUMBERS } from "./damage.ts";
import { type FuzzReader, holds, once, pick } from "./fuzz-reader.ts";

const TEXTS = [
  fileWith({}),
  modelWith(`  input image: 6x6x2 as s4
  a = image -> c1: conv(4, kernel: 3x3, padding: same, stride: 2) -> batchnorm -> relu
  b = a -> d1: depthwise(kernel: 3x3, padding: [1, 1, 1, 1]) -> hardtanh -> p1: conv(4, kernel: 1x1)
  both = add(a, b) -> relu
  output kind = both -> avgpool(global) -> flatten -> fc: dense(3) -> argmax`),
  modelWith(`  input t: 16x8x3 as s8
  x = t -> c1: conv(4, kernel: 3, dilation: 2, groups: 1) -> leaky_relu(0.125) -> maxpool(2)
  y = x -> upsample(2) -> slice(rows: 0..3, channels: 0..1) -> pad(rows: [0, 1], columns: 1) -> reshape(60)
  output kind = y -> c2: dense(4) -> relu -> fc: dense(3) -> argmax`),
  modelWith(`  input x: 6 as u8
  h = x -> a: dense(4) { weight_alpha: group(3), weight_bits: 2..4, input_alpha: layer, input_bits: 1..2 bits, prune: off, pe: 2, simd: 3 }
  output y = h -> curve("x * sigmoid(x)") -> b: dense(3) -> argmax`),
  networkText(`  input a: 4 as u8
  input b: 4 as s8
  u = concat(a, a) -> f1: dense(4) -> relu
  v = b -> f2: dense(4) -> relu
  output first = multiply(u, v) -> g1: dense(2) -> argmax
  output second = subtract(u, v) -> g2: dense(3) -> argmax`),
  fileWith({
    model: 'model digits from "digits.onnx" {\n  input x as u8 { scale: 0.004 }\n  fc1 { weight_bits: 2 }\n}',
  }),
  fileWith({
    model:
      "model copy {\n  input frames: 8 as u8\n  output copy = frames -> fc1: dense(3) -> relu -> fc2: dense(8)\n}",
    data: 'data { train: npy("a.npy"), test: npy("b.npy"), validation: 20 % }',
    train:
      "train { objective: lossless(epsilon: 0.01), loss: mse, target: input, float: 3 epochs, noise: 4 epochs, rounding: 5 epochs, batch: 16 samples, learning_rate: 0.01, seed: 3 }",
    hardware: "hardware { clock: 100 MHz, interval: 64 cycles }",
  }),
].map(encodeUtf8);

/** Words, and pieces that belong together. */
const WORDS: readonly string[] = [
  ..."floor model data train hardware input output as from dense conv depthwise conv_transpose batchnorm relu relu6 hardtanh step sign flatten argmax maxpool avgpool global upsample slice transpose reshape pad concat add subtract multiply curve sigmoid tanh same valid kernel stride padding dilation groups weight_bits input_bits weight_alpha prune pe simd layer channel on off epochs samples cycles MHz kbitops Mbitops % px bits csv npy npz idx json labels label targets objective budget lossless loss mse cross_entropy u8 s8 u1 s16 bipolar clock interval seed".split(
    " ",
  ),
  ...'{ } ( ) [ ] , : -> = / - " # .. x'.split(" "),
  ...[
    "3x3",
    "1e999",
    "99999999999x99999999999",
    "0x0",
    '"((((((((((x"',
    '"x^x^x^x"',
    '"1/x"',
    "curve(",
    "dense(4294967296)",
  ],
  ...[
    "dense(1048576)",
    "conv(65536, kernel: 4096x4096)",
    "{".repeat(200),
    "(".repeat(200),
    "-> relu ".repeat(50),
  ],
  ...STRANGE_NAMES.filter((name) => name.length < 50),
];

const SIZES = [1, 2, 3, 4, 5, 7, 8, 12, 16, 32];

/** A model of stages that may or may not fit each other. */
function madeUpModel(random: RandomStream): Uint8Array {
  const size = (): number =>
    random.integer(0, 30) === 0 ? pick(random, STRANGE_NUMBERS) : pick(random, SIZES);
  const axes = random.integer(1, 3);
  const sizes = (count: number): string => Array.from({ length: count }, size).join("x");
  let layers = 0;
  const window = (): string => sizes(Math.max(1, axes - 1));
  const stage = (): string =>
    pick(random, [
      () => `l${++layers}: dense(${size()})`,
      () =>
        `l${++layers}: conv(${size()}, kernel: ${window()}${random.integer(0, 1) ? ", padding: same" : ""})`,
      () => `l${++layers}: conv(${size()}, kernel: ${window()}, stride: ${window()}, groups: ${size()})`,
      () => `l${++layers}: depthwise(kernel: ${window()})`,
      () => `l${++layers}: conv_transpose(${size()}, kernel: ${window()}, stride: ${window()})`,
      () => pick(random, ["relu", "hardtanh", "sign", "step", "batchnorm", "flatten", "relu6", "argmax"]),
      () => `maxpool(${window()})`,
      () => `avgpool(${window()}, stride: ${window()})`,
      () => `upsample(${window()})`,
      () => `slice(${pick(random, ["rows", "channels"])}: 0..${size()})`,
      () => `pad(${pick(random, ["rows", "columns"])}: ${size()})`,
      () => `transpose([columns, rows, channels])`,
      () => `reshape(${sizes(random.integer(1, 3))})`,
      () =>
        `curve("${pick(random, ["x", "1/x", "tanh(x)", "x^2", "exp(x)", "sqrt(abs(x))", "x^-x", "(((x)))"])}")`,
    ])();
  const names = ["v0"];
  const lines = [`  input v0: ${sizes(axes)} as ${pick(random, ["u", "s"])}${random.integer(0, 17)}`];
  for (let line = random.integer(1, 6); line > 0; line--) {
    const start =
      random.integer(0, 3) === 0
        ? `${pick(random, ["add", "subtract", "multiply", "concat"])}(${pick(random, names)}, ${pick(random, names)})`
        : pick(random, names);
    const stages = Array.from({ length: random.integer(1, 4) }, () => ` -> ${stage()}`).join("");
    const name = `v${names.length}`;
    lines.push(line === 1 ? `  output ${name} = ${start}${stages}` : `  ${name} = ${start}${stages}`);
    names.push(name);
  }
  return encodeUtf8(modelWith(lines.join("\n")));
}

/** A model that is sound but for what chance puts into it now and then. */
function plainModel(random: RandomStream): Uint8Array {
  const odd = (usual: string): string =>
    random.integer(0, 40) === 0 ? pick(random, [...WORDS, ...STRANGE_NUMBERS.map(String)]) : usual;
  const isImage = random.integer(0, 1) === 0;
  const width = pick(random, SIZES);
  let layers = 0;
  const activation = (): string =>
    odd(pick(random, ["relu", "batchnorm -> relu", "hardtanh", "sign", "step", "sigmoid"]));
  const layer = (): string => {
    const options = random.integer(0, 3) === 0 ? ` { weight_bits: ${odd("1..4")} }` : "";
    const call = isImage
      ? `conv(${odd(`${width}`)}, kernel: ${odd("3x3")}, padding: same)`
      : `dense(${odd(`${width}`)})`;
    return `l${++layers}: ${call}${options} -> ${activation()}`;
  };
  const lines = [
    `  input v0: ${odd(isImage ? `${4 + random.integer(0, 4)}x4x2` : `${pick(random, SIZES)}`)} as ${odd("u8")}`,
  ];
  lines.push(`  v1 = v0 -> ${layer()}`);
  const count = random.integer(1, 4);
  for (let i = 2; i <= count; i++) {
    const [a, b] = [random.integer(1, i - 1), random.integer(1, i - 1)].map((n) => `v${n}`);
    const start =
      random.integer(0, 2) === 0
        ? `${pick(random, ["add", "subtract", "concat", "multiply"])}(${a}, ${odd(b!)})`
        : a;
    lines.push(`  v${i} = ${start} -> ${layer()}`);
  }
  const used = Array.from({ length: count }, (_, i) => `v${i + 1}`).filter(
    (name) => !lines.some((line) => new RegExp(`(= |[(, ])${name}\\b(?! =)`).test(line)),
  );
  const joined = used.length === 1 ? used[0] : `add(${used.join(", ")})`;
  lines.push(
    `  output y = ${joined}${isImage ? " -> flatten" : ""} -> end: dense(${odd("3")}) -> ${odd("argmax")}`,
  );
  return encodeUtf8(modelWith(lines.join("\n")));
}

/** Elements and weights up to which a model is also lowered, scheduled and printed as C, as before a training. */
const SMALL = 2000;

export const LANGUAGE_READER: FuzzReader = {
  name: "language",
  share: 110,
  prepare: once(() => ({
    sound: TEXTS,
    kinds: [
      (random) => damagedBytes(pick(random, TEXTS), random),
      (random) => changedText(pick(random, TEXTS), WORDS, random),
      (random) => changedText(pick(random, TEXTS), WORDS, random),
      madeUpModel,
      plainModel,
      plainModel,
      (random) => changedText(plainModel(random), WORDS, random),
      (random) => madeUpBytes(pick(random, TEXTS), random),
    ],
  })),
  read(bytes) {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const { project, stated, diagnostics } = compileText(text, "fuzz.floor");
    const isWrong = diagnostics.some(({ severity }) => severity === "error");
    holds(
      isWrong === (project === undefined && stated === undefined),
      () => "neither a project nor an error, or both",
    );
    if (isWrong) throw new DiagnosticError(diagnostics);
    if (!project) return;
    const { totals, layers } = inspectProject(project);
    const elements = layers.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    if (elements + totals.parameters + totals.macs / 10 <= SMALL) checkBuildable(project);
  },
};
