// synth and verify --netlist on the command line: a model of one layer, onto a part and through the gate.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportSchema } from "../../../report/results.ts";
import { hasTool } from "../../tools-present.ts";
import { createOnnx } from "../import/build-onnx.ts";
import { type CliJson, createTestFolder, runCli, runJson, type TestFolder } from "./run-cli.ts";

let folder: TestFolder;
/** Whoever has a placer for this part need not wait for it here. */
const env = { NEXTPNR_HIMBAECHEL: "/none" };
const json = (...words: string[]) => runJson(words, { cwd: folder.path, env });
const read = (...names: string[]): string => readFileSync(folder.inside(...names), "utf8");
const codesOf = ({ exitCode, diagnostics }: CliJson): [number, ...string[]] => [
  exitCode,
  ...diagnostics.map((d) => d.code),
];
const report = () => reportSchema.parse(JSON.parse(read("a", "report.json")));

beforeAll(async () => {
  folder = createTestFolder("synth");
  const b = createOnnx();
  const quant = (x: string, scale: number, bits: number): string =>
    b.node(
      "qonnx.custom_op.general:Quant",
      [x, b.weights([], [scale]), b.weights([], [0]), b.weights([], [bits])],
      { signed: 1, narrow: 0, rounding_mode: "ROUND" },
    );
  const y = b.node("MatMul", [
    quant(b.input("x", [null, 4]), 0.5, 4),
    quant(b.weights([4, 2], [0.25, -0.5, 0.25, 0, -0.25, 0.25, -0.5, 0.25]), 0.25, 2),
  ]);
  writeFileSync(folder.inside("tiny.onnx"), b.finish([y], 13));
  expect(codesOf(await json("compile", "tiny.onnx", "-o", "a"))[0]).toBe(0);
});
afterAll(() => folder.remove());

describe("synth", () => {
  it("asks for a target that it knows, and for a directory that is compiled", async () => {
    expect(codesOf(await json("synth", "a"))).toEqual([2, "cli/bad-option"]);
    const other = await json("synth", "a", "--target", "virtex");
    expect(codesOf(other)).toEqual([2, "cli/usage"]);
    expect(other.diagnostics[0]!.message).toMatch(/ice40-hx8k, ice40-up5k, ecp5, gowin, xc7, xcup, cyclone5/);
    expect(codesOf(await json("synth", "none", "--target", "gowin"))).toEqual([1, "build/missing"]);
  });

  it("has to come before its netlist is verified", async () => {
    const early = await json("verify", "a", "--without", "c,rtl", "--netlist", "gowin");
    expect(codesOf(early)).toEqual([1, "flow/not-synthesised"]);
    expect(early.diagnostics[0]!.hint).toBe("run noisefloor synth a --target gowin");
    expect(codesOf(await json("verify", "a", "--netlist", "gowin,virtex"))).toEqual([2, "cli/bad-option"]);
  });

  it("leaves figures in the report, and its files in the folder of the target", async () => {
    const made = await json("synth", "a", "--target", "gowin");
    expect(codesOf(made)).toEqual([0]);
    const { synth } = report();
    expect(Object.keys(synth!)).toEqual(["gowin"]);
    const { gowin } = synth!;
    expect(gowin).toMatchObject({ part: "GW2A-LV18PG256C8/I7", fmaxMHz: null, fits: true, dsp: 0, bram: 0 });
    expect(gowin!.lut).toBeGreaterThan(10);
    expect(made.result).toEqual({ directory: "a", target: "gowin", synth: gowin });
    expect(made.stderr).toMatch(/^Yosys .*: synthesising for Gowin GW2A-18, \d+\.\d s$/m);
    expect(readdirSync(folder.inside("a/flow/gowin")).sort()).toEqual([
      ...["cells", "netlist.v", "result.json", "stat.json", "synth.ys"],
    ]);
    expect(JSON.parse(read("a", "timing.json"))["synth gowin"]).toBeGreaterThan(0);
  });

  it("is in what explain says of the network", async () => {
    const { stdout } = await runCli(["explain", "a"], { cwd: folder.path });
    expect(stdout).toMatch(
      /^ {2}gowin +\d+ of 20,736 LUT, .*\n +Gowin GW2A-18 \(GW2A-LV18PG256C8\/I7\), counted by Yosys/m,
    );
  });

  it("leaves nothing half-written when it is killed", async () => {
    const before = read("a", "flow/gowin/result.json");
    const killed = await runCli(["synth", "a", "--target", "gowin"], { cwd: folder.path, killAfter: 2500 });
    expect(killed.code).toBeNull();
    expect(readdirSync(folder.inside("a/flow"))).toEqual(["gowin"]);
    expect(read("a", "flow/gowin/result.json")).toBe(before);
  });
});

describe.skipIf(!hasTool("verilator"))("verify --netlist", () => {
  const verify = () =>
    json("verify", "a", "--without", "c,rtl", "--netlist", "gowin", "--netlist-vectors", "10");

  it("proves the netlist, and the report has it beside the others", async () => {
    const proved = await verify();
    expect(codesOf(proved)).toEqual([0]);
    const { netlist } = report().verify!;
    expect(netlist!.gowin).toMatchObject({ status: "passed", mismatches: 0 });
    expect(netlist!.gowin!.vectors).toBeGreaterThan(10);
    expect(proved.result).toMatchObject({ verify: { netlist } });
    const manifest = JSON.parse(read("a", "design/manifest.json"));
    expect(netlist!.gowin!.intervalCycles).toBe(manifest.rtl.intervalCycles);
  });

  it("finds a netlist that was changed, names the file, and says where it differs", async () => {
    const path = folder.inside("a/flow/gowin/netlist.v");
    const text = readFileSync(path, "utf8");
    // Turns every look-up table round.
    const wrong = text.replace(/\.INIT\(16'h([0-9a-f]{4})\)/g, (_, digits: string) => {
      return `.INIT(16'h${(Number.parseInt(digits, 16) ^ 0xffff).toString(16).padStart(4, "0")})`;
    });
    expect(wrong).not.toBe(text);
    writeFileSync(path, wrong);
    const found = await verify();
    expect(codesOf(found)).toEqual([1, "flow/modified", "verify/mismatch"]);
    expect(found.diagnostics[0]!.message).toContain("a/flow/gowin/netlist.v");
    expect(found.diagnostics[1]!.message).toMatch(/^the netlist of gowin differs from the integer program: /);
    expect(report().verify!.netlist!.gowin!.status).toBe("failed");
    writeFileSync(path, text);
  });
});

describe("synth --board", () => {
  const board = "tang-primer-20k";

  it("asks for a board that it knows, with the part of the target, and for options that belong together", async () => {
    expect(codesOf(await json("synth", "a", "--board", "virtex"))).toEqual([2, "cli/usage"]);
    const other = await json("synth", "a", "--board", board, "--target", "xc7");
    expect(codesOf(other)).toEqual([1, "flow/board-target"]);
    expect(codesOf(await json("synth", "a", "--target", "gowin", "--baud", "9600"))).toEqual([
      2,
      "cli/bad-option",
    ]);
    const slow = await json("synth", "a", "--board", board, "--clock", "5");
    expect(codesOf(slow)).toEqual([1, "flow/no-clock"]);
    expect(slow.diagnostics[0]!.hint).toContain("--clock 27");
    const early = await json("verify", "a", "--without", "c,rtl", "--board", board);
    expect(codesOf(early)).toEqual([1, "flow/no-board-top"]);
    expect(early.diagnostics[0]!.hint).toBe(`run noisefloor synth a --board ${board}`);
    expect(codesOf(await json("verify", "a", "--board", "virtex"))).toEqual([2, "cli/bad-option"]);
  });

  it("leaves the figures of the whole board beside those of the core, and what a host needs", async () => {
    const made = await json("synth", "a", "--board", board, "--baud", "3000000");
    expect(codesOf(made)).toEqual([0]);
    const { synth } = report();
    const whole = synth![board]!;
    expect(whole).toMatchObject({
      part: "GW2A-LV18PG256C8/I7",
      clockMHz: 27,
      board: { name: board, oscillatorMHz: 27, baud: 3_000_000 },
    });
    // Serial line and frames, and no more.
    expect(whole.lut).toBeGreaterThan(synth!.gowin!.lut + 100);
    expect(whole.lut).toBeLessThan(synth!.gowin!.lut + 1000);
    expect(synth!.gowin).not.toHaveProperty("board");
    expect(made.result).toEqual({ directory: "a", target: "gowin", board, synth: whole });
    const left = readdirSync(folder.inside(`a/flow/${board}`)).sort();
    for (const file of ["host", "nf_board.v", "nf_board.cst", "nf_link.v", "netlist.v", "result.json"])
      expect(left).toContain(file);
    const { knownAnswers } = JSON.parse(read("a", `flow/${board}/host/design.json`));
    expect(knownAnswers.length).toBeGreaterThan(10);
    const { stdout } = await runCli(["explain", "a"], { cwd: folder.path });
    expect(stdout).toMatch(/Sipeed Tang Primer 20K \(.*, serial line and all, at 27 MHz\), counted by Yosys/);
  });

  it.skipIf(!hasTool("verilator"))("is held against its known answers on the line", async () => {
    const words = ["verify", "a", "--without", "c,rtl", "--board", board];
    const proved = await json(...words);
    expect(codesOf(proved)).toEqual([0]);
    expect(report().verify!.board![board]).toMatchObject({ status: "passed", mismatches: 0, vectors: 20 });
    expect(proved.result).toMatchObject({ verify: { board: report().verify!.board } });
    // A wrong status byte.
    const path = folder.inside(`a/flow/${board}/nf_frame_out.v`);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace("{5'd0, status}", "{5'd2, status}"));
    const found = await json(...words);
    expect(codesOf(found)).toEqual([1, "flow/modified", "verify/mismatch"]);
    expect(found.diagnostics[1]!.message).toMatch(
      /^the board tang-primer-20k differs from the integer program: /,
    );
    expect(report().verify!.board![board]!.status).toBe("failed");
    writeFileSync(path, text);
  });
});

describe("a folder that was worked in", () => {
  it("is not replaced without being asked, by no command", async () => {
    const mine = folder.inside("a/flow/gowin/mine.gprj");
    writeFileSync(mine, "hours of work");
    for (const words of [
      ["synth", "a", "--target", "gowin"],
      ["compile", "a"],
    ]) {
      const refused = await json(...words);
      expect(codesOf(refused)).toEqual([1, "flow/modified"]);
      expect(refused.diagnostics[0]!.message).toContain("a/flow/gowin/mine.gprj was added");
      expect(readFileSync(mine, "utf8")).toBe("hours of work");
    }
    rmSync(mine);
  });
});

describe("another design", () => {
  it("has no figures and no netlist of the one before", async () => {
    expect(codesOf(await json("compile", "a"))).toEqual([0]);
    expect(existsSync(folder.inside("a/flow"))).toBe(false);
    expect(report()).not.toHaveProperty("synth");
    expect(report().verify ?? {}).not.toHaveProperty("netlist");
  });
});
