// Place-and-route with nextpnr. In: the netlist of a core in its ring or on its board, and the part. Out: arguments, and what its JSON report says.
import { fail } from "../support/diagnostics.ts";
import type { PlaceAndRoute, ResourceName, Resources } from "../targets/target.ts";

export interface Placement {
  /** The slowest clock's, of all paths between flip-flops. */
  readonly fmaxMHz: number;
  /** What the placer counts, all that stands around the core included. */
  readonly used: Partial<Resources>;
}

export const PLACE_FILES = { netlist: "mapped.json", report: "nextpnr.json", routed: "routed" } as const;

/** Options that are one tool's own: for the routed design, and for pins that may be anywhere. */
const OWN: Readonly<Record<PlaceAndRoute["tool"], { routed: string; anywhere: readonly string[] }>> = {
  "nextpnr-ice40": { routed: "--asc", anywhere: ["--pcf-allow-unconstrained"] },
  "nextpnr-ecp5": { routed: "--textcfg", anywhere: ["--lpf-allow-unconstrained"] },
  "nextpnr-himbaechel": { routed: "--write", anywhere: [] },
};

export interface PlaceOptions {
  readonly seed: number;
  /** Of clocks that no file of pins states. */
  readonly clockMHz: number;
  /** Name of the file of pins; without one they may be anywhere. */
  readonly pins: string | undefined;
}

/** Arguments of a run that is reproducible by its seed; a missed clock is a figure and no failure. */
export function placeArguments(
  { device, tool, pins: file }: PlaceAndRoute,
  { seed, clockMHz, pins }: PlaceOptions,
): readonly string[] {
  const { routed, anywhere } = OWN[tool];
  return [
    ...device,
    ...["--json", PLACE_FILES.netlist, "--report", PLACE_FILES.report, routed, PLACE_FILES.routed],
    ...["--seed", `${seed}`, "--freq", `${clockMHz}`, "--timing-allow-fail", "--quiet"],
    ...(pins === undefined ? anywhere : [file.option, `${file.prefix}${pins}`]),
  ];
}

/** Reads the report. Throws flow/unreadable-report. */
export function readPlacement(text: string, place: PlaceAndRoute): Placement {
  const unreadable = (): never =>
    fail("flow/unreadable-report", { tool: place.tool, file: PLACE_FILES.report, what: "timing" });
  let report: {
    readonly fmax?: Readonly<Record<string, { readonly achieved: number }>>;
    readonly utilization?: Readonly<Record<string, { readonly used: number }>>;
  };
  try {
    report = JSON.parse(text) as typeof report;
  } catch {
    return unreadable();
  }
  const achieved = Object.values(report.fmax ?? {}).map((clock) => clock.achieved);
  if (achieved.length === 0 || !achieved.every(Number.isFinite)) return unreadable();
  const used = Object.entries(place.cells).flatMap(([name, cell]) => {
    const found = report.utilization?.[cell]?.used;
    return found === undefined ? [] : [[name as ResourceName, found] as const];
  });
  return { fmaxMHz: roundedMHz(Math.min(...achieved)), used: Object.fromEntries(used) };
}

/** Two digits behind the point, downwards: a frequency that is not reached is not promised. */
export function roundedMHz(value: number): number {
  return Math.floor(value * 100) / 100;
}
