// noisefloor simulate DIR --input [NAME=]X.npy ... [--output [NAME=]Y.npy ...] [--backend sim|c|rtl]
import { readInputArray } from "../../data/inputs.ts";
import { encodeNpy } from "../../data/npy.ts";
import { type LoadedDesign, readDesign } from "../../driver/load-build.ts";
import { type RunOutput, runDesign } from "../../driver/run-design.ts";
import { nearestInteger, realValue } from "../../driver/scales.ts";
import { openForReading } from "../../host/node/build-directory.ts";
import { replaceWholeFile } from "../../host/node/whole-folder.ts";
import { elementsOf, fractionOf, isSigned, valueNamed, widthOf } from "../../program/program.ts";
import { DiagnosticError, fail } from "../../support/diagnostics.ts";
import { createCRunner } from "../../tools/c-compiler.ts";
import { createVerilatorRunner } from "../../tools/verilator.ts";
import type { CommandOutcome } from "../context.ts";
import { checkWritableFile, readOptionFile } from "../path-checks.ts";

export interface SimulateOptions {
  /** A file, or NAME=FILE for each of several inputs; outputs alike. */
  readonly input: readonly string[];
  readonly output?: readonly string[];
  readonly backend: "sim" | "c" | "rtl";
}

/** Rows that are printed; --output has all. */
const SHOWN = 20;

/** A class as its index, another output as its value. */
function shown({ role, fraction, scale }: RunOutput, mantissa: number, element: number): number {
  if (scale) return realValue(scale, mantissa, element);
  if (role !== "value") return mantissa;
  return mantissa * 2 ** -(typeof fraction === "number" ? fraction : fraction[element % fraction.length]!);
}

/** What an option names, and for which of the names. */
function splitOption(text: string, names: readonly string[]) {
  const name = names.find((n) => text.startsWith(`${n}=`));
  return { name, path: name === undefined ? text : text.slice(name.length + 1) };
}

/** Files by the names they are given for; one without a name is that of the only one there is. */
function filesByName(
  option: string,
  given: readonly string[],
  names: readonly string[],
): ReadonlyMap<string, string> {
  const bad = (problem: string): never => fail("cli/bad-option", { option, problem });
  const found = new Map<string, string>();
  for (const text of given) {
    const { name, path } = splitOption(text, names);
    if (name === undefined && names.length > 1)
      bad(`${JSON.stringify(text)} is no NAME=FILE; the names are ${names.join(", ")}`);
    const whole = name ?? names[0]!;
    if (found.has(whole)) bad(`${whole} is given twice`);
    found.set(whole, path);
  }
  return found;
}

/** Samples of every input. */
function readInputs({ program, manifest }: LoadedDesign, given: readonly string[]) {
  const files = filesByName("--input", given, program.inputs);
  const read = program.inputs.map((name) => {
    const path = files.get(name);
    if (path === undefined)
      return fail("cli/bad-option", { option: "--input", problem: `there is no file for ${name}` });
    const { format, shape } = valueNamed(program, name);
    const stored = { signed: isSigned(format), width: widthOf(format), fraction: fractionOf(format, 0) };
    const bytes = readOptionFile("--input", path);
    const scale = manifest.scales?.[name];
    const toInteger = scale && ((value: number, c: number) => nearestInteger(scale, stored, value, c));
    return { name, ...readInputArray(bytes, { path }, stored, shape, toInteger) };
  });
  const [first] = read;
  for (const { name, count } of read)
    if (count !== first!.count) {
      const problem = `${name} has ${count} samples, but ${first!.name} has ${first!.count}`;
      fail("cli/bad-option", { option: "--input", problem });
    }
  return { count: first!.count, inputs: new Map(read.map(({ name, inputs }) => [name, inputs])) };
}

export async function simulateCommand(name: string, options: SimulateOptions): Promise<CommandOutcome> {
  const directory = openForReading(name);
  const design = readDesign(directory);
  if (design.modified.length > 0) throw new DiagnosticError(design.modified);
  const { outputs: known } = design.program;
  for (const text of options.output ?? []) {
    const { path } = splitOption(
      text,
      known.map((output) => output.name),
    );
    checkWritableFile("--output", path);
  }
  const { count, inputs } = readInputs(design, options.input);
  const outputs = await runDesign(design, { count, inputs }, options.backend, {
    c: createCRunner(),
    rtl: createVerilatorRunner(),
  });
  // The class of an output where it is there: its logits come before it.
  const main = outputs.filter(({ role }, i) => role !== "logits" || outputs[i + 1]?.role !== "class");
  const files = filesByName(
    "--output",
    options.output ?? [],
    main.map((output) => output.name),
  );
  for (const { name: output, shape, mantissas } of main) {
    const path = files.get(output);
    if (path !== undefined) replaceWholeFile(path, encodeNpy([count, elementsOf(shape)], "int64", mantissas));
  }
  const lines = main.flatMap((output) => {
    const size = elementsOf(output.shape);
    const rows = Array.from({ length: Math.min(SHOWN, count) }, (_, n) =>
      Array.from({ length: size }, (_, i) => shown(output, output.mantissas[n * size + i]!, i)).join(" "),
    );
    const more = count > SHOWN ? [`... ${count - SHOWN} more; --output FILE.npy keeps all`] : [];
    const unit = output.role === "value" || output.scale ? " (values)" : "";
    return [`${output.name}${unit}, ${count} samples, ${options.backend}:`, ...rows, ...more];
  });
  return {
    result: {
      backend: options.backend,
      count,
      outputs: outputs.map(({ mantissas, ...rest }) => ({ ...rest, mantissas: Array.from(mantissas) })),
    },
    text: lines.join("\n"),
  };
}
