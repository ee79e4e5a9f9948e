// Random convolutions with random legal foldings, and stalls: the simulator's values, in the predicted cycles.
import { expect, it } from "vitest";
import { intFormat } from "../../../compiler/program/builder.ts";
import {
  type ConvInstruction,
  type Format,
  mantissaRange,
  widthOf,
} from "../../../compiler/program/program.ts";
import { convSizeOf } from "../../../compiler/schedule/build-layers.ts";
import { convCycles, legalPe, legalSimd } from "../../../compiler/schedule/conv-folding.ts";
import { createRandom } from "../../../compiler/support/random.ts";
import { casesOf } from "../../../compiler/tests/nightly.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { convOf, randomConv } from "../../../compiler/tests/unit/schedule/random-conv.ts";
import { complaintsOfIcarus, designOfDataflow } from "../../../compiler/tests/unit/verilog/random-design.ts";

const CASES = casesOf(24, 600);
const PACKETS = 3;

it.skipIf(!hasTool("iverilog"))(
  `give the simulator's values in the predicted cycles (${CASES} convolutions)`,
  () => {
    for (let seed = 0; seed < CASES; seed++) {
      const random = createRandom(seed, "folded convolutions");
      const pick = <T>(from: readonly T[]): T => from[random.integer(0, from.length - 1)]!;
      const shape = randomConv(random, [3, 7]);
      // Signs have no zero to stand around or between.
      const padded = [...shape.before, ...shape.after, ...shape.spread.map((s) => s - 1)].some((n) => n > 0);
      const BITS: Format = { kind: "bipolar", fraction: 0 };
      const whole = intFormat(random.integer(0, 1) === 0, random.integer(2, 9), 2);
      const x = !padded && random.integer(0, 3) === 0 ? BITS : whole;
      const weights = random.integer(0, 4) === 0 ? BITS : intFormat(true, random.integer(2, 6), 2);
      const { max } = mantissaRange(x);
      const padMantissa = x === BITS || random.integer(0, 2) > 0 ? 0 : random.integer(0, max);
      const bias = Array.from({ length: shape.units }, () => random.integer(-100, 100));
      const program = convOf(shape, {
        x,
        weights,
        padMantissa,
        ...(random.integer(0, 1) === 0 ? { bias } : {}),
      });
      const size = convSizeOf(program, program.instructions.find((i) => i.op === "conv") as ConvInstruction);
      // A folding of its own, or one for fewer cycles than there are positions: then several stand side by side.
      const isWide = random.integer(0, 2) === 0;
      const pe = pick(legalPe(size));
      const folding = { pe, simd: pick(legalSimd(size, pe)) };
      const alone = convCycles(size, { ...folding, windows: 1, columns: 1 }) * 2;
      const options = {
        clockMHz: 100,
        intervalCycles: isWide ? random.integer(1, Math.max(size.positions, size.inPositions)) : alone,
        folding: isWide ? {} : { conv: folding },
        outputs: "both",
      } as const;
      const given = isWide ? { interval: options.intervalCycles } : folding;
      const what = `seed ${seed}: ${JSON.stringify({ ...shape, ...given, x: widthOf(x), padMantissa })}`;
      expect(complaintsOfIcarus(designOfDataflow({ program, options }, PACKETS, seed)), what).toBe("");
    }
  },
  casesOf(600_000, 3_600_000),
);
