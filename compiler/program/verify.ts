// The verifier of the integer program: everything that simulator and generators may take for granted. Runs on
// every program that is built or read. In: a program. Out: nothing, or every broken rule.
import { createCollector, type DiagnosticCollector } from "../support/diagnostics.ts";
import { MAX_ACCUMULATOR_WIDTH, type Range, widthOfRange } from "../support/fixed-point.ts";
import { isAccumulator, provedRanges, requantizeIntermediate, shiftsOf } from "./bounds.ts";
import {
  createCheck,
  MAX_AXES,
  MAX_ELEMENTS,
  MAX_FRACTION,
  MAX_FRACTIONS,
  MAX_INSTRUCTIONS,
  MAX_PRODUCTS,
  MAX_TENSOR_WIDTH,
  MAX_VALUES,
  shapeText,
} from "./constraints.ts";
import {
  type Constant,
  channelsOf,
  constantsOf,
  elementsOf,
  type Format,
  type Instruction,
  isSum,
  mantissaRange,
  operandsOf,
  type Program,
  type Value,
  widthOf,
} from "./program.ts";
import { checkInstruction } from "./verify-instructions.ts";

/** What the rules about ranges look up. */
interface Proved {
  readonly values: ReadonlyMap<string, Value>;
  readonly ranges: ReadonlyMap<string, Range>;
}

/** Broken rules after which no more are looked for. */
const MOST_PROBLEMS = 200;

/** Throws a DiagnosticError with every rule that the program breaks. */
export function verifyProgram(program: Program): void {
  const collector = createCollector(MOST_PROBLEMS);
  checkNames(program, collector);
  if (program.instructions.length > MAX_INSTRUCTIONS)
    collector.add("program/shape", {
      where: "the program",
      problem: `${program.instructions.length} instructions are more than ${MAX_INSTRUCTIONS}`,
    });
  collector.throwIfErrors();
  for (const value of program.values) checkFormat(value.name, value.format, channelsOf(value), collector);
  for (const value of program.values) checkShape(value.name, value.shape, collector);
  for (const constant of program.constants) checkConstant(constant, collector);
  collector.throwIfErrors();
  const values = new Map(program.values.map((v) => [v.name, v]));
  const constants = new Map(program.constants.map((c) => [c.name, c]));
  for (const name of program.inputs) {
    const { format } = values.get(name)!;
    if (widthOf(format) > MAX_TENSOR_WIDTH)
      collector.add("program/format", {
        where: name,
        problem: `an input has at most ${MAX_TENSOR_WIDTH} bits`,
      });
    if (typeof format.fraction !== "number")
      collector.add("program/format", { where: name, problem: "an input has one fraction" });
  }
  for (const instruction of program.instructions)
    checkInstruction(instruction, createCheck(instruction, values, constants, collector));
  checkSize(program, collector);
  // Ranges are computed only from operands that are known to fit together.
  collector.throwIfErrors();
  const proved = { values, ranges: provedRanges(program) };
  for (const instruction of program.instructions) checkRanges(program, instruction, proved, collector);
  collector.throwIfErrors();
}

function checkNames(program: Program, collector: DiagnosticCollector): void {
  const seen = (what: string, names: readonly string[]): void => {
    const known = new Set<string>();
    for (const name of names) {
      if (known.has(name)) collector.add("program/duplicate", { what, name });
      known.add(name);
    }
  };
  seen(
    "value",
    program.values.map((v) => v.name),
  );
  seen(
    "constant",
    program.constants.map((c) => c.name),
  );
  seen(
    "output",
    program.outputs.map((o) => o.name),
  );
  const declared = new Set(program.values.map((v) => v.name));
  const constants = new Set(program.constants.map((c) => c.name));
  const defined = new Set<string>();
  for (const name of program.inputs) {
    if (!declared.has(name)) collector.add("program/undefined", { where: "inputs", what: "value", name });
    defined.add(name);
  }
  if (program.inputs.length === 0)
    collector.add("program/shape", { where: program.name, problem: "has no input" });
  if (program.outputs.length === 0)
    collector.add("program/shape", { where: program.name, problem: "has no output" });
  for (const instruction of program.instructions) {
    const where = `layer ${instruction.layer} (${instruction.op})`;
    for (const name of operandsOf(instruction))
      if (!defined.has(name)) collector.add("program/undefined", { where, what: "value", name });
    if (!declared.has(instruction.result))
      collector.add("program/undefined", { where, what: "value", name: instruction.result });
    if (defined.has(instruction.result))
      collector.add("program/duplicate", { what: "result", name: instruction.result });
    defined.add(instruction.result);
    for (const name of constantsOf(instruction))
      if (!constants.has(name)) collector.add("program/undefined", { where, what: "constant", name });
  }
  for (const { name, value } of program.outputs)
    if (!defined.has(value))
      collector.add("program/undefined", { where: `output ${name}`, what: "value", name: value });
  for (const name of declared)
    if (!defined.has(name))
      collector.add("program/undefined", { where: "values", what: "definition of", name });
}

function checkFormat(where: string, format: Format, channels: number, collector: DiagnosticCollector): void {
  const bad = (problem: string): void => collector.add("program/format", { where, problem });
  const width = widthOf(format);
  if (!Number.isInteger(width) || width < 1 || width > MAX_ACCUMULATOR_WIDTH)
    bad(`width ${width} is not within 1..${MAX_ACCUMULATOR_WIDTH}`);
  const fractions = typeof format.fraction === "number" ? [format.fraction] : format.fraction;
  if (typeof format.fraction !== "number" && fractions.length !== channels)
    bad(`${fractions.length} fractions for ${channels} channels`);
  if (fractions.length > MAX_FRACTIONS)
    return bad(`${fractions.length} fractions are more than ${MAX_FRACTIONS}`);
  for (const f of fractions)
    if (!Number.isInteger(f) || Math.abs(f) > MAX_FRACTION)
      bad(`fraction ${f} is no integer within -${MAX_FRACTION}..${MAX_FRACTION}`);
}

function checkShape(where: string, shape: readonly number[], collector: DiagnosticCollector): void {
  if (shape.length === 0 || shape.some((size) => !Number.isSafeInteger(size) || size < 1))
    collector.add("program/shape", { where, problem: `${shapeText(shape)} is no shape of positive sizes` });
  else if (shape.length > MAX_AXES || elementsOf(shape) > MAX_ELEMENTS)
    collector.add("program/shape", {
      where,
      problem: `${shapeText(shape)} has more than ${MAX_AXES} axes or ${MAX_ELEMENTS} elements`,
    });
}

/** What a program asks of whoever runs it, whatever its file says, is bounded. */
function checkSize({ values, instructions, constants }: Program, collector: DiagnosticCollector): void {
  const tooMany = (what: string, found: number, limit: number): void => {
    if (found > limit)
      collector.add("program/shape", {
        where: "the program",
        problem: `${found} ${what} are more than ${limit}`,
      });
  };
  tooMany(
    "elements of all values",
    values.reduce((sum, { shape }) => sum + elementsOf(shape), 0),
    MAX_VALUES,
  );
  const shapes = new Map([...values, ...constants].map(({ name, shape }) => [name, shape]));
  const products = instructions.reduce((sum, instruction) => {
    const result = elementsOf(shapes.get(instruction.result)!);
    if (instruction.op === "pool") return sum + result * elementsOf(instruction.window);
    if (instruction.op !== "dense" && instruction.op !== "conv") return sum;
    const [rows, ...row] = shapes.get(instruction.weights)!;
    return rows === undefined ? sum : sum + result * elementsOf(row);
  }, 0);
  tooMany("products of one inference", products, MAX_PRODUCTS);
}

function checkConstant(constant: Constant, collector: DiagnosticCollector): void {
  checkShape(constant.name, constant.shape, collector);
  checkFormat(constant.name, constant.format, constant.shape[0] ?? 1, collector);
  const expected = elementsOf(constant.shape);
  if (constant.data.length !== expected)
    collector.add("program/shape", {
      where: constant.name,
      problem: `${constant.data.length} elements for a shape of ${expected}`,
    });
  const { min, max } = mantissaRange(constant.format);
  const index = constant.data.findIndex((m) => !(Number.isInteger(m) && min <= m && m <= max));
  if (index >= 0)
    collector.add("program/range", {
      constant: constant.name,
      index,
      value: constant.data[index]!,
      low: min,
      high: max,
    });
}

/** Nothing wraps: sums and what requantization or an average makes of them fit the accumulator. */
function checkRanges(
  program: Program,
  instruction: Instruction,
  { values, ranges }: Proved,
  collector: DiagnosticCollector,
): void {
  const fits = (range: Range, accumulator: Value | undefined): void => {
    const width = widthOfRange(range, true);
    const { layer } = instruction;
    if (width > MAX_ACCUMULATOR_WIDTH)
      collector.add("program/accumulator-too-wide", { layer, width, widest: MAX_ACCUMULATOR_WIDTH });
    else if (accumulator && width > widthOf(accumulator.format))
      collector.add("program/bounds", {
        layer,
        value: accumulator.name,
        width: widthOf(accumulator.format),
        low: range.min,
        high: range.max,
      });
  };
  if (isSum(instruction)) fits(ranges.get(instruction.result)!, values.get(instruction.result));
  if (instruction.op === "pool" && instruction.kind === "average") {
    const { min, max } = ranges.get(instruction.input)!;
    const count = elementsOf(instruction.window);
    fits({ min: min * count, max: max * count + count / 2 }, undefined);
  }
  if (instruction.op === "requantize") {
    const input = values.get(instruction.input)!;
    const range = ranges.get(input.name)!;
    const widest = shiftsOf(input, values.get(instruction.result)!)
      .map((shift) => requantizeIntermediate(range, shift))
      .reduce((a, b) => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) }));
    fits(widest, isAccumulator(program.instructions, input.name) ? input : undefined);
  }
}
