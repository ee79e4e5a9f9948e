// Whatever a user calls things, the C is legal and says nothing but what the templates say.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generateC } from "../../../c/generate.ts";
import { createNameScope, identifierOf, prefixOf } from "../../../c/names.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import type { Program } from "../../../program/program.ts";
import { hasTool } from "../../tools-present.ts";
import { CC, compile, inTemporaryFolder, WARNINGS, writeFiles } from "./c-runner.ts";

const HOSTILE: readonly string[] = [
  "module",
  "while",
  "class",
  "reg; endmodule //",
  "../../x",
  "größe",
  "模型",
  "*/ #error end of comment /*",
  'quote " and \\ backslash \\',
  "??/ trigraph ??)",
  "line\nbreak\r\u2028",
  "uint8_t",
  "INT32_MAX",
  "NULL",
  "state",
  "x",
  "nf_trace",
  "__reserved",
  "3d",
  " ",
  "con",
  "stdint",
  "n".repeat(300),
];

/** One dense layer and one argmax, everything called by the same text. */
function programNamed(text: string): Program {
  const builder = createProgramBuilder(text);
  const x = builder.input({ name: text, shape: [4], format: intFormat(false, 8, 0) });
  const weights = { units: 2, data: [1, 2, 3, 4, -1, -2, -3, -4], format: intFormat(true, 4, 0) };
  const y = builder.dense({ layer: text, name: `${text}.sum`, input: x, weights, bias: [5, 6] });
  const q = builder.requantize({ layer: text, name: `${text}.q`, input: y, format: intFormat(true, 8, 0) });
  builder.output(text, builder.argmax({ layer: text, name: `${text}.class`, input: q }), "class");
  builder.output(`${text} `, y, "logits");
  return builder.build();
}

describe("names", () => {
  it("are lower-case words of limited length that C and C++ know nothing of", () => {
    for (const text of HOSTILE) {
      expect(identifierOf(text)).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(identifierOf(text).length).toBeLessThanOrEqual(32);
    }
    expect(identifierOf("größe")).toBe("gro_e");
    expect(identifierOf("Élan 2")).toBe("elan_2");
  });

  it("tell long names apart that differ at the end", () => {
    expect(identifierOf(`${"n".repeat(300)}a`)).not.toBe(identifierOf(`${"n".repeat(300)}b`));
  });

  it("keep files clear of system headers, devices and kernels", () => {
    expect(["stdint", "con", "nf_dot", "while", "mnist"].map(prefixOf)).toEqual([
      "model_stdint",
      "model_con",
      "model_nf_dot",
      "model_while",
      "mnist",
    ]);
  });

  it("are unique in a scope", () => {
    const scope = createNameScope(["taken"]);
    expect([scope.claim("a b", "in"), scope.claim("a-b", "in"), scope.claim("a.b", "in")]).toEqual([
      "a_b",
      "a_b_in",
      "a_b_in_2",
    ]);
    expect([scope.claim("taken", "out"), scope.claim("int", "out")]).toEqual(["taken_out", "int_out"]);
  });
});

describe.skipIf(!hasTool(CC))("hostile names in generated C", () => {
  it("compile as C and, in the header, as C++", () => {
    inTemporaryFolder((folder) => {
      const sources: string[] = [];
      const headers: string[] = [];
      for (const [index, text] of HOSTILE.entries()) {
        const generated = generateC(programNamed(text), { version: text });
        for (const [path, content] of generated.files) {
          expect(path).toMatch(/^c\/[a-z][a-z0-9_]*\.[ch]$/);
          expect(`${content}`).toMatch(/^[\n\x20-\x7e]*$/);
        }
        writeFiles(join(folder, `m${index}`), generated);
        sources.push(`m${index}/c/${generated.manifest.prefix}.c`);
        headers.push("-include", `m${index}/c/${generated.manifest.header}`);
      }
      compile(folder, [...WARNINGS, "-fsyntax-only", ...sources]);
      compile(folder, [...WARNINGS, "-std=c2x", "-fsyntax-only", ...sources]);
      execFileSync(
        "c++",
        ["-std=c++20", "-Wall", "-Wextra", "-Werror", ...headers, "-fsyntax-only", "-x", "c++", "/dev/null"],
        {
          cwd: folder,
        },
      );
    });
  });
});
