// How much of the long tests runs: `make nightly` sets NOISEFLOOR_NIGHTLY, `make test` does not.

/** Whether this is the nightly run. */
export function isNightly(): boolean {
  return Boolean(process.env.NOISEFLOOR_NIGHTLY);
}

/** A number of cases: the first in `make test`, the second in the nightly run. */
export function casesOf(usual: number, nightly: number): number {
  return isNightly() ? nightly : usual;
}
