// Memory that passes share: what belongs to whom, and until when.
import { describe, expect, test } from "vitest";
import { copied, floats, withScratch, zeros } from "../../../train/scratch.ts";

const LARGE = 10_000;

describe("scratch memory", () => {
  test("of a piece of work is used again by the next", () => {
    const first = withScratch(() => floats(LARGE).buffer);
    expect(withScratch(() => floats(LARGE).buffer)).toBe(first);
    // A little less of it too, and zeros are zeros.
    withScratch(() => floats(LARGE).fill(7));
    const again = withScratch(() => {
      const found = zeros(LARGE - 5);
      expect(found.every((v) => v === 0)).toBe(true);
      return found.buffer;
    });
    expect(again).toBe(first);
  });

  test("is nobody else's while the work lasts, also in work within it", () => {
    withScratch(() => {
      const outer = copied(new Float32Array(LARGE).fill(1));
      const other = floats(LARGE);
      expect(other.buffer).not.toBe(outer.buffer);
      withScratch(() => {
        const inner = floats(LARGE).fill(2);
        expect([outer.buffer, other.buffer]).not.toContain(inner.buffer);
      });
      floats(LARGE).fill(3);
      expect(outer.every((v) => v === 1)).toBe(true);
    });
  });

  test("comes back when the work fails, and is new where there is no work", () => {
    const buffers: unknown[] = [];
    expect(() =>
      withScratch(() => {
        buffers.push(floats(LARGE).buffer);
        throw new Error("in the middle");
      }),
    ).toThrow("in the middle");
    expect(floats(LARGE).buffer).not.toBe(floats(LARGE).buffer);
    expect(withScratch(() => floats(LARGE).buffer)).toBe(buffers[0]);
  });
});
