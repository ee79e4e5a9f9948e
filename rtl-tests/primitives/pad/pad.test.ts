// nf_pad: padding around an image along every axis.
import { describe, expect, test } from "vitest";
import { createPad, type Triple } from "../../../compiler/schedule/units/boxes.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { padParameters } from "../../../compiler/verilog/place-windows.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

const IMAGES = 5;

interface Parameters {
  readonly size: Triple;
  readonly before: Triple;
  readonly after: Triple;
  readonly lanes: number;
  readonly width: number;
  readonly pad: number;
}

function caseOf(p: Parameters): BenchCase {
  const { size, before, after } = p;
  const bits = p.lanes * p.width;
  const words = size[0] * size[1] * size[2];
  const beats = randomBeats(randomFor("pad", JSON.stringify(p)), IMAGES * words, bits);
  const padding = lanes(Array<number>(p.lanes).fill(p.pad), p.width);
  const outSize = size.map((n, axis) => before[axis]! + n + after[axis]!) as unknown as Triple;
  const expected: bigint[] = [];
  let next = 0;
  for (let image = 0; image < IMAGES; image++)
    for (let row = 0; row < outSize[0]; row++)
      for (let column = 0; column < outSize[1]; column++)
        for (let word = 0; word < outSize[2]; word++) {
          const inside = [row, column, word].every(
            (index, axis) => index >= before[axis]! && index < before[axis]! + size[axis]!,
          );
          expected.push(inside ? beats[next++]! : padding);
        }
  return {
    name: JSON.stringify(p),
    module: "nf_pad",
    parameters: padParameters({ lanes: p.lanes, size, outSize, first: before }, p.width, p.pad),
    sources: [source("s", bits, beats)],
    sinks: [sink(bits, expected)],
    unit: () => createPad(size, outSize, before),
  };
}

const CASES = (
  [
    { size: [3, 4, 1], before: [1, 1, 0], after: [1, 1, 0], lanes: 1, width: 8, pad: 0 },
    { size: [2, 3, 2], before: [0, 2, 0], after: [3, 0, 0], lanes: 3, width: 5, pad: -3 },
    { size: [1, 6, 2], before: [0, 3, 1], after: [0, 1, 2], lanes: 2, width: 4, pad: 7 },
    { size: [2, 2, 3], before: [0, 0, 0], after: [0, 0, 0], lanes: 1, width: 1, pad: 1 },
    { size: [1, 1, 1], before: [2, 0, 0], after: [0, 2, 0], lanes: 4, width: 16, pad: -32768 },
  ] as const
).map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_pad", () => {
  test(`surrounds an image (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
