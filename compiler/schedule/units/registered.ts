// What modules with one stream in, one out and a register at the output share. In: what fills the register at a clock
// edge. Out: the unit.
import type { Unit } from "./unit.ts";

interface Registered {
  /** A clock edge at which the register is free; whether it is full afterwards. A beat may stand there untaken. */
  fill(taken: boolean, stands: boolean): boolean;
  /** Everything that decides what happens next, but the register. */
  state(): string;
  /** Whether the next beat is taken while the register is free; by default it is. */
  readonly wants?: () => boolean;
  /**
   * How many coming edges with the register free, all of which take a beat or none of which do, leave it `full` or empty as it is
   * and `wants` too; without this none.
   */
  readonly quiet?: (taken: boolean, stands: boolean, full: boolean) => number;
  /** That many such edges at once. */
  readonly skip?: (taken: boolean, edges: number, stands: boolean) => void;
}

/** A unit that takes beats only while its output register is free. */
export function createRegistered({ fill, state, wants = () => true, quiet, skip }: Registered): Unit {
  let valid = false;
  let stands = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    // Asked once before every step, or with every change of what is offered.
    ready: (receivers, offered) => {
      stands = offered[0]!;
      return (!valid || receivers[0]!) && wants();
    },
    step: (take, give) => {
      if (!valid || give[0]) valid = fill(take[0]!, stands);
    },
    quiet: (take, give) => {
      if (valid && !give[0]) return Number.POSITIVE_INFINITY;
      return quiet ? quiet(take[0]!, stands, valid) : 0;
    },
    skip: (take, give, edges) => {
      if (!valid || give[0]) skip!(take[0]!, edges, stands);
    },
    state: () => `${state()},${valid}`,
  };
}
