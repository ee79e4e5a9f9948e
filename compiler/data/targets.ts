// Targets of a regression: real values that the outputs are compared with. In: numbers of a file. Out: float32,
// finite, as many for each sample as the model has outputs.
import { compilerAssert } from "../support/assert.ts";
import { createCollector, fail } from "../support/diagnostics.ts";
import { type DataSource, elementCount, type NumericArray } from "./numeric-array.ts";
import { describeElement, type RawTargets } from "./raw-samples.ts";

/** Bad targets reported for one file before reading stops. */
const MAX_ERRORS = 8;

/** Targets of a binary array. */
export function arrayTargets(array: NumericArray): RawTargets {
  return { array, where: describeElement(array.shape.slice(1)) };
}

const widthOf = ({ array }: RawTargets): number => elementCount(array.shape.slice(1));

/**
 * Targets that several arrays hold, one after the other for each sample. Throws data/target-count when they have not
 * the same number of samples.
 */
export function joinTargets(parts: readonly RawTargets[], source: DataSource): RawTargets {
  const [first, ...others] = parts;
  compilerAssert(first !== undefined, "targets are named");
  if (others.length === 0) return first;
  const count = first.array.shape[0] ?? 0;
  const owners = parts.flatMap((part) => Array.from({ length: widthOf(part) }, (_, k) => ({ part, k })));
  const data = new Float64Array(count * owners.length);
  for (const { array } of others) {
    const found = array.shape[0] ?? 0;
    if (found !== count)
      fail("data/target-count", { path: source.path, targets: found, inputs: count }, source.place);
  }
  owners.forEach(({ part, k }, output) => {
    const width = widthOf(part);
    for (let i = 0; i < count; i++) data[i * owners.length + output] = part.array.data[i * width + k]!;
  });
  return {
    array: { shape: [count, owners.length], dtype: "float64", data },
    where: (sample, output) => owners[output]!.part.where(sample, owners[output]!.k),
  };
}

/**
 * count x outputs values, rounded to float32. Throws data/target-count and data/target-shape; data/non-finite and
 * data/target-value, several at once.
 */
export function toTargets(raw: RawTargets, count: number, outputs: number, source: DataSource): Float32Array {
  const { path, place } = source;
  const { shape, data } = raw.array;
  if ((shape[0] ?? 0) !== count)
    fail("data/target-count", { path, targets: shape[0] ?? 0, inputs: count }, place);
  const found = shape.slice(1);
  if (found.length > 1 || (found[0] ?? 1) !== outputs)
    fail("data/target-shape", { path, found, outputs }, place);
  const errors = createCollector();
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const value = data[i]!;
    out[i] = value;
    if (Number.isFinite(out[i])) continue;
    const where = raw.where(Math.floor(i / outputs), i % outputs);
    if (Number.isFinite(value)) {
      const problem = `the target ${value} is too large for a float32`;
      errors.add("data/target-value", { path, where, problem }, place);
    } else errors.add("data/non-finite", { path, where, value }, place);
    if (errors.diagnostics.length >= MAX_ERRORS) break;
  }
  errors.throwIfErrors();
  return out;
}
