// Foldings by chance. In: a program and a random source. Out: PE and SIMD of its layers with weights, any that are legal.
import type { Program } from "../../../program/program.ts";
import { convSizeOf, sizeOf } from "../../../schedule/build-layers.ts";
import { legalPe, legalSimd } from "../../../schedule/conv-folding.ts";
import type { Folding } from "../../../schedule/folding.ts";
import type { RandomStream } from "../../../support/random.ts";

function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}

/** PE and SIMD of every dense layer and convolution. */
export function randomFoldings(program: Program, random: RandomStream): Readonly<Record<string, Folding>> {
  const drawn: Record<string, Folding> = {};
  for (const step of program.instructions) {
    if (step.op === "conv") {
      const size = convSizeOf(program, step);
      const pe = pick(random, legalPe(size));
      drawn[step.layer] = { pe, simd: pick(random, legalSimd(size, pe)) };
    }
    if (step.op === "dense") {
      const { inputs, outputs } = sizeOf(program, step);
      drawn[step.layer] = { pe: random.integer(1, outputs), simd: random.integer(1, inputs) };
    }
  }
  return drawn;
}
