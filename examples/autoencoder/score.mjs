// How well the reconstruction error tells defects. In: what `noisefloor simulate --json` printed for test.npy and for
// anomalies.npy, and the folder of both. Out: the mean errors, and the area under the ROC curve.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
/** Bytes before the elements of the files that make-data.mjs writes. */
const HEADER = 128;

/** Mean square error of each sample; inputs are bytes of value byte/256. */
export function reconstructionErrors(inputs, { mantissas, fraction }, count) {
  const size = inputs.length / count;
  return Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let i = n * size; i < (n + 1) * size; i++)
      sum += (inputs[i] / 256 - mantissas[i] * 2 ** -fraction) ** 2;
    return sum / size;
  });
}

/** Chance that a defect has the larger error of a random pair; ties count half. */
export function areaUnderCurve(normal, defects) {
  const sorted = [...normal].sort((a, b) => a - b);
  const below = (value, equal) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value || (equal && sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = defects.reduce((sum, e) => sum + (below(e, false) + below(e, true)) / 2, 0);
  return wins / (normal.length * defects.length);
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  if (argv.length < 4) {
    console.error("node score.mjs TEST.json ANOMALIES.json [FOLDER]");
    exit(2);
  }
  const [normal, defects] = ["test", "anomalies"].map((name, i) => {
    const bytes = readFileSync(join(argv[4] ?? join(here, "data"), `${name}.npy`)).subarray(HEADER);
    const { result } = JSON.parse(readFileSync(argv[2 + i], "utf8"));
    return reconstructionErrors(bytes, result.outputs[0], result.count);
  });
  console.log(
    `mean square error  running well ${mean(normal).toFixed(6)}  defects ${mean(defects).toFixed(6)}`,
  );
  console.log(`area under the ROC curve  ${areaUnderCurve(normal, defects).toFixed(4)}`);
}
