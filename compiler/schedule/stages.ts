// The hardware stages of a folded design, as decided by the schedule: sizes, lanes and folds, no names.
import type {
  ArgmaxInstruction,
  ArithmeticInstruction,
  ConcatInstruction,
  ConvInstruction,
  DenseInstruction,
  PadInstruction,
  PoolInstruction,
  ProgramOutput,
  RequantizeInstruction,
  ScaleInstruction,
  SelectInstruction,
  SliceInstruction,
  TableInstruction,
  ThresholdInstruction,
  UpsampleInstruction,
  Value,
} from "../program/program.ts";
import type { MemoryStyle, MultiplyStyle, StorageStyle } from "./folding.ts";
import type { Sharing } from "./sharing.ts";
import type { Triple } from "./units/boxes.ts";
import { beatsOfWindow, type Pair, type WindowGeometry } from "./units/line-window.ts";

/** Takes packets: `beats` of `lanes` elements in, `words` of `wordLanes` out. */
export interface InputStage {
  readonly kind: "input";
  readonly value: Value;
  readonly elements: number;
  readonly lanes: number;
  readonly laneBits: number;
  readonly beats: number;
  readonly wordLanes: number;
  readonly words: number;
}

/** Stores packets of `words` words and reads each `replays` times. */
export interface WindowStage {
  readonly kind: "window";
  /** Layer that reads the window, or that filled it when nothing computes. */
  readonly layer: string;
  readonly value: Value;
  readonly lanes: number;
  readonly words: number;
  readonly replays: number;
  readonly storage?: StorageStyle;
}

/** Packets of several inputs that belong together end together; if one is broken, all of them are. */
export interface MeetStage {
  readonly kind: "meet";
  readonly streams: readonly { readonly value: Value; readonly lanes: number; readonly words: number }[];
}

/** Elementwise; a packet is `words` beats. */
export interface RequantizeStage {
  readonly kind: "requantize";
  readonly instruction: RequantizeInstruction;
  readonly source: Value;
  readonly result: Value;
  /** Positive: to the right. One for each channel, or a single one where all are the same. */
  readonly shifts: readonly number[];
  readonly lanes: number;
  readonly words: number;
}

/** Cuts what a requantization gives at its limit; a packet is `words` beats. */
export interface LimitStage {
  readonly kind: "limit";
  readonly instruction: RequantizeInstruction;
  readonly limit: number;
  readonly result: Value;
  readonly lanes: number;
  readonly words: number;
}

/** Elementwise; a packet is `words` beats. */
export interface ThresholdStage {
  readonly kind: "threshold";
  readonly instruction: ThresholdInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly lanes: number;
  readonly words: number;
}

/** Keeps some of the elements: `beats` of `lanes` in, `words` of `wordLanes` out, which is at least `lanes`. */
export interface SelectStage {
  readonly kind: "select";
  readonly instruction: SelectInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly elements: number;
  readonly lanes: number;
  readonly beats: number;
  readonly wordLanes: number;
  readonly words: number;
}

/** Replaces every element by its entry of a table; a packet is `words` beats. */
export interface TableStage {
  readonly kind: "table";
  readonly instruction: TableInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly lanes: number;
  readonly words: number;
}

/** Multiplies every element by a constant of its channel and adds one; a packet is `words` beats. */
export interface ScaleStage {
  readonly kind: "scale";
  readonly instruction: ScaleInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly lanes: number;
  readonly words: number;
}

/** Reads windows of an image, of which it stores `capacity` words of `lanes` elements. */
export interface LineWindowStage {
  readonly kind: "line-window";
  readonly instruction: ConvInstruction | PoolInstruction | UpsampleInstruction;
  readonly source: Value;
  readonly lanes: number;
  readonly geometry: WindowGeometry;
  readonly capacity: number;
  /** Memories in which that is, and the words that they have room for. */
  readonly banks: Pair;
  readonly stored: number;
  readonly storage?: StorageStyle;
  /** Mantissa outside of the image. */
  readonly pad: number;
  /** How often each position of a beat stands side by side: the columns that an upsampling makes of it there. */
  readonly copies: number;
}

/** How the taps of windows side by side lie in those of the one window that spans them. */
export interface WindowSplit {
  /** Taps of each window. */
  readonly kernel: Pair;
  /** Columns of the span from tap to tap, from window to window, and all. */
  readonly tapStep: number;
  readonly stride: number;
  readonly span: number;
  /** Windows that begin at one column, and how many of these are in front of the first window: those of a transposed convolution. */
  readonly phases: number;
  readonly offset: number;
}

/** PE x SIMD products per cycle: of a vector, or of the window at each of many positions. */
export interface DenseStage {
  readonly kind: "dense";
  readonly instruction: DenseInstruction | ConvInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly positions: number;
  /** Of one output: those of a group, at all taps. */
  readonly inputs: number;
  /** Vectors side by side: 1 that all outputs read, or those of several groups; PE is a multiple. */
  readonly vectors: number;
  /** Taps side by side: each has a part of every vector. */
  readonly taps: number;
  /** Positions side by side, and where their taps are; null: as they come. */
  readonly windows: number;
  readonly split: WindowSplit | null;
  /** Weights of the positions side by side, which take them in turn: those of a transposed convolution, which is read by phase. */
  readonly sets: number;
  /** Weights by row and column of what leaves at once, each modulo one of these: those of a transposed convolution too. */
  readonly phases: Pair;
  readonly outSize: Pair;
  /** Of one position, of all groups. */
  readonly outputs: number;
  readonly pe: number;
  readonly simd: number;
  readonly inFolds: number;
  readonly outFolds: number;
  /** What the weights are stored in. */
  readonly memory: MemoryStyle;
  readonly multiply: MultiplyStyle;
  /** Null: every product has a multiplier of its own. */
  readonly sharing: Sharing | null;
}

/** One beat of results for the beats of a window. */
export interface PoolStage {
  readonly kind: "pool";
  /** Whether the window is the whole image, which is read as it comes, all words of a position after each other. */
  readonly whole: boolean;
  readonly instruction: PoolInstruction;
  readonly source: Value;
  readonly result: Value;
  /** Of a window. */
  readonly taps: number;
  /** Taps side by side. */
  readonly side: number;
  /** Windows side by side, and where their taps are; null: as they come. */
  readonly windows: number;
  readonly split: WindowSplit | null;
  /** Of the result. */
  readonly lanes: number;
  /** Beats of results in a packet. */
  readonly words: number;
}

/** Hands every beat to `count` receivers. */
export interface ForkStage {
  readonly kind: "fork";
  readonly value: Value;
  readonly count: number;
  readonly lanes: number;
  readonly words: number;
}

/** Holds what one branch gives before another does: `depth` beats and one more. */
export interface FifoStage {
  readonly kind: "fifo";
  /** Where the branches meet, and which of its operands this is. */
  readonly instruction: ArithmeticInstruction | ConcatInstruction;
  readonly operand: number;
  readonly value: Value;
  readonly lanes: number;
  readonly words: number;
  readonly depth: number;
  readonly storage?: StorageStyle;
}

/** Adds, subtracts or multiplies two streams; a packet is `words` beats. */
export interface JoinStage {
  readonly kind: "join";
  readonly instruction: ArithmeticInstruction;
  readonly sources: readonly [Value, Value];
  readonly result: Value;
  readonly lanes: number;
  /** Of the second stream: fewer where each of its elements serves several positions of a beat. */
  readonly secondLanes: number;
  readonly words: number;
}

/** In turn some beats of one stream and of another; a packet has `turns` of them. */
export interface ConcatStage {
  readonly kind: "concat";
  readonly instruction: ConcatInstruction;
  readonly result: Value;
  readonly lanes: number;
  readonly turns: number;
  readonly beats: readonly [number, number];
  /** Whether all inputs are in: a concat of more than two is several stages. */
  readonly complete: boolean;
}

/** Two streams side by side: beats of `count` positions, of which each has `parts` elements of both. */
export interface MergeStage {
  readonly kind: "merge";
  readonly instruction: ConcatInstruction;
  readonly result: Value;
  readonly count: number;
  readonly parts: readonly [number, number];
  readonly words: number;
  /** Whether all inputs are in: a concat of more than two is several stages. */
  readonly complete: boolean;
}

/** Keeps a box of an image; sizes in rows, columns and words of a position. */
export interface CropStage {
  readonly kind: "crop";
  readonly instruction: SliceInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly lanes: number;
  readonly size: Triple;
  readonly first: Triple;
  readonly box: Triple;
}

/** Puts padding around an image; sizes in rows, columns and words of a position. */
export interface PadStage {
  readonly kind: "pad";
  readonly instruction: PadInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly lanes: number;
  readonly size: Triple;
  readonly outSize: Triple;
  /** Where the image begins. */
  readonly first: Triple;
}

/** Changes the lanes of a stream; sees every packet `passes` times. */
export interface AdapterStage {
  readonly kind: "adapter";
  readonly layer: string;
  readonly value: Value;
  readonly elements: number;
  readonly sLanes: number;
  readonly mLanes: number;
  /** Elements after which both beat sizes meet, at most the packet. */
  readonly group: number;
  readonly passes: number;
}

/** One index for the elements of each position, which come in `beats` beats; of `side` positions at once. */
export interface ArgmaxStage {
  readonly kind: "argmax";
  readonly instruction: ArgmaxInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly positions: number;
  readonly side: number;
  /** Of one position. */
  readonly elements: number;
  /** Of one position: all of them where several stand side by side. */
  readonly lanes: number;
  readonly beats: number;
  /** Whether the logits are streamed too: then a fork stands before. */
  readonly forked: boolean;
}

/** Sends packets: `beats` of `value`, then one of `second`. */
export interface OutputStage {
  readonly kind: "output";
  /** Of the program, in packet order. */
  readonly outputs: readonly ProgramOutput[];
  readonly value: Value;
  readonly second: Value | null;
  readonly lanes: number;
  readonly laneBits: number;
  /** Beats of `value`. */
  readonly beats: number;
}

export type Stage =
  | InputStage
  | WindowStage
  | MeetStage
  | RequantizeStage
  | LimitStage
  | ThresholdStage
  | TableStage
  | ScaleStage
  | SelectStage
  | LineWindowStage
  | DenseStage
  | PoolStage
  | ForkStage
  | FifoStage
  | JoinStage
  | ConcatStage
  | MergeStage
  | CropStage
  | PadStage
  | AdapterStage
  | ArgmaxStage
  | OutputStage;

/** An output of a stage, by the stage's index; only a fork and a meet have more than one. */
export interface StageEnd {
  readonly stage: number;
  readonly output: number;
}

/** Stages and the streams between them; no stream leads back. */
export interface StageGraph {
  /** Each behind those that it reads; an input first, an output last. */
  readonly stages: readonly Stage[];
  /** For each stage what its inputs read, in the order of the module's ports. */
  readonly sources: readonly (readonly StageEnd[])[];
  /** Values that a transpose makes of a stream without moving an element. */
  readonly renamed: readonly { readonly end: StageEnd; readonly value: Value; readonly lanes: number }[];
}

/** Stages that store a stream. */
export type StorageStage = WindowStage | LineWindowStage | FifoStage;

export function isStorage(stage: Stage): stage is StorageStage {
  return stage.kind === "window" || stage.kind === "line-window" || stage.kind === "fifo";
}

/** Layer whose choice of storage counts for a stage. */
export function storageLayer(stage: StorageStage): string {
  return stage.kind === "window" ? stage.layer : stage.instruction.layer;
}

/** Beats that a line window takes in a packet. */
export function wordsOfImage({ size, words, columns }: WindowGeometry): number {
  return (size[0] * size[1] * words) / columns;
}

/** Beats that a line window gives in a packet. */
export function beatsOfWindows(geometry: WindowGeometry): number {
  return geometry.outSize[0] * geometry.outSize[1] * beatsOfWindow(geometry);
}

/** How many elements of each beat a select keeps. */
export function keptPerBeat({ instruction, lanes, beats }: SelectStage): readonly number[] {
  const kept = new Array<number>(beats).fill(0);
  for (const index of instruction.indices) kept[Math.floor(index / lanes)]!++;
  return kept;
}

/** The layer or port of a stage, for messages. */
export function placeOf(stage: Stage): string {
  switch (stage.kind) {
    case "input":
    case "fork":
      return `value ${stage.value.name}`;
    case "meet":
      return `input ${stage.streams[0]!.value.name}`;
    case "output":
      return `output ${stage.outputs[0]!.name}`;
    case "window":
    case "adapter":
      return `layer ${stage.layer}`;
    default:
      return `layer ${stage.instruction.layer}`;
  }
}

/** Beats in which a window of a pool comes. */
export function beatsOfPool({ taps, side }: PoolStage): number {
  return Math.ceil(taps / side);
}

/** Cycles that a stage is busy with one packet when nothing holds it up. */
export function busyCycles(stage: Stage): number {
  switch (stage.kind) {
    case "input":
      return stage.beats;
    case "window":
      return stage.words * stage.replays;
    case "meet":
      return Math.max(...stage.streams.map(({ words }) => words));
    case "requantize":
    case "limit":
    case "threshold":
    case "table":
    case "scale":
    case "join":
    case "merge":
    case "fork":
    case "fifo":
      return stage.words;
    case "select":
      return stage.beats;
    case "line-window":
      return Math.max(wordsOfImage(stage.geometry), beatsOfWindows(stage.geometry));
    case "dense":
      return (stage.positions / stage.windows) * stage.inFolds * stage.outFolds;
    case "pool":
      return stage.words * beatsOfPool(stage);
    case "concat":
      return stage.turns * (stage.beats[0] + stage.beats[1]);
    case "crop":
      return stage.size[0] * stage.size[1] * stage.size[2];
    case "pad":
      return stage.outSize[0] * stage.outSize[1] * stage.outSize[2];
    case "adapter":
      return stage.passes * Math.ceil(stage.elements / Math.min(stage.sLanes, stage.mLanes));
    case "argmax":
      return (stage.positions / stage.side) * stage.beats;
    case "output":
      return stage.beats + (stage.second ? 1 : 0);
  }
}
