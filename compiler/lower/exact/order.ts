// The order of a program that exact lowering made. In: the program, and the file's nodes. Out: the same program with ports and
// instructions as the file has them.
import type { ImportedModel } from "../../graph/imported.ts";
import { constantsOf, type Instruction, operandsOf, type Program } from "../../program/program.ts";
import type { ExactInput } from "./ports.ts";

/** Ports in the order of the file's inputs: they come to light where their quantizers are. */
export function withInputOrder(
  program: Program,
  inputs: readonly ExactInput[],
  model: ImportedModel,
): { readonly program: Program; readonly inputs: readonly ExactInput[] } {
  const order = model.nodes.filter((node) => node.kind === "input").map((node) => node.name);
  const sorted = inputs.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const names = sorted.map((input) => input.name);
  const values = [
    ...names.map((name) => program.values.find((value) => value.name === name)!),
    ...program.values.filter((value) => !names.includes(value.name)),
  ];
  return { program: { ...program, inputs: names, values }, inputs: sorted };
}

/**
 * Instructions in the order in which the file has what they compute, as far as one does not read another: what is emitted
 * only when it is quantized comes where it stands in the file.
 */
export function inFileOrder(program: Program, { nodes }: ImportedModel): Program {
  const { instructions, inputs } = program;
  const places = new Map(nodes.map((node, i) => [node.name, node.origin.line * nodes.length + i]));
  const keys: number[] = [];
  // What has no node of its own was emitted for what comes behind it.
  let behind = Number.MAX_SAFE_INTEGER;
  for (let i = instructions.length - 1; i >= 0; i--) {
    behind = places.get(instructions[i]!.result) ?? behind;
    keys[i] = behind;
  }
  const done = new Set(inputs);
  const left = instructions
    .map((instruction, i) => ({ instruction, key: keys[i]! }))
    .sort((a, b) => a.key - b.key);
  const ordered: Instruction[] = [];
  while (left.length > 0) {
    const next = left.findIndex(({ instruction }) => operandsOf(instruction).every((name) => done.has(name)));
    const [{ instruction }] = left.splice(next, 1) as [(typeof left)[number]];
    ordered.push(instruction);
    done.add(instruction.result);
  }
  const byName = <T extends { readonly name: string }>(
    all: readonly T[],
    names: readonly string[],
  ): readonly T[] => {
    const found = new Map(all.map((item) => [item.name, item]));
    return names.map((name) => found.get(name)!);
  };
  return {
    ...program,
    instructions: ordered,
    values: byName(program.values, [...inputs, ...ordered.map(({ result }) => result)]),
    constants: byName(program.constants, ordered.flatMap(constantsOf)),
  };
}
