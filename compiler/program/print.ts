// The integer program as text: JSON with one value, constant row and instruction per line, so that a diff reads.
import type { Constant, Program } from "./program.ts";

function list(items: readonly string[], indent: string): string {
  return items.length === 0 ? "[]" : `[\n${items.map((i) => `${indent}  ${i}`).join(",\n")}\n${indent}]`;
}

function constantText(constant: Constant): string {
  const row = constant.shape.length > 1 ? constant.data.length / constant.shape[0]! : constant.data.length;
  const rows: string[] = [];
  for (let i = 0; i < constant.data.length; i += row) rows.push(constant.data.slice(i, i + row).join(", "));
  const { name, shape, format } = constant;
  const data = rows.map((r) => `      ${r}`).join(",\n");
  return `{\n      "name": ${JSON.stringify(name)}, "shape": ${JSON.stringify(shape)}, "format": ${JSON.stringify(format)},\n      "data": [\n${data}\n      ]\n    }`;
}

/** Text of program.json; `readProgram` gives the same program back. Ends with a line end. */
export function printProgram(program: Program): string {
  const { schema, name, inputs, outputs, values, constants, instructions } = program;
  const lines = (items: readonly object[]): string =>
    list(
      items.map((i) => JSON.stringify(i)),
      "  ",
    );
  return [
    "{",
    `  "schema": ${JSON.stringify(schema)},`,
    `  "name": ${JSON.stringify(name)},`,
    `  "inputs": ${JSON.stringify(inputs)},`,
    `  "outputs": ${lines(outputs)},`,
    `  "values": ${lines(values)},`,
    `  "instructions": ${lines(instructions)},`,
    `  "constants": ${list(constants.map(constantText), "  ")}`,
    "}",
    "",
  ].join("\n");
}
