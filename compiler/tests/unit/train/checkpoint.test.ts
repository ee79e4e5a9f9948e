// A checkpoint that is damaged, or made by somebody who knows its check sum, is refused.
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import {
  CHECKPOINT_SCHEMA,
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from "../../../train/checkpoint.ts";

const checkpoint = {
  schema: CHECKPOINT_SCHEMA,
  history: [],
  parameters: { a: Float32Array.of(1, 2, 3) },
} as unknown as Checkpoint;

function problemOf(bytes: Uint8Array): string {
  try {
    decodeCheckpoint(bytes);
    return "";
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.map(({ code }) => code)).toEqual(["train/bad-checkpoint"]);
    return error.diagnostics[0]!.message;
  }
}

/** Bytes of other data, with a right check sum. */
const forged = (edit: (text: string) => string): Uint8Array => {
  const text = edit(JSON.stringify({ identity: {}, checkpoint: { schema: CHECKPOINT_SCHEMA, history: [] } }));
  const body = new Uint8Array(16 + text.length);
  body.set(new TextEncoder().encode(text), 16);
  let h = 0x811c9dc5;
  for (const byte of body.subarray(16)) h = Math.imul(h ^ byte, 0x01000193);
  const view = new DataView(body.buffer);
  view.setUint32(0, 0x4e464350, true);
  view.setUint32(4, text.length, true);
  view.setUint32(12, h >>> 0, true);
  return body;
};

describe("a checkpoint", () => {
  it("is read back, bit for bit", () => {
    const bytes = encodeCheckpoint(checkpoint, { seed: "1" });
    expect(decodeCheckpoint(bytes)).toEqual({ checkpoint, identity: { seed: "1" } });
    expect(problemOf(forged((text) => text))).toBe("");
  });

  it("that is damaged is refused, wherever", () => {
    const bytes = encodeCheckpoint(checkpoint);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      expect(problemOf(damaged), `byte ${at}`).not.toBe("");
      expect(problemOf(bytes.subarray(0, at))).not.toBe("");
    }
  });

  it.each([
    ["numbers that are not there", '{"$float32":[0,1e9]}'],
    ["numbers before the first", '{"$float32":[-1,1]}'],
    ["no place", '{"$float32":7}'],
    ["half a number", '{"$float32":[0,0.5]}'],
  ])("that speaks of %s is refused", (_, place) => {
    expect(problemOf(forged((text) => text.replace('"history":[]', `"history":[${place}]`)))).not.toBe("");
  });

  it.each(["null", "[]", "{", '{"checkpoint":null}', '{"checkpoint":{"schema":"x"}}', ""])(
    "that holds %j is refused",
    (text) => {
      expect(problemOf(forged(() => text))).not.toBe("");
    },
  );
});
