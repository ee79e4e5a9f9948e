// nf_line_window against the definition of a window, over sizes, strides, dilations, padding, spreading, folds and side
// by side taps, with the least memory and with more, and the cycles of its model.
import { describe, expect, test } from "vitest";
import { storeOf } from "../../../compiler/schedule/banks.ts";
import {
  beatsOfWindow,
  createLineWindow,
  intervalAlone,
  leastCapacity,
  type Pair,
  type WindowGeometry,
} from "../../../compiler/schedule/units/line-window.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { lineWindowParameters } from "../../../compiler/verilog/place-windows.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, source } from "../../harness/streams.ts";

interface Parameters extends Partial<WindowGeometry> {
  readonly size: Pair;
  readonly kernel: Pair;
  readonly after?: Pair;
  /** Words of memory beyond the least number. */
  readonly more: number;
  readonly pad?: number;
  readonly lanes?: number;
  readonly width?: number;
}

const PACKETS = 4;

function geometryOf(p: Parameters): WindowGeometry {
  const given = {
    words: 1,
    strides: [1, 1],
    dilations: [1, 1],
    spread: [1, 1],
    before: [0, 0],
    ...p,
  } as const;
  const outSize = ([0, 1] as const).map((a) => {
    const extent = (given.kernel[a] - 1) * given.dilations[a];
    const spread = p.repeat ? given.size[a] * given.spread[a] : (given.size[a] - 1) * given.spread[a] + 1;
    const padded = spread + given.before[a] + (p.after?.[a] ?? 0);
    return Math.floor((padded - extent - 1) / given.strides[a]) + 1;
  }) as unknown as Pair;
  return { repeat: false, outer: 1, replays: 1, taps: 1, columns: 1, outSize, ...given };
}

/** Beats of `count` words each, the first lowest. */
function sideBySide(words: readonly bigint[], count: number, bits: number): bigint[] {
  return Array.from({ length: words.length / count }, (_, k) =>
    words.slice(k * count, (k + 1) * count).reduce((beat, word, i) => beat | (word << BigInt(i * bits)), 0n),
  );
}

function caseOf(p: Parameters, index: number): BenchCase {
  const geometry = geometryOf(p);
  const {
    size,
    words,
    outSize,
    kernel,
    strides,
    dilations,
    spread,
    before,
    repeat,
    outer,
    replays,
    taps,
    columns,
  } = geometry;
  const [laneCount, width] = [p.lanes ?? 1, p.width ?? 8];
  const bits = laneCount * width;
  const { capacity, banks } = storeOf(geometry, leastCapacity(geometry) + p.more);
  const padding = lanes(Array<number>(laneCount).fill(p.pad ?? 0), width);
  const packetWords = size[0] * size[1] * words;
  const beats = randomBeats(randomFor("line window", index), PACKETS * packetWords, bits);

  /** The word of a tap and whether it is one of the image. */
  const tapAt = (image: readonly bigint[], y: number, x: number, word: number): [bigint, boolean] => {
    const inAxis = (at: number, a: 0 | 1): boolean =>
      at >= 0 && (repeat ? at < size[a] * spread[a] : at <= (size[a] - 1) * spread[a]);
    if (!inAxis(y, 0) || !inAxis(x, 1)) return [padding, false];
    if (!repeat && (y % spread[0] !== 0 || x % spread[1] !== 0)) return [0n, false];
    return [image[(Math.floor(y / spread[0]) * size[1] + Math.floor(x / spread[1])) * words + word]!, true];
  };
  const expected: bigint[] = [];
  const inner = words / outer;
  for (let packet = 0; packet < PACKETS; packet++) {
    const image = beats.slice(packet * packetWords, (packet + 1) * packetWords);
    for (let oy = 0; oy < outSize[0]; oy++)
      for (let ox = 0; ox < outSize[1]; ox++)
        for (let fold = 0; fold < outer; fold++)
          for (let replay = 0; replay < replays; replay++) {
            const sequence: [bigint, boolean][] = [];
            for (let ky = 0; ky < kernel[0]; ky++)
              for (let kx = 0; kx < kernel[1]; kx++)
                for (let word = fold * inner; word < (fold + 1) * inner; word++)
                  sequence.push(
                    tapAt(
                      image,
                      oy * strides[0] + ky * dilations[0] - before[0],
                      ox * strides[1] + kx * dilations[1] - before[1],
                      word,
                    ),
                  );
            for (let at = 0; at < sequence.length; at += taps) {
              let [beat, inside] = [0n, 0n];
              for (const [t, [word, real]] of sequence.slice(at, at + taps).entries()) {
                beat |= word << BigInt(t * bits);
                if (real) inside |= 1n << BigInt(t);
              }
              expected.push(beat | (inside << BigInt(taps * bits)));
            }
          }
  }
  return {
    name: JSON.stringify(p),
    module: "nf_line_window",
    parameters: lineWindowParameters({ lanes: laneCount, geometry, capacity, banks, pad: p.pad ?? 0 }, width),
    sources: [source("s", columns * bits, sideBySide(beats, columns, bits))],
    sinks: [
      {
        data: [
          { port: "m_data", bits: taps * bits },
          { port: "m_inside", bits: taps },
        ],
        valid: "m_valid",
        ready: "m_ready",
        expected,
      },
    ],
    unit: () => createLineWindow(geometry, capacity),
  };
}

const SETS: Parameters[] = [
  // Convolutions.
  { size: [5, 6], kernel: [3, 3], more: 0 },
  { size: [5, 6], kernel: [3, 3], before: [1, 1], after: [1, 1], more: 7, pad: -3, lanes: 2, width: 5 },
  { size: [6, 5], kernel: [3, 2], before: [0, 1], strides: [2, 2], words: 4, outer: 2, replays: 3, more: 3 },
  {
    size: [7, 7],
    kernel: [2, 3],
    dilations: [2, 2],
    before: [2, 2],
    after: [2, 2],
    words: 2,
    outer: 2,
    more: 1,
  },
  {
    size: [1, 9],
    kernel: [1, 4],
    before: [0, 3],
    dilations: [1, 1],
    replays: 2,
    words: 3,
    more: 2,
    width: 1,
  },
  { size: [3, 4], kernel: [1, 1], strides: [2, 3], words: 2, more: 0 },
  { size: [4, 4], kernel: [1, 1], more: 0 },
  // Windows that see nothing of the image.
  { size: [3, 2], kernel: [1, 1], before: [2, 1], after: [1, 2], words: 2, more: 1, pad: 5 },
  { size: [2, 3], kernel: [2, 2], before: [3, 3], after: [2, 2], strides: [2, 1], taps: 4, more: 2, pad: 5 },
  // Windows side by side, skipped words at the end, the whole image.
  { size: [7, 9], kernel: [2, 2], strides: [2, 2], words: 2, outer: 2, more: 4 },
  { size: [3, 5], kernel: [3, 5], words: 3, outer: 3, more: 15 },
  { size: [5, 5], kernel: [3, 3], strides: [2, 2], before: [1, 1], after: [1, 1], more: 10, pad: 7 },
  // Spread and repeated lines.
  { size: [3, 4], kernel: [3, 3], spread: [2, 2], before: [1, 1], after: [1, 1], words: 2, more: 2, pad: 1 },
  {
    size: [4, 3],
    kernel: [4, 5],
    spread: [2, 3],
    before: [2, 3],
    after: [1, 2],
    dilations: [1, 2],
    more: 5,
    pad: 9,
  },
  { size: [3, 4], kernel: [1, 1], spread: [2, 3], repeat: true, words: 2, more: 0 },
  { size: [3, 3], kernel: [1, 1], spread: [3, 1], repeat: true, more: 3 },
  // Taps side by side.
  {
    size: [5, 6],
    kernel: [3, 3],
    before: [1, 1],
    after: [1, 1],
    taps: 9,
    more: 6,
    pad: 2,
    lanes: 3,
    width: 4,
  },
  { size: [5, 5], kernel: [3, 3], taps: 2, before: [1, 0], replays: 2, dilations: [1, 2], more: 0 },
  { size: [1, 12], kernel: [1, 5], taps: 4, strides: [1, 2], before: [0, 2], after: [0, 2], more: 4 },
  { size: [6, 6], kernel: [2, 2], taps: 3, strides: [2, 1], more: 12 },
  { size: [7, 5], kernel: [5, 5], taps: 13, before: [2, 2], after: [2, 2], more: 0, pad: 1 },
  { size: [9, 1], kernel: [4, 1], taps: 2, dilations: [2, 1], strides: [2, 1], before: [3, 0], more: 1 },
  // ... of groups, each word in a turn of its own.
  {
    size: [5, 4],
    kernel: [3, 3],
    taps: 9,
    words: 3,
    outer: 3,
    before: [1, 1],
    after: [1, 1],
    more: 2,
    lanes: 2,
  },
  {
    size: [6, 7],
    kernel: [3, 2],
    taps: 4,
    words: 2,
    outer: 2,
    replays: 2,
    strides: [2, 3],
    more: 9,
    width: 3,
  },
  {
    size: [4, 4],
    kernel: [3, 3],
    taps: 5,
    words: 2,
    outer: 2,
    dilations: [2, 3],
    before: [2, 3],
    after: [2, 3],
    more: 0,
  },
  // ... and of transposed convolutions by phase.
  {
    size: [4, 3],
    kernel: [2, 2],
    dilations: [2, 2],
    spread: [2, 2],
    repeat: true,
    before: [0, -1],
    words: 2,
    more: 1,
  },
  {
    size: [4, 5],
    kernel: [2, 1],
    dilations: [2, 3],
    spread: [2, 3],
    repeat: true,
    before: [1, -2],
    after: [2, 1],
    taps: 2,
    words: 2,
    outer: 2,
    more: 3,
  },
  {
    size: [5, 5],
    kernel: [3, 2],
    dilations: [2, 3],
    spread: [2, 3],
    repeat: true,
    before: [-1, 2],
    after: [4, 1],
    taps: 4,
    more: 0,
  },
  // Positions side by side: as they come, for windows one by one, and for windows side by side.
  { size: [5, 6], kernel: [3, 3], before: [1, 1], after: [1, 1], columns: 2, more: 0, pad: 3 },
  { size: [4, 8], kernel: [2, 3], before: [0, 1], after: [0, 1], columns: 4, taps: 3, replays: 2, more: 5 },
  {
    size: [5, 6],
    kernel: [3, 4],
    strides: [1, 2],
    before: [1, 1],
    after: [1, 1],
    columns: 2,
    taps: 12,
    more: 0,
    lanes: 2,
  },
  {
    size: [6, 9],
    kernel: [3, 7],
    strides: [2, 6],
    before: [1, 1],
    after: [1, 1],
    columns: 3,
    taps: 21,
    more: 9,
    width: 3,
  },
  { size: [4, 6], kernel: [1, 2], strides: [1, 2], dilations: [1, 1], columns: 6, taps: 2, more: 0 },
  {
    size: [1, 20],
    kernel: [1, 8],
    strides: [1, 4],
    before: [0, 2],
    after: [0, 2],
    columns: 5,
    taps: 8,
    more: 0,
    pad: -1,
  },
  {
    size: [3, 4],
    kernel: [1, 2],
    strides: [1, 2],
    spread: [2, 1],
    dilations: [2, 1],
    repeat: true,
    columns: 2,
    taps: 2,
    more: 0,
  },
  { size: [3, 4], kernel: [2, 2], strides: [2, 2], dilations: [1, 2], columns: 4, taps: 4, more: 1 },
];
const CASES = SETS.map(caseOf);

/** Cycles between packets in which the unit gives its beats to a receiver that takes them all, by running it. */
function measuredInterval(geometry: WindowGeometry, capacity: number, packets: number): number {
  const unit = createLineWindow(geometry, capacity);
  const beats = geometry.outSize[0] * geometry.outSize[1] * beatsOfWindow(geometry);
  const willing = [true];
  const ends: number[] = [];
  for (let cycle = 0, given = 0; ends.length <= packets; cycle++) {
    const take = [unit.ready(willing, willing, 0)];
    const give = [unit.valid(0)];
    unit.step(take, give);
    if (give[0] && ++given % beats === 0) ends.push(cycle);
  }
  return ends[packets]! - ends[packets - 1]!;
}

test("intervalAlone is what the unit takes", () => {
  for (const p of SETS)
    for (const more of [0, 3, 9]) {
      const geometry = geometryOf(p);
      const capacity = leastCapacity(geometry) + more;
      expect(intervalAlone(geometry, capacity, 3), JSON.stringify(p)).toBe(
        measuredInterval(geometry, capacity, 3),
      );
    }
});

describe("leastCapacity", () => {
  const plain = (size: Pair, kernel: Pair, words: number): WindowGeometry => ({
    size,
    kernel,
    words,
    outSize: [size[0] - kernel[0] + 1, size[1] - kernel[1] + 1],
    strides: [1, 1],
    dilations: [1, 1],
    spread: [1, 1],
    before: [0, 0],
    repeat: false,
    outer: 1,
    replays: 1,
    taps: 1,
    columns: 1,
  });
  test("is lines and a window's width at stride 1", () => {
    expect(leastCapacity(plain([28, 28], [3, 3], 1))).toBe(2 * 28 + 3);
    expect(leastCapacity(plain([10, 7], [5, 2], 4))).toBe((4 * 7 + 2) * 4);
    expect(leastCapacity(plain([1, 100], [1, 8], 3))).toBe(8 * 3);
  });
});

describe.skipIf(!hasTool("verilator"))("nf_line_window", () => {
  test(`reads windows (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
