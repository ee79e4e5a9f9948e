// What the examples have to reach: every model has its bounds, and they are those that the model file asks for.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileSource } from "../../../dsl/compile-source.ts";
import { createSourceFile } from "../../../support/source-file.ts";

interface Bounds {
  readonly atLeast?: Readonly<Record<string, number>>;
  readonly atMost?: Readonly<Record<string, number>>;
  /** By target, how many vectors at least. */
  readonly netlists?: Readonly<Record<string, number>>;
  readonly boards?: Readonly<Record<string, Bounds & { readonly clock: number }>>;
}
const root = new URL("../../../../", import.meta.url);
const { judge } = (await import(new URL("scripts/examples.mjs", root).href)) as {
  judge(report: unknown, bounds: Bounds): readonly { readonly holds: boolean; readonly text: string }[];
};

const folders = readdirSync(new URL("examples", root), { withFileTypes: true }).filter((e) =>
  e.isDirectory(),
);
const models = folders.flatMap(({ name }) => {
  const path = new URL(`examples/${name}/`, root);
  const files = readdirSync(path).filter((file) => file.endsWith(".floor"));
  return files.map((file): [string, string, URL] => [name, file, path]);
});

/** A report of a network whose figures are all `figure` and whose back ends ended with a status. */
function reportOf(figure: number, status: string) {
  const score = { accuracy: figure, loss: figure };
  const back = { status, vectors: 10 };
  return {
    float: { accuracy: 2 * figure, loss: figure },
    quantized: score,
    totals: { bitOperations: figure, weightBits: figure, meanWeightBits: figure },
    hardware: { latencyCycles: figure, intervalCycles: figure },
    verify: { sim: back, c: back, rtl: back, netlist: { part: back }, board: { desk: back } },
    synth: {
      desk: { lut: figure, bram: figure, fmaxMHz: figure, board: { inferencesPerSecond: { core: figure } } },
    },
  };
}

describe("the bounds of an example", () => {
  it.each(models)("%s/%s are those of the model", (_, file, path) => {
    expect(existsSync(new URL("README.md", path))).toBe(true);
    const all = JSON.parse(readFileSync(new URL("expected.json", path), "utf8")) as Record<string, Bounds>;
    const bounds = all[file]!;
    const text = readFileSync(new URL(file, path), "utf8");
    const { project } = compileSource(createSourceFile(file, text), { exists: () => "found" });
    const { training, hardware } = project!;
    expect(bounds.atMost!.intervalCycles).toBe(hardware.intervalCycles);
    if (training.objective.kind === "budget") {
      const { bitOperations, meanWeightBits } = training.objective.limits;
      expect(bounds.atMost!.bitOperations).toBe(bitOperations);
      expect(bounds.atMost!.meanWeightBits).toBe(meanWeightBits);
    }
    // Every name is a figure of a report.
    expect(judge(reportOf(1, "passed"), bounds).every(({ text }) => /\d/.test(text))).toBe(true);
  });

  it("are judged one by one, and every back end has to pass", () => {
    const bounds = { atLeast: { accuracy: 0.9 }, atMost: { belowFloat: 0.5, bitOperations: 0.4 } };
    const heldBy = (figure: number, status: string) =>
      judge(reportOf(figure, status), bounds).map(({ holds }) => holds);
    expect(heldBy(0.4, "passed")).toEqual([false, true, true, true, true, true]);
    expect(heldBy(0.9, "failed")).toEqual([true, false, false, false, false, false]);
    expect(judge({ ...reportOf(1, "passed"), verify: null }, {}).every(({ holds }) => !holds)).toBe(true);
  });

  it("are those of boards and netlists too", () => {
    const bounds = {
      netlists: { part: 10 },
      boards: { desk: { clock: 12, atLeast: { fmaxMHz: 12 }, atMost: { bram: 30 } } },
    };
    const heldBy = (figure: number, status: string, more: Bounds = bounds) =>
      judge(reportOf(figure, status), more)
        .slice(3)
        .map(({ holds }) => holds);
    expect(heldBy(20, "passed")).toEqual([true, true, true, true]);
    expect(heldBy(11, "failed")).toEqual([false, false, true, false]);
    expect(heldBy(31, "passed", { ...bounds, netlists: { part: 11 } })).toEqual([false, true, false, true]);
    expect(judge({ ...reportOf(20, "passed"), synth: undefined }, bounds).at(4)!.holds).toBe(false);
  });
});
