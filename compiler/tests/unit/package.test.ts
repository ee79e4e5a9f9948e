// The package as users get it: packed, installed into an empty folder, and put to work there.
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTool } from "../tools-present.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The environment without what an npm that runs these tests says about its own package. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([key]) => !/^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_command$|INIT_CWD$)/.test(key),
  ),
);

function run(command: string, args: readonly string[], cwd: string, timeout = 120_000): string {
  return execFileSync(command, args, {
    cwd,
    env,
    timeout,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Whether the package registry answers; CI has one, or the install fails there. */
function hasRegistry(): boolean {
  if (process.env.CI) return true;
  try {
    run(
      "npm",
      ["view", "commander@14.0.3", "version", "--fetch-retries=0", "--fetch-timeout=15000"],
      root,
      30_000,
    );
    return true;
  } catch {
    console.warn("the package registry cannot be reached: the installed package is not tested");
    return false;
  }
}

interface PackageJson {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
}

describe.skipIf(!hasRegistry())("the installed package", { timeout: 300_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), "noisefloor-package-"));
  const app = join(home, "app");
  const modules = join(app, "node_modules");
  let files: readonly string[] = [];

  beforeAll(() => {
    run("npm", ["pack", "--pack-destination", home, "--ignore-scripts"], root);
    const tarball = readdirSync(home).find((name) => name.endsWith(".tgz"))!;
    mkdirSync(app);
    writeFileSync(join(app, "package.json"), `{ "name": "app", "private": true, "type": "module" }\n`);
    run("npm", ["install", "--no-audit", "--no-fund", "--omit=peer", join(home, tarball)], app);
    files = readdirSync(modules, { recursive: true, encoding: "utf8" })
      .map((path) => path.split(sep).join("/"))
      .filter((path) => statSync(join(modules, path)).isFile());
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const ours = () =>
    files.filter((path) => path.startsWith("noisefloor/")).map((path) => path.slice("noisefloor/".length));

  it("is small", () => {
    const bytes = files.reduce((sum, path) => sum + statSync(join(modules, path)).size, 0);
    expect(files.length).toBeGreaterThan(100);
    expect(bytes / 1e6, "MB").toBeLessThan(60);
  });

  it("brings no install script, no TensorFlow package and no FPGA tool", () => {
    const manifests = files
      .filter((path) =>
        /^(@[^/]+\/)?[^/]+\/package\.json$|\/node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path),
      )
      .map((path) => JSON.parse(readFileSync(join(modules, path), "utf8")) as PackageJson);
    expect(manifests.map((m) => m.name)).toContain("commander");
    const withScripts = manifests.filter((m) =>
      ["preinstall", "install", "postinstall"].some((script) => m.scripts?.[script] !== undefined),
    );
    expect(withScripts.map((m) => m.name)).toEqual([]);
    expect(files.filter((path) => path.endsWith("/binding.gyp"))).toEqual([]);
    expect(manifests.map((m) => m.name).filter((name) => name.startsWith("@tensorflow/"))).toEqual([]);
    expect(manifests.map((m) => m.name).filter((name) => name.startsWith("@yowasp/"))).toEqual([]);
  });

  it("holds what it needs, and no sources or tests of ours", () => {
    expect(ours()).toEqual(
      expect.arrayContaining([
        "bin/noisefloor.js",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/cli/main.js",
        "dist/vendor/tensorflow/tensorflow.cjs",
        "dist/vendor/tensorflow/tfjs-backend-wasm.wasm",
        "dist/vendor/tensorflow/tfjs-backend-wasm-simd.wasm",
        "docs/report.schema.json",
        "LICENSE",
        "README.md",
      ]),
    );
    const sources = ours().filter((path) => /(^|\/)tests?\/|\.test\.|(?<!\.d)\.ts$/.test(path));
    expect(sources).toEqual([]);
  });

  it("can be imported, with types", () => {
    writeFileSync(
      join(app, "use.ts"),
      `import { createProgramBuilder, intFormat, simulate, type Program } from "noisefloor";
const b = createProgramBuilder("p");
const x = b.input({ name: "x", shape: [2], format: intFormat(false, 8, 8) });
b.output("y", b.requantize({ layer: "y", name: "y", input: x, format: intFormat(false, 2, 2) }), "value");
const program: Program = b.build();
const y: Float64Array | undefined = simulate(program, new Map([["x", [128, 255]]]), 1).values.get("y");
// @ts-expect-error: a count is a number
if (program.name === "") simulate(program, new Map(), "1");
(globalThis as unknown as { console: { log(text: string): void } }).console.log(JSON.stringify([...(y ?? [])]));
`,
    );
    const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--types", ""];
    run(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), ...options, "--ignoreConfig", "use.ts"],
      app,
    );
    expect(JSON.parse(run(process.execPath, ["use.js"], app))).toEqual([2, 3]);
  });

  it("makes a project, and builds it verified within a minute", () => {
    run("npx", ["--no-install", "noisefloor", "init", "proj"], app);
    const tools = { c: hasTool("gcc"), rtl: hasTool("verilator") };
    const missing = Object.entries(tools).flatMap(([backend, found]) => (found ? [] : [backend]));
    const without = missing.length > 0 ? ["--without", missing.join(",")] : [];
    const start = performance.now();
    const project = join(app, "proj");
    const printed = run("npx", ["--no-install", "noisefloor", "build", "--json", ...without], project);
    const seconds = (performance.now() - start) / 1000;
    expect(JSON.parse(printed)).toMatchObject({ command: "build", ok: true, exitCode: 0 });
    const report = JSON.parse(readFileSync(join(project, "build/condition/report.json"), "utf8"));
    const status = (found: boolean) => ({ status: found ? "passed" : "skipped" });
    expect(report.verify).toMatchObject({ sim: status(true), c: status(tools.c), rtl: status(tools.rtl) });
    expect(seconds).toBeLessThan(60);
  });

  it("says the one command that is missing for an FPGA, and leaves everything as it is", () => {
    const project = join(app, "proj");
    const words = ["synth", "build/condition", "--target", "ice40-hx8k", "--json"];
    const noTools = { ...env, PATH: home };
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(modules, "noisefloor/bin/noisefloor.js"), ...words],
      { cwd: project, env: noTools, encoding: "utf8" },
    );
    expect(status).toBe(69);
    expect(JSON.parse(stdout).diagnostics).toMatchObject([
      {
        code: "cli/missing-tool",
        message: "Yosys was not found or does not work",
        hint: expect.stringContaining("`npm install @yowasp/yosys @yowasp/nextpnr-ice40`"),
      },
    ]);
    expect(existsSync(join(project, "build/condition/flow"))).toBe(false);
  });
});
