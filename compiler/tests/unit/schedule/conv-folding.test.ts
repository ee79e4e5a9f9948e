// Positions side by side: the fewest that an interval asks for.
import { expect, it } from "vitest";
import { chooseInnerLanes, fewestColumns } from "../../../schedule/conv-folding.ts";

/** By trying all numbers of positions. */
function tried(line: number, positions: number, interval: number): number {
  for (let count = 1; count <= line; count++)
    if (line % count === 0 && positions / count <= interval) return count;
  return line;
}

it("are the least divisor of a line that is enough, else the line", () => {
  for (let line = 1; line <= 64; line++)
    for (const lines of [1, 3])
      for (let interval = 1; interval <= line * lines + 1; interval++) {
        const what = `${lines} lines of ${line} in ${interval} cycles`;
        expect(fewestColumns(line, lines * line, interval), what).toBe(tried(line, lines * line, interval));
      }
});

it.each([
  [2 ** 20, 2 ** 20, 3, 2 ** 19],
  [1_048_573, 1_048_573, 1_000_000, 1_048_573],
  [997 * 991, 997 * 991, 1000, 991],
])("of a line of %i are found at once", (line, positions, interval, count) => {
  const start = performance.now();
  for (let n = 0; n < 1000; n++) expect(fewestColumns(line, positions, interval)).toBe(count);
  // Trying every number up to the line takes a minute.
  expect(performance.now() - start).toBeLessThan(10_000);
});

it("are whole positions where a part of one in each beat is too slow", () => {
  const lanes = (interval: number): number => chooseInnerLanes(7 * 6 * 4, 4, interval, [], 6);
  expect([168, 84, 83, 42, 41, 21, 14, 13, 7, 1].map(lanes)).toEqual([1, 2, 4, 4, 8, 8, 12, 24, 24, 24]);
});
