// The clock of a board. In: its oscillator and the clock that is asked for. Out: the fastest clock that is not above it, and how the
// PLL of an iCE40 makes it. Source: Lattice FPGA-TN-02052 (iCE40 sysCLOCK PLL), feedback path SIMPLE.
import type { Board } from "../boards/board.ts";
import { fail } from "../support/diagnostics.ts";

export interface PllSettings {
  /** Reference divider less one, 0 to 15. */
  readonly divr: number;
  /** Feedback divider less one, 0 to 127. */
  readonly divf: number;
  /** Output divider, as a power of two: 1 to 6. */
  readonly divq: number;
  readonly filterRange: number;
}

export interface ClockChoice {
  readonly mhz: number;
  /** Absent where the core takes the oscillator's clock. */
  readonly pll?: PllSettings;
}

/** Ranges in MHz. */
const PHASE_DETECTOR = { least: 10, most: 133 };
const OSCILLATOR = { least: 533, most: 1066 };
const OUTPUT = { least: 16, most: 275 };
/** From which frequency at the phase detector the next filter is right; filters count from 1. */
const FILTERS = [17, 26, 44, 66, 101];

/** Every setting that keeps the ranges, with what it gives. */
function pllClocks(referenceMHz: number): readonly (PllSettings & { readonly mhz: number })[] {
  const found: (PllSettings & { mhz: number })[] = [];
  const within = (mhz: number, { least, most }: { least: number; most: number }): boolean =>
    mhz >= least && mhz <= most;
  for (let divr = 0; divr <= 15; divr++) {
    const detector = referenceMHz / (divr + 1);
    if (!within(detector, PHASE_DETECTOR)) continue;
    const filterRange = 1 + FILTERS.filter((from) => detector >= from).length;
    for (let divf = 0; divf <= 127; divf++) {
      const vco = (referenceMHz * (divf + 1)) / (divr + 1);
      if (!within(vco, OSCILLATOR)) continue;
      for (let divq = 1; divq <= 6; divq++) {
        const mhz = vco / 2 ** divq;
        if (within(mhz, OUTPUT)) found.push({ divr, divf, divq, filterRange, mhz });
      }
    }
  }
  return found;
}

/** The fastest clock of a board that is not above `askedMHz`. Throws flow/no-clock when all are. */
export function chooseClock(board: Board, askedMHz: number): ClockChoice {
  const { mhz: oscillator } = board.clock;
  const all = board.pll ? pllClocks(oscillator) : [];
  const best = all
    .filter(({ mhz }) => mhz <= askedMHz)
    .reduce<(typeof all)[number] | undefined>((a, b) => (a && a.mhz >= b.mhz ? a : b), undefined);
  if (oscillator <= askedMHz && (!best || best.mhz <= oscillator)) return { mhz: oscillator };
  if (best) {
    const { mhz, ...pll } = best;
    return { mhz, pll };
  }
  return fail("flow/no-clock", {
    board: board.title,
    askedMHz,
    leastMHz: Math.min(oscillator, ...all.map(({ mhz }) => mhz)),
  });
}
