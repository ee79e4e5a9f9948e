// nf_select: kept elements in order, gathered into words; a packet that ends early leaves at most incomplete words and
// the flag, whatever the beat it ends with, the last kept element included.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, lanes as laneWord, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";

interface Parameters {
  readonly elements: number;
  readonly lanes: number;
  readonly wordLanes: number;
  readonly width: number;
  /** Chance that an element is kept, in percent; above 100 only the last one, below 0 only the first one. */
  readonly keep: number;
}

const PACKETS = 30;

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("select", index);
  const all = Array.from({ length: p.elements }, (_, i) => i);
  const some =
    p.keep > 100 ? [p.elements - 1] : p.keep < 0 ? [0] : all.filter(() => random.integer(1, 100) <= p.keep);
  const kept = some.length > 0 ? some : [random.integer(0, p.elements - 1)];
  const beats = Math.ceil(p.elements / p.lanes);
  const words = Math.ceil(kept.length / p.wordLanes);
  const mask = Array.from({ length: beats }, (_, b) =>
    laneWord(
      Array.from({ length: p.lanes }, (_, i) => Number(kept.includes(b * p.lanes + i))),
      1,
    )
      .toString(16)
      .padStart(Math.ceil(p.lanes / 4), "0"),
  );
  const high = 2 ** p.width - 1;
  const bits = p.lanes * p.width;
  const wordBits = p.wordLanes * p.width;
  const drop = 1n << BigInt(wordBits);
  const sent: bigint[] = [];
  const expected: bigint[] = [];
  const compared: bigint[] = [];
  for (let packet = 0; packet < PACKETS; packet++) {
    const x = all.map(() => random.integer(0, high));
    const full = kept.map((i) => x[i]!);
    const early = packet % 3 === 1 ? random.integer(0, beats - 1) : -1;
    beatsOf(x, p.lanes, p.width, () => random.integer(0, high)).some((beat, b) => {
      sent.push(beat | (b === early ? 1n << BigInt(bits) : 0n));
      return b === early;
    });
    if (early < 0) {
      for (const word of beatsOf(full, p.wordLanes, p.width)) {
        expected.push(word);
        compared.push(-1n);
      }
      continue;
    }
    // Words that were overfull before the packet broke; at its very end there is no more than words - 1 of them.
    const before = kept.filter((i) => i < early * p.lanes).length;
    const gone = Math.max(0, Math.ceil(before / p.wordLanes) - 1);
    for (const word of beatsOf(full, p.wordLanes, p.width).slice(0, gone)) {
      expected.push(word);
      compared.push(-1n);
    }
    if (gone >= words) throw new Error("a broken packet looks complete");
    // A packet that ends with its first beat has sent nothing and needs no flag.
    if (early === 0) continue;
    expected.push(drop);
    compared.push(drop);
  }
  const file = `mask_${index}.mem`;
  return {
    name: JSON.stringify(p),
    module: "nf_select",
    parameters: {
      ELEMENTS: p.elements,
      LANES: p.lanes,
      WORD_LANES: p.wordLanes,
      WIDTH: p.width,
      MASK_FILE: file,
    },
    memories: new Map([[file, `${mask.join("\n")}\n`]]),
    sources: [
      {
        data: [
          { port: "s_data", bits },
          { port: "s_drop", bits: 1 },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats: sent,
      },
    ],
    sinks: [
      {
        data: [
          { port: "m_data", bits: wordBits },
          { port: "m_drop", bits: 1 },
        ],
        valid: "m_valid",
        ready: "m_ready",
        expected,
        mask: compared,
      },
    ],
  };
}

const CASES: BenchCase[] = [];
for (const [k, [elements, lanes, wordLanes]] of (
  [
    [1, 1, 1],
    [6, 1, 1],
    [9, 1, 4],
    [12, 3, 3],
    [13, 4, 4],
    [13, 4, 6],
    [17, 2, 9],
    [50, 16, 16],
    [50, 16, 20],
    [5, 8, 8],
  ] as const
).entries())
  for (const keep of k % 2 === 0 ? [-1, 50, 90] : [20, 100, 101])
    CASES.push(caseOf({ elements, lanes, wordLanes, width: 1 + (CASES.length % 8), keep }, CASES.length));

describe.skipIf(!hasTool("verilator"))("nf_select", () => {
  test(`keeps what the mask says (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
