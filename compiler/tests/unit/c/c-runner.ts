// Compiles generated C with a small harness and compares every traced value with the simulator.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type GeneratedC, generateC } from "../../../c/generate.ts";
import { elementsOf, mantissaRange, type Program, valueNamed } from "../../../program/program.ts";
import { tracedValues } from "../../../program/trace.ts";
import { simulate } from "../../../sim/simulate.ts";
import { bytesOf } from "../../../support/file-set.ts";
import { createRandom } from "../../../support/random.ts";

export const CC = process.env.CC ?? "cc";
export const WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"];
export const SANITIZERS = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"];

/** Runs `body` in a folder that is removed afterwards. */
export function inTemporaryFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-c-"));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the files of one model into `folder` (which gets a folder c/). */
export function writeFiles(folder: string, generated: GeneratedC): void {
  for (const [path, content] of generated.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytesOf(content));
  }
}

export function compile(folder: string, args: readonly string[]): void {
  execFileSync(CC, [...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}

/** Inputs for `count` inferences: all minima, all maxima, then random ones. */
export function vectorsFor(program: Program, count: number, seed: number): Map<string, Float64Array> {
  return new Map(
    program.inputs.map((name) => {
      const value = valueNamed(program, name);
      const size = elementsOf(value.shape);
      const { min, max } = mantissaRange(value.format);
      const random = createRandom(seed, name);
      const data = Float64Array.from({ length: count * size }, (_, i) => {
        const n = Math.floor(i / size);
        return n === 0 ? min : n === 1 ? max : random.integer(min, max);
      });
      return [name, data];
    }),
  );
}

/** The trace that the simulator predicts: for each inference the traced values, then the outputs. */
function expectedTrace(
  program: Program,
  vectors: ReadonlyMap<string, Float64Array>,
  count: number,
): number[] {
  const { values } = simulate(program, vectors, count);
  const names = [...tracedValues(program).map((t) => t.value.name), ...program.outputs.map((o) => o.value)];
  const all: number[] = [];
  for (let n = 0; n < count; n++)
    for (const name of names) {
      const size = elementsOf(valueNamed(program, name).shape);
      for (const v of values.get(name)!.subarray(n * size, (n + 1) * size)) all.push(v);
    }
  return all;
}

/** The C function `run_<index>` that feeds vectors to one model and stores trace and outputs. */
function harnessOf(
  generated: GeneratedC,
  index: number,
  vectors: ReadonlyMap<string, Float64Array>,
  count: number,
): string {
  const { manifest } = generated;
  // One translation unit for all models: kernels that they share are guarded like any header.
  const lines = [`#include "m${index}/c/${manifest.prefix}.c"`];
  for (const [i, port] of manifest.inputs.entries()) {
    const data = vectors.get(port.value)!;
    const rows = Array.from(
      { length: count },
      (_, n) => `{${data.subarray(n * port.elements, (n + 1) * port.elements).join(",")}}`,
    );
    lines.push(
      `static const ${port.cType} in_${index}_${i}[${count}][${port.elements}] = {${rows.join(",")}};`,
    );
  }
  lines.push(`static void run_${index}(void) {`, `  static ${manifest.stateType} state;`, "  int n;");
  for (const [i, port] of manifest.outputs.entries())
    lines.push(`  static ${port.cType} out_${i}[${port.elements}];`);
  const args = [
    "&state",
    ...manifest.inputs.map((_, i) => `in_${index}_${i}[n]`),
    ...manifest.outputs.map((_, i) => `out_${i}`),
  ];
  lines.push(`  for (n = 0; n < ${count}; n++) {`, `    ${manifest.runFunction}(${args.join(", ")});`);
  for (const [i, port] of manifest.outputs.entries())
    lines.push(`    for (int k = 0; k < ${port.elements}; k++) nf_trace(-1, out_${i}[k]);`);
  lines.push("  }", "}");
  return lines.join("\n");
}

export interface Mismatch {
  readonly program: string;
  readonly at: number;
  readonly expected: number | undefined;
  readonly got: number | undefined;
}

/** A program with so many vectors for it. */
export interface CRun {
  readonly program: Program;
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly count: number;
}

/** `compareRuns` with `count` vectors of each program, the ends of its inputs' ranges among them. */
export function compareWithSimulator(
  programs: readonly Program[],
  options: { readonly flags: readonly string[]; readonly count: number },
): readonly Mismatch[] {
  const { flags, count } = options;
  const runs = programs.map((program, i) => ({ program, inputs: vectorsFor(program, count, i), count }));
  return compareRuns(runs, flags);
}

/**
 * Generates, compiles (all programs in one binary) and runs; returns the first difference of every program whose
 * trace or outputs are not those of the simulator. Another `generate` gives C with a fault. Throws what the compiler or
 * the program says when one of them fails.
 */
export function compareRuns(
  runs: readonly CRun[],
  flags: readonly string[],
  generate: typeof generateC = generateC,
): readonly Mismatch[] {
  return inTemporaryFolder((folder) => {
    const parts: string[] = [
      "#include <stdio.h>",
      "#include <stdint.h>",
      "extern void nf_trace(int32_t index, int64_t value);",
      'void nf_trace(int32_t index, int64_t value) { printf("%d %lld\\n", (int)index, (long long)value); }',
    ];
    for (const [i, { program, inputs, count }] of runs.entries()) {
      const generated = generate(program, { version: "0.0.0" });
      const sub = `m${i}`;
      mkdirSync(join(folder, sub));
      writeFiles(join(folder, sub), generated);
      parts.push(harnessOf(generated, i, inputs, count));
    }
    parts.push("int main(void) {", ...runs.map((_, i) => `  run_${i}();`), "  return 0;", "}");
    writeFileSync(join(folder, "main.c"), parts.join("\n"));
    compile(folder, [...WARNINGS, ...flags, "-DNF_TRACE", "-I.", "-o", "harness", "main.c"]);
    const text = execFileSync(join(folder, "harness"), { encoding: "utf8", maxBuffer: 1 << 28 });
    const got = text.trimEnd().split("\n");
    const mismatches: Mismatch[] = [];
    let at = 0;
    for (const { program, inputs, count } of runs) {
      const expected = expectedTrace(program, inputs, count);
      const indices = [...traceIndices(program)];
      let reported = false;
      for (let k = 0; k < expected.length; k++) {
        const line = `${indices[k % indices.length]} ${expected[k]}`;
        if (got[at + k] !== line && !reported) {
          const value = got[at + k]?.split(" ")[1];
          mismatches.push({
            program: program.name,
            at: k,
            expected: expected[k],
            got: value === undefined ? undefined : Number(value),
          });
          reported = true;
        }
      }
      at += expected.length;
    }
    if (at !== got.length) mismatches.push({ program: "all", at, expected: at, got: got.length });
    return mismatches;
  });
}

/** Trace index of every element of one inference, -1 for the outputs at its end. */
function* traceIndices(program: Program): Iterable<number> {
  for (const traced of tracedValues(program)) for (let i = 0; i < traced.elements; i++) yield traced.index;
  for (const output of program.outputs)
    for (let i = elementsOf(valueNamed(program, output.value).shape); i > 0; i--) yield -1;
}
