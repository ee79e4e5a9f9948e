// Memory images for $readmemh. In: a stage and its constants. Out: one hexadecimal word per line, in the order that
// the stage's fixed module documents.
import {
  channelsOf,
  constantNamed,
  isSigned,
  mantissaRange,
  type Program,
  widthOf,
} from "../program/program.ts";
import type {
  DenseStage,
  RequantizeStage,
  ScaleStage,
  SelectStage,
  TableStage,
  ThresholdStage,
} from "../schedule/stages.ts";
import { kernelOf, phasesOf, tapsOf } from "../schedule/windows.ts";
import { compilerAssert } from "../support/assert.ts";

/** Two's complement of `width` bits, as an unsigned integer. */
function pattern(value: number, width: number): bigint {
  return BigInt.asUintN(width, BigInt(value));
}

/** Binary digits of a two's complement number. */
function binaryOf(value: number, width: number): string {
  return pattern(value, width).toString(2).padStart(width, "0");
}

/** One word from its lanes, lane 0 in the lowest bits. */
export function packedWord(lanes: readonly number[], width: number): string {
  let binary = "";
  for (const lane of lanes) binary = binaryOf(lane, width) + binary;
  return hexOf(binary);
}

/** Hexadecimal digits of binary ones. */
function hexOf(binary: string): string {
  const digits = Math.ceil(binary.length / 4);
  const padded = binary.padStart(digits * 4, "0");
  let hex = "";
  for (let at = 0; at < padded.length; at += 4)
    hex += Number.parseInt(padded.slice(at, at + 4), 2).toString(16);
  return hex;
}

/**
 * Words of the weight memory: phase by phase, or as many of them as stand side by side; within these fold by fold of outputs,
 * within these fold by fold of inputs; edges are 0.
 */
export function weightWords(program: Program, stage: DenseStage): readonly string[] {
  const { format } = constantNamed(program, stage.instruction.weights);
  const { inputs, outputs, sets, pe, simd, inFolds, outFolds } = stage;
  const words: string[] = [];
  const byPhase = weightsByPhase(program, stage);
  for (let phase = 0; phase < byPhase.length; phase += sets) {
    const together = byPhase.slice(phase, phase + sets);
    compilerAssert(
      together.every((data) => data.length === inputs * outputs),
      `weights of ${stage.instruction.layer} have the layer's size`,
    );
    for (let f = 0; f < outFolds; f++) {
      for (let i = 0; i < inFolds; i++) {
        const lanes: number[] = [];
        for (const data of together) {
          for (let p = 0; p < pe; p++) {
            for (let s = 0; s < simd; s++) {
              const [o, x] = [f * pe + p, i * simd + s];
              lanes.push(o < outputs && x < inputs ? data[o * inputs + x]! : 0);
            }
          }
        }
        words.push(packedWord(lanes, widthOf(format)));
      }
    }
  }
  return words;
}

/** The weights that each phase of the outputs meets, [outputs, inputs]; those of a transposed convolution take turns. */
function weightsByPhase(
  program: Program,
  { instruction, outputs }: DenseStage,
): readonly (readonly number[])[] {
  const { data } = constantNamed(program, instruction.weights);
  if (instruction.op === "dense") return [data];
  const phases = phasesOf(program, instruction);
  if (phases[0] === 1 && phases[1] === 1) return [data];
  const kernel = kernelOf(program, instruction);
  const taps = tapsOf(program, instruction);
  const [beforeY, beforeX = 0] = instruction.padding.before;
  const before = [beforeY!, beforeX];
  const channels = data.length / (outputs * kernel[0] * kernel[1]);
  // The tap of the kernel that an output of a phase meets at its next input but `index`.
  const tapOf = (axis: 0 | 1, phase: number, index: number): number => {
    const from = before[axis]! - phase;
    return (((from % phases[axis]) + phases[axis]) % phases[axis]) + index * phases[axis];
  };
  const sets: number[][] = [];
  for (let py = 0; py < phases[0]; py++)
    for (let px = 0; px < phases[1]; px++) {
      const set: number[] = [];
      for (let o = 0; o < outputs; o++)
        for (let y = 0; y < taps[0]; y++)
          for (let x = 0; x < taps[1]; x++) {
            const [ky, kx] = [tapOf(0, py, y), tapOf(1, px, x)];
            const at = ((o * kernel[0] + ky) * kernel[1] + kx) * channels;
            const isThere = ky < kernel[0] && kx < kernel[1];
            for (let c = 0; c < channels; c++) set.push(isThere ? data[at + c]! : 0);
          }
      sets.push(set);
    }
  return sets;
}

/** Words of the bias memory, one per fold of outputs, or null for a layer without bias; edges are 0. */
export function biasWords(program: Program, stage: DenseStage): readonly string[] | null {
  if (stage.instruction.bias === null) return null;
  const { data } = constantNamed(program, stage.instruction.bias);
  const { pe, outFolds, result } = stage;
  return Array.from({ length: outFolds }, (_, f) =>
    packedWord(
      Array.from({ length: pe }, (_, p) => data[f * pe + p] ?? 0),
      widthOf(result.format),
    ),
  );
}

/** Words of a table: the entry of the lowest mantissa first. */
export function tableWords(program: Program, { instruction }: TableStage): readonly string[] {
  const { data, format } = constantNamed(program, instruction.table);
  return data.map((entry) => packedWord([entry], widthOf(format)));
}

/** The shortest piece whose repetition gives all words. */
function period(words: readonly string[]): readonly string[] {
  let depth = 1;
  while (words.some((word, k) => word !== words[k % depth])) depth++;
  return words.slice(0, depth);
}

/** One word per beat from what belongs to a channel; lanes beyond the packet's end go on with the next channels. */
function channelWords(
  { source, lanes, words }: Pick<ThresholdStage, "source" | "lanes" | "words">,
  width: number,
  ofChannel: (channel: number) => readonly number[],
): readonly string[] {
  const channels = channelsOf(source);
  return period(
    Array.from({ length: words }, (_, k) => {
      const each = Array.from({ length: lanes }, (_, i) => ofChannel((k * lanes + i) % channels));
      return packedWord(each.flat(), width);
    }),
  );
}

export interface ThresholdTable {
  readonly levels: number;
  /** Bits of one threshold. */
  readonly width: number;
  readonly words: readonly string[];
}

/** Thresholds per beat. One that is out of the input's reach becomes the nearest that decides the same. */
export function thresholdTable(program: Program, stage: ThresholdStage): ThresholdTable {
  const table = constantNamed(program, stage.instruction.thresholds);
  const levels = table.shape[1]!;
  const { format } = stage.source;
  const { min, max } = mantissaRange(format);
  const data = table.data.map((t) => Math.min(Math.max(t, min), max + 1));
  const width = widthOf(format) + (data.some((t) => t > max) ? 1 : 0);
  const row = (c: number): readonly number[] => data.slice(c * levels, (c + 1) * levels);
  return { levels, width, words: channelWords(stage, width, row) };
}

export interface ScaleConstants {
  /** Bits of one multiplier. */
  readonly width: number;
  readonly words: readonly string[];
}

/** Constants per beat: of each lane the multiplier, then the offset in the width of the result. */
export function scaleConstants(program: Program, stage: ScaleStage): ScaleConstants {
  const { multipliers, offsets } = stage.instruction;
  const factors = constantNamed(program, multipliers);
  const added = offsets === null ? null : constantNamed(program, offsets);
  const width = widthOf(factors.format) + (isSigned(factors.format) ? 0 : 1);
  const sum = widthOf(stage.result.format);
  const channels = channelsOf(stage.source);
  const { lanes, words } = stage;
  const laneBits = (c: number): string =>
    [added?.data[c] ?? 0, factors.data[c]!]
      .map((value, k) => binaryOf(value, k === 0 ? sum : width))
      .join("");
  const word = (k: number): string =>
    hexOf(
      Array.from({ length: lanes }, (_, i) => laneBits((k * lanes + i) % channels))
        .reverse()
        .join(""),
    );
  return { width, words: period(Array.from({ length: words }, (_, k) => word(k))) };
}

export interface ShiftTable {
  /** Bits that every element is shifted to the left before. */
  readonly left: number;
  /** Bits of one shift. */
  readonly width: number;
  readonly words: readonly string[];
}

/** Shifts to the right per beat, behind a common one to the left. Beyond some distance all shifts do the same. */
export function shiftTable(stage: RequantizeStage): ShiftTable {
  const most = widthOf(stage.source.format) + 1;
  const least = -(widthOf(stage.result.format) + 1);
  const shifts = stage.shifts.map((s) => Math.min(Math.max(s, least), most));
  const left = Math.max(0, -Math.min(...shifts));
  const width = Math.max(1, Math.ceil(Math.log2(Math.max(...shifts) + left + 1)));
  return { left, width, words: channelWords(stage, width, (c) => [shifts[c]! + left]) };
}

/** Words of the mask of a select: one per beat, a bit per lane. */
export function maskWords({ instruction, lanes, beats }: SelectStage): readonly string[] {
  const kept = new Set(instruction.indices);
  return Array.from({ length: beats }, (_, k) =>
    packedWord(
      Array.from({ length: lanes }, (_, i) => (kept.has(k * lanes + i) ? 1 : 0)),
      1,
    ),
  );
}

/** File text: what it holds as a comment, then the words. */
export function memoryText(comment: readonly string[], words: readonly string[]): string {
  return `${[...comment.map((line) => `// ${line}`), ...words].join("\n")}\n`;
}
