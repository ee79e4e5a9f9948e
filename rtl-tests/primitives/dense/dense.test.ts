// nf_dense against sums of products, over sizes, PE and SIMD with and without tails, widths, signs and bipolar operands,
// with one vector for all outputs and with one for each.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

/** The module's codes for operands. */
const [UNSIGNED, SIGNED, BIPOLAR] = [0, 1, 2];

/** What a stored mantissa counts as. */
const operand = (mantissa: number, kind: number): number => (kind === BIPOLAR ? 2 * mantissa - 1 : mantissa);

interface Parameters {
  readonly inputs: number;
  readonly outputs: number;
  readonly pe: number;
  readonly simd: number;
  readonly x: readonly [width: number, kind: number];
  readonly w: readonly [width: number, kind: number];
  readonly bias: boolean;
  /** Vectors side by side, each for as many outputs. */
  readonly vectors?: number;
  /** Parts of each vector in a beat. */
  readonly taps?: number;
  /** Windows side by side, each with vectors of its own. */
  readonly windows?: number;
  /** Outputs and windows whose products share a multiplier, and how far these are apart. */
  readonly shared?: readonly [pe: number, windows: number, spacing: number];
  /** Sets of weights side by side, which the windows take in turn. */
  readonly together?: number;
  /** Sets of weights by row and column, and rows and columns of outputs. */
  readonly phases?: readonly [y: number, x: number];
  readonly outSize?: readonly [rows: number, columns: number];
  /** Products without multiplier blocks. */
  readonly inLogic?: boolean;
}

const PACKETS = 12;

/** Lowest and highest mantissa. */
function rangeOf([width, kind]: readonly [number, number]): readonly [number, number] {
  return kind === SIGNED ? [-(2 ** (width - 1)), 2 ** (width - 1) - 1] : [0, 2 ** width - 1];
}

/** Fewest bits for every partial sum. */
function accumulatorWidth(weights: readonly number[], bias: readonly number[], p: Parameters): number {
  const [low, high] = rangeOf(p.x).map((m) => operand(m, p.x[1])) as [number, number];
  let bits = 2;
  for (let o = 0; o < p.outputs; o++) {
    let min = Math.min(0, bias[o]!);
    let max = Math.max(0, bias[o]!);
    for (let i = 0; i < p.inputs; i++) {
      const w = operand(weights[o * p.inputs + i]!, p.w[1]);
      min += Math.min(0, w * low, w * high);
      max += Math.max(0, w * low, w * high);
    }
    while (min < -(2 ** (bits - 1)) || max >= 2 ** (bits - 1)) bits++;
  }
  return bits;
}

function caseOf(p: Parameters, index: number): BenchCase {
  const random = randomFor("dense", index);
  const { phases = [1, 1], outSize = [1, 1], vectors = 1, taps = 1, windows = 1, together = 1 } = p;
  const { shared = [1, 1, 1] } = p;
  const sets = Array.from({ length: phases[0] * phases[1] * together }, () =>
    integers(random, p.outputs * p.inputs, p.w[0], p.w[1] === SIGNED),
  );
  const bias = Array.from({ length: p.outputs }, () => (p.bias ? random.integer(-500, 500) : 0));
  const width = Math.max(...sets.map((weights) => accumulatorWidth(weights, bias, p)));
  const inFolds = Math.ceil(p.inputs / p.simd);
  const outFolds = Math.ceil(p.outputs / p.pe);
  const hex = (word: bigint, bits: number): string => word.toString(16).padStart(Math.ceil(bits / 4), "0");
  const weightWords: string[] = [];
  const biasWords: string[] = [];
  for (let first = 0; first < sets.length; first += together)
    for (let f = 0; f < outFolds; f++)
      for (let i = 0; i < inFolds; i++) {
        const word: number[] = [];
        for (const weights of sets.slice(first, first + together))
          for (let lane = 0; lane < p.pe * p.simd; lane++) {
            const o = f * p.pe + Math.floor(lane / p.simd);
            const k = i * p.simd + (lane % p.simd);
            word.push(o < p.outputs && k < p.inputs ? weights[o * p.inputs + k]! : 0);
          }
        weightWords.push(hex(lanes(word, p.w[0]), word.length * p.w[0]));
      }
  for (let f = 0; f < outFolds; f++) {
    const word = Array.from({ length: p.pe }, (_, n) => bias[f * p.pe + n] ?? 0);
    biasWords.push(hex(lanes(word, width), p.pe * width));
  }
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  const [low, high] = rangeOf(p.x);
  for (let packet = 0; packet < PACKETS; packet++) {
    const [row, column] = [Math.floor(packet / outSize[1]) % outSize[0], packet % outSize[1]];
    const turn = (row % phases[0]) * phases[1] + (column % phases[1]);
    const vector = (): number[] =>
      packet < 2
        ? Array<number>(p.inputs).fill(packet === 0 ? high : low)
        : integers(random, p.inputs, p.x[0], p.x[1] === SIGNED);
    const shared = Array.from({ length: windows }, vector);
    for (let f = 0; f < outFolds; f++) {
      const x = shared.flatMap((one) =>
        Array.from({ length: vectors }, () => (vectors > 1 ? vector() : one)),
      );
      for (let i = 0; i < inFolds; i++) {
        // Lanes beyond the vector hold anything.
        const row = x.map((of) =>
          Array.from({ length: p.simd }, (_, s) => of[i * p.simd + s] ?? random.integer(low, high)),
        );
        const part = p.simd / taps;
        const parts = Array.from({ length: taps }, (_, t) =>
          row.map((of) => of.slice(t * part, (t + 1) * part)),
        );
        beats.push(lanes(parts.flat(2), p.x[0]));
      }
      const sums = Array.from({ length: windows * p.pe }, (_, lane) => {
        const n = lane % p.pe;
        const o = f * p.pe + n;
        if (o >= p.outputs) return 0;
        const weights = sets[turn * together + (Math.floor(lane / p.pe) % together)]!;
        return x[Math.floor(lane / p.pe) * vectors + Math.floor((n * vectors) / p.pe)]!.reduce(
          (sum, value, i) => sum + operand(value, p.x[1]) * operand(weights[o * p.inputs + i]!, p.w[1]),
          bias[o]!,
        );
      });
      expected.push(lanes(sums, width));
    }
  }
  const files = { WEIGHT_FILE: `weights_${index}.mem`, BIAS_FILE: p.bias ? `bias_${index}.mem` : "" };
  return {
    name: JSON.stringify(p),
    module: "nf_dense",
    parameters: {
      INPUTS: p.inputs,
      OUTPUTS: p.outputs,
      PE: p.pe,
      SIMD: p.simd,
      VECTORS: vectors,
      TAPS: taps,
      WINDOWS: windows,
      SETS: together,
      SHARED_PE: shared[0],
      SHARED_WINDOWS: shared[1],
      SPACING: shared[2],
      PHASES_Y: phases[0],
      PHASES_X: phases[1],
      ROWS: outSize[0],
      COLUMNS: outSize[1],
      X_WIDTH: p.x[0],
      X_KIND: p.x[1],
      W_WIDTH: p.w[0],
      W_KIND: p.w[1],
      ACC_WIDTH: width,
      IN_LOGIC: p.inLogic ? 1 : 0,
      ...files,
    },
    memories: new Map([
      [files.WEIGHT_FILE, `${weightWords.join("\n")}\n`],
      ...(p.bias ? [[files.BIAS_FILE, `${biasWords.join("\n")}\n`] as const] : []),
    ]),
    sources: [source("s", windows * vectors * p.simd * p.x[0], beats)],
    sinks: [sink(windows * p.pe * width, expected)],
    unit: () => createPipeline(2 + Math.ceil(Math.log2(p.simd)), inFolds),
  };
}

const SIZES = [
  [1, 1, 1, 1],
  [5, 3, 1, 1],
  [8, 4, 4, 8],
  [9, 5, 2, 4],
  [7, 7, 3, 3],
  [12, 10, 5, 6],
  [16, 2, 2, 16],
  [6, 11, 11, 5],
] as const;
const WIDTHS = [
  [
    [1, UNSIGNED],
    [2, SIGNED],
  ],
  [
    [2, UNSIGNED],
    [2, SIGNED],
  ],
  [
    [8, SIGNED],
    [4, SIGNED],
  ],
  [
    [4, UNSIGNED],
    [3, UNSIGNED],
  ],
  [
    [16, SIGNED],
    [8, SIGNED],
  ],
  [
    [3, SIGNED],
    [1, SIGNED],
  ],
  [
    [8, UNSIGNED],
    [16, SIGNED],
  ],
  [
    [1, BIPOLAR],
    [1, BIPOLAR],
  ],
  [
    [4, UNSIGNED],
    [1, BIPOLAR],
  ],
  [
    [5, SIGNED],
    [1, BIPOLAR],
  ],
  [
    [1, BIPOLAR],
    [4, SIGNED],
  ],
  [
    [1, BIPOLAR],
    [3, UNSIGNED],
  ],
  [
    [1, UNSIGNED],
    [1, BIPOLAR],
  ],
] as const;
const CASES: BenchCase[] = [];
for (const [k, [inputs, outputs, pe, simd]] of SIZES.entries())
  for (const [step, [x, w]] of WIDTHS.entries()) {
    // Half of all pairs of a size and operands.
    if ((k + step) % 2 === 0) continue;
    CASES.push(caseOf({ inputs, outputs, pe, simd, x, w, bias: (k + step) % 3 !== 0 }, CASES.length));
  }

for (const [inputs, outputs, pe, simd, x, w, bias] of [
  [9, 5, 2, 1, [8, UNSIGNED], [4, SIGNED], true],
  [4, 6, 3, 1, [8, SIGNED], [8, SIGNED], false],
  [3, 4, 4, 2, [16, SIGNED], [5, UNSIGNED], true],
  [2, 7, 3, 1, [1, BIPOLAR], [4, SIGNED], true],
  [9, 5, 4, 1, [6, SIGNED], [1, BIPOLAR], true],
  [5, 3, 2, 1, [1, BIPOLAR], [1, BIPOLAR], true],
  [7, 2, 2, 3, [1, BIPOLAR], [2, UNSIGNED], false],
] as const)
  CASES.push(caseOf({ inputs, outputs, pe, simd, x, w, bias, vectors: pe }, CASES.length));

for (const [step, [x, w]] of WIDTHS.entries())
  CASES.push(
    caseOf(
      { inputs: 7, outputs: 3, pe: 2, simd: 1 + (step % 3), x, w, bias: false, inLogic: true },
      CASES.length,
    ),
  );

const [BYTE, NIBBLE] = [[8, SIGNED] as const, [4, SIGNED] as const];
for (const more of [
  // Groups: taps side by side, several outputs of each, both.
  { inputs: 9, outputs: 6, pe: 3, simd: 9, vectors: 3, taps: 9 },
  { inputs: 8, outputs: 8, pe: 4, simd: 2, vectors: 2 },
  { inputs: 18, outputs: 12, pe: 6, simd: 8, vectors: 3, taps: 4 },
  { inputs: 9, outputs: 4, pe: 4, simd: 5, vectors: 4, taps: 5, w: [1, BIPOLAR] as const },
  // Windows side by side: of one vector each, of groups, in folds of both.
  { inputs: 9, outputs: 4, pe: 4, simd: 9, taps: 9, windows: 3 },
  { inputs: 6, outputs: 6, pe: 6, simd: 6, vectors: 3, taps: 3, windows: 2 },
  { inputs: 6, outputs: 4, pe: 4, simd: 6, taps: 2, windows: 4, together: 2 },
  {
    inputs: 4,
    outputs: 2,
    pe: 2,
    simd: 4,
    vectors: 2,
    windows: 5,
    together: 3,
    phases: [2, 1] as const,
    outSize: [5, 3] as const,
  },
  { inputs: 7, outputs: 5, pe: 2, simd: 3, windows: 2, w: [1, BIPOLAR] as const },
  // Products that share multipliers, apart and overlapping; several words, groups, positions.
  { inputs: 12, outputs: 8, pe: 4, simd: 4, shared: [2, 1, 12] as const },
  { inputs: 9, outputs: 6, pe: 6, simd: 8, x: [4, UNSIGNED] as const, shared: [3, 1, 8] as const },
  { inputs: 7, outputs: 8, pe: 4, simd: 7, x: [4, UNSIGNED] as const, shared: [4, 1, 7] as const },
  { inputs: 10, outputs: 5, pe: 2, simd: 3, x: [4, SIGNED] as const, shared: [2, 1, 7] as const },
  { inputs: 6, outputs: 3, pe: 3, simd: 1, x: [3, SIGNED] as const, shared: [3, 1, 7] as const, bias: false },
  { inputs: 8, outputs: 8, pe: 8, simd: 8, w: [8, SIGNED] as const, shared: [2, 1, 16] as const },
  {
    inputs: 4,
    outputs: 4,
    pe: 4,
    simd: 4,
    windows: 4,
    x: [4, UNSIGNED] as const,
    shared: [2, 2, 8] as const,
  },
  { inputs: 6, outputs: 12, pe: 12, simd: 6, vectors: 3, taps: 3, windows: 2, shared: [4, 2, 12] as const },
  { inputs: 5, outputs: 2, pe: 2, simd: 5, windows: 3, x: [2, SIGNED] as const, shared: [1, 3, 5] as const },
  // Weights by phase.
  { inputs: 4, outputs: 3, pe: 1, simd: 2, phases: [2, 2] as const, outSize: [3, 2] as const },
  { inputs: 3, outputs: 2, pe: 2, simd: 3, phases: [2, 3] as const, outSize: [2, 3] as const },
  { inputs: 5, outputs: 2, pe: 2, simd: 5, phases: [3, 1] as const, outSize: [6, 1] as const },
  {
    inputs: 6,
    outputs: 4,
    pe: 4,
    simd: 6,
    vectors: 2,
    taps: 3,
    phases: [1, 3] as const,
    outSize: [1, 4] as const,
  },
])
  CASES.push(caseOf({ x: BYTE, w: NIBBLE, bias: true, ...more }, CASES.length));

describe.skipIf(!hasTool("verilator"))("nf_dense", () => {
  test(`sums exactly (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
