// The hardware stages of a folded design, as decided by the schedule: sizes, lanes and folds, no names.
import type {
  ArgmaxInstruction,
  DenseInstruction,
  RequantizeInstruction,
  SelectInstruction,
  ThresholdInstruction,
  Value,
} from "../program/program.ts";

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

/** PE x SIMD products per cycle. */
export interface DenseStage {
  readonly kind: "dense";
  readonly instruction: DenseInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly inputs: number;
  readonly outputs: number;
  readonly pe: number;
  readonly simd: number;
  readonly inFolds: number;
  readonly outFolds: number;
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

export interface ArgmaxStage {
  readonly kind: "argmax";
  readonly instruction: ArgmaxInstruction;
  readonly source: Value;
  readonly result: Value;
  readonly elements: number;
  readonly lanes: number;
  readonly beats: number;
  /** Whether the logits are streamed too: then a fork stands before. */
  readonly forked: boolean;
}

/** Sends packets: `beats` of `value`, then one of `second`. */
export interface OutputStage {
  readonly kind: "output";
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
  | RequantizeStage
  | ThresholdStage
  | SelectStage
  | DenseStage
  | AdapterStage
  | ArgmaxStage
  | OutputStage;

/** How many elements of each beat a select keeps. */
export function keptPerBeat({ instruction, lanes, beats }: SelectStage): readonly number[] {
  const kept = new Array<number>(beats).fill(0);
  for (const index of instruction.indices) kept[Math.floor(index / lanes)]!++;
  return kept;
}

/** Cycles that a stage is busy with one packet when nothing holds it up. */
export function busyCycles(stage: Stage): number {
  switch (stage.kind) {
    case "input":
      return stage.beats;
    case "window":
      return stage.words * stage.replays;
    case "requantize":
    case "threshold":
      return stage.words;
    case "select":
      return stage.beats;
    case "dense":
      return stage.inFolds * stage.outFolds;
    case "adapter":
      return stage.passes * Math.ceil(stage.elements / Math.min(stage.sLanes, stage.mLanes));
    case "argmax":
      return stage.beats;
    case "output":
      return stage.beats + (stage.second ? 1 : 0);
  }
}
