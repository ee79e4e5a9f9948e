// nf_window_split: every tap of every window, from those of the window that spans them.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { caseOfWires } from "../../harness/wires.ts";

interface Parameters {
  readonly kernel: readonly [number, number];
  readonly tapStep: number;
  readonly stride: number;
  readonly count: number;
  readonly width: number;
  /** Windows that begin at one column, and how many of these are in front of the first one. */
  readonly phases?: number;
  readonly offset?: number;
}

function caseOf({ phases = 1, offset = 0, ...p }: Parameters): BenchCase {
  const { kernel, tapStep, stride, count, width } = p;
  const [ky, kx] = kernel;
  const begins = Array.from({ length: count }, (_, n) => Math.floor((n + offset) / phases) * stride);
  const span = begins.at(-1)! + (kx - 1) * tapStep + 1;
  const random = randomFor("split", span, ky);
  const words = Array.from({ length: 20 }, () => {
    const taps = integers(random, ky * span, width, false);
    const split: number[] = [];
    for (let y = 0; y < ky; y++)
      for (let x = 0; x < kx; x++)
        for (let n = 0; n < count; n++) split.push(taps[y * span + begins[n]! + x * tapStep]!);
    return { from: lanes(taps, width), to: lanes(split, width) };
  });
  return caseOfWires(
    `split ${ky} ${kx} ${tapStep} ${stride} ${count} ${phases} ${offset}`,
    "nf_window_split",
    {
      WIDTH: width,
      COUNT: count,
      KERNEL_Y: ky,
      KERNEL_X: kx,
      TAP_STEP: tapStep,
      STRIDE: stride,
      PHASES: phases,
      OFFSET: offset,
      SPAN: span,
    },
    [ky * span * width, ky * kx * count * width],
    words,
  );
}

const CASES = [
  { kernel: [3, 3], tapStep: 1, stride: 1, count: 2, width: 5 },
  { kernel: [2, 3], tapStep: 2, stride: 3, count: 4, width: 1 },
  { kernel: [1, 1], tapStep: 1, stride: 1, count: 6, width: 3 },
  { kernel: [2, 2], tapStep: 1, stride: 2, count: 3, width: 16 },
  { kernel: [1, 4], tapStep: 3, stride: 1, count: 2, width: 2 },
  { kernel: [2, 2], tapStep: 1, stride: 1, count: 6, width: 3, phases: 2, offset: 1 },
  { kernel: [1, 2], tapStep: 1, stride: 1, count: 7, width: 4, phases: 3, offset: 2 },
] as const;

describe.skipIf(!hasTool("verilator"))("nf_window_split", () => {
  test(`gives the windows their taps (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES.map(caseOf))).toEqual([]);
  });
});
