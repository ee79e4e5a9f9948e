// Memory images for $readmemh. In: a dense stage and its constants. Out: one hexadecimal word per line, in the
// order that nf_dense documents.
import { constantNamed, type Program, widthOf } from "../program/program.ts";
import type { DenseStage } from "../schedule/stages.ts";
import { compilerAssert } from "../support/assert.ts";

/** Two's complement of `width` bits, as an unsigned integer. */
function pattern(value: number, width: number): bigint {
  return BigInt.asUintN(width, BigInt(value));
}

/** One word from its lanes, lane 0 in the lowest bits. */
export function packedWord(lanes: readonly number[], width: number): string {
  let binary = "";
  for (const lane of lanes) binary = pattern(lane, width).toString(2).padStart(width, "0") + binary;
  const digits = Math.ceil(binary.length / 4);
  const padded = binary.padStart(digits * 4, "0");
  let hex = "";
  for (let at = 0; at < padded.length; at += 4)
    hex += Number.parseInt(padded.slice(at, at + 4), 2).toString(16);
  return hex;
}

/** Words of the weight memory: fold by fold of outputs, within these fold by fold of inputs; edges are 0. */
export function weightWords(program: Program, stage: DenseStage): readonly string[] {
  const weights = constantNamed(program, stage.instruction.weights);
  const { inputs, outputs, pe, simd, inFolds, outFolds } = stage;
  compilerAssert(weights.data.length === inputs * outputs, `weights ${weights.name} have the layer's size`);
  const words: string[] = [];
  for (let f = 0; f < outFolds; f++) {
    for (let i = 0; i < inFolds; i++) {
      const lanes: number[] = [];
      for (let p = 0; p < pe; p++) {
        for (let s = 0; s < simd; s++) {
          const [o, x] = [f * pe + p, i * simd + s];
          lanes.push(o < outputs && x < inputs ? weights.data[o * inputs + x]! : 0);
        }
      }
      words.push(packedWord(lanes, widthOf(weights.format)));
    }
  }
  return words;
}

/** Words of the bias memory, or null for a layer without bias. */
export function biasWords(program: Program, stage: DenseStage): readonly string[] | null {
  if (stage.instruction.bias === null) return null;
  const bias = constantNamed(program, stage.instruction.bias);
  const width = widthOf(stage.result.format);
  const words: string[] = [];
  for (let f = 0; f < stage.outFolds; f++) {
    const lanes = Array.from({ length: stage.pe }, (_, p) => bias.data[f * stage.pe + p] ?? 0);
    words.push(packedWord(lanes, width));
  }
  return words;
}

/** File text: what it holds as a comment, then the words. */
export function memoryText(comment: readonly string[], words: readonly string[]): string {
  return `${[...comment.map((line) => `// ${line}`), ...words].join("\n")}\n`;
}
