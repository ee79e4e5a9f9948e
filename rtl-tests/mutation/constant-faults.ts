// Faults of stored constants: one bit of a weight, a bias, a threshold. In: a design. Out: places in memory images and C arrays.
// C arrays are packed in many ways: the changed array is that of the program with the changed constant, everything else stays.
import { generateC } from "../../compiler/c/generate.ts";
import {
  constantNamed,
  mantissaRange,
  type Program,
  valueNamed,
  widthOf,
} from "../../compiler/program/program.ts";
import { integerRange } from "../../compiler/support/fixed-point.ts";
import type { RandomStream } from "../../compiler/support/random.ts";
import type { Design } from "../../compiler/verify/verify.ts";
import type { Instance } from "../harness/instances.ts";
import { type Fault, type FaultKind, textOf, withFile } from "./fault.ts";

/** Flips one bit of a word of a memory image. */
export function flipMemoryBit(design: Design, path: string, word: number, bit: number): Design {
  const lines = textOf(design, path).split("\n");
  const rows = lines.flatMap((line, i) => (/^[0-9a-f]+$/.test(line.trim()) ? [i] : []));
  const at = rows[word]!;
  const hex = lines[at]!.trim();
  const flipped = BigInt(`0x${hex}`) ^ (1n << BigInt(bit));
  lines[at] = flipped.toString(16).padStart(hex.length, "0");
  return withFile(design, path, lines.join("\n"));
}

interface Layout {
  readonly kind: FaultKind;
  readonly file: string;
  /** A bit that takes part, by chance: edges of a memory do not. */
  pick(random: RandomStream): { readonly word: number; readonly bit: number; readonly what: string };
}

/** Memory images of an instance, by the layout that its module documents. */
function layoutsOf({ module, parameters }: Instance): readonly Layout[] {
  const number = (name: string): number => Number(parameters[name]);
  const text = (name: string): string => (parameters[name] === undefined ? "" : String(parameters[name]));
  const layouts: Layout[] = [];
  if (module === "nf_dense") {
    const [pe, simd, sets] = [number("PE"), number("SIMD"), number("SETS")];
    const [inputs, outputs] = [number("INPUTS"), number("OUTPUTS")];
    const [inFolds, outFolds] = [Math.ceil(inputs / simd), Math.ceil(outputs / pe)];
    const phases = number("PHASES_Y") * number("PHASES_X");
    if (text("WEIGHT_FILE") !== "")
      layouts.push({
        kind: "weight bit",
        file: text("WEIGHT_FILE"),
        pick: (random) => {
          const [o, i] = [random.integer(0, outputs - 1), random.integer(0, inputs - 1)];
          const [phase, set] = [random.integer(0, phases - 1), random.integer(0, sets - 1)];
          const bit = random.integer(0, number("W_WIDTH") - 1);
          const word = (phase * outFolds + Math.floor(o / pe)) * inFolds + Math.floor(i / simd);
          const lane = (set * pe + (o % pe)) * simd + (i % simd);
          return {
            word,
            bit: lane * number("W_WIDTH") + bit,
            what: `bit ${bit} of the weight of output ${o} for input ${i}`,
          };
        },
      });
    if (text("BIAS_FILE") !== "")
      layouts.push({
        kind: "bias",
        file: text("BIAS_FILE"),
        pick: (random) => {
          const o = random.integer(0, outputs - 1);
          const bit = random.integer(0, number("ACC_WIDTH") - 1);
          return {
            word: Math.floor(o / pe),
            bit: (o % pe) * number("ACC_WIDTH") + bit,
            what: `bit ${bit} of the bias of output ${o}`,
          };
        },
      });
  }
  const lanes = number("LANES");
  const beats = Math.ceil(number("ELEMENTS") / lanes);
  if (module === "nf_threshold" && text("THRESHOLD_FILE") !== "") {
    const levels = number("LEVELS");
    layouts.push({
      kind: "other constant",
      file: text("THRESHOLD_FILE"),
      pick: (random) => {
        const element = random.integer(0, Math.min(number("DEPTH"), beats) * lanes - 1) % number("ELEMENTS");
        const level = random.integer(0, levels - 1);
        return {
          word: Math.floor(element / lanes),
          bit: ((element % lanes) * levels + level) * number("T_WIDTH"),
          what: `bit 0 of threshold ${level} of element ${element}`,
        };
      },
    });
  }
  return layouts;
}

/** `count` faults of each memory image of the Verilog. */
export function memoryFaults(
  instances: readonly Instance[],
  design: Design,
  random: RandomStream,
  count: number,
  madeBy: (instance: Instance) => string | undefined,
): readonly Fault[] {
  const faults: Fault[] = [];
  for (const instance of instances)
    for (const { kind, file, pick } of layoutsOf(instance))
      for (let n = 0; n < count; n++) {
        const { word, bit, what } = pick(random);
        const value = madeBy(instance);
        faults.push({
          id: `rtl ${file} ${word} ${bit}`,
          backend: "rtl",
          kind,
          place: instance.name,
          what,
          ...(value === undefined ? {} : { value }),
          apply: (switchable) => flipMemoryBit(switchable, `rtl/${file}`, word, bit),
          proveEquivalent: async () =>
            kind === "other constant" ? thresholdProof(design.program, value, what) : undefined,
        });
      }
  return faults;
}

/** A threshold beyond what the sum can reach does not matter, nor does its lowest bit. */
function thresholdProof(program: Program, value: string | undefined, what: string): string | undefined {
  const maker = program.instructions.find((i) => i.result === value);
  const place = /threshold (\d+) of element (\d+)/.exec(what);
  if (maker?.op !== "threshold" || !place) return undefined;
  const { data, shape } = constantNamed(program, maker.thresholds);
  const t = data[(Number(place[2]) % shape[0]!) * shape[1]! + Number(place[1])]!;
  const { min, max } = mantissaRange(valueNamed(program, maker.input).format);
  const [a, b] = [t, t % 2 === 0 ? t + 1 : t - 1];
  for (let x = min; x <= max; x++) if (x >= a !== x >= b) return undefined;
  return `no sum from ${min} to ${max} lies between the two thresholds`;
}

/** One array of the model's C: `name[size] = { ... }`. */
function arrayOf(text: string, name: string): string | undefined {
  return new RegExp(`static const \\w+ ${name}\\[\\d+\\] = \\{[^}]*\\}`).exec(text)?.[0];
}

/** `count` faults of each constant that the C has an array of. */
export function arrayFaults(design: Design, random: RandomStream, count: number): readonly Fault[] {
  const { program } = design;
  const c = design.manifest.c!;
  const path = `c/${c.prefix}.c`;
  const info = { version: design.manifest.generator.version };
  const own = textOf(design, path);
  // The arrays of a design that this compiler did not make may be packed otherwise.
  if (String(generateC(program, info).files.get(path)) !== own) return [];
  const faults: Fault[] = [];
  for (const instruction of program.instructions) {
    const constants: [FaultKind, string | null][] =
      instruction.op === "dense" || instruction.op === "conv"
        ? [
            ["weight bit", instruction.weights],
            ["bias", instruction.bias],
          ]
        : instruction.op === "threshold"
          ? [["other constant", instruction.thresholds]]
          : instruction.op === "table"
            ? [["other constant", instruction.table]]
            : instruction.op === "scale"
              ? [["other constant", instruction.multipliers]]
              : [];
    for (const [kind, name] of constants) {
      if (name === null) continue;
      for (let n = 0; n < count; n++) {
        const fault = arrayFault(design, path, own, info, kind, name, instruction.result, random);
        if (fault) faults.push(fault);
      }
    }
  }
  return faults;
}

function arrayFault(
  design: Design,
  path: string,
  own: string,
  info: { readonly version: string },
  kind: FaultKind,
  name: string,
  value: string,
  random: RandomStream,
): Fault | undefined {
  const { program } = design;
  const constant = constantNamed(program, name);
  const at = random.integer(0, constant.data.length - 1);
  const width = kind === "weight bit" ? widthOf(constant.format) : 1;
  const bit = random.integer(0, width - 1);
  const flipped = flip(constant.data[at]!, bit, kind === "weight bit" ? constant.format : undefined);
  const data = constant.data.map((x, i) => (i === at ? flipped : x));
  const changed: Program = {
    ...program,
    constants: program.constants.map((other) => (other === constant ? { ...constant, data } : other)),
  };
  const make = (): string | undefined => {
    const text = String(generateC(changed, info).files.get(path));
    const arrays = [...own.matchAll(/static const \w+ (\w+)\[\d+\] = /g)].map((m) => m[1]!);
    const other = arrays.filter((array) => arrayOf(text, array) !== arrayOf(own, array));
    const array = other[0];
    if (other.length !== 1 || array === undefined) return undefined;
    const replacement = arrayOf(text, array);
    return replacement && own.replace(arrayOf(own, array)!, () => replacement);
  };
  const text = make();
  if (text === undefined) return undefined;
  return {
    id: `c ${name} ${at} ${bit}`,
    backend: "c",
    kind,
    place: name,
    what: `bit ${bit} of entry ${at}`,
    value,
    apply: (switchable) => withFile(switchable, path, text),
    proveEquivalent: async () => undefined,
  };
}

/** A bit of a mantissa in two's complement of its width; of other constants the lowest one. */
function flip(mantissa: number, bit: number, format: Parameters<typeof widthOf>[0] | undefined): number {
  if (format === undefined) return mantissa % 2 === 0 ? mantissa + 1 : mantissa - 1;
  const { min } = mantissaRange(format);
  const width = widthOf(format);
  const pattern = Number(BigInt.asUintN(width, BigInt(mantissa)) ^ (1n << BigInt(bit)));
  return min < 0 && pattern > integerRange(width, true).max ? pattern - 2 ** width : pattern;
}
