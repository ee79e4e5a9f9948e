// noisefloor simulate DIR --input X.npy [--output Y.npy] [--backend sim|c|rtl]
import { writeFileSync } from "node:fs";
import { readInputArray } from "../../data/inputs.ts";
import { encodeNpy } from "../../data/npy.ts";
import { readDesign } from "../../driver/load-build.ts";
import { type RunOutput, runDesign } from "../../driver/run-design.ts";
import { openForReading } from "../../host/node/build-directory.ts";
import { elementsOf, fractionOf, isSigned, valueNamed, widthOf } from "../../program/program.ts";
import { DiagnosticError } from "../../support/diagnostics.ts";
import { createCRunner } from "../../tools/c-compiler.ts";
import { createVerilatorRunner } from "../../tools/verilator.ts";
import type { CommandOutcome } from "../context.ts";
import { checkWritableFile, readOptionFile } from "../path-checks.ts";

export interface SimulateOptions {
  readonly input: string;
  readonly output?: string;
  readonly backend: "sim" | "c" | "rtl";
}

/** Rows that are printed; --output has all. */
const SHOWN = 20;

/** A class as its index, another output as its value. */
function shown({ role, fraction }: RunOutput, mantissa: number, element: number): number {
  if (role !== "value") return mantissa;
  return mantissa * 2 ** -(typeof fraction === "number" ? fraction : fraction[element % fraction.length]!);
}

export async function simulateCommand(name: string, options: SimulateOptions): Promise<CommandOutcome> {
  if (options.output !== undefined) checkWritableFile("--output", options.output);
  const given = readOptionFile("--input", options.input);
  const directory = openForReading(name);
  const design = readDesign(directory);
  if (design.modified.length > 0) throw new DiagnosticError(design.modified);
  const { program } = design;
  const input = valueNamed(program, program.inputs[0]!);
  const stored = {
    signed: isSigned(input.format),
    width: widthOf(input.format),
    fraction: fractionOf(input.format, 0),
  };
  const read = readInputArray(given, { path: options.input }, stored, input.shape);
  const outputs = await runDesign(design, read, options.backend, {
    c: createCRunner(),
    rtl: createVerilatorRunner(),
  });
  const main = outputs.find((o) => o.role !== "logits") ?? outputs[0]!;
  if (options.output !== undefined)
    writeFileSync(options.output, encodeNpy([read.count, elementsOf(main.shape)], "int64", main.mantissas));
  const size = elementsOf(main.shape);
  const rows = Array.from({ length: Math.min(SHOWN, read.count) }, (_, n) =>
    Array.from({ length: size }, (_, i) => shown(main, main.mantissas[n * size + i]!, i)).join(" "),
  );
  const more = read.count > SHOWN ? [`... ${read.count - SHOWN} more; --output FILE.npy keeps all`] : [];
  return {
    result: {
      backend: options.backend,
      count: read.count,
      outputs: outputs.map(({ mantissas, ...rest }) => ({ ...rest, mantissas: Array.from(mantissas) })),
    },
    text: [
      `${main.name}${main.role === "value" ? " (values)" : ""}, ${read.count} samples, ${options.backend}:`,
      ...rows,
      ...more,
    ].join("\n"),
  };
}
