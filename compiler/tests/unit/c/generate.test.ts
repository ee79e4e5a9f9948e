// What the generated C promises beside its results: sizes, symbols, stages on their own.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { constantNamed, mantissaRange, type Program, valueNamed } from "../../../program/program.ts";
import { tracedValues } from "../../../program/trace.ts";
import { createRandom } from "../../../support/random.ts";
import { hasTool } from "../../tools-present.ts";
import { randomBranchingProgram } from "../program/random-branching.ts";
import { CC, compile, inTemporaryFolder, SANITIZERS, WARNINGS, writeFiles } from "./c-runner.ts";
import { branchingProgram, networkProgram, oneBitProgram, thresholdProgram } from "./programs.ts";

const VERSION = { version: "1.2.3" };
const network = networkProgram("digits", [100, 24, 12, 10], { weightWidth: 3, activationWidth: 4, seed: 5 });
const threshold = thresholdProgram("levels", {
  from: [true, 8],
  positions: 2,
  channels: 3,
  levels: 7,
  base: -3,
  thresholdWidth: 9,
});
const spatial = [3, 5, 8].map((seed) => randomBranchingProgram(seed, { instructions: 20 }));
const PROGRAMS = [network, branchingProgram("branching"), threshold, oneBitProgram("one bit"), ...spatial];

interface SymbolEntry {
  readonly name: string;
  readonly kind: string;
  readonly size: number;
}

/** Symbols of the model's object file. */
function symbolsOf(program: Program, flags: readonly string[]): readonly SymbolEntry[] {
  return inTemporaryFolder((folder) => {
    const generated = generateC(program, VERSION);
    writeFiles(folder, generated);
    compile(folder, [...WARNINGS, ...flags, "-c", `c/${generated.manifest.prefix}.c`, "-o", "model.o"]);
    const text = execFileSync("nm", ["-S", "model.o"], { cwd: folder, encoding: "utf8" });
    return text
      .trim()
      .split("\n")
      .map((line) => {
        const words = line.trim().split(/\s+/);
        const [kind, name] = words.slice(-2) as [string, string];
        return { name, kind, size: words.length === 4 ? Number.parseInt(words[1]!, 16) : 0 };
      });
  });
}

describe("manifest and text", () => {
  it("gives the same bytes for the same program", () => {
    for (const program of PROGRAMS) expect(generateC(program, VERSION)).toEqual(generateC(program, VERSION));
  });

  it("names the files that there are, the header first", () => {
    for (const program of PROGRAMS) {
      const { files, manifest } = generateC(program, VERSION);
      expect(manifest.sources.map((file) => `c/${file}`)).toEqual([...files.keys()]);
      expect(manifest.sources[0]).toBe(manifest.header);
    }
  });

  it("lists every traced value as the result of one stage function", () => {
    for (const program of PROGRAMS) {
      const { manifest } = generateC(program, VERSION);
      expect(manifest.layers.map((l) => l.result)).toEqual(tracedValues(program).map((t) => t.value.name));
    }
  });

  it("includes no other library than stdint.h", () => {
    for (const program of PROGRAMS)
      for (const content of generateC(program, VERSION).files.values())
        for (const [, header] of `${content}`.matchAll(/#include <(.*)>/g)) expect(header).toBe("stdint.h");
  });

  it("packs weights only where that is smaller", () => {
    const flashOf = (inputs: number): number => {
      const builder = createProgramBuilder("one");
      const x = builder.input({ name: "x", shape: [inputs], format: intFormat(false, 8, 0) });
      const weights = {
        units: 2,
        data: Array.from({ length: 2 * inputs }, () => -3),
        format: intFormat(true, 8, 0),
      };
      builder.output("y", builder.dense({ layer: "fc", name: "y", input: x, weights }), "value");
      return generateC(builder.build(), VERSION).manifest.flashBytes;
    };
    // Three bits for each weight whatever the format allows, in rows of whole bytes; below 3 weights bytes are smaller.
    expect([2, 3, 4, 8, 9, 64].map(flashOf)).toEqual([4, 6, 6, 6, 12, 48]);
  });
});

describe.skipIf(!hasTool(CC) || !hasTool("nm"))("the object file", () => {
  it("holds the predicted bytes of constants and no static data", () => {
    for (const program of PROGRAMS) {
      const { manifest } = generateC(program, VERSION);
      // Unoptimised, so that no table has been folded into code.
      const symbols = symbolsOf(program, ["-O0"]);
      const constants = symbols.filter((s) => s.kind === "r" || s.kind === "R");
      expect(constants.reduce((sum, s) => sum + s.size, 0)).toBe(manifest.flashBytes);
      expect(symbols.filter((s) => /[bBdDcC]/.test(s.kind))).toEqual([]);
    }
  });

  it("needs nothing but memcpy, memset, memmove and memcmp, and exports the run function alone", () => {
    for (const program of PROGRAMS)
      for (const flags of [["-O0"], ["-Os"], ["-O3"]]) {
        const symbols = symbolsOf(program, flags);
        for (const { name } of symbols.filter((s) => s.kind === "U"))
          expect(["memcpy", "memset", "memmove", "memcmp"]).toContain(name);
        const { runFunction } = generateC(program, VERSION).manifest;
        expect(symbols.filter((s) => s.kind === "T").map((s) => s.name)).toEqual([runFunction]);
      }
  });

  it("has a state of the predicted size", () => {
    for (const program of PROGRAMS)
      inTemporaryFolder((folder) => {
        const generated = generateC(program, VERSION);
        const { header, stateType, ramBytes } = generated.manifest;
        writeFiles(folder, generated);
        writeFileSync(
          join(folder, "main.c"),
          `#include "c/${header}"\ntypedef char exact[sizeof(${stateType}) == ${ramBytes} ? 1 : -1];\n`,
        );
        compile(folder, [...WARNINGS, "-c", "main.c"]);
      });
  });

  it("links with C++ through its header, and its example compiles", () => {
    const generated = generateC(network, VERSION);
    const text = `${generated.files.get("c/digits.h")}`;
    const example = text.slice(text.indexOf("Example:"), text.indexOf("#ifndef"));
    const lines = example.split("\n").map((line) => line.replace(/^ \*\/?/, "").trim());
    const declarations = lines.filter((line) => line.startsWith("static "));
    const call = lines.find((line) => line.startsWith("digits_run("));
    inTemporaryFolder((folder) => {
      writeFiles(folder, generated);
      writeFileSync(
        join(folder, "main.cc"),
        `#include "c/digits.h"\n${declarations.join("\n")}\nint main() { ${call} return 0; }\n`,
      );
      compile(folder, [...WARNINGS, "-c", "c/digits.c", "-o", "digits.o"]);
      execFileSync(
        "c++",
        ["-std=c++11", "-Wall", "-Wextra", "-Werror", "main.cc", "digits.o", "-o", "main"],
        {
          cwd: folder,
        },
      );
      execFileSync(join(folder, "main"));
    });
  });

  it("lets a harness drive each dense stage alone with inputs that the network cannot reach", () => {
    const { manifest } = generateC(network, VERSION);
    const random = createRandom(3, "stages");
    const expected: string[] = [];
    const declarations: string[] = [];
    const calls: string[] = [];
    for (const [k, layer] of manifest.layers.entries()) {
      if (layer.op !== "dense") continue;
      const [input] = layer.inputs;
      const { min, max } = mantissaRange(valueNamed(network, input!.value).format);
      const x = Array.from({ length: input!.elements }, () => random.integer(min, max));
      const weights = constantNamed(network, `${layer.result}.weights`).data;
      const bias = constantNamed(network, `${layer.result}.bias`).data;
      for (let o = 0; o < layer.resultElements; o++)
        expected.push(`${x.reduce((sum, v, i) => sum + v * weights[o * x.length + i]!, bias[o]!)}`);
      declarations.push(`void ${layer.function}(const ${input!.cType} *x, ${layer.resultCType} *y);`);
      calls.push(
        `static const ${input!.cType} x${k}[] = {${x}}; static ${layer.resultCType} y${k}[${layer.resultElements}];`,
        `${layer.function}(x${k}, y${k});`,
        `for (int i = 0; i < ${layer.resultElements}; i++) printf("%ld\\n", (long)y${k}[i]);`,
      );
    }
    inTemporaryFolder((folder) => {
      writeFiles(folder, generateC(network, VERSION));
      writeFileSync(
        join(folder, "main.c"),
        `#include <stdint.h>\n#include <stdio.h>\nvoid nf_trace(int32_t i, int64_t v);\n` +
          `void nf_trace(int32_t i, int64_t v) { (void)i; (void)v; }\n` +
          `${declarations.join("\n")}\nint main(void) {\n${calls.join("\n")}\nreturn 0;\n}\n`,
      );
      compile(folder, [...WARNINGS, ...SANITIZERS, "-DNF_TRACE", "main.c", "c/digits.c", "-o", "main"]);
      const got = execFileSync(join(folder, "main"), { encoding: "utf8" });
      expect(got.trim().split("\n")).toEqual(expected);
    });
  });
});
