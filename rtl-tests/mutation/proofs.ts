// Whether a fault of the Verilog can show at all. In: the design and the fault. Out: why no input can show it, from a check of
// all inputs of the stage or from its proved range; undefined where there is no such proof.
import { operandOf, provedRange } from "../../compiler/program/bounds.ts";
import {
  constantNamed,
  type Instruction,
  mantissaRange,
  operandRange,
  operandsOf,
  type Program,
  valueNamed,
} from "../../compiler/program/program.ts";
import { integerRange, type Range, saturate, widthOfRange } from "../../compiler/support/fixed-point.ts";
import type { Design } from "../../compiler/verify/verify.ts";
import type { Instance, Parameters } from "../harness/instances.ts";
import { textOf } from "./fault.ts";
import type { Replacement } from "./module-faults.ts";
import { registerProof } from "./register-proof.ts";

export interface Suspect {
  readonly module: string;
  readonly parameters: Parameters;
  readonly instance: Instance;
  readonly replacement: Replacement;
  /** Program values at the instance's result and at its (first) input, where a tap watches them. */
  readonly output: string | undefined;
  readonly input: string | undefined;
}

/** Inputs that are tried one by one, at most. */
const MOST_INPUTS = 2 ** 22;

export async function proofOf(design: Design, suspect: Suspect): Promise<string | undefined> {
  const { kind, register } = suspect.replacement;
  const { module, parameters } = suspect;
  if (register !== undefined)
    return registerProof(module, textOf(design, `rtl/${module}.v`), parameters, register);
  if (suspect.module === "nf_requantize") return requantizeProof(design.program, suspect);
  if (kind === "accumulator width - 1") return widthProof(design.program, suspect);
  if (kind === "sign extension") return signProof(design.program, suspect);
  if (kind === "off-by-one address") return memoryProof(design, suspect);
  return undefined;
}

/** Every input of a requantization, one by one. */
function requantizeProof(program: Program, { parameters, replacement, input }: Suspect): string | undefined {
  const number = (name: string): number => Number(parameters[name]);
  const [inWidth, outWidth, shift] = [number("IN_WIDTH"), number("OUT_WIDTH"), number("SHIFT")];
  const isIn = number("IN_SIGNED") !== 0;
  const range = input === undefined ? integerRange(inWidth, isIn) : provedRange(program, input);
  if (range.max - range.min >= MOST_INPUTS || number("ROUNDING") === 2) return undefined;
  const right = Math.min(Math.max(shift, 0), inWidth + 1);
  const left = Math.min(Math.max(-shift, 0), outWidth + 1);
  const half = right > 0 && number("ROUNDING") !== 1 ? 2 ** (right - 1) : 0;
  const bounds = integerRange(outWidth, number("OUT_SIGNED") !== 0);
  const low = number("RELU") !== 0 ? 0 : bounds.min;
  const { to } = replacement;
  const wrong = {
    right: to === "RIGHT + 1" ? right + 1 : to === "RIGHT - 1" ? right - 1 : right,
    half: to === "HALF - ONE" ? half - 1 : to === "HALF + ONE" ? half + 1 : to === "{FRAME{1'b0}}" ? 0 : half,
    low: to.includes("FLOOR + $signed(ONE)") ? low + 1 : low,
    high: to.includes("HIGHEST - $signed(ONE)") ? bounds.max - 1 : bounds.max,
    saturates: to !== "rounded",
    isSigned: isIn && replacement.kind !== "sign extension",
  };
  const known =
    wrong.right !== right || wrong.half !== half || wrong.low !== low || wrong.high !== bounds.max;
  if (!known && wrong.saturates && wrong.isSigned === isIn) return undefined;
  for (let x = range.min; x <= range.max; x++) {
    const at = saturate(Math.floor((x * 2 ** left + half) / 2 ** right), { min: low, max: bounds.max });
    const seen = !wrong.isSigned && x < 0 ? x + 2 ** inWidth : x;
    const rounded = Math.floor((seen * 2 ** left + wrong.half) / 2 ** wrong.right);
    const made = wrong.saturates ? saturate(rounded, { min: wrong.low, max: wrong.high }) : rounded;
    if ((made - at) % 2 ** outWidth !== 0) return undefined;
  }
  return `all ${range.max - range.min + 1} inputs, ${range.min} to ${range.max}, give the same`;
}

const makerOf = (program: Program, value: string | undefined): Instruction | undefined =>
  program.instructions.find((i) => i.result === value);

/** The finished sum has to fit, not the partial ones: these wrap back. */
function widthProof(program: Program, { module, parameters, output }: Suspect): string | undefined {
  const maker = makerOf(program, output);
  if (!maker) return undefined;
  const range = finishedRange(program, maker);
  const width = Number(
    parameters[module === "nf_join" ? "OUT_WIDTH" : module === "nf_pool" ? "SUM_WIDTH" : "ACC_WIDTH"],
  );
  if (!range || widthOfRange(range, true) >= width) return undefined;
  return `finished sums lie in ${range.min} to ${range.max}, which ${width - 1} bits hold`;
}

/** Range of what an instruction's sums come to. */
function finishedRange(program: Program, maker: Instruction): Range | undefined {
  switch (maker.op) {
    case "dense":
    case "conv": {
      const { data, shape, format } = constantNamed(program, maker.weights);
      const bias = maker.bias === null ? null : constantNamed(program, maker.bias).data;
      const { min: least, max: most } = operandRange(valueNamed(program, maker.input).format);
      const row = data.length / shape[0]!;
      let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let o = 0; o < shape[0]!; o++) {
        let [low, high] = [bias?.[o] ?? 0, bias?.[o] ?? 0];
        for (let i = o * row; i < (o + 1) * row; i++) {
          const w = operandOf(format, data[i]!);
          low += Math.min(w * least, w * most);
          high += Math.max(w * least, w * most);
        }
        [min, max] = [Math.min(min, low), Math.max(max, high)];
      }
      // Padding and what stands between spread elements can make a product 0.
      return maker.op === "conv" ? { min: Math.min(min, 0), max: Math.max(max, 0) } : { min, max };
    }
    case "add":
    case "subtract": {
      const { format } = valueNamed(program, maker.result);
      const fraction = format.fraction as number;
      const [a, b] = maker.inputs.map((name) => {
        const scale = 2 ** (fraction - (valueNamed(program, name).format.fraction as number));
        const { min, max } = provedRange(program, name);
        return { min: min * scale, max: max * scale };
      }) as [Range, Range];
      return maker.op === "add"
        ? { min: a.min + b.min, max: a.max + b.max }
        : { min: a.min - b.max, max: a.max - b.min };
    }
    case "multiply":
      return provedRange(program, maker.result);
    case "pool": {
      const { min, max } = provedRange(program, maker.input);
      const taps = maker.window.reduce((a, b) => a * b, 1);
      return { min: Math.min(0, min * taps), max: Math.max(0, max * taps) };
    }
    default:
      return undefined;
  }
}

/** An operand that is never negative needs no sign. */
function signProof(program: Program, { module, replacement, output, input }: Suspect): string | undefined {
  const maker = makerOf(program, output);
  const neverNegative = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    const { min, max } = provedRange(program, name);
    return min >= 0 ? `${name} lies in ${min} to ${max}` : undefined;
  };
  if (module === "nf_dot") {
    if (maker?.op !== "dense" && maker?.op !== "conv") return undefined;
    const { data, format } = constantNamed(program, maker.weights);
    const positive = data.every((w) => operandOf(format, w) >= 0);
    const unsigned = mantissaRange(valueNamed(program, maker.input).format).min >= 0;
    if (replacement.what.includes("weights")) return positive ? "no weight is negative" : undefined;
    if (replacement.what.includes("inputs")) return unsigned ? "no input is negative" : undefined;
    return positive && unsigned ? "no product is negative" : undefined;
  }
  if (module === "nf_join") {
    const operand = maker && operandsOf(maker)[replacement.what.includes("second") ? 1 : 0];
    return neverNegative(operand);
  }
  return neverNegative(input);
}

/** A memory whose words are all the same does not show its address. */
function memoryProof({ files }: Design, { module, parameters, replacement }: Suspect): string | undefined {
  const name =
    module === "nf_dense"
      ? parameters[replacement.what.includes("bias") ? "BIAS_FILE" : "WEIGHT_FILE"]
      : module === "nf_beat_rom"
        ? parameters.FILE
        : undefined;
  if (typeof name !== "string" || !files.has(`rtl/${name}`)) return undefined;
  const words = new Set(textOf({ files }, `rtl/${name}`).match(/^[0-9a-f]+$/gm) ?? []);
  return words.size === 1 ? `all words of ${name} are the same` : undefined;
}
