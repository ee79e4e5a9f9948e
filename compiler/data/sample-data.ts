// The made-up data that a new project starts with. In: a seed. Out: two CSV texts. Four readings of a motor, each in
// [0, 1) with two decimals, and its condition: no rows of the two files are drawn from the same stream.
import { createRandom, type RandomStream } from "../support/random.ts";

export interface SampleCsv {
  readonly train: string;
  readonly test: string;
}

const TRAIN_ROWS = 600;
const TEST_ROWS = 200;
const HEADER = "vibration,current,temperature,speed,condition";

/** Standard deviation of each reading around its mean. */
const SPREAD = 0.07;

/** Two clusters make up "worn", on either side of "normal", so that a linear classifier does not do. */
const CLUSTERS: readonly { readonly condition: string; readonly means: readonly (readonly number[])[] }[] = [
  {
    condition: "normal",
    means: [
      [0.35, 0.5, 0.45, 0.55],
      [0.4, 0.45, 0.4, 0.6],
    ],
  },
  {
    condition: "worn",
    means: [
      [0.65, 0.3, 0.6, 0.65],
      [0.2, 0.75, 0.65, 0.4],
    ],
  },
  {
    condition: "blocked",
    means: [
      [0.45, 0.85, 0.8, 0.15],
      [0.6, 0.75, 0.75, 0.2],
    ],
  },
];

function reading(mean: number, random: RandomStream): string {
  const value = mean + SPREAD * random.normal();
  return (Math.min(99, Math.max(0, Math.round(value * 100))) / 100).toFixed(2);
}

function makeRows(count: number, random: RandomStream): string {
  const lines = [HEADER];
  for (let i = 0; i < count; i++) {
    const { condition, means } = CLUSTERS[random.integer(0, CLUSTERS.length - 1)]!;
    const mean = means[random.integer(0, means.length - 1)]!;
    lines.push([...mean.map((m) => reading(m, random)), condition].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/**
 * 600 training and 200 test rows with the columns vibration, current, temperature, speed and condition (normal, worn
 * or blocked). A small network separates more than 95 % of them.
 */
export function makeSampleCsv(seed: number): SampleCsv {
  return {
    train: makeRows(TRAIN_ROWS, createRandom(seed, "sample data", "train")),
    test: makeRows(TEST_ROWS, createRandom(seed, "sample data", "test")),
  };
}
