// Instructions that only move elements as C functions: slice, transpose, upsample, pad, concat. In: the instruction with
// its shapes. Out: the function's text: boxes of elements, each with its steps in the input and in the result.
import {
  type ConcatInstruction,
  elementsOf,
  type PadInstruction,
  type SliceInstruction,
  type TransposeInstruction,
  type UpsampleInstruction,
  type Value,
  valueNamed,
} from "../program/program.ts";
import { commentText } from "../support/comment-text.ts";
import { functionBody, index, type Loop, nest } from "./loops.ts";
import { castText, claim, type Stage, type StageContext, sizeText, typeOfValue } from "./stage-parts.ts";

export type MoveInstruction =
  | SliceInstruction
  | TransposeInstruction
  | UpsampleInstruction
  | PadInstruction
  | ConcatInstruction;

/** One axis of a box: so many elements, so far apart in the input and in the result. */
interface BoxAxis {
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

interface Box {
  readonly axes: readonly BoxAxis[];
  /** Offsets of the first element. */
  readonly from: number;
  readonly to: number;
}

/** Loop variable of axis n. */
function variableOf(n: number): string {
  return ["i", "j", "k", "l", "m", "n"][n] ?? `i${n}`;
}

/** Plans a move. */
export function planMove(context: StageContext, instruction: MoveInstruction): Stage {
  const { program, ranges } = context;
  const names = "inputs" in instruction ? instruction.inputs : [instruction.input];
  const operands = names.map((name) => valueNamed(program, name));
  const result = valueNamed(program, instruction.result);
  const type = typeOfValue(ranges, result);
  const parameters = operands.length === 1 ? ["x"] : operands.map((_, n) => `x${n}`);
  const boxes = boxesOf(instruction, operands, result).map(merged);
  const statements = boxes.map((box, n) => {
    const cast = castText(typeOfValue(ranges, operands[n]!), type);
    return moveText(box, parameters[n]!, cast);
  });
  let depth = Math.max(...boxes.map(({ axes }) => axes.length));
  if (instruction.op === "pad") {
    const all: Loop = { variable: variableOf(0), count: elementsOf(result.shape) };
    const fill = `y[${index([{ loop: all, stride: 1 }])}] = ${instruction.mantissa};`;
    statements.unshift(nest([all], fill));
    if (all.count > 1) depth = Math.max(1, depth);
  }
  return {
    name: claim(context, instruction.layer, instruction.op),
    comment: [`${commentText(instruction.layer)}: ${textOf(instruction, operands, result)}.`],
    inputs: parameters,
    body: functionBody(
      Array.from({ length: depth }, (_, n) => `int32_t ${variableOf(n)};`),
      statements.join("\n"),
    ),
    constants: [],
    accumulator: null,
    overwrites: [],
  };
}

/** Steps from one element to the next along each axis. */
function stepsOf(shape: readonly number[]): readonly number[] {
  return shape.map((_, a) => elementsOf(shape.slice(a + 1)));
}

/** A box for each operand. */
function boxesOf(instruction: MoveInstruction, operands: readonly Value[], result: Value): readonly Box[] {
  const [{ shape }] = operands as [Value];
  const from = stepsOf(shape);
  const to = stepsOf(result.shape);
  const at = (position: readonly number[], steps: readonly number[]): number =>
    position.reduce((offset, p, a) => offset + p * steps[a]!, 0);
  switch (instruction.op) {
    case "slice": {
      const axes = result.shape.map((count, a) => ({ count, from: from[a]!, to: to[a]! }));
      return [{ axes, from: at(instruction.begin, from), to: 0 }];
    }
    case "transpose": {
      const { permutation } = instruction;
      const axes = result.shape.map((count, a) => ({ count, from: from[permutation[a]!]!, to: to[a]! }));
      return [{ axes, from: 0, to: 0 }];
    }
    case "upsample": {
      // Along each axis a position, and as often as the factor says the same one again.
      const axes = shape.flatMap((count, a) => {
        const factor = instruction.factors[a] ?? 1;
        return [
          { count, from: from[a]!, to: factor * to[a]! },
          { count: factor, from: 0, to: to[a]! },
        ];
      });
      return [{ axes, from: 0, to: 0 }];
    }
    case "pad": {
      const axes = shape.map((count, a) => ({ count, from: from[a]!, to: to[a]! }));
      return [{ axes, from: 0, to: at(instruction.before, to) }];
    }
    case "concat": {
      let begin = 0;
      return operands.map((operand): Box => {
        const steps = stepsOf(operand.shape);
        const axes = operand.shape.map((count, a) => ({ count, from: steps[a]!, to: to[a]! }));
        const first = begin * to[instruction.axis]!;
        begin += operand.shape[instruction.axis]!;
        return { axes, from: 0, to: first };
      });
    }
  }
}

/** The same box with as few axes as possible: none of one element, none that continues its neighbour. */
function merged({ axes, ...offsets }: Box): Box {
  const kept: BoxAxis[] = [];
  for (const axis of axes) {
    if (axis.count === 1) continue;
    const outer = kept.at(-1);
    if (outer && outer.from === axis.count * axis.from && outer.to === axis.count * axis.to)
      kept[kept.length - 1] = { ...axis, count: outer.count * axis.count };
    else kept.push(axis);
  }
  return { axes: kept, ...offsets };
}

function moveText({ axes, from, to }: Box, parameter: string, cast: string): string {
  const loops = axes.map(({ count }, n): Loop => ({ variable: variableOf(n), count }));
  const source = index(
    axes.map((axis, n) => ({ loop: loops[n]!, stride: axis.from })),
    from,
  );
  const target = index(
    axes.map((axis, n) => ({ loop: loops[n]!, stride: axis.to })),
    to,
  );
  return nest(loops, `y[${target}] = ${cast}${parameter}[${source}];`);
}

function textOf(instruction: MoveInstruction, operands: readonly Value[], result: Value): string {
  const shapeText = ({ shape }: Value): string =>
    shape.length === 1 ? sizeText(shape[0]!) : shape.join(" x ");
  const to = shapeText(result);
  const from = operands.map(shapeText).join(" and ");
  switch (instruction.op) {
    case "slice":
      return `${to} of ${from}, from position (${instruction.begin.join(", ")})`;
    case "transpose":
      return `${from} to ${to}, axes (${instruction.permutation.join(", ")})`;
    case "upsample":
      return `${from} to ${to}, nearest neighbour`;
    case "pad":
      return `${from} within ${to}, surrounded by ${instruction.mantissa}`;
    case "concat":
      return `${from} side by side along axis ${instruction.axis}, ${to}`;
  }
}
