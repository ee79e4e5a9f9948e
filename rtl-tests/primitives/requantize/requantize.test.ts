// nf_requantize against y = saturate(activation(round(x / 2^SHIFT))) in big integers, over widths, signs, shifts,
// rounding modes and lanes. Inputs of up to 10 bits are exhaustive.
import { describe, expect, test } from "vitest";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, beatsOf, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { type Requantization, requantize } from "./reference.ts";

interface Parameters extends Requantization {
  readonly inWidth: number;
  readonly inSigned: boolean;
  readonly lanes: number;
}

function inputsOf(p: Parameters): number[] {
  if (p.inWidth <= 10) {
    const first = p.inSigned ? -(2 ** (p.inWidth - 1)) : 0;
    return Array.from({ length: 2 ** p.inWidth }, (_, i) => first + i);
  }
  const random = randomFor("requantize", ...Object.values(p).map(String));
  const all = integers(random, 150, p.inWidth, p.inSigned);
  // Around every point where rounding turns, near the ends of the result.
  const { min, max } = { min: Math.min(...all), max: Math.max(...all) };
  for (let n = 0; n < 250; n++) {
    const step = 2 ** p.shift;
    const y = Math.floor((random.uniform() * 2.4 - 1.2) * 2 ** p.outWidth);
    const x = Math.round((y + 0.5) * step) + random.integer(-1, 1);
    all.push(Math.min(max, Math.max(min, x)));
  }
  return all;
}

function caseOf(p: Parameters): BenchCase {
  const xs = inputsOf(p);
  return {
    name: JSON.stringify(p),
    module: "nf_requantize",
    parameters: {
      LANES: p.lanes,
      IN_WIDTH: p.inWidth,
      IN_SIGNED: Number(p.inSigned),
      OUT_WIDTH: p.outWidth,
      OUT_SIGNED: Number(p.outSigned),
      SHIFT: p.shift,
      ROUNDING: p.rounding,
      RELU: Number(p.relu),
    },
    sources: [
      {
        data: [{ port: "s_data", bits: p.lanes * p.inWidth }],
        valid: "s_valid",
        ready: "s_ready",
        beats: beatsOf(xs, p.lanes, p.inWidth),
      },
    ],
    sinks: [
      {
        data: [{ port: "m_data", bits: p.lanes * p.outWidth }],
        valid: "m_valid",
        ready: "m_ready",
        expected: beatsOf(
          xs.map((x) => requantize(x, p)),
          p.lanes,
          p.outWidth,
        ),
      },
    ],
  };
}

const CASES: BenchCase[] = [];
const random = randomFor("requantize cases");
for (const rounding of [0, 1, 2])
  for (const relu of [false, true])
    for (const [inWidth, inSigned, outWidth, outSigned, shift] of [
      [8, false, 2, false, 6],
      [8, true, 4, true, 3],
      [9, true, 9, true, 0],
      [5, true, 12, true, -4],
      [10, true, 1, false, 9],
      [10, true, 3, true, 14],
      [1, false, 1, false, 1],
      [20, true, 4, false, 11],
      [48, true, 16, true, 30],
      [40, true, 8, true, -3],
    ] as const)
      CASES.push(
        caseOf({
          inWidth,
          inSigned,
          outWidth,
          outSigned,
          shift,
          rounding,
          relu,
          lanes: random.integer(1, 4),
        }),
      );

describe.skipIf(!hasTool("verilator"))("nf_requantize", () => {
  test(`rounds, rectifies and saturates exactly (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
