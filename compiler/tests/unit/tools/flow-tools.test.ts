// Where the tools of the FPGA flow come from, and that they run in folders of their own.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ToolJob } from "../../../flow/runners.ts";
import { createFlowTools, isNewer } from "../../../tools/flow-tools.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noisefloor flow tools "));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A command that says a version, and else copies a file. */
function command(name: string, version: string): void {
  const script = `#!/bin/sh\ncase "$1" in -V|--version|-version) echo "${name} ${version} (git)";; *) cat in.txt > out.txt; echo said; exit 3;; esac\n`;
  writeFileSync(join(folder, name), script);
  chmodSync(join(folder, name), 0o755);
}

const tools = (path: string) => createFlowTools({ projectFolder: folder, path });

describe("versions", () => {
  it.each([
    ["0.56", "0.55.944", true],
    ["0.55+12", "0.55.944", false],
    ["0.9", "0.55.944", false],
    ["1.0", "0.55.944", true],
    ["0.23", "0.55.944", false],
    ["", "0.55.944", false],
  ])("%s is newer than %s: %s", (a, b, newer) => {
    expect(isNewer(a, b)).toBe(newer);
  });
});

describe("Yosys", () => {
  it("is that of the package, unless the one on PATH is newer", async () => {
    expect(await tools("").need("yosys")).toMatchObject({ origin: "@yowasp/yosys" });
    command("yosys", "0.23");
    expect(await tools(folder).need("yosys")).toMatchObject({ origin: "@yowasp/yosys" });
    command("yosys", "7.5+3");
    expect(await tools(folder).need("yosys")).toMatchObject({ origin: "native", version: "7.5+3" });
  });

  it("is the one that the environment names, whatever its version", async () => {
    command("old-yosys", "0.23");
    process.env.YOSYS = join(folder, "old-yosys");
    try {
      expect(await tools("").need("yosys")).toMatchObject({ origin: "native", version: "0.23" });
    } finally {
      delete process.env.YOSYS;
    }
  });
});

describe("a tool", () => {
  const job: ToolJob = {
    arguments: ["go"],
    files: new Map([
      ["a/b/in.txt", "text"],
      ["other.txt", "x"],
    ]),
    folder: "a/b",
    outputs: ["a/b/out.txt", "a/b/none.txt"],
  };

  it("runs in its folder among its files; what it leaves and says comes back", async () => {
    command("vivado", "v2023.2");
    const tool = await tools(folder).need("vivado");
    expect(tool).toMatchObject({ name: "Vivado", version: "2023.2", origin: "native" });
    const run = await tool.run(job);
    expect(run).toMatchObject({ ok: false, log: expect.stringContaining("said") });
    expect([...run.files.keys()]).toEqual(["a/b/out.txt"]);
    expect(new TextDecoder().decode(run.files.get("a/b/out.txt"))).toBe("text");
  });

  it("that is nowhere is not found", async () => {
    expect(await tools("").find("quartus_sh")).toBeUndefined();
    await expect(tools("").need("nextpnr-ecp5")).rejects.toThrow(/nextpnr-ecp5 was not found/);
  });

  it("of a package runs as a process that ends with its exit code", async () => {
    const yosys = await tools("").need("yosys");
    const right = await yosys.run({
      arguments: ["-q", "-p", "read_verilog rtl/a.v; write_json b.json"],
      files: new Map([["rtl/a.v", "module a(input x, output y); assign y = ~x; endmodule\n"]]),
      outputs: ["b.json", "c.json"],
    });
    expect(right).toMatchObject({ ok: true });
    expect([...right.files.keys()]).toEqual(["b.json"]);
    const wrong = await yosys.run({ arguments: ["-q", "-p", "no_such_pass"], files: new Map(), outputs: [] });
    expect(wrong).toMatchObject({ ok: false, log: expect.stringContaining("no_such_pass") });
  });
});
