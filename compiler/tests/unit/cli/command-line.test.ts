// The command line as a user and a script meet it: one JSON object, exit codes, and a gate that fails when it must.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../../data/npy.ts";
import { widthOf } from "../../../program/program.ts";
import { readProgram } from "../../../program/read.ts";
import { reportSchema } from "../../../report/results.ts";
import { VERSION } from "../../../support/version.ts";
import { hasTool } from "../../tools-present.ts";
import {
  createTestFolder,
  makeTinyProject,
  packageRoot,
  runCli,
  runJson,
  script,
  type TestFolder,
} from "./run-cli.ts";

const withVerilator = hasTool("verilator");
const withCc = hasTool("cc");

let folder: TestFolder;
let model: string;
let built: string;

const text = (path: string): string => readFileSync(path, "utf8");
const run = (...arguments_: string[]) => runCli(arguments_, { cwd: folder.path });
const json = (...arguments_: string[]) => runJson(arguments_, { cwd: folder.path });
const codes = (of: { readonly diagnostics: readonly { readonly code: string }[] }) =>
  of.diagnostics.map((d) => d.code);

beforeAll(async () => {
  folder = createTestFolder("cli");
  model = await makeTinyProject(folder.path, { epochs: 3 });
  built = folder.inside("built");
  const result = await json("compile", model, "-o", built);
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => folder.remove());

/** A copy of the compiled design with one file edited. */
function editedCopy(name: string, path: string, edit: (content: string) => string): string {
  const copy = folder.inside(name);
  cpSync(built, copy, { recursive: true });
  const before = text(join(copy, path));
  const after = edit(before);
  if (after === before) throw new Error(`the edit of ${path} changes nothing`);
  writeFileSync(join(copy, path), after);
  return copy;
}

describe("the version", () => {
  it("is package.json's", async () => {
    expect(VERSION).toBe(JSON.parse(text(join(packageRoot, "package.json"))).version);
    const result = await run("--version");
    expect(result).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
  });
});

describe("--json", () => {
  it("prints one object for the commands that succeed", async () => {
    const init = await json("init", "another");
    expect(init.command).toBe("init");
    expect(init.result).toMatchObject({ folder: "another" });
    const train = await json("train", model, "-o", built);
    expect(train.command).toBe("train");
    const compile = await json("compile", built);
    expect(compile.command).toBe("compile");
    expect(compile.result).toMatchObject({ directory: built, report: { schema: "noisefloor.report/1" } });
    const explain = await json("explain", built, "fc1");
    expect(explain.result).toMatchObject({ layers: [{ layer: "fc1" }] });
    for (const result of [init, train, compile, explain]) expect(result.code, result.stderr).toBe(0);
  });

  it("prints one object for the user's mistakes, exit 1", async () => {
    writeFileSync(folder.inside("a-file"), "text");
    mkdirSync(folder.inside("blocked"));
    writeFileSync(folder.inside("blocked/data"), "text");
    symlinkSync("loop", folder.inside("loop"));
    const damaged = folder.inside("damaged");
    cpSync(built, damaged, { recursive: true });
    rmSync(join(damaged, "design"), { recursive: true });
    mkdirSync(join(damaged, "design/program.json"), { recursive: true });
    writeFileSync(join(damaged, "design/manifest.json"), "{}");
    mkdirSync(join(damaged, ".lock"));
    const input = join(built, "design/vectors/inputs.npy");
    const cases: readonly [readonly string[], string][] = [
      [["init", "another"], "cli/file-exists"],
      [["init", "a-file"], "cli/bad-path"],
      [["init", "a-file/x"], "cli/bad-path"],
      [["init", "blocked"], "cli/bad-path"],
      [["build", packageRoot], "cli/ambiguous-model"],
      [["build", "a-file/x.floor"], "cli/missing-file"],
      [["train", model, "-o", "a-file/x"], "build/no-directory"],
      [["train", model, "-o", "loop"], "build/no-directory"],
      [["verify", "a-file"], "build/no-directory"],
      [["explain", "a-file"], "build/no-directory"],
      [["explain", "data"], "build/not-ours"],
      [["explain", damaged], "build/bad-file"],
      [["verify", damaged], "build/bad-file"],
      [["train", model, "-o", "a-file"], "build/no-directory"],
      [["train", model, "-o", "data"], "build/not-ours"],
      [["verify", "absent"], "build/missing"],
      [["explain", built, "fc9"], "cli/unknown-layer"],
      [["simulate", built, "--input", "absent.npy"], "cli/missing-file"],
      [["simulate", built, "--input", "a-file/x.npy"], "cli/missing-file"],
      [["simulate", built, "--input", "data"], "cli/bad-path"],
      [["simulate", built, "--input", input, "--output", "data"], "cli/bad-path"],
      [["simulate", built, "--input", input, "--output", "absent/y.npy"], "cli/bad-path"],
      [["simulate", built, "--input", input, "--output", "a-file/y.npy"], "cli/bad-path"],
    ];
    const named = /^(init|--input|--output)\b/;
    for (const [arguments_, code] of cases) {
      const result = await json(...arguments_);
      expect([result.code, new Set(codes(result))], arguments_.join(" ")).toEqual([1, new Set([code])]);
      expect(result.result).toBeNull();
      for (const d of result.diagnostics) expect(d.hint).toBeTruthy();
      if (code === "cli/bad-path") expect(result.diagnostics[0]!.message).toMatch(named);
    }
  });

  it("prints one object for mistakes in the call, exit 2", async () => {
    const cases: readonly (readonly string[])[] = [
      ["frobnicate"],
      ["build", "--frobnicate"],
      ["verify", "--seed", "many"],
      ["simulate", built],
      ["simulate", built, "--input", "x.npy", "--backend", "fpga"],
      ["verify", built, "--without", "rust"],
    ];
    for (const arguments_ of cases) {
      const result = await json(...arguments_);
      expect(result.code, arguments_.join(" ")).toBe(2);
      expect(result.command).toBe(arguments_[0]);
      expect(codes(result)[0]).toMatch(/^cli\/(usage|bad-option)$/);
    }
    const bare = await run();
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain("Usage: noisefloor");
  });

  it("prints one object when the disk is full, exit 69", async () => {
    if (!existsSync("/dev/full")) return;
    const input = join(built, "design/vectors/inputs.npy");
    const result = await json("simulate", built, "--input", input, "--output", "/dev/full");
    expect(result.code).toBe(69);
    expect(codes(result)).toEqual(["cli/file-system"]);
  });

  it("prints one object when noisefloor itself breaks, exit 70, after TensorFlow was opened", async () => {
    const crash = folder.inside("crash.mjs");
    const main = JSON.stringify(join(packageRoot, "dist/cli/main.js"));
    for (const way of ['throw new Error("late crash")', 'Promise.reject(new Error("late crash"))']) {
      writeFileSync(
        crash,
        `const write = process.stderr.write;
process.stderr.write = function (text, ...rest) {
  if (String(text).includes("epoch")) setImmediate(() => { ${way}; });
  return write.call(process.stderr, text, ...rest);
};
const { pathToFileURL } = await import("node:url");
await import(pathToFileURL(${main}).href);
`,
      );
      const result = await runJson(["train", model, "-o", folder.inside("crashed"), "--fresh"], {
        cwd: folder.path,
        script: crash,
      });
      expect(result.code, result.stderr).toBe(70);
      expect(codes(result)).toEqual(["cli/bug"]);
      expect(result.stderr).toContain("this is a bug in noisefloor, not in your model");
      expect(result.stderr).toContain("late crash");
    }
  });
});

describe("mistakes in a model", () => {
  it("are reported together, each with its place", async () => {
    const broken = folder.inside("broken.floor");
    writeFileSync(
      broken,
      text(model)
        .replace("dense(12)", "dense(0)")
        .replace("-> argmax", "-> argmin")
        .replace("clock: 100 MHz", "clock: fast"),
    );
    const result = await json("build", broken);
    expect(result.code).toBe(1);
    expect(result.diagnostics.length).toBeGreaterThanOrEqual(3);
    const lines = result.diagnostics.map((d) => d.line);
    expect(new Set(lines).size).toBeGreaterThanOrEqual(3);
    const said = await run("build", broken);
    expect(said.code).toBe(1);
    expect(said.stdout).toBe("");
    expect((said.stderr.match(/^ +\^+$/gm) ?? []).length).toBeGreaterThanOrEqual(3);
    expect(existsSync(folder.inside("build/broken"))).toBe(false);
  });

  it("a data package that is not installed comes with the command that installs it", async () => {
    const other = folder.inside("digits.floor");
    writeFileSync(
      other,
      text(model).replace(
        /csv\("data\/train.csv", label: "condition"\)/,
        () => 'idx("npm:absent-digits/images", labels: "npm:absent-digits/labels")',
      ),
    );
    const result = await run("train", other);
    expect(result.code).toBe(69);
    expect(result.stderr).toMatch(/npm install absent-digits$/m);
  });
});

describe("a reader that goes away", () => {
  it("is no error, and hides none", () => {
    const piped = (command: string): { status: string; stderr: string } => {
      const stderr = folder.inside("stderr.txt");
      const shell = `"${process.execPath}" "${script}" ${command}; echo "\${PIPESTATUS[0]}"`;
      const stdout = execFileSync("bash", ["-c", shell], {
        cwd: folder.path,
        encoding: "utf8",
        env: { ...process.env, ERR: stderr },
      });
      return {
        status: stdout.trim().split("\n").at(-1)!,
        stderr: existsSync(stderr) ? text(stderr) : "",
      };
    };
    for (const command of [
      `explain "${built}" 2>"$ERR" | head -1`,
      `explain "${built}" --json 2>"$ERR" | true`,
      `compile "${built}" 2>&1 | true`,
      `--help 2>"$ERR" | true`,
    ]) {
      const { status, stderr } = piped(command);
      expect(status, command).toBe("0");
      expect(stderr).not.toMatch(/ {4}at |EPIPE|bug/);
    }
    expect(piped(`explain absent --json 2>"$ERR" | true`).status).toBe("1");
    expect(piped(`explain absent 2>&1 | true`).status).toBe("1");
  });
});

describe("simulate", () => {
  it.skipIf(!withVerilator || !withCc)("gives the same on every back end", async () => {
    const input = folder.inside("inputs.npy");
    const values = Uint8Array.from({ length: 7 * 4 }, (_, i) => (i * 37) % 256);
    writeFileSync(input, encodeNpy([7, 4], "uint8", values));
    const outputs: unknown[] = [];
    const files: string[] = [];
    for (const backend of ["sim", "c", "rtl"]) {
      const output = folder.inside(`${backend}.npy`);
      const result = await json(
        "simulate",
        built,
        "--input",
        input,
        "--output",
        output,
        "--backend",
        backend,
      );
      expect(result.code, result.stderr).toBe(0);
      const { count, outputs: found } = result.result as { count: number; outputs: { role: string }[] };
      expect(count).toBe(7);
      outputs.push(found.find((o) => o.role === "class"));
      files.push(readFileSync(output, "hex"));
    }
    expect(outputs[0]).toMatchObject({ mantissas: expect.arrayContaining([expect.any(Number)]) });
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
    expect(new Set(files).size).toBe(1);
  });
});

describe("explain and doctor", () => {
  it("explain says where the numbers of each layer come from", async () => {
    const result = await run("explain", built);
    expect(result.code).toBe(0);
    for (const word of [
      "fc1",
      "fc2",
      "SNR bits",
      "accumulator",
      "every partial sum",
      "PE ",
      " MACs x ",
      "\nnetwork\n",
    ])
      expect(result.stdout).toContain(word);
  });

  it("doctor says what works and ends with 0", async () => {
    const result = await json("doctor");
    expect(result.code, result.stderr).toBe(0);
    const { findings } = result.result as { findings: { what: string; status: string }[] };
    expect(findings.find((f) => f.what === "TensorFlow.js")?.status).toBe("works");
    expect(findings.find((f) => f.what === "Verilator")?.status).toBe(withVerilator ? "works" : "missing");
  });
});

describe.skipIf(!withVerilator || !withCc)("verify", () => {
  const verify = (directory: string, ...more: string[]) =>
    json("verify", directory, "--rtl-vectors", "20", ...more);

  it("passes, and the report holds what the network costs", async () => {
    const result = await verify(built);
    expect(result.code, result.stderr).toBe(0);
    const report = reportSchema.parse(JSON.parse(text(join(built, "report.json"))));
    const { verify: verdict, layers, totals } = report;
    for (const backend of [verdict?.sim, verdict?.c, verdict?.rtl])
      expect(backend).toMatchObject({ status: "passed", mismatches: 0 });
    expect(verdict?.rtl).toMatchObject({
      latencyCycles: report.hardware!.latencyCycles,
      intervalCycles: report.hardware!.intervalCycles,
    });
    const [fc1, fc2] = layers!;
    // 4 -> 12 -> 3 without the inputs and units that were pruned.
    const inputs = 4 - fc1!.pruned!.inputs;
    const units = 12 - fc1!.pruned!.outputs;
    const [m1, m2] = [inputs * units, units * 3];
    expect([fc1!.macs, fc2!.macs]).toEqual([m1, m2]);
    expect([fc1!.pruned!.weights, fc2!.pruned!.weights]).toEqual([48 - m1, 36 - m2]);
    const [w1, a1] = [fc1!.weights.width, fc1!.activations.width];
    const [w2, a2] = [fc2!.weights.width, fc2!.activations.width];
    const program = readProgram(text(join(built, "design/program.json")), "program.json");
    const dense = program.instructions.filter((i) => i.op === "dense");
    const constant = (name: string | null) => program.constants.find((c) => c.name === name)!;
    const digits = (data: ArrayLike<number>): number =>
      Array.from(
        data,
        (m) =>
          Math.abs(m)
            .toString(2)
            .replace(/^0+|0+$/g, "").length,
      ).reduce((a, b) => a + b);
    expect(totals).toEqual({
      parameters: m1 + m2 + units + 3,
      weightBits: m1 * w1 + m2 * w2,
      biasBits:
        units * widthOf(constant(dense[0]!.bias).format) + 3 * widthOf(constant(dense[1]!.bias).format),
      meanWeightBits: (m1 * w1 + m2 * w2) / (m1 + m2),
      bitOperations: m1 * w1 * a1 + m2 * w2 * a2,
      ebops: digits(constant(dense[0]!.weights).data) * a1 + digits(constant(dense[1]!.weights).data) * a2,
    });
    expect(totals!.bitOperations).toBeLessThanOrEqual(1000);
  });

  it("asks for Verilator when it is missing, exit 69, and leaves it out on request", async () => {
    const path = folder.inside("bin");
    mkdirSync(path);
    for (const tool of ["cc", "gcc", "g++", "as", "ld", "sh", "size", "nm"]) {
      if (!hasTool(tool === "sh" ? "bash" : tool)) continue;
      const at = execFileSync("bash", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
      writeFileSync(join(path, tool), `#!/bin/sh\nexec ${at} "$@"\n`);
      chmodSync(join(path, tool), 0o755);
    }
    const copy = folder.inside("no-verilator");
    cpSync(built, copy, { recursive: true });
    const options = { cwd: folder.path, env: { PATH: path, VERILATOR: "", VERILATOR_ROOT: "" } };
    const refused = await runJson(["verify", copy], options);
    expect(refused.code, refused.stdout).toBe(69);
    expect(codes(refused)).toEqual(["cli/missing-tool"]);
    expect(refused.diagnostics[0]!.hint).toContain("verilator");
    const left = await runJson(["verify", copy, "--without", "rtl"], options);
    expect(left.code, left.stdout).toBe(0);
    const { rtl, c } = (left.result as { verify: Record<string, { status: string; reason?: string }> })
      .verify;
    expect(rtl!.status).toBe("skipped");
    expect(rtl!.reason).toBeTruthy();
    expect(c!.status).toBe("passed");
  });

  it.each(["latencyCycles", "intervalCycles"])("fails when %s of the manifest is off by one", async (key) => {
    const copy = editedCopy(`off-${key}`, "design/manifest.json", (content) =>
      content.replace(new RegExp(`("${key}": )(\\d+)`), (_, name, n) => `${name}${Number(n) + 1}`),
    );
    const result = await verify(copy, "--without", "c");
    expect(result.code, result.stderr).toBe(1);
    expect(codes(result)).toContain("verify/mismatch");
    expect(result.diagnostics.map((d) => d.message).join("\n")).toMatch(/latency|interval/);
  });

  it("fails when a weight bit is flipped, and names the file, the layer and the channel", async () => {
    // Each word holds the weights of several units at one input; its lowest digit is the first unit of the word.
    const copy = editedCopy("flipped", "design/rtl/fc1_weights.mem", (content) =>
      content.replace(/([0-9a-f])\n/, (_, digit) => `${(Number.parseInt(digit, 16) ^ 4).toString(16)}\n`),
    );
    const wave = folder.inside("flipped.vcd");
    const result = await verify(copy, "--without", "c", "--wave", wave, "--wave-cycles", "9");
    expect(result.code, result.stderr).toBe(1);
    expect(codes(result)).toEqual(["build/modified", "verify/mismatch"]);
    expect(result.diagnostics[0]!.message).toContain("design/rtl/fc1_weights.mem was changed");
    expect(result.diagnostics[1]!.message).toMatch(/layer fc1, accumulator fc1\S*, channel 0/);
    const { rtl } = reportSchema.parse(JSON.parse(text(join(copy, "report.json")))).verify!;
    expect(rtl).toMatchObject({ status: "failed", causeClass: "constant", divergence: { layer: "fc1" } });
    const times = [...text(wave).matchAll(/^#(\d+)$/gm)].map(([, time]) => Number(time));
    const { cycle } = rtl!.divergence!;
    expect(Math.floor(times[0]! / 10)).toBe(Math.max(0, cycle! - 9));
    expect(Math.floor(times[times.length - 1]! / 10)).toBe(cycle! + 9);
  });

  it("says why there is no waveform, and refuses a path for it that cannot be written", async () => {
    const wave = folder.inside("none.vcd");
    const passed = await verify(built, "--without", "c", "--wave", wave);
    expect(passed.code, passed.stderr).toBe(0);
    expect(codes(passed)).toEqual(["verify/no-wave"]);
    expect(passed.diagnostics[0]!.message).toContain("the Verilog has no difference");
    expect(existsSync(wave)).toBe(false);
    const left = await verify(built, "--without", "c,rtl", "--wave", wave);
    expect(left.diagnostics[0]!.message).toContain("the Verilog did not run");
    const nowhere = await verify(built, "--wave", folder.inside("no-folder/first.vcd"));
    expect([nowhere.code, codes(nowhere)]).toEqual([1, ["cli/bad-path"]]);
    const alone = await verify(built, "--wave-cycles", "5");
    expect(codes(alone)).toEqual(["cli/bad-option"]);
  });

  it("fails when the rounding of the C is edited", async () => {
    const copy = editedCopy("rounding", "design/c/condition.c", (content) =>
      content.replace("NF_ROUND_HALF_UP", "NF_ROUND_TRUNCATE"),
    );
    const result = await verify(copy, "--without", "rtl");
    expect(result.code, result.stderr).toBe(1);
    expect(codes(result)).toEqual(["build/modified", "verify/mismatch"]);
    expect(result.diagnostics[1]!.message).toContain("C differs from the integer program: layer fc");
  });
});

describe("compile", () => {
  it("does not replace a design that was edited, unless forced", async () => {
    const copy = editedCopy("edited", "design/c/condition.c", (content) => `${content}/* mine */\n`);
    writeFileSync(join(copy, "design/rtl/mine.v"), "");
    rmSync(join(copy, "design/c/nf_trace.h"));
    const refused = await json("compile", copy);
    expect(refused.code).toBe(1);
    expect(refused.diagnostics.map((d) => d.message.replace(`${copy}/design/`, "")).sort()).toEqual([
      "c/condition.c was changed after it was compiled",
      "c/nf_trace.h was deleted after it was compiled",
      "rtl/mine.v was added after it was compiled",
    ]);
    expect(text(join(copy, "design/c/condition.c"))).toContain("/* mine */");
    expect((await json("compile", copy, "--force")).code).toBe(0);
    expect(text(join(copy, "design/c/condition.c"))).not.toContain("mine");
    expect(readdirSync(join(copy, "design/rtl"))).not.toContain("mine.v");
    // The same bytes as before the edit.
    expect(text(join(copy, "design/manifest.json"))).toBe(text(join(built, "design/manifest.json")));
  });
});
