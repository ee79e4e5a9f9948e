// The hardware stages of a folded design, as decided by the schedule: sizes, lanes and folds, no names.
import type {
  ArgmaxInstruction,
  DenseInstruction,
  RequantizeInstruction,
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

/** Elementwise; sees `words` beats per pass and `replays` passes per packet. */
export interface RequantizeStage {
  readonly kind: "requantize";
  readonly instruction: RequantizeInstruction;
  readonly source: Value;
  readonly result: Value;
  /** Positive: to the right. */
  readonly shift: number;
  readonly lanes: number;
  readonly words: number;
  readonly replays: number;
}

/** PE x SIMD multipliers. */
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

/** Changes the lanes of a stream. */
export interface AdapterStage {
  readonly kind: "adapter";
  readonly layer: string;
  readonly value: Value;
  readonly elements: number;
  readonly sLanes: number;
  readonly mLanes: number;
  /** Elements after which both beat sizes meet, at most the packet. */
  readonly group: number;
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
  | DenseStage
  | AdapterStage
  | ArgmaxStage
  | OutputStage;

/** Cycles that a stage is busy with one packet when nothing holds it up. */
export function busyCycles(stage: Stage): number {
  switch (stage.kind) {
    case "input":
      return stage.beats;
    case "window":
    case "requantize":
      return stage.words * stage.replays;
    case "dense":
      return stage.inFolds * stage.outFolds;
    case "adapter":
      return Math.ceil(stage.elements / Math.min(stage.sLanes, stage.mLanes));
    case "argmax":
      return stage.beats;
    case "output":
      return stage.beats + (stage.second ? 1 : 0);
  }
}
