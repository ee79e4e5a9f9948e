// The training log: every event once, however often training was killed and resumed.
import { describe, expect, it } from "vitest";
import { createTrainLog } from "../../../driver/train-log.ts";
import type { EpochRecord } from "../../../train/checkpoint.ts";

function epochs(count: number): EpochRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    phase: "float",
    round: 1,
    epoch: i + 1,
    loss: 1 / (i + 1),
    accuracy: null,
    validation: { accuracy: null, loss: 1 },
    meanBits: null,
    bitOperations: null,
  }));
}

/** Runs epochs from `from` to `to`, saying a line at the start of each; a kill drops what was not written. */
function run(before: string | undefined, from: number, to: number, said: number): string {
  const log = createTrainLog(before, epochs(from));
  let written = before ?? "";
  for (let n = from; n < to; n++) {
    log.say(`line before epoch ${n + 1}`);
    if (n + 1 === said) written = log.text();
    log.finish(epochs(n + 1));
    written = log.text();
  }
  return written;
}

describe("createTrainLog", () => {
  it("holds one object a line, epochs with all of their record", () => {
    const lines = run(undefined, 0, 2, 0)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { event: "line", epochs: 0, text: "line before epoch 1" },
      { event: "epoch", ...epochs(2)[0] },
      { event: "line", epochs: 1, text: "line before epoch 2" },
      { event: "epoch", ...epochs(2)[1] },
    ]);
  });

  it("is the same after resuming from any epoch", () => {
    const whole = run(undefined, 0, 5, 0);
    for (let killed = 1; killed < 5; killed++) {
      const first = run(undefined, 0, killed, 0);
      expect(run(first, killed, 5, 0)).toBe(whole);
      // Lines that were written after the checkpoint are said again.
      const log = createTrainLog(first, epochs(killed));
      log.say(`line before epoch ${killed + 1}`);
      expect(run(log.text(), killed, 5, 0)).toBe(whole);
      // A file that was cut off loses lines, not its form.
      for (const line of run(first.slice(0, -7), killed, 5, 0).trimEnd().split("\n"))
        expect(() => JSON.parse(line)).not.toThrow();
    }
  });
});
