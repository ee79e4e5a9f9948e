// Streams of the usual port names for cases, and random beats.
import type { RandomStream } from "../../compiler/support/random.ts";
import type { Sink, Source } from "./bench.ts";

/** A source at `<letter>_data`, `<letter>_valid` and `<letter>_ready`. */
export function source(letter: string, bits: number, beats: readonly bigint[]): Source {
  return {
    data: [{ port: `${letter}_data`, bits }],
    valid: `${letter}_valid`,
    ready: `${letter}_ready`,
    beats,
  };
}

/** A sink at `m_data`, `m_valid` and `m_ready`. */
export function sink(bits: number, expected: readonly bigint[]): Sink {
  return { data: [{ port: "m_data", bits }], valid: "m_valid", ready: "m_ready", expected };
}

export function randomBeat(random: RandomStream, bits: number): bigint {
  let beat = 0n;
  for (let i = 0; i < bits; i += 32) beat = (beat << 32n) | BigInt(random.int32() >>> 0);
  return BigInt.asUintN(bits, beat);
}

export function randomBeats(random: RandomStream, count: number, bits: number): bigint[] {
  return Array.from({ length: count }, () => randomBeat(random, bits));
}
