// nf_pool: the largest element and the rounded average of every window, with and without padding.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { exactDivision } from "../../../compiler/support/division.ts";
import { integerRange, widthOfRange } from "../../../compiler/support/fixed-point.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink } from "../../harness/streams.ts";

interface Parameters {
  readonly average: boolean;
  readonly window: number;
  readonly lanes: number;
  readonly width: number;
  readonly signed: boolean;
  /** Windows of which the beats come in turn. */
  readonly words?: number;
  /** Elements of every lane in a beat, of windows side by side. */
  readonly taps?: number;
  readonly windows?: number;
}

const WINDOWS = 40;

function caseOf(p: Parameters): BenchCase {
  const { average, window, width, signed, words = 1, taps = 1, windows = 1 } = p;
  const each = p.lanes / windows;
  const random = randomFor("pool", JSON.stringify(p));
  const size = window * taps * p.lanes;
  const elements = integers(random, WINDOWS * size, width, signed);
  const range = integerRange(width, signed);
  // The first windows hold one of the ends in every element.
  elements.fill(range.max, 0, size);
  elements.fill(range.min, size, 2 * size);
  const inOrder: bigint[] = [];
  const expected: bigint[] = [];
  for (let n = 0; n < WINDOWS; n++) {
    // Some elements are outside of the image, but not all of a window's.
    const kept = Array.from({ length: windows }, () => random.integer(0, window * taps - 1));
    const found: number[][] = Array.from({ length: p.lanes }, () => []);
    for (let beat = 0; beat < window; beat++) {
      const row: number[] = [];
      let inside = 0n;
      for (let tap = 0; tap < taps; tap++)
        for (let w = 0; w < windows; w++) {
          const at = ((n * window + beat) * taps + tap) * p.lanes + w * each;
          const part = elements.slice(at, at + each);
          row.push(...part);
          if (n >= 2 && beat * taps + tap !== kept[w] && random.integer(0, 3) === 0) continue;
          inside |= 1n << BigInt(tap * windows + w);
          for (const [k, x] of part.entries()) found[w * each + k]!.push(x);
        }
      inOrder.push(lanes(row, width) | (inside << BigInt(taps * p.lanes * width)));
    }
    const results = found.map((column) => {
      const sum = column.reduce((a, b) => a + b, 0);
      return average ? Math.floor(sum / (window * taps) + 0.5) : Math.max(...column);
    });
    expected.push(lanes(results, width));
  }
  // Beat by beat of so many windows.
  const beats = inOrder.map((_, at) => {
    const [set, within] = [Math.floor(at / (words * window)), at % (words * window)];
    return inOrder[(set * words + (within % words)) * window + Math.floor(within / words)]!;
  });
  const count = window * taps;
  const sums = { min: Math.min(0, range.min * count), max: range.max * count };
  const { multiplier, shift, offset } = exactDivision(sums, count);
  return {
    name: JSON.stringify(p),
    module: "nf_pool",
    parameters: {
      LANES: p.lanes,
      WIDTH: width,
      SIGNED: Number(signed),
      WINDOW: window,
      WORDS: words,
      TAPS: taps,
      WINDOWS: windows,
      AVERAGE: Number(average),
      SUM_WIDTH: widthOfRange(sums, true),
      MULTIPLIER: multiplier,
      OFFSET: offset,
      SHIFT: shift,
    },
    sources: [
      {
        data: [
          { port: "s_data", bits: taps * p.lanes * width },
          { port: "s_inside", bits: taps * windows },
        ],
        valid: "s_valid",
        ready: "s_ready",
        beats,
      },
    ],
    sinks: [sink(p.lanes * width, expected)],
    unit: () => createPipeline((average ? 2 : 0) + Number(taps > 1), window, words),
  };
}

const CASES = [
  { average: false, window: 4, lanes: 1, width: 8, signed: false },
  { average: false, window: 9, lanes: 3, width: 5, signed: true },
  { average: false, window: 1, lanes: 2, width: 4, signed: true },
  { average: false, window: 6, lanes: 4, width: 1, signed: false },
  { average: true, window: 4, lanes: 2, width: 8, signed: false },
  { average: true, window: 9, lanes: 3, width: 6, signed: true },
  { average: true, window: 1, lanes: 1, width: 4, signed: true },
  { average: true, window: 7, lanes: 2, width: 16, signed: true },
  { average: true, window: 49, lanes: 1, width: 8, signed: false },
  { average: true, window: 6, lanes: 2, width: 1, signed: false },
  { average: false, window: 5, lanes: 2, width: 7, signed: true, words: 4 },
  { average: false, window: 1, lanes: 1, width: 3, signed: false, words: 5 },
  { average: true, window: 49, lanes: 1, width: 8, signed: false, words: 8 },
  { average: true, window: 1, lanes: 3, width: 4, signed: true, words: 2 },
  { average: true, window: 6, lanes: 2, width: 9, signed: true, words: 10 },
  { average: false, window: 1, lanes: 6, width: 5, signed: true, taps: 4, windows: 2 },
  { average: false, window: 1, lanes: 3, width: 8, signed: false, taps: 9, windows: 3 },
  { average: false, window: 4, lanes: 2, width: 1, signed: false, taps: 3 },
  { average: true, window: 1, lanes: 4, width: 6, signed: true, taps: 6, windows: 4 },
  { average: true, window: 7, lanes: 2, width: 8, signed: false, taps: 7 },
  { average: true, window: 3, lanes: 2, width: 4, signed: true, words: 2, taps: 2 },
].map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_pool", () => {
  test(`takes maximum and average (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
