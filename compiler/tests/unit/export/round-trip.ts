// A program as QONNX and back by our own reader and exact lowering.
import { expect } from "vitest";
import { exportQonnx } from "../../../export/qonnx.ts";
import type { ModelImport } from "../../../import/model-import.ts";
import { readOnnx } from "../../../import/onnx/read.ts";
import { type ExactLowering, lowerImported } from "../../../lower/exact/lower-imported.ts";
import { operandOf } from "../../../program/bounds.ts";
import { channelsOf, elementsOf, fractionOf, type Program, valueNamed } from "../../../program/program.ts";
import { simulate } from "../../../sim/simulate.ts";
import { fileIndices } from "../import/against-onnxruntime.ts";
import { randomInputs } from "../program/random-branching.ts";

export interface RoundTrip {
  readonly imported: ModelImport;
  readonly back: ExactLowering;
}

export function roundTrip(program: Program): RoundTrip {
  const imported = readOnnx(exportQonnx(program), { path: `${program.name}.onnx` });
  return { imported, back: lowerImported(imported.model) };
}

const entry = (values: Float64Array, c: number): number => (values.length === 1 ? values[0]! : values[c]!);

/** The order that a port of the network has, for samples in the program's order. */
function inOrder(
  data: Float64Array,
  port: ModelImport["inputs"][number],
  shape: readonly number[],
): Float64Array {
  const indices = fileIndices(port, shape);
  const each = indices.length;
  return data.map((_, i) => data[Math.floor(i / each) * each + indices[i % each]!]!);
}

/** Every output of both programs means the same real numbers, or is the same class, for random inputs. */
export function expectSameNumbers(program: Program, { imported, back }: RoundTrip, count = 4): void {
  const inputs = randomInputs(program, count, 3);
  const ours = simulate(program, inputs, count).values;
  const given = new Map(
    back.program.inputs.map((name) => {
      const port = imported.inputs.find((p) => p.name === name)!;
      return [name, inOrder(inputs.get(name)!, port, valueNamed(back.program, name).shape)];
    }),
  );
  const theirs = simulate(back.program, given, count).values;
  for (const { name, value } of program.outputs) {
    const found = back.outputs.find((output) => output.name === name);
    expect(found, name).toBeDefined();
    const [own, other] = [valueNamed(program, value), valueNamed(back.program, found!.value)];
    const isClass = program.instructions.some(({ op, result }) => op === "argmax" && result === value);
    const real = ours.get(value)!.map((m, i) => {
      const c = i % channelsOf(own);
      return isClass ? m : operandOf(own.format, m) * 2 ** -fractionOf(own.format, c);
    });
    const port = imported.outputs.find((p) => p.name === name)!;
    const wanted = inOrder(real, port, other.shape);
    const got = theirs.get(found!.value)!.map((m, i) => {
      const c = i % channelsOf(other);
      return m * entry(found!.scale, c) + entry(found!.offset, c);
    });
    expect(elementsOf(own.shape)).toBe(elementsOf(other.shape));
    expect(Array.from(got), name).toEqual(Array.from(wanted));
  }
}
