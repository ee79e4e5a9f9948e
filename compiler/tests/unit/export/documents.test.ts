// The programs in docs/export.md, taken from there and run on the export of a small design.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { encodeNpy } from "../../../data/npy.ts";
import { exportNpz } from "../../../export/parameters.ts";
import { exportVectors, type VectorIndex } from "../../../export/vectors.ts";
import { lower } from "../../../lower/lower.ts";
import { elementsOf, fractionOf, type Program, valueNamed } from "../../../program/program.ts";
import { isNightly } from "../../nightly.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier } from "../driver/small-trained.ts";
import { randomInputs } from "../program/random-branching.ts";

const text = readFileSync(new URL("../../../../docs/export.md", import.meta.url), "utf8");
const fences = [...text.matchAll(/^```\w+ file=(\S+)\n(.*?)^```/gms)];
const program: Program = lower(classifier);
const [SUMS, RESULT] = ["fc1", "fc2.input"];

let folder: string;
let vectors: VectorIndex["vectors"];
const inside = (...parts: string[]): string => join(folder, ...parts);
const fileOf = (name: string): string => inside("vectors", vectors.find((v) => v.name === name)!.file);
const shift = (): number =>
  fractionOf(valueNamed(program, SUMS!).format, 0) - fractionOf(valueNamed(program, RESULT!).format, 0);

/** Exit code and output. */
function run(command: string, ...arguments_: string[]): { code: number; stdout: string } {
  try {
    const stdout = execFileSync(command, arguments_, { cwd: folder, encoding: "utf8", stdio: "pipe" });
    return { code: 0, stdout };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, stdout: `${stdout}${stderr}` };
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noisefloor-export-"));
  mkdirSync(inside("vectors"));
  for (const [, name, content] of fences) writeFileSync(inside(name!), content!);
  for (const [name, content] of exportVectors(program, randomInputs(program, 16, 2), 16))
    writeFileSync(inside("vectors", name), content);
  writeFileSync(inside("parameters.npz"), exportNpz(program));
  ({ vectors } = JSON.parse(readFileSync(inside("vectors/index.json"), "utf8")) as VectorIndex);
  // The same result with one element off by one: what a check has to find.
  const golden = readFileSync(fileOf(RESULT!));
  const elements = 16 * elementsOf(valueNamed(program, RESULT!).shape);
  const wrong = Array.from(golden.subarray(golden.length - elements), (m, i) => (i === 7 ? m ^ 1 : m));
  writeFileSync(inside("wrong.npy"), encodeNpy([elements], "uint8", wrong));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the document has its programs", () => {
  expect(fences.map(([, name]) => name)).toEqual(["check.py", "npy.h", "check.c", "mine.v", "check.cpp"]);
});

describe.skipIf(!hasTool("gcc"))("the check in C", () => {
  it("passes on golden vectors, and finds an element that is off by one", () => {
    const built = run("gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-o", "check", "check.c");
    expect(built).toEqual({ code: 0, stdout: "" });
    const check = (golden: string) => run("./check", fileOf(SUMS!), golden, String(shift()), "15");
    expect(check(fileOf(RESULT!))).toEqual({ code: 0, stdout: "80 elements are the same\n" });
    expect(check(inside("wrong.npy"))).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^element 7: /),
    });
  });
});

const hasNumpy = hasNumpyModule();
function hasNumpyModule(): boolean {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("numpy is not installed: the check in Python is skipped");
    return false;
  }
}

it.skipIf(!hasNumpy)("the check in Python finds all dense layers the same", () => {
  expect(run("python3", "check.py", folder)).toEqual({ code: 0, stdout: "2 dense layers are the same\n" });
});

// Verilator and a C++ compiler take longer than all other tests of a file.
it.skipIf(!isNightly() || !hasTool("verilator"))(
  "the check in Verilator passes, and finds an element",
  () => {
    const parameters = [`-GSHIFT=${shift()}`, "-GMAX=15"];
    const built = run(
      "verilator",
      "--cc",
      "--exe",
      "--build",
      "-Wno-fatal",
      ...parameters,
      "mine.v",
      "check.cpp",
    );
    expect(built.code, built.stdout).toBe(0);
    const check = (golden: string) => run("obj_dir/Vmine", fileOf(SUMS!), golden);
    expect(check(fileOf(RESULT!))).toEqual({ code: 0, stdout: "80 elements are the same\n" });
    expect(check(inside("wrong.npy"))).toMatchObject({ code: 1 });
  },
  300_000,
);
