// THE table of what is fuzzed, and the inputs by their numbers. In: a seed and a number. Out: a reader and bytes, the same ones
// whenever and wherever they are made.
import { DiagnosticError } from "../../support/diagnostics.ts";
import { createRandom } from "../../support/random.ts";
import { DATA_READERS } from "./data-readers.ts";
import { type FuzzReader, holds, pick } from "./fuzz-reader.ts";
import { KERAS_READER, TFJS_READER } from "./keras-readers.ts";
import { LANGUAGE_READER } from "./language-reader.ts";
import { ONNX_READER } from "./onnx-reader.ts";
import { PROGRAM_READER } from "./program-reader.ts";
import { TRAINED_READER } from "./trained-reader.ts";

export const FUZZ_READERS: readonly FuzzReader[] = [
  LANGUAGE_READER,
  ONNX_READER,
  KERAS_READER,
  TFJS_READER,
  ...DATA_READERS,
  PROGRAM_READER,
  TRAINED_READER,
];

/** Each reader as often as its share says, spread over the numbers. */
const TURNS: readonly FuzzReader[] = (() => {
  const whole = FUZZ_READERS.reduce((sum, { share }) => sum + share, 0);
  const turns = FUZZ_READERS.flatMap((reader) =>
    Array.from({ length: reader.share }, (_, i) => ({ reader, at: ((i + 0.5) / reader.share) * whole })),
  );
  return turns.sort((a, b) => a.at - b.at).map(({ reader }) => reader);
})();

export interface FuzzInput {
  readonly reader: FuzzReader;
  readonly bytes: Uint8Array;
}

/** Input `index`, from 0, of a seed. */
export function inputOf(seed: number, index: number): FuzzInput {
  const reader = TURNS[index % TURNS.length]!;
  const random = createRandom(seed, "fuzzed input", reader.name, index);
  return { reader, bytes: pick(random, reader.prepare().kinds)(random) };
}

export type Outcome = "accepted" | "refused";

/** Messages are for people: not longer than a page. */
const LONGEST_MESSAGE = 4000;
const MOST_DIAGNOSTICS = 500;

/** Reads an input; throws what is a finding. */
export function judge({ reader, bytes }: FuzzInput): Outcome {
  try {
    reader.read(bytes);
    return "accepted";
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const { diagnostics } = error;
    holds(
      diagnostics.length > 0 && diagnostics.length <= MOST_DIAGNOSTICS,
      () => `${diagnostics.length} diagnostics`,
    );
    for (const { code, message, hint } of diagnostics) {
      holds(message.length <= LONGEST_MESSAGE, () => `${code} says ${message.length} characters`);
      holds(hint !== undefined && hint !== "", () => `${code} has no hint`);
    }
    return "refused";
  }
}
