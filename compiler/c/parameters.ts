// One array that the run function takes. In: a value and its parameter's name. Out: declaration, contract and macros.
import { elementsOf, type Format, type OutputRole, type Value } from "../program/program.ts";
import { commentText } from "../support/comment-text.ts";
import type { NameScope } from "./names.ts";
import type { FractionPlan, ParameterPlan } from "./plan.ts";
import { type Ranges, rangeOfValue, typeOfValue } from "./stage-parts.ts";

export interface Port {
  readonly value: Value;
  readonly parameter: string;
  /** Null for an input. */
  readonly role: OutputRole | null;
}

/** Plans a parameter; its macros start with `upper` and a name of their own in `macros`. */
export function planParameter(
  ranges: Ranges,
  { value, parameter, role }: Port,
  upper: string,
  macros: NameScope,
): ParameterPlan {
  const type = typeOfValue(ranges, value).name;
  const elements = elementsOf(value.shape);
  const range = rangeOfValue(ranges, value.name);
  const isInput = role === null;
  const scalar = !isInput && elements === 1;
  const macro = `${upper}_${macros.claimExact(parameter).toUpperCase()}`;
  const shape = value.shape.length === 1 ? "" : ` (${value.shape.join(" x ")}, row-major)`;
  const what = role === "class" ? "index of the winning class" : commentText(value.name, 40);
  return {
    name: parameter,
    macro,
    type,
    elements,
    declaration: isInput
      ? `const ${type} ${parameter}[${elements}]`
      : scalar
        ? `${type} *${parameter}`
        : `${type} ${parameter}[${elements}]`,
    comment: [
      `@param[${isInput ? "in" : "out"}] ${parameter}  ${what}: ` +
        `${elements} ${elements === 1 ? "integer" : "integers"}${shape}, ${range.min}..${range.max};`,
      ...realValueText(value.format, parameter, scalar).map((line) => `    ${line}`),
    ],
    example: scalar ? `${type} ${parameter}` : `${type} ${parameter}[${macro}_SIZE]`,
    argument: scalar ? `&${parameter}` : parameter,
    fraction: fractionPlan(value.format, macro),
    isInput,
    min: macroNumber(range.min),
    max: macroNumber(range.max),
  };
}

/** How an integer of the array is read as a real number. */
function realValueText({ kind, fraction }: Format, parameter: string, scalar: boolean): string[] {
  const element = scalar ? `*${parameter}` : `${parameter}[i]`;
  const bipolar = kind === "bipolar";
  const scaled = (scale: string): string =>
    `the real value is ${bipolar && scale !== "" ? `(2 * ${element} - 1)` : bipolar ? `2 * ${element} - 1` : element}${scale}.`;
  const note = bipolar ? ["each byte holds one bit: 0 stands for -1, 1 for +1;"] : [];
  if (typeof fraction !== "number") return [...note, scaled(" / 2^fraction of its channel (the last axis)")];
  if (fraction === 0) return [...note, scaled("")];
  return [...note, scaled(` ${fraction > 0 ? "/" : "*"} 2^${Math.abs(fraction)}`)];
}

/** The macro with the binary point; one initialiser of all channels where they differ. */
function fractionPlan({ fraction }: Format, macro: string): FractionPlan {
  if (typeof fraction === "number")
    return { many: false, lines: [`#define ${macro}_FRACTION ${macroNumber(fraction)}`] };
  const lines = [`#define ${macro}_FRACTIONS { \\`];
  for (let start = 0; start < fraction.length; start += 24) {
    const numbers = fraction.slice(start, start + 24).join(", ");
    lines.push(`    ${numbers}${start + 24 < fraction.length ? ", \\" : " }"}`);
  }
  return { many: true, lines };
}

/** A number that is one operand wherever the macro stands. */
function macroNumber(value: number): string {
  return value < 0 ? `(${value})` : `${value}`;
}
