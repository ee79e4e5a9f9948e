// All targets, in the order in which they are listed to people.
import { cyclone5 } from "./cyclone5.ts";
import { ecp5 } from "./ecp5.ts";
import { gowin } from "./gowin.ts";
import { ice40Hx8k } from "./ice40-hx8k.ts";
import { ice40Up5k } from "./ice40-up5k.ts";
import type { Target } from "./target.ts";
import { xc7 } from "./xc7.ts";
import { xcup } from "./xcup.ts";

export const TARGETS: readonly Target[] = [ice40Hx8k, ice40Up5k, ecp5, gowin, xc7, xcup, cyclone5];

/** The target of a name, or undefined. */
export function targetNamed(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name);
}
