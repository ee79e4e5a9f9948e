// Diagnostics of the search for foldings.
import { entry } from "./define.ts";

const NAMES = { lut: "LUT", ff: "FF", dsp: "DSP", bram: "BRAM" } as const;

export interface TooLarge {
  readonly part: string;
  readonly resource: keyof typeof NAMES;
  readonly used: number;
  readonly has: number;
  /** What takes the most of it, and how much. */
  readonly where: string;
  readonly takes: number;
  readonly interval: number;
  readonly slower: { readonly cycles: number; readonly perSecond: number } | null;
  readonly larger: readonly string[];
  readonly weights: { readonly bits: number; readonly total: number } | null;
}

function remedies({ slower, larger, weights, part }: TooLarge): string {
  const ways = [
    slower
      ? `${slower.perSecond} inferences per second or fewer (--interval ${slower.cycles}) fit ${part}`
      : `no rate fits ${part}`,
    weights
      ? `weights of ${weights.bits === 1 ? "1 bit" : `at most ${weights.bits} bits`} fit at this rate: train with objective: budget(weights: ${weights.total} bits)`
      : "no fewer bits of weights fit at this rate",
    larger.length > 0
      ? `at this rate it fits ${larger.join(", ")}`
      : "at this rate it fits no part that is known here",
  ];
  return ways.join("; ");
}

export const solveMessages = {
  // sorted by code
  "solve/too-fast": entry<{
    interval: number;
    attained: number;
    where: string;
    cycles: number;
    target: string;
  }>({
    message: ({ interval, attained, where, cycles }) =>
      `no folding gives a packet every ${interval} cycles: ${where} takes ${cycles} cycles at least, and the design ${attained}`,
    hint: ({ attained }) => `ask for --interval ${attained} or more, or for a faster clock`,
  }),
  "solve/too-large": entry<TooLarge>({
    message: ({ part, resource, used, has, where, takes, interval }) =>
      `a packet every ${interval} cycles takes ${used} ${NAMES[resource]} of the ${has} of ${part} at least; ${where} takes ${takes} of them`,
    hint: remedies,
  }),
  "solve/too-slow": entry<{ latency: number; shortest: number; layer: string }>({
    message: ({ latency, shortest, layer }) =>
      `no folding that was found answers within ${latency} cycles: the shortest takes ${shortest}${layer === "" ? "" : `, layer ${layer} being the slowest`}`,
    hint: ({ shortest }) => `ask for --latency ${shortest} or more`,
  }),
};
