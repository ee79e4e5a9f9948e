// A dense layer as a C function. In: the instruction with its formats. Out: how weights and inputs lie in memory, the
// kernel that multiplies them, and the function's text.
import { provedRange } from "../program/bounds.ts";
import { constantNamed, type DenseInstruction, valueNamed } from "../program/program.ts";
import { renderTemplate } from "../render/render.ts";
import { commentText } from "../support/comment-text.ts";
import { type Range, widthOfRange } from "../support/fixed-point.ts";
import { packBits, storeWeights, WORD_BITS } from "./packing.ts";
import type { ConstantPlan } from "./plan.ts";
import {
  claim,
  hexLines,
  numbersConstant,
  rangeText,
  rowLines,
  type Stage,
  type StageContext,
  typeOfValue,
} from "./stage-parts.ts";
import { accumulatorType, type CType, INT8 } from "./types.ts";

/** Plans a dense layer; its sums are exact because every partial sum stays within the proved range. */
export function planDense(context: StageContext, instruction: DenseInstruction): Stage {
  const { program } = context;
  const input = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  const weights = constantNamed(program, instruction.weights);
  const bias = instruction.bias === null ? null : constantNamed(program, instruction.bias);
  const [units, inputs] = weights.shape as [number, number];
  const sums = provedRange(program, result.name);
  const range = provedRange(program, input.name);
  const signed = range.min < 0;
  const bits = widthOfRange(range, signed);
  const bipolarInput = input.format.kind === "bipolar";
  const planes = weights.format.kind === "bipolar" && !bipolarInput;
  const layer: DenseLayer = {
    context,
    name: instruction.layer,
    data: weights.data,
    units,
    inputs,
    type: typeOfValue(program, input),
    bits,
    signed,
    accumulator: accumulatorType(planes ? unionOf(sums, planesRange(inputs, bits, signed)) : sums),
  };
  const product =
    weights.format.kind === "bipolar"
      ? bipolarInput
        ? xnorProduct(layer)
        : planesProduct(layer)
      : bipolarInput
        ? signsProduct(layer)
        : integerProduct(layer);
  const constants = [product.weights];
  const comment = commentText(instruction.layer);
  let biasElement = "0";
  if (bias) {
    const name = claim(context, instruction.layer, "bias");
    constants.push(
      numbersConstant(name, bias.data, `${comment}: bias [${units}], in units of the accumulator`),
    );
    biasElement = `${name}[o]`;
  }
  const resultType = typeOfValue(program, result);
  return {
    name: claim(context, instruction.layer, "dense"),
    comment: [
      `${comment}: ${inputs} inputs, ${units} sums of products${bias ? " and bias" : ""}.`,
      `No partial sum leaves ${rangeText(sums)} for inputs ` +
        (bipolarInput ? "of -1 and +1." : `within ${rangeText(range)}.`),
    ],
    body: renderTemplate("c/stage-dense", {
      ...product,
      weights: product.weights.name,
      units,
      inputs,
      bias: biasElement,
      // Conversions that lose nothing are left to the compiler.
      cast: resultType === layer.accumulator ? "" : `(${resultType.name})`,
    }),
    constants,
    accumulator: layer.accumulator,
  };
}

interface DenseLayer {
  readonly context: StageContext;
  /** The user's layer. */
  readonly name: string;
  /** Weights [units, inputs]. */
  readonly data: readonly number[];
  readonly units: number;
  readonly inputs: number;
  /** Type, width and sign of an input element. */
  readonly type: CType;
  readonly bits: number;
  readonly signed: boolean;
  readonly accumulator: CType;
}

/** kernel(operand, row of weights, inputs, options, bias), after the preparations. */
interface Product {
  readonly weights: ConstantPlan;
  /** Elements of one row of weights. */
  readonly rowSize: number;
  readonly kernel: string;
  readonly operand: string;
  /** Further arguments, each after a comma. */
  readonly options: string;
  /** Declarations of local variables. */
  readonly locals: readonly string[];
  /** Statements before the loop over the units. */
  readonly preparations: readonly string[];
}

/** Integer weights by integers: plain, or packed below 8 bits. */
function integerProduct(layer: DenseLayer): Product {
  const { context, data, units, inputs, type, accumulator } = layer;
  const { kernels } = context;
  const stored = storeWeights(data, units, inputs);
  const name = claim(context, layer.name, "weights");
  const text = `${commentText(layer.name)}: weights [${units}][${inputs}]`;
  const shared = { operand: "x", locals: [], preparations: [] };
  if (stored.kind === "plain")
    return {
      ...shared,
      kernel: kernels.dot(type, stored.type, accumulator),
      rowSize: inputs,
      options: "",
      weights: {
        comment: text,
        type: stored.type.name,
        name,
        length: stored.data.length,
        bytes: stored.bytes,
        lines: rowLines(stored.data, inputs, (v) => `${v}`),
      },
    };
  return {
    ...shared,
    kernel: kernels.dotPacked(type, accumulator),
    rowSize: stored.rowBytes,
    options: `, ${stored.bits}, ${stored.signed ? 2 ** (stored.bits - 1) : 0}`,
    weights: {
      comment:
        `${text} of ${stored.bits} ${stored.bits === 1 ? "bit" : "bits"}, ` +
        `${stored.rowBytes} bytes to a row, packed as in nf_packed_weight.h`,
      type: "uint8_t",
      name,
      length: stored.data.length,
      bytes: stored.bytes,
      lines: hexLines(stored.data, stored.rowBytes, 2),
    },
  };
}

/** Integer weights by bipolar elements: these become -1 and +1 once, for all units. */
function signsProduct(layer: DenseLayer): Product {
  layer.context.kernels.signs();
  return {
    ...integerProduct({ ...layer, type: INT8 }),
    operand: "signs",
    locals: [`int8_t signs[${layer.inputs}];`],
    preparations: [`nf_signs(x, ${layer.inputs}, signs);`],
  };
}

/** Bipolar weights by bipolar elements: 32 products are one exclusive or. */
function xnorProduct(layer: DenseLayer): Product {
  const { inputs, type, accumulator } = layer;
  const { kernels } = layer.context;
  return {
    ...bipolarWeights(layer),
    kernel: kernels.dotXnor(accumulator),
    operand: "bits",
    options: "",
    locals: [`uint32_t bits[${wordsOf(inputs)}];`],
    preparations: [`${kernels.packBits(type)}(x, ${inputs}, 0, bits);`],
  };
}

/**
 * What the planes of a row and the sum of its inputs stay within. Neither knows of weights of -1, so that they leave the
 * range of the products: the sum of n unsigned elements is n * (2^bits - 1) although half of them are subtracted, and
 * the plane of the sign is n * 2^(bits-1) before that is subtracted.
 */
function planesRange(inputs: number, bits: number, signed: boolean): Range {
  const largest = inputs * (signed ? 2 ** (bits - 1) : 2 ** bits - 1);
  return { min: signed ? -largest : 0, max: largest };
}

function unionOf(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** Bipolar weights by integers: bit k of 32 elements is one word, and 2^k times the bits that a weight keeps is added. */
function planesProduct(layer: DenseLayer): Product {
  const { inputs, type, bits, signed, accumulator } = layer;
  const { kernels } = layer.context;
  const words = wordsOf(inputs);
  const pack = kernels.packBits(type);
  return {
    ...bipolarWeights(layer),
    kernel: kernels.dotPlanes(accumulator),
    operand: "planes",
    options: `, ${bits}, ${signed ? 1 : 0}, total`,
    locals: [
      `uint32_t planes[${bits * words}];`,
      `${accumulator.name} total;`,
      ...(bits > 1 ? ["int32_t k;"] : []),
    ],
    preparations: [
      `total = ${kernels.sum(type, accumulator)}(x, ${inputs});`,
      ...(bits > 1
        ? [`for (k = 0; k < ${bits}; k++) {`, `    ${pack}(x, ${inputs}, k, &planes[k * ${words}]);`, "}"]
        : [`${pack}(x, ${inputs}, 0, planes);`]),
    ],
  };
}

function bipolarWeights(layer: DenseLayer): Pick<Product, "weights" | "rowSize"> {
  const { context, data, units, inputs } = layer;
  const words = packBits(data, units, inputs);
  const rowSize = wordsOf(inputs);
  return {
    rowSize,
    weights: {
      comment:
        `${commentText(layer.name)}: weights [${units}][${inputs}], a bit for +1 or -1, ` +
        `${rowSize} ${rowSize === 1 ? "word" : "words"} to a row as in nf_bits.h`,
      type: "uint32_t",
      name: claim(context, layer.name, "weights"),
      length: words.length,
      bytes: words.byteLength,
      lines: hexLines(words, rowSize, 8),
    },
  };
}

function wordsOf(bits: number): number {
  return Math.ceil(bits / WORD_BITS);
}
