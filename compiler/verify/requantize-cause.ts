// Why a requantization may differ. In: what it was given, should have made of it and made. Out: which of its parts explains every
// integer that came, if one does.
import { channelsOf, fractionOf, type RequantizeInstruction, valueNamed } from "../program/program.ts";
import { integerRange, type Range, saturate, shiftRound } from "../support/fixed-point.ts";
import { because, orderCause, type Suspect, signed } from "./cause-patterns.ts";
import type { Cause } from "./result.ts";

/** Undefined when no single part explains it. */
export function requantizeCause(suspect: Suspect, instruction: RequantizeInstruction): Cause | undefined {
  const { program, got, expected } = suspect;
  const input = suspect.operands[0]!;
  const source = valueNamed(program, instruction.input);
  const result = valueNamed(program, instruction.result);
  if (result.format.kind !== "int") return undefined;
  const { width, signed: isSigned } = result.format;
  const { min, max: most } = integerRange(width, isSigned);
  const range: Range = { min, max: instruction.limit ?? most };
  const channels = channelsOf(source);
  const shift = (i: number): number =>
    fractionOf(source.format, i % channels) - fractionOf(result.format, i % channels);
  const explains = (make: (x: number, s: number) => number): boolean => {
    let differs = false;
    for (let i = 0; i < got.length; i++) {
      if (got[i] !== expected[i]) differs = true;
      if (make(input[i]!, shift(i)) !== got[i]) return false;
    }
    return differs;
  };
  const activate = (x: number): number => (instruction.activation === "relu" && x < 0 ? 0 : x);
  const round = (x: number, s: number): number => shiftRound(x, s, instruction.rounding);
  for (const rounding of ["truncate", "half-up", "half-even"] as const)
    if (
      rounding !== instruction.rounding &&
      explains((x, s) => saturate(activate(shiftRound(x, s, rounding)), range))
    )
      return because(
        "rounding",
        `rounding: the design rounds as ${rounding}, the program says ${instruction.rounding}`,
      );
  if (explains((x, s) => saturate(round(x, s), range)) && instruction.activation === "relu")
    return because("wrap", "the ReLU is missing");
  if (explains((x, s) => saturate(Math.max(0, round(x, s)), range)))
    return because("wrap", "a ReLU that the program does not have");
  const wrap = (x: number): number => {
    const span = 2 ** width;
    const low = ((x % span) + span) % span;
    return low > most ? low - span : low;
  };
  if (explains((x, s) => wrap(activate(round(x, s)))) || explains((x, s) => wrap(round(x, s))))
    return because("wrap", `saturation: the design wraps at ${width} bits`);
  const floor = instruction.activation === "relu" ? 0 : range.min;
  for (const [low, high] of [
    [floor, range.max - 1],
    [floor + 1, range.max],
    [floor, range.max + 1],
    [floor - 1, range.max],
  ] as const)
    if (explains((x, s) => saturate(round(x, s), { min: low, max: high })))
      return because(
        "wrap",
        `saturation: the design keeps to ${low}..${high}, the program says ${floor}..${range.max}`,
      );
  for (const bits of new Set([8, 16, 32, source.format.kind === "int" ? source.format.width : 1]))
    if (explains((x, s) => saturate(activate(round(x < 0 ? x + 2 ** bits : x, s)), range)))
      return because("wrap", "the sign: the design takes its input for unsigned");
  for (const by of [-2, -1, 1, 2])
    if (explains((x, s) => saturate(activate(round(x, s + by)), range)))
      return because("rounding", `the shift: the design shifts by ${signed(by)} bits too far`);
  const addend = addendCause(suspect, explains, (x) => saturate(activate(x), range), shift, instruction);
  if (addend) return addend;
  const order = orderCause(suspect);
  if (order) return order;
  let small = true;
  for (let i = 0; i < got.length; i++) if (Math.abs(got[i]! - expected[i]!) > 1) small = false;
  return small ? because("rounding", "the rounding constant: every difference is one unit") : undefined;
}

/** Addends other than the half: one off, or what one flipped bit makes of it; the half may be shifted as little as it was. */
function addendCause(
  { position }: Suspect,
  explains: (make: (x: number, s: number) => number) => boolean,
  finish: (x: number) => number,
  shift: (i: number) => number,
  { rounding }: RequantizeInstruction,
): Cause | undefined {
  const s = shift(position);
  if (s <= 0 || s > 40 || rounding !== "half-up") return undefined;
  const half = 2 ** (s - 1);
  for (let bit = 0; bit <= s; bit++)
    for (const addend of [half - 2 ** bit, half + 2 ** bit])
      if (explains((x, t) => finish(Math.floor((x + addend) / 2 ** t))))
        return because(
          "rounding",
          `the rounding constant: the design adds ${addend}, the program says ${half}`,
        );
  for (const by of [-1, 1])
    if (explains((x, t) => finish(Math.floor((x + half) / 2 ** (t + by)))))
      return because(
        "rounding",
        `the shift: the design shifts by ${signed(by)} bits too far, with the half of before`,
      );
  return undefined;
}
