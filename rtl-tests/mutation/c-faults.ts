// Faults of the generated C. In: a design. Out: places in the functions of its stages and in its kernels, found by the lines that
// the generator prints.
import { provedRange } from "../../compiler/program/bounds.ts";
import { type Instruction, type Program, valueNamed, widthOf } from "../../compiler/program/program.ts";
import { saturate } from "../../compiler/support/fixed-point.ts";
import type { Design } from "../../compiler/verify/verify.ts";
import { type Fault, type FaultKind, textOf, withFile } from "./fault.ts";

interface Change {
  readonly kind: FaultKind;
  readonly what: string;
  /** The function with the fault in it. */
  readonly text: string;
  prove?(): string | undefined;
}

const CALL = /nf_requantize_i(32|64)\(([^,]+), (-?\d+), NF_ROUND_(\w+), (-?\d+), (\d+)\)/;

/** Faults of every stage function and kernel. */
export function codeFaults(design: Design): readonly Fault[] {
  const { program } = design;
  const c = design.manifest.c!;
  const path = `c/${c.prefix}.c`;
  const own = textOf(design, path);
  const faults: Fault[] = [];
  for (const layer of c.layers) {
    const maker = program.instructions.find((i) => i.result === layer.result)!;
    const whole = functionOf(own, layer.function);
    for (const change of changesOf(program, maker, whole))
      faults.push({
        id: `c ${layer.function} ${change.what}`,
        backend: "c",
        kind: change.kind,
        place: layer.function,
        what: change.what,
        value: layer.result,
        apply: (switchable) =>
          withFile(
            switchable,
            path,
            own.replace(whole, () => change.text),
          ),
        proveEquivalent: async () => change.prove?.(),
      });
  }
  for (const { file: kernel, find, to, kind, what, calledAs } of KERNELS)
    for (const file of design.files.keys()) {
      if (!kernel.test(file) || !file.startsWith("c/")) continue;
      const text = textOf(design, file);
      const isCalled = (other: string): boolean =>
        other !== file && other.startsWith("c/") && textOf(design, other).includes(calledAs!);
      if (calledAs !== undefined && ![...design.files.keys()].some(isCalled)) continue;
      const changed = text.replace(find, () => to);
      if (changed === text) throw new Error(`${file} has no ${find}`);
      faults.push({
        id: `c ${file} ${what}`,
        backend: "c",
        kind,
        place: file,
        what,
        apply: (switchable) => withFile(switchable, file, changed),
        proveEquivalent: async () => undefined,
      });
    }
  return faults;
}

interface KernelFault {
  readonly file: RegExp;
  readonly find: RegExp;
  readonly to: string;
  readonly kind: FaultKind;
  readonly what: string;
  /** Another file has to have this: a function that nobody calls has no faults. */
  readonly calledAs?: string;
}

const KERNELS: readonly KernelFault[] = [
  {
    file: /nf_argmax_\w+\.h$/,
    find: /x\[i\] > x\[best\]/,
    to: "x[i] >= x[best]",
    kind: "comparison",
    what: "takes the last on ties",
  },
  {
    file: /nf_window_max_\w+\.h$/,
    find: /from\[i\] > y\[i\]/,
    to: "from[i] < y[i]",
    kind: "comparison",
    what: "takes the smallest",
  },
  {
    file: /nf_window_sum_\w+\.h$/,
    find: /sums\[i\] = 0;/,
    to: "sums[i] = 1;",
    kind: "missing reset",
    what: "does not start sums at 0",
  },
  {
    file: /nf_window\.h$/,
    find: /position > \(size - 1\) \* spread/,
    to: "position >= (size - 1) * spread",
    kind: "off-by-one address",
    what: "takes the last position for padding",
    calledAs: "nf_window_place(",
  },
  {
    file: /nf_window\.h$/,
    find: /position \+ taps > size\) \? size :/,
    to: "position + taps >= size) ? size - 1 :",
    kind: "off-by-one address",
    what: "ends windows one position too early",
    calledAs: "nf_window_end(",
  },
  {
    file: /nf_packed_weight\.h$/,
    find: /return \(int16_t\)\(\(code \^ offset\) - offset\);/,
    to: "(void)offset;\n    return (int16_t)code;",
    kind: "sign extension",
    what: "takes weights for unsigned",
  },
  {
    file: /nf_threshold_\w+\.h$/,
    find: /x >= thresholds/,
    to: "x > thresholds",
    kind: "comparison",
    what: "does not count a threshold that is reached exactly",
  },
];

/** A function of the model, from its first line to its closing brace. */
function functionOf(text: string, name: string): string {
  const found = new RegExp(`^NF_STAGE void ${name}\\([\\s\\S]*?\\n\\}\\n`, "m").exec(text)?.[0];
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}

function changesOf(program: Program, maker: Instruction, text: string): readonly Change[] {
  return [
    ...requantizeChanges(program, maker, text),
    ...sumChanges(program, maker, text),
    ...addressChanges(text),
    ...staleChanges(text),
  ];
}

function requantizeChanges(program: Program, maker: Instruction, text: string): readonly Change[] {
  const call = CALL.exec(text);
  if (!call || maker.op !== "requantize") return [];
  const [whole, width, x, shiftText, rounding, lowText, highText] = call as unknown as [string, ...string[]] &
    Record<number, string>;
  const [shift, low, high] = [Number(shiftText), Number(lowText), Number(highText)];
  const { min, max } = provedRange(program, maker.input);
  interface Wrong {
    readonly x?: (x: number) => number;
    readonly shift?: number;
    readonly low?: number;
    readonly high?: number;
  }
  const made = (value: number, s: number, l: number, h: number): number =>
    saturate(Math.floor(value * 2 ** -s + (s > 0 && rounding === "HALF_UP" ? 0.5 : 0)), { min: l, max: h });
  const change = (kind: FaultKind, what: string, argument: string, wrong: Wrong): Change => ({
    kind,
    what,
    text: text.replace(
      whole,
      () =>
        `nf_requantize_i${width}(${argument}, ${wrong.shift ?? shift}, NF_ROUND_${rounding}, ${wrong.low ?? low}, ${wrong.high ?? high})`,
    ),
    prove: () => {
      if (max - min > 2 ** 22 || rounding === "HALF_EVEN") return undefined;
      for (let value = min; value <= max; value++)
        if (
          made(value, shift, low, high) !==
          made(wrong.x?.(value) ?? value, wrong.shift ?? shift, wrong.low ?? low, wrong.high ?? high)
        )
          return undefined;
      return `all ${max - min + 1} inputs, ${min} to ${max}, give the same`;
    },
  });
  const signed = /const int(8|16)_t \*(?:restrict )?x\b/.exec(text)?.[1];
  return [
    change("shift", "shifts one bit too far", x!, { shift: shift + 1 }),
    ...(shift > 0 ? [change("shift", "shifts one bit too little", x!, { shift: shift - 1 })] : []),
    ...(shift > 0 && rounding === "HALF_UP"
      ? [
          change("rounding constant", "adds one less than the half", `${x} - 1`, { x: (v) => v - 1 }),
          change("rounding constant", "adds one more than the half", `${x} + 1`, { x: (v) => v + 1 }),
        ]
      : []),
    change("saturation bound", "saturates one below its highest value", x!, { high: high - 1 }),
    change("saturation bound", "saturates one above its lowest value", x!, { low: low + 1 }),
    ...(signed === undefined
      ? []
      : [
          change("sign extension", "takes its input for unsigned", `(uint${signed}_t)${x}`, {
            x: (v) => (v < 0 ? v + 2 ** Number(signed) : v),
          }),
        ]),
  ];
}

/** Sums: `y[o] = (type)sum;`. */
function sumChanges(program: Program, maker: Instruction, text: string): readonly Change[] {
  if (maker.op !== "dense" && maker.op !== "conv" && maker.op !== "add" && maker.op !== "subtract") return [];
  const line = /(y\[\w+\]) = \((u?int\d+_t)\)([\s\S]+?);\n/.exec(text);
  if (!line) return [];
  const [whole, target, type, sum] = line as unknown as [string, string, string, string];
  const width = widthOf(valueNamed(program, maker.result).format);
  const changes: Change[] = [];
  if (width > 1 && width <= 31) {
    const [half, mask] = [2 ** (width - 2), 2 ** (width - 1) - 1];
    changes.push({
      kind: "accumulator width - 1",
      what: "sums in one bit less",
      text: text.replace(whole, () => `${target} = (${type})(((${sum} + ${half}) & ${mask}) - ${half});\n`),
      prove: () => {
        const { min, max } = provedRange(program, maker.result);
        const fits = min >= -half && max < half;
        return fits ? `sums lie in ${min} to ${max}, which ${width - 1} bits hold` : undefined;
      },
    });
  }
  const index = /\[(\w+)\]/.exec(target)![1]!;
  if (maker.op === "dense" || maker.op === "conv")
    changes.push({
      kind: "missing reset",
      what: "does not start sums anew",
      text: text.replace(
        whole,
        () => `${target} = (${type})(${sum} + ((${index} > 0) ? y[${index} - 1] : 0));\n`,
      ),
    });
  // Where the result is no wider than the operand, its wrap takes away what a lost sign adds.
  const operand = /\(int32_t\)([ab])\[i\]/.exec(sum);
  const bits = operand && new RegExp(`const int(8|16)_t \\*(?:restrict )?${operand[1]}\\b`).exec(text)?.[1];
  if (operand && bits && Number(bits) < Number(/\d+/.exec(type)![0]))
    changes.push({
      kind: "sign extension",
      what: `takes operand ${operand[1]} for unsigned`,
      text: text.replace(operand[0], () => `(int32_t)(uint${bits}_t)${operand[1]}[i]`),
    });
  return changes;
}

/** Arrays and windows that are read one place further; addresses stay inside of the array. */
function addressChanges(text: string): readonly Change[] {
  const changes: Change[] = [];
  const row = /(&\w+_(?:weights|thresholds)\[)(\w+) \* (\d+)\]/.exec(text);
  const limit = row && new RegExp(`for \\(${row[2]} = 0; ${row[2]} < (\\d+);`).exec(text)?.[1];
  if (row && limit !== null && limit !== undefined && Number(limit) > 1)
    changes.push({
      kind: "off-by-one address",
      what: "reads the constants of the next output",
      text: text.replace(row[0], () => `${row[1]}(${row[2]} + 1) % ${limit} * ${row[3]}]`),
    });
  const bias = /(\w+_bias\[)(\w+)\]/.exec(text);
  const units = bias && new RegExp(`for \\(${bias[2]} = 0; ${bias[2]} < (\\d+);`).exec(text)?.[1];
  if (bias && units !== null && units !== undefined && Number(units) > 1)
    changes.push({
      kind: "off-by-one address",
      what: "reads the bias of the next output",
      text: text.replace(bias[0], () => `${bias[1]}(${bias[2]} + 1) % ${units}]`),
    });
  const element = /\bx\[i\]/.exec(text);
  const size = /for \(i = 0; i < (\d+);/.exec(text)?.[1];
  if (element && size !== undefined && Number(size) > 1)
    changes.push({
      kind: "off-by-one address",
      what: "reads the next element",
      text: text.replace("x[i]", () => `x[(i + 1) % ${size}]`),
    });
  const patch = /nf_patch_\w+\(x, &window, [^,]+, (column[^,]*),/.exec(text);
  if (patch)
    changes.push({
      kind: "off-by-one address",
      what: "reads its windows one position further",
      text: text.replace(patch[0], () => patch[0].replace(patch[1]!, `${patch[1]} + 1`)),
    });
  return changes;
}

/** Something is not refreshed: a patch, or the last element of a buffer. */
function staleChanges(text: string): readonly Change[] {
  const changes: Change[] = [];
  const patch = /^( *)(nf_patch_\w+\([^\n]*\);)\n/m.exec(text);
  const columns = /for \(column = 0; column < (\d+);/.exec(text)?.[1];
  if (patch && columns !== undefined && Number(columns) > 1)
    changes.push({
      kind: "stale line buffer",
      what: "does not read its last window of a line anew",
      text: text.replace(
        patch[0],
        () =>
          `${patch[1]}if (column == 0 || column != ${Number(columns) - 1}) {\n${patch[1]}    ${patch[2]}\n${patch[1]}}\n`,
      ),
    });
  const loop = /for \(i = 0; i < (\d+); i\+\+\) \{\n *y\[i\] =/.exec(text);
  if (loop && Number(loop[1]) > 1)
    changes.push({
      kind: "stale line buffer",
      what: "does not write the last element of its buffer",
      text: text.replace(loop[0], () => loop[0].replace(`i < ${loop[1]}`, `i < ${Number(loop[1]) - 1}`)),
    });
  return changes;
}
