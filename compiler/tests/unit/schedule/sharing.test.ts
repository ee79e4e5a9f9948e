// How many products share a multiplier, and how far apart they are.
import { describe, expect, test } from "vitest";
import { mostShared, sharedOperands } from "../../../schedule/sharing.ts";

const products = (inputWidth: number, weightWidth: number, pe = 16, windows = 1) => ({
  inputWidth,
  weightWidth,
  pe,
  windows,
});

describe("sharing", () => {
  test.each([
    // Two of 8 bits within 25 or 27 bits, none within 18.
    [products(8, 8), [25, 18], { pe: 2, windows: 1, spacing: 16 }],
    [products(8, 8), [18, 27], { pe: 2, windows: 1, spacing: 16 }],
    [products(8, 8), [18, 18], null],
    // Four of 4 bits: outputs that overlap within 27 bits, two positions within 25.
    [products(4, 4), [27, 18], { pe: 4, windows: 1, spacing: 7 }],
    [products(4, 4, 8, 2), [25, 18], { pe: 2, windows: 2, spacing: 8 }],
    [products(4, 4, 6), [25, 18], { pe: 3, windows: 1, spacing: 8 }],
    [products(4, 4, 8), [16, 16], { pe: 2, windows: 1, spacing: 8 }],
    // What does not divide what stands side by side is left out.
    [products(4, 4, 5), [25, 18], null],
    [products(8, 8, 1, 2), [25, 18], { pe: 1, windows: 2, spacing: 16 }],
    // Signs need no multiplier.
    [products(8, 1), [25, 18], null],
  ])("of %j in %j", (given, multiplier, expected) => {
    expect(mostShared(given, multiplier as [number, number])).toEqual(expected);
  });

  test("keeps within the operands, whatever is shared", () => {
    let most = 0;
    for (let x = 1; x <= 12; x++)
      for (let w = 2; w <= 12; w++)
        for (const windows of [1, 2, 3]) {
          const given = products(x, w, 12, windows);
          const sharing = mostShared(given, [25, 18]);
          if (!sharing) continue;
          const operands = sharedOperands(given, sharing).toSorted((a, b) => b - a);
          expect(operands[0]).toBeLessThanOrEqual(25);
          expect(operands[1]).toBeLessThanOrEqual(18);
          expect(12 % sharing.pe).toBe(0);
          expect(windows % sharing.windows).toBe(0);
          most = Math.max(most, sharing.pe * sharing.windows);
        }
    expect(most).toBeGreaterThanOrEqual(8);
  });
});
