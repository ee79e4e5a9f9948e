// nf_window: whole packets, each replayed; dropped ones leave nothing behind.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";

function caseOf(words: number, replays: number, width: number): BenchCase {
  const random = randomFor("window", words, replays);
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  const word = (): bigint =>
    BigInt.asUintN(width, (BigInt(random.int32() >>> 0) << 32n) | BigInt(random.int32() >>> 0));
  for (let packet = 0; packet < 24; packet++) {
    const packetWords = Array.from({ length: words }, word);
    // The drop flag stands above the word and comes with any beat up to the last one.
    const dropAt = packet % 3 === 1 ? random.integer(0, words - 1) : -1;
    if (dropAt >= 0) {
      for (let i = 0; i <= dropAt; i++)
        beats.push(packetWords[i]! | (i === dropAt ? 1n << BigInt(width) : 0n));
      continue;
    }
    beats.push(...packetWords);
    for (let replay = 0; replay < replays; replay++) expected.push(...packetWords);
  }
  return {
    name: `${words} words of ${width} bits, ${replays} times`,
    module: "nf_window",
    parameters: { WIDTH: width, WORDS: words, REPLAYS: replays },
    sources: [
      {
        data: [
          { port: "s_data", bits: width },
          { port: "s_drop", bits: 1 },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats,
      },
    ],
    sinks: [{ data: [{ port: "m_data", bits: width }], valid: "m_valid", ready: "m_ready", expected }],
  };
}

const CASES: BenchCase[] = [];
for (const words of [1, 2, 3, 7, 8])
  for (const replays of [1, 2, 5]) CASES.push(caseOf(words, replays, 1 + ((CASES.length * 7) % 40)));

describe.skipIf(!hasTool("verilator"))("nf_window", () => {
  test(`replays whole packets and forgets dropped ones (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
