// The bill of nf_dense and its nf_dot: memory of weights, products, trees of adders, accumulators, control. In: the stage and its
// constants. Out: what it adds to a bill.
import { constantNamed, isSigned, type Program, widthOf } from "../program/program.ts";
import { romStyle } from "../schedule/folding.ts";
import { type Sharing, sharedOperands } from "../schedule/sharing.ts";
import type { DenseStage } from "../schedule/stages.ts";
import type { Mapping, ProductRule } from "../targets/mapping.ts";
import { counterBits, type GrowingBill } from "./bill.ts";
import { columnsOf } from "./columns.ts";

/** Widths within nf_dot, as its localparams have them. */
export interface DotWidths {
  readonly kind: "product" | "negation" | "agreement";
  /** Operands of a product, sign bits included. */
  readonly operands: readonly [number, number];
  readonly product: number;
  readonly tree: number;
}

export function dotWidths(program: Program, { instruction, source, result, simd }: DenseStage): DotWidths {
  const { format } = constantNamed(program, instruction.weights);
  const bipolarX = source.format.kind === "bipolar";
  const bipolarW = format.kind === "bipolar";
  const levels = counterBits(simd);
  const x = bipolarX ? 1 : widthOf(source.format) + (isSigned(source.format) && !bipolarW ? 0 : 1);
  const w = bipolarW ? 1 : widthOf(format) + (isSigned(format) && !bipolarX ? 0 : 1);
  const sum = widthOf(result.format);
  if (bipolarX && bipolarW)
    return { kind: "agreement", operands: [1, 1], product: 1, tree: Math.min(counterBits(simd + 1), sum) };
  const product = bipolarX ? w : bipolarW ? x : x + w;
  const kind = bipolarX || bipolarW ? "negation" : "product";
  return { kind, operands: [x, w], product, tree: Math.min(product + levels, sum) };
}

/** The rule by which a product becomes a block, or undefined where it is made of logic. */
export function productRule(
  [a, b]: readonly [number, number],
  product: number,
  { products }: Mapping,
): ProductRule | undefined {
  const [wide, narrow] = [Math.max(a, b), Math.min(a, b)];
  return products.find(
    ({ least, leastProduct, most }) =>
      wide >= least[0] &&
      narrow >= least[1] &&
      product >= leastProduct &&
      wide <= most[0] &&
      narrow <= most[1],
  );
}

/**
 * What products that share a multiplier take besides: operands side by side where a block has no adder for them, and the bits
 * in which products overlap.
 */
function billApart(bill: GrowingBill, program: Program, stage: DenseStage, sharing: Sharing): void {
  const { instruction, source, pe, simd, windows } = stage;
  const products = windows * pe * simd;
  const blocks = products / (sharing.pe * sharing.windows);
  const weightWidth = widthOf(constantNamed(program, instruction.weights).format);
  if (!bill.part.mapping.absorbs.operands) bill.add("adder", blocks * (sharing.pe - 1) * (weightWidth + 1));
  if (sharing.spacing === widthOf(source.format) + weightWidth) return;
  bill.add("agreement", 2 * (products - blocks));
  bill.registers(products - blocks);
}

export function billDense(bill: GrowingBill, program: Program, stage: DenseStage): void {
  const { mapping } = bill.part;
  const { instruction, source, result, inputs, outputs, pe, simd, vectors, windows, inFolds, outFolds } =
    stage;
  const { phases, sets, sharing } = stage;
  const { data, format } = constantNamed(program, instruction.weights);
  const widths = dotWidths(program, stage);
  const accumulator = widthOf(result.format);
  const width = widthOf(format);
  const dots = windows * pe;
  const shared = sharing ? sharing.pe * sharing.windows : 1;
  const levels = counterBits(simd);
  const depth = phases[0] * phases[1] * inFolds * outFolds;

  const single = phases[0] * phases[1] * sets === 1;
  const weightAt = (word: number, lane: number): number => {
    const o = Math.floor(word / inFolds) * pe + Math.floor(lane / simd);
    const i = (word % inFolds) * simd + (lane % simd);
    return o < outputs && i < inputs ? data[o * inputs + i]! : 0;
  };
  const operands = sharing
    ? sharedOperands({ inputWidth: widthOf(source.format), weightWidth: width }, sharing)
    : widths.operands;
  const multiplied = sharing ? operands[0] + operands[1] : Math.min(widths.product, widths.tree);
  const rule =
    widths.kind === "product" && stage.multiply !== "logic"
      ? productRule(operands, multiplied, mapping)
      : undefined;
  // The adder behind a block that makes several products is not of one of them.
  const absorbs = rule
    ? { ...mapping.absorbs, adder: mapping.absorbs.adder && !sharing }
    : { operands: false, product: false, adder: false };

  const wordBits = sets * pe * simd * width;
  const style = stage.memory === "auto" ? romStyle(depth, wordBits) : stage.memory;
  const memory = { words: depth, width: wordBits, access: "rom", registered: true, style } as const;
  const columns = single ? columnsOf(depth, pe * simd, width, weightAt) : null;
  const chosen = bill.memory(memory, columns);
  // Operand registers go into the blocks, from memory of logic and from the window.
  if (absorbs.operands && !chosen.kind && depth > 1) bill.registers(-(columns?.distinct ?? memory.width));
  if (!absorbs.operands) bill.registers(windows * vectors * simd * widthOf(source.format));

  // Products.
  const products = dots * simd;
  if (rule) bill.dsp((products / shared) * rule.blocks);
  else if (widths.kind === "agreement") bill.add("agreement", products);
  else if (widths.kind === "negation") bill.add("negation", products * widths.product);
  else {
    const [a, b] = widths.operands;
    bill.add("partialProduct", products * (Math.max(a, b) - 1) * Math.max(Math.min(a, b) - 2, 0));
    bill.add("productEdge", products * (a + b));
  }
  if (!absorbs.product) bill.registers(products * Math.min(widths.product, widths.tree));
  if (sharing) billApart(bill, program, stage, sharing);

  // Trees of adders; a lane without a partner is only handed on. A block takes the adder behind it.
  let nodes = simd;
  for (let level = 1; level <= levels; level++) {
    const adders = nodes >> 1;
    nodes = Math.ceil(nodes / 2);
    const inBlocks = absorbs.adder && level === 1 ? adders : 0;
    bill.add("adder", dots * (adders - inBlocks) * widths.tree);
    bill.registers(dots * (nodes - inBlocks) * widths.tree);
  }
  const sumInBlock = absorbs.adder && simd === 1;
  if (!sumInBlock) {
    bill.add("accumulator", dots * accumulator);
    bill.registers(dots * accumulator);
  }

  // What sums start from.
  if (instruction.bias !== null) {
    const bias = constantNamed(program, instruction.bias).data;
    const biasAt = (word: number, lane: number): number => bias[word * pe + lane] ?? 0;
    const columnsOfBias = columnsOf(outFolds, pe, accumulator, biasAt);
    bill.memory(
      { words: outFolds, width: pe * accumulator, access: "rom", registered: true, style: "auto" },
      columnsOfBias,
    );
    bill.add("start", outFolds > 1 ? dots * accumulator : 0);
  }

  // Control: address, folds, and what travels with the beats.
  const stages = 2 + levels;
  bill.add("stage", 1);
  const counts = counterBits(depth) + counterBits(inFolds);
  const needsOutFold = outFolds > 1 && (instruction.bias !== null || format.kind === "bipolar");
  bill.add("counter", counts + (needsOutFold ? counterBits(outFolds) : 0));
  bill.registers(counts + (needsOutFold ? counterBits(outFolds) : 0) + stages + 1);
  if (inFolds > 1) bill.registers(2 * stages);
  if (!single) {
    bill.add(
      "counter",
      counterBits(stage.outSize[0]) + 2 * counterBits(stage.outSize[1]) + counterBits(depth),
    );
    bill.registers(counterBits(stage.outSize[0]) + counterBits(stage.outSize[1]) + counterBits(depth));
  }
  if (format.kind === "bipolar") {
    if (inputs % simd !== 0) bill.add("enable", products);
    if (outputs % pe !== 0) bill.add("enable", (dots * accumulator) / 2);
  }
}
