// nf_table: entries of a table, lane by lane; unused lanes give 0.
import { describe, expect, test } from "vitest";
import { createPipeline } from "../../../compiler/schedule/units/pipeline.ts";
import { integerRange } from "../../../compiler/support/fixed-point.ts";
import { hasTool } from "../../../compiler/tests/tools-present.ts";
import { type BenchCase, lanes, runBench } from "../../harness/bench.ts";
import { integers, randomFor } from "../../harness/integers.ts";
import { sink, source } from "../../harness/streams.ts";

function caseOf(
  [channels, laneCount, width, signed, outWidth]: readonly [number, number, number, boolean, number],
  index: number,
): BenchCase {
  const random = randomFor("table", index);
  const { min } = integerRange(width, signed);
  const entries = integers(random, 2 ** width, outWidth, true);
  const beatsPerPacket = Math.ceil(channels / laneCount);
  const beats: bigint[] = [];
  const expected: bigint[] = [];
  for (let beat = 0; beat < 30 * beatsPerPacket; beat++) {
    // Lanes beyond the last channel hold anything.
    const x = integers(random, laneCount, width, signed);
    const used = Math.min(laneCount, channels - (beat % beatsPerPacket) * laneCount);
    beats.push(lanes(x, width));
    expected.push(
      lanes(
        x.map((value, i) => (i < used ? entries[value - min]! : 0)),
        outWidth,
      ),
    );
  }
  const file = `table_${index}.mem`;
  const digits = Math.ceil(outWidth / 4);
  const text = entries.map((e) => lanes([e], outWidth).toString(16).padStart(digits, "0")).join("\n");
  return {
    name: `${channels} channels, ${laneCount} lanes, ${width} to ${outWidth} bits`,
    module: "nf_table",
    parameters: {
      CHANNELS: channels,
      LANES: laneCount,
      IN_WIDTH: width,
      IN_SIGNED: Number(signed),
      OUT_WIDTH: outWidth,
      FILE: file,
    },
    memories: new Map([[file, `${text}\n`]]),
    sources: [source("s", laneCount * width, beats)],
    sinks: [sink(laneCount * outWidth, expected)],
    unit: () => createPipeline(1, 1),
  };
}

const CASES = (
  [
    [1, 1, 1, false, 1],
    [5, 2, 8, true, 8],
    [4, 4, 3, false, 16],
    [7, 3, 4, true, 5],
    [3, 4, 12, true, 12],
  ] as const
).map(caseOf);

describe.skipIf(!hasTool("verilator"))("nf_table", () => {
  test(`looks up (${CASES.length} sets of parameters)`, async () => {
    expect(await runBench(CASES)).toEqual([]);
  });
});
