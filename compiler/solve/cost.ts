// What a choice of foldings costs on a part. In: areas. Out: one number that choices are compared by, and by which resource a part
// is too small.
import type { ResourceName, Resources, Target } from "../targets/target.ts";

export const RESOURCES: readonly ResourceName[] = ["lut", "ff", "dsp", "bram"];

/** How much more a resource beyond what the part has costs than one within. */
const BEYOND = 1000;

/** Parts of what the target has, those beyond it last; flip-flops come with look-up tables and count only where they run out. */
export function costOf(area: Resources, { has }: Target): number {
  return RESOURCES.reduce((sum, name) => {
    if (has[name] === 0) return sum + BEYOND * area[name];
    const share = area[name] / has[name];
    return sum + (name === "ff" ? 0 : share) + BEYOND * Math.max(0, share - 1);
  }, 0);
}

/** Resources that an area takes more of than the part has, the scarcest first. */
export function overOf(area: Resources, { has }: Target): readonly ResourceName[] {
  const share = (name: ResourceName): number => area[name] / Math.max(has[name], 1);
  return RESOURCES.filter((name) => area[name] > has[name]).toSorted((a, b) => share(b) - share(a));
}
