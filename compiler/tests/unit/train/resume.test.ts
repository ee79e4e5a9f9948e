// Stopping and going on: from the end of any epoch, phase or round a resumed run gives the bytes of a whole one.
import { beforeAll, describe, expect, test } from "vitest";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import type { StopSignal } from "../../../support/host.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../../train/checkpoint.ts";
import { TrainingStopped } from "../../../train/request.ts";
import { train } from "../../../train/train.ts";
import {
  chainGraph,
  cloudRequest,
  type LayerWord,
  openWasm,
  record,
  request,
  type SpecChanges,
  UNSIGNED,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const EPOCHS = { float: 2, noise: 2, rounding: 2 };

const RUNS: readonly {
  readonly name: string;
  readonly words: readonly LayerWord[];
  readonly training: SpecChanges;
}[] = [
  {
    name: "a budget, an alpha a channel, normalised inputs and a teacher",
    words: [8, "batchnorm", "relu", 6, "sign", 3, "argmax"],
    training: {
      weights: { granularity: { kind: "channel" } },
      input: { granularity: "channel" },
      bias: "layer",
      normalize: "element",
      distillation: { weight: 0.5, temperature: 2 },
      augment: { shiftPixels: 0, flip: "none", noise: 0.01 },
    },
  },
  {
    name: "a lossless search in rounds, with bipolar weights",
    words: [8, "relu", 3, "argmax"],
    training: {
      objective: { kind: "lossless", epsilon: 0.05 },
      weights: { bits: { min: 1, max: 8 } },
      epochs: { float: 2, noise: 2, rounding: 5 },
    },
  },
  {
    name: "patience, weight decay and momentum",
    words: [8, "batchnorm", "hardtanh", 3, "argmax"],
    training: {
      patience: 1,
      weightDecay: 0.02,
      optimizer: { kind: "sgd", momentum: 0.9 },
      learningRate: 0.1,
      epochs: { float: 5, noise: 4, rounding: 4 },
    },
  },
  {
    name: "a search that starts from the baseline, with normalised inputs",
    words: [8, "relu", 3, "argmax"],
    training: {
      objective: { kind: "lossless", epsilon: 0.5 },
      normalize: "element",
      epochs: { float: 0, noise: 2, rounding: 4 },
    },
  },
  {
    name: "EBOPs, which may need another round",
    words: [8, "relu", 3, "argmax"],
    training: { limits: { ebops: 500 } },
  },
];

describe("a checkpoint", () => {
  test.each(RUNS)(
    "of $name leads to the same bytes from the end of every phase and round",
    async ({ words, training }) => {
      const asked = cloudRequest(words, { epochs: EPOCHS, ...training });
      const whole = await record(tf, asked);
      const last = new Map<string, Uint8Array>();
      for (const bytes of whole.saved) {
        const { phase, round } = decodeCheckpoint(bytes).checkpoint;
        last.set(`${phase} ${round}`, bytes);
      }
      expect(last.size).toBeGreaterThanOrEqual(4);
      // And from the middle of the run.
      last.set("middle", whole.saved[Math.floor(whole.saved.length / 2)]!);
      for (const [place, bytes] of last) {
        const resumed = await record(tf, { ...asked, checkpoint: decodeCheckpoint(bytes).checkpoint });
        expect(JSON.stringify(resumed.result), place).toBe(JSON.stringify(whole.result));
        const at = whole.saved.indexOf(bytes);
        expect(resumed.saved, place).toEqual(whole.saved.slice(at + 1));
      }
    },
  );

  test("survives as bytes with what it belongs to", async () => {
    const { saved } = await record(
      tf,
      request({ training: { epochs: { float: 1, noise: 1, rounding: 1 } } }),
    );
    const { checkpoint } = decodeCheckpoint(saved.at(-1)!);
    const bytes = encodeCheckpoint(checkpoint, { source: "abc" });
    const again = decodeCheckpoint(bytes);
    expect(again.identity).toEqual({ source: "abc" });
    expect(again.checkpoint).toEqual(checkpoint);
    expect(encodeCheckpoint(again.checkpoint, again.identity)).toEqual(bytes);
    const broken = [
      bytes.slice(0, 9),
      bytes.slice(0, -4),
      bytes.with(bytes.length - 2, 77),
      bytes.with(0, 1),
    ];
    for (const wrong of broken) expect(() => decodeCheckpoint(wrong)).toThrow(/train\/bad-checkpoint/);
    const old = encodeCheckpoint({
      ...checkpoint,
      schema: "noisefloor.checkpoint/1",
    } as unknown as Checkpoint);
    expect(() => decodeCheckpoint(old)).toThrow(/its schema is noisefloor.checkpoint\/1/);
  });

  test("of another network is refused", async () => {
    const { saved } = await record(
      tf,
      request({ training: { epochs: { float: 1, noise: 1, rounding: 1 } } }),
    );
    const graph = chainGraph([4], UNSIGNED, [15, "relu", 3, "argmax"]);
    for (const bytes of [saved[0]!, saved.at(-1)!]) {
      const { checkpoint } = decodeCheckpoint(bytes);
      const error: unknown = await train(tf, request({ graph, checkpoint })).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(DiagnosticError);
      expect(new Set((error as DiagnosticError).diagnostics.map((d) => d.code))).toEqual(
        new Set(["train/checkpoint-mismatch"]),
      );
    }
  });

  test("is a copy: training goes on without changing it", async () => {
    let first: Checkpoint | undefined;
    let bytes: Uint8Array | undefined;
    const events = {
      progress: () => {},
      log: () => {},
      checkpoint: (c: Checkpoint) => {
        first ??= c;
        bytes ??= encodeCheckpoint(c);
      },
    };
    await train(tf, request({ training: { epochs: { float: 1, noise: 1, rounding: 1 } }, events }));
    expect(encodeCheckpoint(first!)).toEqual(bytes);
  });
});

describe("stopping", () => {
  test.each([1, 430, 500, 600, 719])(
    "after %d steps ends at once and the last checkpoint resumes",
    async (steps) => {
      const asked = request({ training: { epochs: EPOCHS } });
      const whole = await record(tf, asked);
      const stop = { stopped: false };
      let done = 0;
      let last: Checkpoint | undefined;
      const stopped = train(tf, {
        ...asked,
        stop: stop satisfies StopSignal,
        events: {
          progress: () => {
            done++;
            if (done === steps) stop.stopped = true;
          },
          checkpoint: (c) => {
            last = c;
          },
          log: () => {},
        },
      });
      await expect(stopped).rejects.toThrow(TrainingStopped);
      expect(done).toBe(steps);
      const resumed = await record(tf, { ...asked, checkpoint: last });
      expect(JSON.stringify(resumed.result.trained)).toBe(JSON.stringify(whole.result.trained));
    },
  );
});
