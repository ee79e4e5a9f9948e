// Sums of products of one row of inputs with every row of weights, for dense and conv. In: operands and their formats.
// Out: how weights lie in memory, the kernel that multiplies them, and what prepares the inputs for it.
import { commentText } from "../support/comment-text.ts";
import type { Range } from "../support/fixed-point.ts";
import { type PackedWeights, type PlainWeights, packBits, storeWeights, WORD_BITS } from "./packing.ts";
import type { ConstantPlan } from "./plan.ts";
import { claim, hexLines, hullOf, rowLines, type StageContext } from "./stage-parts.ts";
import { type CType, INT8 } from "./types.ts";

/** A dense layer, or the products of a conv at one position: what each kind of product is made of. */
export interface ProductLayer {
  readonly context: StageContext;
  /** The user's layer. */
  readonly name: string;
  /** Weights [units, inputs]. */
  readonly data: readonly number[];
  readonly units: number;
  readonly inputs: number;
  /** The weights' shape as comments show it. */
  readonly shapeText: string;
  /** Expression for the inputs of one row of weights. */
  readonly source: string;
  /** Type, width and sign of an input element. */
  readonly type: CType;
  readonly bits: number;
  readonly signed: boolean;
  readonly accumulator: CType;
}

/** Inputs of one row of weights, with the width and sign of an element. */
export type RowSize = Pick<ProductLayer, "inputs" | "bits" | "signed">;

/** Which operands are bipolar. */
export interface Bipolar {
  readonly weights: boolean;
  readonly input: boolean;
}

/** kernel(operand, row of weights, inputs, options, bias), after the preparations. */
export interface Product {
  readonly weights: ConstantPlan;
  /** Elements of one row of weights. */
  readonly rowSize: number;
  readonly kernel: string;
  readonly operand: string;
  /** Further arguments, each after a comma. */
  readonly options: string;
  /** Declarations of local variables. */
  readonly locals: readonly string[];
  /** Statements before the loop over the units, which read the source. */
  readonly preparations: readonly string[];
}

/** The product for the kinds of weights and inputs. */
export function planProduct(layer: ProductLayer, bipolar: Bipolar): Product {
  if (bipolar.weights) return bipolar.input ? xnorProduct(layer) : planesProduct(layer);
  return bipolar.input ? signsProduct(layer) : integerProduct(layer);
}

/**
 * Range of all that the products of a row compute. Bipolar weights by integers pass beyond the proved range of the sums:
 * the sum of n unsigned elements is n * (2^bits - 1) although half of them are subtracted, and the plane of the sign is
 * n * 2^(bits-1) before that is subtracted.
 */
export function computedRange(sums: Range, { inputs, bits, signed }: RowSize, bipolar: Bipolar): Range {
  if (!bipolar.weights || bipolar.input) return sums;
  const largest = inputs * (signed ? 2 ** (bits - 1) : 2 ** bits - 1);
  return hullOf(sums, { min: signed ? -largest : 0, max: largest });
}

/** What templates print of a product. */
export function productText({
  weights,
  ...product
}: Product): Omit<Product, "weights"> & { weights: string } {
  return { ...product, weights: weights.name };
}

/** Integer weights by integers: plain, or packed below 8 bits. */
function integerProduct(layer: ProductLayer): Product {
  const { context, data, units, inputs, source, type, accumulator } = layer;
  const { constant, stored, rowSize, options } = storedRows(
    claim(context, layer.name, "weights"),
    { data, rows: units, columns: inputs },
    `${commentText(layer.name)}: weights ${layer.shapeText}`,
  );
  const { kernels } = context;
  return {
    kernel:
      stored.kind === "plain"
        ? kernels.dot(type, stored.type, accumulator)
        : kernels.dotPacked(type, accumulator),
    weights: constant,
    operand: source,
    rowSize,
    options,
    locals: [],
    preparations: [],
  };
}

/** Rows of integer weights as a constant; `options` are the further arguments of kernels that read packed ones. */
export function storedRows(
  name: string,
  weights: { readonly data: readonly number[]; readonly rows: number; readonly columns: number },
  text: string,
): { stored: PlainWeights | PackedWeights; constant: ConstantPlan; rowSize: number; options: string } {
  const stored = storeWeights(weights.data, weights.rows, weights.columns);
  if (stored.kind === "plain")
    return {
      stored,
      rowSize: weights.columns,
      options: "",
      constant: {
        comment: text,
        type: stored.type.name,
        name,
        length: stored.data.length,
        bytes: stored.bytes,
        lines: rowLines(stored.data, weights.columns, (v) => `${v}`),
      },
    };
  return {
    stored,
    rowSize: stored.rowBytes,
    options: `, ${stored.bits}, ${stored.signed ? 2 ** (stored.bits - 1) : 0}`,
    constant: {
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
function signsProduct(layer: ProductLayer): Product {
  layer.context.kernels.signs();
  return {
    ...integerProduct({ ...layer, type: INT8 }),
    operand: "signs",
    locals: [`int8_t signs[${layer.inputs}];`],
    preparations: [`nf_signs(${layer.source}, ${layer.inputs}, signs);`],
  };
}

/** Bipolar weights by bipolar elements: 32 products are one exclusive or. */
function xnorProduct(layer: ProductLayer): Product {
  const { inputs, type, accumulator } = layer;
  const { kernels } = layer.context;
  return {
    ...bipolarWeights(layer),
    kernel: kernels.dotXnor(accumulator),
    operand: "bits",
    options: "",
    locals: [`uint32_t bits[${wordsOf(inputs)}];`],
    preparations: [`${kernels.packBits(type)}(${layer.source}, ${inputs}, 0, bits);`],
  };
}

/** Bipolar weights by integers: bit k of 32 elements is one word, and 2^k times the bits that a weight keeps is added. */
function planesProduct(layer: ProductLayer): Product {
  const { inputs, source, type, bits, signed, accumulator } = layer;
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
      `total = ${kernels.sum(type, accumulator)}(${source}, ${inputs});`,
      ...(bits > 1
        ? [
            `for (k = 0; k < ${bits}; k++) {`,
            `    ${pack}(${source}, ${inputs}, k, &planes[k * ${words}]);`,
            "}",
          ]
        : [`${pack}(${source}, ${inputs}, 0, planes);`]),
    ],
  };
}

function bipolarWeights(layer: ProductLayer): Pick<Product, "weights" | "rowSize"> {
  const { context, data, units, inputs } = layer;
  const words = packBits(data, units, inputs);
  const rowSize = wordsOf(inputs);
  return {
    rowSize,
    weights: {
      comment:
        `${commentText(layer.name)}: weights ${layer.shapeText}, a bit for +1 or -1, ` +
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
