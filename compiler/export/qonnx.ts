// An integer program as a QONNX model: the same numbers in operators of ONNX and QONNX, with the program's formats as their
// quantizers. Our own reader and exact lowering make the same program of it.
import type { Scale } from "../program/manifest.ts";
import type { Program } from "../program/program.ts";
import { addInstruction } from "./instructions.ts";
import { createWriter } from "./writer.ts";

const SCALES_KEY = "noisefloor.scales";

/** Of ports by name: what an integer means in the file that the program was made of, integer * scale + offset. */
export interface PortScales {
  readonly inputs: Readonly<Record<string, Scale>>;
  readonly outputs: Readonly<Record<string, Scale>>;
}

/**
 * The bytes of the .onnx file, always the same for the same program. Inputs and outputs are real numbers, channels last,
 * behind a batch of one; `scales` go into the metadata. Throws a DiagnosticError that names every instruction which has no words there.
 */
export function exportQonnx(program: Program, scales?: PortScales): Uint8Array {
  const writer = createWriter(program);
  for (const instruction of program.instructions) addInstruction(writer, instruction);
  for (const { name, value } of program.outputs) {
    const { shape } = writer.value(value);
    const isClass = program.instructions.some(({ op, result }) => op === "argmax" && result === value);
    writer.addOutput(name, value);
    writer.file.output(name, [1, ...shape], isClass ? "int64" : "float");
  }
  writer.collector.throwIfErrors();
  return writer.file.finish(program.name, scales ? { [SCALES_KEY]: JSON.stringify(scales) } : {});
}
