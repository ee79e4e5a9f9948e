// The import rules of compiler/layers.ts, on the syntax trees of all sources: direction, cycles, packages. The checker
// itself is tested on small sets of modules that break one rule each. ARCHITECTURE.md carries the table as text.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";
import { describe, expect, it } from "vitest";
import { LAYERS, NODE_FOLDERS } from "../layers.ts";

/** Packages that need a terminal or child processes. */
const NODE_PACKAGES = ["execa", "cli-progress", "cli-table3", "commander"];
const TENSORFLOW_FILE = "tools/tensorflow.ts";

interface Import {
  /** As written; null for an `import(...)` whose argument is not a literal. */
  readonly target: string | null;
  /** Vanishes when types are stripped. `import { type A }` does not: it still loads the module. */
  readonly typeOnly: boolean;
}

/** Path from compiler/ -> text. */
type Sources = ReadonlyMap<string, string>;

/** Every import of a module: static, re-export, dynamic, `import("x").T` in types, `import x = require("x")`. */
function importsOf(path: string, text: string): readonly Import[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const found: Import[] = [];
  const add = (source: unknown, typeOnly: boolean): void => {
    const { value } = source as { value?: unknown };
    found.push({ target: typeof value === "string" ? value : null, typeOnly });
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (node === null || typeof node !== "object") return;
    const fields = node as Record<string, unknown>;
    switch (fields.type) {
      case "ImportDeclaration":
        add(fields.source, fields.importKind === "type");
        break;
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        if (fields.source) add(fields.source, fields.exportKind === "type");
        break;
      case "ImportExpression":
        add(fields.source, false);
        break;
      case "TSImportType":
        add(fields.source, true);
        break;
      case "TSExternalModuleReference":
        add(fields.expression, false);
        break;
    }
    Object.values(fields).forEach(visit);
  };
  visit(program);
  return found;
}

/** The key of LAYERS that a file belongs to: its first folder, or its own name directly under compiler/. */
const layerOf = (path: string): string => path.split("/")[0]!;

const inNodeFolder = (path: string): boolean => NODE_FOLDERS.some((folder) => path.startsWith(`${folder}/`));

/** Name of the package in a bare import: `@scope/name` or `name`. */
const packageOf = (target: string): string =>
  target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");

function packageProblem(path: string, target: string): string | null {
  const name = packageOf(target);
  if (name.startsWith("@tensorflow"))
    return path === TENSORFLOW_FILE ? null : `${path} imports ${target}: only ${TENSORFLOW_FILE} may`;
  const needsNode =
    target.startsWith("node:") || builtinModules.includes(target) || NODE_PACKAGES.includes(name);
  return needsNode && !inNodeFolder(path)
    ? `${path} imports ${target}: only ${NODE_FOLDERS.join(", ")} may`
    : null;
}

/** One cycle for each file that closes one, from a depth-first walk. */
function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    if (done.has(path)) return;
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push(`cycle: ${[...trail.slice(start), path].join(" -> ")}`);
      return;
    }
    trail.push(path);
    for (const next of edges.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return cycles;
}

/** Every broken rule, as a sentence. */
function problemsOf(sources: Sources): readonly string[] {
  const problems: string[] = [];
  const edges = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const layer = layerOf(path);
    const allowed = LAYERS[layer];
    if (!allowed) problems.push(`${path}: ${layer} is not in layers.ts`);
    const loaded: string[] = [];
    edges.set(path, loaded);
    for (const { target, typeOnly } of importsOf(path, text)) {
      if (target === null) {
        if (!inNodeFolder(path)) problems.push(`${path} imports something that cannot be read off the text`);
      } else if (target.startsWith(".")) {
        const file = posix.join(posix.dirname(path), target);
        const other = layerOf(file);
        if (!file.endsWith(".generated.ts") && !sources.has(file))
          problems.push(`${path} imports ${target}, which is not a source of the compiler`);
        else if (other !== layer && !allowed?.includes(other))
          problems.push(`${path} imports ${target}: ${layer} may not import ${other}`);
        if (!typeOnly) loaded.push(file);
      } else {
        const problem = packageProblem(path, target);
        if (problem) problems.push(problem);
      }
    }
  }
  return [...problems, ...cyclesOf(edges)];
}

const root = fileURLToPath(new URL("..", import.meta.url));

function compilerSources(): Sources {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.split(sep).join("/"))
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".generated.ts") && !path.startsWith("tests/"));
  return new Map(paths.sort().map((path) => [path, readFileSync(`${root}${path}`, "utf8")]));
}

describe("the compiler", () => {
  const sources = compilerSources();

  it("is seen whole", () => {
    expect(sources.size).toBeGreaterThan(100);
    const seen = new Set([...sources.keys()].map(layerOf));
    expect([...seen].sort(), "layers.ts lists every folder, and no other").toEqual(
      Object.keys(LAYERS).sort(),
    );
    const imports = [...sources].reduce((sum, [path, text]) => sum + importsOf(path, text).length, 0);
    expect(imports).toBeGreaterThan(sources.size);
  });

  it("keeps the rules of layers.ts", () => {
    expect(problemsOf(sources)).toEqual([]);
  });

  it("orders its folders without a cycle", () => {
    expect(cyclesOf(new Map(Object.entries(LAYERS)))).toEqual([]);
  });
});

describe("the checker", () => {
  const check = (files: Readonly<Record<string, string>>) => problemsOf(new Map(Object.entries(files)));
  const leaf = "export const a = 1; export interface A {}";

  it("passes imports that keep the rules", () => {
    expect(
      check({
        "support/a.ts": leaf,
        "sim/b.ts": `import { a } from "../support/a.ts"; import { z } from "zod"; export { a, z };`,
        "tools/tensorflow.ts": `import { cpus } from "node:os"; import type * as tf from "@tensorflow/tfjs-core";`,
        "host/node/c.ts": `import { a } from "../../support/a.ts"; import { readFileSync } from "node:fs";`,
      }),
    ).toEqual([]);
  });

  it.each([
    ["an import", `import { a } from "../sim/a.ts";`],
    ["an import for its effects", `import "../sim/a.ts";`],
    ["an import of types", `import type { A } from "../sim/a.ts";`],
    ["an import of one type", `import { type A } from "../sim/a.ts";`],
    ["a type written as an import", `export type B = import("../sim/a.ts").A;`],
    ["the type of a module", `export type B = typeof import("../sim/a.ts");`],
    ["a re-export", `export { a } from "../sim/a.ts";`],
    ["a re-export of types", `export type { A } from "../sim/a.ts";`],
    ["a re-export of everything", `export * from "../sim/a.ts";`],
    ["a dynamic import", `export const b = async () => (await import("../sim/a.ts")).a;`],
    ["an import by require", `import b = require("../sim/a.ts");`],
  ])("catches %s the wrong way", (_what, text) => {
    expect(check({ "sim/a.ts": leaf, "support/b.ts": text })).toEqual([
      "support/b.ts imports ../sim/a.ts: support may not import sim",
    ]);
  });

  it("catches neighbours that may not see each other", () => {
    expect(check({ "graph/a.ts": leaf, "program/b.ts": `import type { A } from "../graph/a.ts";` })).toEqual([
      "program/b.ts imports ../graph/a.ts: program may not import graph",
    ]);
  });

  it("catches a cycle of three, but not one that only types close", () => {
    const ring = (last: string) => ({
      "sim/a.ts": `import "./b.ts";`,
      "sim/b.ts": `export * from "./c.ts";`,
      "sim/c.ts": last,
    });
    const cycle = ["cycle: sim/a.ts -> sim/b.ts -> sim/c.ts -> sim/a.ts"];
    expect(check(ring(`import "./a.ts";`))).toEqual(cycle);
    expect(check(ring(`export const a = () => import("./a.ts");`))).toEqual(cycle);
    // Without the types an empty import is left, which loads the module.
    expect(check(ring(`import { type A } from "./a.ts";`))).toEqual(cycle);
    expect(check(ring(`import type { A } from "./a.ts";`))).toEqual([]);
    expect(check(ring(`export type { A } from "./a.ts";`))).toEqual([]);
    expect(check({ "sim/a.ts": `import "./a.ts";` })).toEqual(["cycle: sim/a.ts -> sim/a.ts"]);
  });

  it.each(["node:fs", "fs", "fs/promises", "execa", "cli-progress", "cli-table3", "commander"])(
    "catches %s in a folder that must run in a browser",
    (name) => {
      for (const path of ["sim/a.ts", "driver/a.ts", "host/a.ts"])
        expect(check({ [path]: `import * as x from "${name}";` })).toEqual([
          `${path} imports ${name}: only host/node, tools, cli may`,
        ]);
    },
  );

  it("catches TensorFlow outside its one file, types of it too", () => {
    for (const path of ["train/a.ts", "tools/other.ts", "cli/a.ts"])
      for (const kind of ["import", "import type"])
        expect(check({ [path]: `${kind} * as tf from "@tensorflow/tfjs-core";` })).toEqual([
          `${path} imports @tensorflow/tfjs-core: only tools/tensorflow.ts may`,
        ]);
  });

  it("catches what it cannot place", () => {
    expect(check({ "utils/a.ts": leaf })).toEqual(["utils/a.ts: utils is not in layers.ts"]);
    expect(check({ "sim/a.ts": `import "./gone.ts";` })).toEqual([
      "sim/a.ts imports ./gone.ts, which is not a source of the compiler",
    ]);
    expect(check({ "sim/a.ts": `export const load = (name: string) => import(name);` })).toEqual([
      "sim/a.ts imports something that cannot be read off the text",
    ]);
    expect(() => check({ "sim/a.ts": "import {" })).toThrow("sim/a.ts");
  });
});

describe("ARCHITECTURE.md", () => {
  const file = `${root}ARCHITECTURE.md`;
  const table = [
    "| folder | may import |",
    "|---|---|",
    ...Object.entries(LAYERS).map(
      ([name, allowed]) =>
        `| \`${name}${name.endsWith(".ts") ? "" : "/"}\` | ${allowed.length > 0 ? allowed.join(", ") : "nothing"} |`,
    ),
    "",
    `\`node:\` modules and the packages ${NODE_PACKAGES.join(", ")}: only in ${NODE_FOLDERS.map((f) => `\`${f}/\``).join(", ")}. TensorFlow: only in \`${TENSORFLOW_FILE}\`.`,
  ].join("\n");

  it("carries the table of layers.ts (UPDATE_DOCS=1 rewrites it)", () => {
    const text = readFileSync(file, "utf8");
    const expected = text.replace(
      /<!-- layers -->[\s\S]*<!-- \/layers -->/,
      () => `<!-- layers -->\n${table}\n<!-- /layers -->`,
    );
    expect(expected).toContain(table);
    if (process.env.UPDATE_DOCS) writeFileSync(file, expected);
    else expect(text).toBe(expected);
  });
});
