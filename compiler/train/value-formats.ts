// Formats of every tensor of a frozen network. In: formats of its signals. Out: formats of what is rearranged or put
// together of them; sums have none.
import type { FrozenFormat } from "../graph/trained-graph.ts";
import { fractionOf } from "./formats.ts";
import type { Network } from "./network.ts";

/** The narrowest format that holds every value of some formats exactly. */
function commonFormat(formats: readonly FrozenFormat[]): FrozenFormat {
  const [first] = formats;
  const isOne = formats.every(
    (f) =>
      f.kind === first!.kind &&
      f.signed === first!.signed &&
      f.width === first!.width &&
      f.fraction === first!.fraction,
  );
  if (isOne) return first!;
  const signed = formats.some((f) => f.signed);
  const fraction = Math.max(...formats.map(fractionOf));
  const whole = Math.max(...formats.map((f) => f.width - (f.signed ? 1 : 0) - fractionOf(f)));
  return { kind: "int", signed, width: whole + fraction + (signed ? 1 : 0), fraction };
}

/** By value; null of sums and of what is not quantized. */
export function valueFormats(
  { values, steps }: Network,
  signals: readonly FrozenFormat[],
): readonly (FrozenFormat | null)[] {
  const formats: (FrozenFormat | null)[] = values.map(() => null);
  for (const step of steps)
    switch (step.kind) {
      case "signal":
        formats[step.writes] = signals[step.signal]!;
        break;
      case "pool":
      case "move":
        formats[step.writes] = formats[step.reads]!;
        break;
      case "concat":
        formats[step.writes] = commonFormat(step.operands.map((v) => formats[v]!));
        break;
    }
  return formats;
}
