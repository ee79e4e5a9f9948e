// Hundreds of random quantized networks: every integer of the program is the one that the file's formulas give in doubles.
// A difference would have to be a tie that doubles round wrongly; there is none.
import { describe, expect, test } from "vitest";
import type { Opcode } from "../../../../program/program.ts";
import { DiagnosticError } from "../../../../support/diagnostics.ts";
import { casesOf } from "../../../nightly.ts";
import { type Comparison, compareWithFormulas } from "./compare.ts";
import { randomImported } from "./random-imported.ts";

const NETWORKS = casesOf(300, 3000);
/** Networks beyond those that once came out wrong: a relu behind a zero point. */
const FOUND = [2329];
const SAMPLES = 6;

/** What random scales make impossible: everything else that is refused is a fault. */
const REFUSED = [
  // Scales by channel before a layer that adds channels up.
  "import/exact-channel-scales",
  // Zero points of other channels, or of a scale that has no integer for 0.
  "import/exact-padding",
];

const CURVES: readonly string[] = ["sigmoid", "tanh", "elu"];

interface Run {
  readonly seed: number;
  readonly result: Comparison | null;
  readonly codes: readonly string[];
}

function run(seed: number, isWide = false): Run {
  const { model, sample } = randomImported(seed, isWide);
  try {
    const samples = Array.from({ length: SAMPLES }, (_, n) => sample(n));
    return { seed, result: compareWithFormulas(model, samples), codes: [] };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return { seed, result: null, codes: error.diagnostics.map((d) => d.code) };
  }
}

describe("random quantized networks", () => {
  const seeds = new Set([...Array.from({ length: NETWORKS }, (_, seed) => seed), ...FOUND]);
  const runs = [...seeds].map((seed) => run(seed));
  const lowered = runs.filter((r) => r.result !== null);

  test("give the integers of their formulas", () => {
    const differences = lowered.flatMap(({ seed, result }) =>
      result!.differences.map((difference) => ({ seed, ...difference })),
    );
    expect(differences.filter(({ isTie }) => !isTie)).toEqual([]);
    // Ties that doubles round to the other side: none is expected either.
    expect(differences.length).toBe(0);
    const compared = lowered.reduce((sum, { result }) => sum + result!.compared, 0);
    expect(compared).toBeGreaterThan(NETWORKS * 200);
  });

  test("are refused for their scales alone, and seldom", () => {
    const refused = runs.filter((r) => r.result === null);
    expect(refused.filter(({ codes }) => !codes.every((code) => REFUSED.includes(code)))).toEqual([]);
    expect(refused.length).toBeLessThan(NETWORKS / 4);
  });

  test("become every instruction that exact lowering has", () => {
    const found = new Set(
      lowered.flatMap(({ result }) => result!.lowered.program.instructions.map(({ op }) => op)),
    );
    const wanted: readonly Opcode[] = [
      "add",
      "concat",
      "conv",
      "dense",
      "multiply",
      "pad",
      "pool",
      "requantize",
      "reshape",
      "scale",
      "slice",
      "subtract",
      "table",
      "threshold",
      "transpose",
      "upsample",
    ];
    expect(wanted.filter((op) => !found.has(op))).toEqual([]);
  });
});

describe("random quantized networks with sigmoids, tanhs, elus and zero points behind the rounding", () => {
  const runs = Array.from({ length: NETWORKS / 2 }, (_, seed) => run(seed, true));

  test("give the integers of their formulas", () => {
    const differences = runs.flatMap(({ seed, result }) =>
      (result?.differences ?? []).map((difference) => ({ seed, ...difference })),
    );
    expect(differences).toEqual([]);
    const hasCurve = ({ seed, result }: Run): boolean =>
      result !== null && randomImported(seed, true).model.nodes.some(({ kind }) => CURVES.includes(kind));
    expect(runs.filter(hasCurve).length).toBeGreaterThan(NETWORKS / 8);
  });

  test("are refused for their scales, or for two curves before one quantizer", () => {
    const allowed = [...REFUSED, "import/exact-no-operator"];
    const refused = runs.filter((r) => r.result === null);
    expect(refused.filter(({ codes }) => !codes.every((code) => allowed.includes(code)))).toEqual([]);
    expect(refused.length).toBeLessThan(NETWORKS / 8);
  });
});
