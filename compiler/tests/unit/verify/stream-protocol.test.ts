// Tensors as beats: what is packed comes back, padding and tails included.
import { expect, test } from "vitest";
import type { StreamPort } from "../../../program/manifest.ts";
import { bytesPerBeat, packPackets, unpackPackets } from "../../../verify/stream-protocol.ts";

function port(elements: number, lanes: number, width: number, signed: boolean): StreamPort {
  const beats = Math.ceil(elements / lanes);
  const value = {
    value: "x",
    role: "value",
    shape: [elements],
    elements,
    beats,
    signed,
    width,
    fraction: 0,
  } as const;
  return { name: "m_axis", values: [value], lanes, laneBits: 8 * Math.ceil(width / 8), beats };
}

/** As the design has to send it: sign- or zero-extended, unused lanes 0. */
function sent(p: StreamPort, rows: readonly number[]): Uint8Array {
  const laneBytes = p.laneBits / 8;
  const elements = p.values[0]!.elements;
  const packets = rows.length / elements;
  const bytes = new Uint8Array(packets * p.beats * bytesPerBeat(p));
  for (let n = 0; n < packets; n++)
    for (let e = 0; e < elements; e++)
      for (let b = 0; b < laneBytes; b++)
        bytes[n * p.beats * bytesPerBeat(p) + e * laneBytes + b] = Number(
          BigInt.asUintN(8, BigInt(rows[n * elements + e]!) >> BigInt(8 * b)),
        );
  return bytes;
}

function output(p: StreamPort, bytes: Uint8Array) {
  const beats = bytes.length / bytesPerBeat(p);
  return {
    cycles: Float64Array.from({ length: beats }, (_, i) => 10 + i),
    last: Uint8Array.from({ length: beats }, (_, i) => Number(i % p.beats === p.beats - 1)),
    bytes,
  };
}

test("signed integers of three bytes come back, with their cycles", () => {
  const p = port(3, 2, 20, true);
  const rows = [-1, 524287, -524288, 5, -7, 0];
  const { values, problems } = unpackPackets(p, output(p, sent(p, rows)));
  expect(problems).toEqual([]);
  expect([...values[0]!.values]).toEqual(rows);
  expect([...values[0]!.cycles]).toEqual([10, 10, 11, 12, 12, 13]);
});

test("a wrong extension shows as a wrong integer, a used unused lane and a wrong tlast as problems", () => {
  const p = port(3, 2, 4, true);
  const bytes = sent(p, [-1, 2, 3]);
  bytes[0] = 0x0f;
  bytes[3] = 1;
  const beats = output(p, bytes);
  beats.last[0] = 1;
  const { values, problems } = unpackPackets(p, beats);
  expect(values[0]!.values[0]).toBe(15);
  expect(problems.map(({ text }) => text).join()).toMatch(
    /tlast is early on output beat 0.*unused lane 1 of output beat 1 holds 1/,
  );
});

test("inputs keep their bits below the padding", () => {
  const p = port(3, 2, 5, false);
  const bytes = packPackets(p, new Map([["x", [1, 31, 16]]]), 1, 1);
  expect(bytes.length).toBe(4);
  expect([...bytes.subarray(0, 3)].map((b) => b & 31)).toEqual([1, 31, 16]);
});
