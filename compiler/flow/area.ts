// Area from Yosys. In: the JSON of its pass stat, and the target. Out: cells by type and what they take of the part.
import { fail } from "../support/diagnostics.ts";
import type { ResourceName, Resources, Target } from "../targets/target.ts";

export const RESOURCES: readonly ResourceName[] = ["lut", "ff", "dsp", "bram"];

export interface Area {
  readonly used: Resources;
  /** Cells by type, sorted. */
  readonly cells: Readonly<Record<string, number>>;
  /** Types that the target does not know. */
  readonly uncounted: readonly string[];
}

/** What one cell takes, or undefined when the target does not know it. */
function takenBy(target: Target, cell: string): Partial<Resources> | undefined {
  const found = Object.entries(target.cells).find(([name]) =>
    name.endsWith("*") ? cell.startsWith(name.slice(0, -1)) : cell === name,
  );
  return found?.[1];
}

/** Reads the report of `stat -json` on a flat design. Throws flow/unreadable-report. */
export function readArea(text: string, target: Target): Area {
  let counts: unknown;
  try {
    const report = JSON.parse(text) as { design?: { num_cells_by_type?: unknown } };
    counts = report.design?.num_cells_by_type;
  } catch {
    counts = undefined;
  }
  if (typeof counts !== "object" || counts === null)
    return fail("flow/unreadable-report", { tool: "Yosys", file: "stat.json", what: "count of cells" });
  // Cells with a dollar are marks of where something came from, and no hardware.
  const cells = Object.entries(counts as Record<string, number>)
    .filter(([cell]) => !cell.startsWith("$"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = (name: ResourceName): number => {
    const exact = cells.reduce((all, [cell, count]) => all + count * (takenBy(target, cell)?.[name] ?? 0), 0);
    // Thirds of a block do not add up to whole numbers in binary.
    return Math.max(0, Math.ceil(exact - 1e-6));
  };
  return {
    used: { lut: sum("lut"), ff: sum("ff"), dsp: sum("dsp"), bram: sum("bram") },
    cells: Object.fromEntries(cells),
    uncounted: cells.map(([cell]) => cell).filter((cell) => takenBy(target, cell) === undefined),
  };
}

/** Resources of which the part has less than the design takes. */
export function overflowOf(used: Resources, has: Resources): readonly ResourceName[] {
  return RESOURCES.filter((name) => used[name] > has[name]);
}

/** Names as people read them. */
export const RESOURCE_NAMES: Readonly<Record<ResourceName, string>> = {
  lut: "LUT",
  ff: "FF",
  dsp: "DSP",
  bram: "BRAM",
};

/** Used and available, such as `514 of 7,680 LUT`. */
export function areaText(used: Resources, has: Resources): string {
  const number = (value: number): string => value.toLocaleString("en-US");
  return RESOURCES.map((name) =>
    has[name] === 0 && used[name] === 0
      ? `no ${RESOURCE_NAMES[name]}`
      : `${number(used[name])} of ${number(has[name])} ${RESOURCE_NAMES[name]}`,
  ).join(", ");
}
