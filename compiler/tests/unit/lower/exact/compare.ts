// Exact lowering against the file's formulas in doubles. In: a model and its real inputs. Out: how many integers were
// compared, and every one that differs: a tie that doubles round wrongly, or a fault.
import type { ImportedModel } from "../../../../graph/imported.ts";
import {
  type ExactLowering,
  type ExactOptions,
  lowerImported,
} from "../../../../lower/exact/lower-imported.ts";
import { elementsOf, valueNamed } from "../../../../program/program.ts";
import { simulate } from "../../../../sim/simulate.ts";
import { DOUBLES, evaluate, FINE } from "./evaluate.ts";

export interface Difference {
  readonly output: string;
  readonly element: number;
  readonly program: number;
  readonly reference: number;
  /** Whether numbers of 400 bits agree with the program: doubles had rounded a tie, or next to one. */
  readonly isTie: boolean;
}

export interface Comparison {
  readonly lowered: ExactLowering;
  readonly compared: number;
  readonly differences: readonly Difference[];
}

const entry = (values: Float64Array, c: number): number => (values.length === 1 ? values[0]! : values[c]!);

/** Runs samples through both; of one sample the first output that differs counts, others follow from it. */
export function compareWithFormulas(
  model: ImportedModel,
  samples: readonly ReadonlyMap<string, readonly number[]>[],
  options: ExactOptions = {},
): Comparison {
  const lowered = lowerImported(model, options);
  const { program } = lowered;
  const inputs = new Map<string, number[]>();
  for (const { name, mantissaOf } of lowered.inputs) {
    const channels = valueNamed(program, name).shape.at(-1)!;
    inputs.set(
      name,
      samples.flatMap((sample) => sample.get(name)!.map((x, i) => mantissaOf(x, i % channels))),
    );
  }
  const { values } = simulate(program, inputs, samples.length);
  const differences: Difference[] = [];
  let compared = 0;
  for (const [n, sample] of samples.entries()) {
    const reference = evaluate(model, sample, DOUBLES);
    for (const { name, value, scale, offset } of lowered.outputs) {
      const node = model.outputs.find((output) => output.name === name)?.node;
      if (node === undefined) continue;
      const { shape } = valueNamed(program, value);
      const size = elementsOf(shape);
      const integers = values.get(value)!.subarray(n * size, (n + 1) * size);
      const expected = reference.get(node)!;
      const wrong = integers.findIndex((m, i) => {
        const c = i % shape.at(-1)!;
        const real = m * entry(scale, c) + entry(offset, c);
        // Other integers are a whole step away; sums that cancel leave doubles with far less.
        const size = Math.max(Math.abs(entry(scale, c)), Math.abs(real), Math.abs(expected[i]!));
        return !(Math.abs(real - expected[i]!) <= size * 1e-7);
      });
      compared += size;
      if (wrong < 0) continue;
      const c = wrong % shape.at(-1)!;
      const real = integers[wrong]! * entry(scale, c) + entry(offset, c);
      const fine = FINE.toNumber(evaluate(model, sample, FINE).get(node)![wrong]!);
      const isTie = Math.abs(fine - real) <= 1e-7 * Math.max(1e-9, Math.abs(real));
      differences.push({ output: name, element: wrong, program: real, reference: expected[wrong]!, isTie });
      break;
    }
  }
  return { lowered, compared, differences };
}
