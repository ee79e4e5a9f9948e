// Commands one after the other on the same directories: nothing of one network ever stands beside another's.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestFolder, makeTinyProject, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
let model: string;
const inside = (...parts: string[]) => join(folder.path, ...parts);
const run = (arguments_: readonly string[]) => runJson(arguments_, { cwd: folder.path });
const codes = async (arguments_: readonly string[]) => {
  const { code, result, stdout } = await run(arguments_);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
  return { code, result, codes: diagnostics.map((d) => d.code) };
};

beforeAll(async () => {
  folder = createTestFolder("workflow");
  model = await makeTinyProject(folder.path, { epochs: 2 });
  expect((await run(["build", model, "-o", "a", "--without", "c,rtl"])).code).toBe(0);
});
afterAll(() => folder.remove());

describe("compile DIR -o OTHER", () => {
  it("takes the training over, and refuses to mix two", async () => {
    expect((await run(["compile", "a", "-o", "b"])).code).toBe(0);
    for (const file of ["design/manifest.json", "train/trained.json"])
      expect(readFileSync(inside("b", file), "utf8")).toBe(readFileSync(inside("a", file), "utf8"));
    expect((await run(["train", model, "-o", "c", "--seed", "9"])).code).toBe(0);
    expect(await codes(["compile", "a", "-o", "c"])).toMatchObject({
      code: 1,
      codes: ["build/checkpoint-of-another-run"],
    });
  });
});

describe("train --fresh", () => {
  it("takes the old design, verdict and report away", async () => {
    expect((await run(["compile", "a", "-o", "d"])).code).toBe(0);
    expect((await run(["verify", "d", "--without", "c,rtl"])).code).toBe(0);
    const { verify } = JSON.parse(readFileSync(inside("d/report.json"), "utf8"));
    expect(verify.branches.requantize.reached).toBeGreaterThan(4);
    expect(verify.branches.requantize.possible).toBeGreaterThanOrEqual(verify.branches.requantize.reached);
    expect((await run(["train", model, "-o", "d", "--fresh", "--seed", "4"])).code).toBe(0);
    expect(existsSync(inside("d/design"))).toBe(false);
    expect(existsSync(inside("d/verify"))).toBe(false);
    const report = JSON.parse(readFileSync(inside("d/report.json"), "utf8"));
    expect(report.seed).toBe(4);
    expect(Object.keys(report)).not.toContain("layers");
  });

  it("keeps a design that was edited by hand", async () => {
    expect((await run(["compile", "a", "-o", "e"])).code).toBe(0);
    const header = inside("e/design/manifest.json");
    const { c } = JSON.parse(readFileSync(header, "utf8"));
    writeFileSync(inside("e/design/c", c.header), "/* mine */\n");
    expect(await codes(["train", model, "-o", "e", "--fresh"])).toMatchObject({
      code: 1,
      codes: ["build/modified"],
    });
    expect(readFileSync(inside("e/design/c", c.header), "utf8")).toBe("/* mine */\n");
  });
});

describe("damaged files", () => {
  it("are named, and never called a bug", async () => {
    expect((await run(["compile", "a", "-o", "f"])).code).toBe(0);
    const damage = async (file: string, text: string, command: readonly string[]) => {
      const before = readFileSync(inside("f", file));
      writeFileSync(inside("f", file), text);
      const found = await codes(command);
      writeFileSync(inside("f", file), before);
      return found;
    };
    const verify = ["verify", "f", "--without", "c,rtl"];
    const manifest = "design/manifest.json";
    expect(await damage(manifest, '{"schema":"noisefloor.manifest/4"}', verify)).toMatchObject({
      code: 1,
      codes: ["build/bad-file"],
    });
    expect(await damage(manifest, "{", verify)).toMatchObject({ code: 1, codes: ["build/bad-file"] });
    expect(await damage("train/trained.json", "{}", ["compile", "f"])).toMatchObject({
      code: 1,
      codes: ["build/modified-training"],
    });
    expect(await damage("timing.json", "{", verify)).toMatchObject({ code: 0 });
  });
});

describe("hardware that cannot be built", () => {
  it("is refused before training", async () => {
    const wish = inside("impossible.floor");
    const text = readFileSync(model, "utf8").replace(
      /interval: \d+ cycles/,
      "interval: 1 cycles\n  outputs: both",
    );
    writeFileSync(wish, text);
    expect(await codes(["train", wish, "-o", "g"])).toMatchObject({
      code: 1,
      codes: ["verilog/interval-impossible"],
    });
    expect(existsSync(inside("g/train"))).toBe(false);
  });
});
