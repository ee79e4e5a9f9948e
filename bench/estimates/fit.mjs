// Least squares of relative errors with coefficients that are not negative and stay near what the structure says where the designs
// do not say otherwise. In: for each design amounts of each kind of logic, and what was measured. Out: coefficients.
import { STRUCTURE } from "../../dist/targets/coefficients/structure.js";

/** How far a coefficient may go from where it starts before that counts as much as an error of 100 %, as a part of it. */
const LOOSE = 6;
const ROUNDS = 4000;

export function fitCoefficients(names, rows, start = STRUCTURE) {
  const coefficients = Object.fromEntries(names.map((name) => [name, start[name]]));
  const predicted = rows.map(
    ({ amounts, fixed }) => fixed + names.reduce((sum, n) => sum + start[n] * amounts[n], 0),
  );
  const weights = rows.map(({ measured }) => 1 / measured ** 2);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const loose = 1 / (LOOSE * Math.max(start[name], 0.1)) ** 2;
      let [slope, curvature] = [loose * (coefficients[name] - start[name]), loose];
      for (const [i, { amounts, measured }] of rows.entries()) {
        slope += weights[i] * amounts[name] * (predicted[i] - measured);
        curvature += weights[i] * amounts[name] ** 2;
      }
      const next = Math.max(0, coefficients[name] - slope / curvature);
      const step = next - coefficients[name];
      if (step === 0) continue;
      coefficients[name] = next;
      for (const [i, { amounts }] of rows.entries()) predicted[i] += step * amounts[name];
    }
  }
  return coefficients;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Delays by the longest path of each design: a search along each of them, in steps that shrink. */
export function fitDelays(rows, start, delayOf) {
  const errorOf = (delays) => {
    const near = Object.keys(start).reduce(
      (sum, n) => sum + ((delays[n] - start[n]) / Math.max(start[n], 0.1) / LOOSE) ** 2,
      0,
    );
    return rows.reduce((sum, { paths, fmaxMHz }) => {
      const longest = Math.max(...paths.map((path) => delayOf(path, delays)));
      return sum + (1000 / longest / fmaxMHz - 1) ** 2;
    }, near);
  };
  let delays = { ...start };
  let error = errorOf(delays);
  for (let step = 0.3; step > 0.001; step *= 0.7)
    for (let round = 0; round < 30; round++)
      for (const name of Object.keys(start))
        for (const factor of [1 + step, 1 / (1 + step)]) {
          const tried = { ...delays, [name]: delays[name] * factor };
          const now = errorOf(tried);
          if (now < error) [delays, error] = [tried, now];
        }
  return delays;
}
