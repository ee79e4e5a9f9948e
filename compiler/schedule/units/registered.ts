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
}

/** A unit that takes beats only while its output register is free. */
export function createRegistered({ fill, state, wants = () => true }: Registered): Unit {
  let valid = false;
  let stands = false;
  return {
    inputs: 1,
    outputs: 1,
    valid: () => valid,
    // Asked once before every step.
    ready: (receivers, offered) => {
      stands = offered[0]!;
      return (!valid || receivers[0]!) && wants();
    },
    step: (take, give) => {
      if (!valid || give[0]) valid = fill(take[0]!, stands);
    },
    state: () => `${state()},${valid}`,
  };
}
