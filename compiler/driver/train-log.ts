// train/log.jsonl: one JSON object a line, an epoch's record or something that the trainer said. In: what the file holds
// after an interruption. Out: its text, with each event once however often training was resumed.
import type { EpochRecord } from "../train/checkpoint.ts";

/** A line that the trainer said, after so many finished epochs. */
interface Said {
  readonly event: "line";
  readonly epochs: number;
  readonly text: string;
}

export interface TrainLog {
  /** Keeps what the trainer says after the last finished epoch. */
  say(text: string): void;
  /** The epochs that are finished by now. */
  finish(history: readonly EpochRecord[]): void;
  /** Contents of the file. */
  text(): string;
}

function saidIn(text: string): Said[] {
  return text.split("\n").flatMap((line): Said[] => {
    try {
      const read = JSON.parse(line) as Partial<Said>;
      return read.event === "line" ? [read as Said] : [];
    } catch {
      // A line that was cut off, or the end of the file: the log is for reading, nothing depends on it.
      return [];
    }
  });
}

/**
 * The log of a run that goes on from a checkpoint with `history`. What was said after its last epoch is dropped from
 * `before`: the resumed run says it again.
 */
export function createTrainLog(before: string | undefined, history: readonly EpochRecord[]): TrainLog {
  let finished = history;
  const said = saidIn(before ?? "").filter((line) => line.epochs < history.length);
  return {
    say(text) {
      said.push({ event: "line", epochs: finished.length, text });
    },
    finish(history) {
      finished = history;
    },
    text() {
      const lines: object[] = [];
      const sayUpTo = (epochs: number): void => {
        lines.push(...said.filter((line) => line.epochs === epochs));
      };
      sayUpTo(0);
      for (const [i, record] of finished.entries()) {
        lines.push({ event: "epoch", ...record });
        sayUpTo(i + 1);
      }
      return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    },
  };
}
