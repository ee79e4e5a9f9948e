// Progress on stderr: a bar on a terminal, else a line per step of interest and a heartbeat.
import { SingleBar } from "cli-progress";
import type { ProgressSink } from "../support/host.ts";

export interface CliProgress extends ProgressSink {
  /** Takes the bar away; the next update draws it again. */
  pause(): void;
}

const HEARTBEAT_MS = 30_000;

/** Whether stderr is a terminal on which a bar can be redrawn. */
export function canDrawBars(): boolean {
  return Boolean(process.stderr.isTTY) && process.env.CI === undefined && process.env.TERM !== "dumb";
}

/** Makes the sink of one command. */
export function createProgress(): CliProgress {
  const drawing = canDrawBars();
  let bar: SingleBar | undefined;
  let lastWord = Date.now();
  const pause = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    pause,
    line(text) {
      pause();
      lastWord = Date.now();
      process.stderr.write(`${text}\n`);
    },
    update(fraction, text) {
      if (drawing) {
        if (!bar) {
          bar = new SingleBar({
            format: "[{bar}] {percentage}% {text}",
            barsize: 24,
            hideCursor: true,
            clearOnComplete: true,
            stream: process.stderr,
            fps: 10,
            linewrap: null,
          });
          bar.start(1000, 0, { text: "" });
        }
        bar.update(Math.round(fraction * 1000), { text });
      } else if (Date.now() - lastWord > HEARTBEAT_MS) {
        lastWord = Date.now();
        process.stderr.write(`${Math.round(fraction * 100)}% ${text}\n`);
      }
    },
  };
}
