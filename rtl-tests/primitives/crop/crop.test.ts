// nf_crop: the words of a box, in order.
import { describe, expect, test } from "vitest";
import { createCrop, type Triple } from "../../../compiler/schedule/units/boxes.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { cropParameters } from "../../../compiler/verilog/place-windows.ts";
import { type BenchCase, runBench } from "../../harness/bench.ts";
import { randomFor } from "../../harness/integers.ts";
import { randomBeats, sink, source } from "../../harness/streams.ts";

const IMAGES = 6;
const WIDTH = 12;

function caseOf([size, first, box]: readonly [Triple, Triple, Triple]): BenchCase {
  const beats = randomBeats(randomFor("crop", `${size}`), IMAGES * size[0] * size[1] * size[2], WIDTH);
  const inBox = (index: number, axis: 0 | 1 | 2): boolean =>
    index >= first[axis] && index < first[axis] + box[axis];
  const expected = beats.filter((_, at) => {
    const word = at % size[2];
    const column = Math.floor(at / size[2]) % size[1];
    const row = Math.floor(at / (size[2] * size[1])) % size[0];
    return inBox(row, 0) && inBox(column, 1) && inBox(word, 2);
  });
  return {
    name: `${box} of ${size} from ${first}`,
    module: "nf_crop",
    parameters: cropParameters({ size, first, box }, WIDTH),
    sources: [source("s", WIDTH, beats)],
    sinks: [sink(WIDTH, expected)],
    unit: () => createCrop(size, first, box),
  };
}

const BOXES: (readonly [Triple, Triple, Triple])[] = [
  [
    [4, 5, 3],
    [1, 2, 1],
    [2, 2, 1],
  ],
  [
    [1, 9, 1],
    [0, 4, 0],
    [1, 5, 1],
  ],
  [
    [4, 4, 4],
    [0, 0, 0],
    [4, 4, 2],
  ],
  [
    [3, 2, 2],
    [0, 0, 0],
    [3, 2, 2],
  ],
  [
    [1, 1, 8],
    [0, 0, 7],
    [1, 1, 1],
  ],
];
const CASES = BOXES.map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_crop", () => {
  test(`keeps a box (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
