// Boards: their clocks against icepll, their top modules under lint, constraints and projects with every port in them.
import { beforeAll, describe, expect, it } from "vitest";
import { BOARDS, boardNamed } from "../../../boards/boards.ts";
import { BOARD_MODULE, type BoardTop, createBoardTop } from "../../../flow/board-top.ts";
import { chooseClock } from "../../../flow/pll.ts";
import { type Synthesis, synthesize } from "../../../flow/synthesize.ts";
import { createVendorProject } from "../../../flow/vendor.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { fixedFile } from "../../../render/render.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { bytesOf } from "../../../support/file-set.ts";
import { targetNamed } from "../../../targets/targets.ts";
import { createFlowTools } from "../../../tools/flow-tools.ts";
import { hasTool } from "../../tools-present.ts";
import { designOf } from "../verify/designs.ts";
import { inFolder, run } from "../verilog/run-tools.ts";
import { recordedTools, tinyProgram } from "./designs.ts";

const design = designOf(tinyProgram(), { outputs: "logits", folding: { fc: { pe: 1, simd: 2 } } });
const rtl = design.manifest.rtl!;
const icebreaker = boardNamed("icebreaker")!;
const npm = createFlowTools({ projectFolder: process.cwd(), path: "" });
const quiet = { line: () => undefined, update: () => undefined };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code).join();
    throw error;
  }
  return "none";
}

describe("the boards", () => {
  it("are found by their names, have a target, and no pin twice", () => {
    for (const board of BOARDS) {
      expect(boardNamed(board.name)).toBe(board);
      expect(targetNamed(board.target), board.name).toBeDefined();
      expect(targetNamed(board.name), "a folder of flow/ belongs to one of them").toBeUndefined();
      const pins = [board.clock.pin, board.uart.rx, board.uart.tx, board.led?.pin, board.button?.pin];
      const used = [...pins, ...board.tied.map(({ pin }) => pin)].filter((pin) => pin !== undefined);
      expect(new Set(used).size, board.name).toBe(used.length);
    }
    expect(boardNamed("breakout")).toBeUndefined();
  });

  it.each(BOARDS)("$name is held in reset for 20 microseconds at least", (board) => {
    for (const clockMHz of [board.clock.mhz, 250]) {
      const top = createBoardTop(rtl, board, { clockMHz, baud: 1_000_000 });
      const text = top.verilog.get("nf_board.v") as string;
      const cycles = Number(/\.HOLD_CYCLES\((\d+)\)/.exec(text)?.[1]);
      expect(cycles / top.clockMHz).toBeGreaterThanOrEqual(20);
      expect(cycles / top.clockMHz).toBeLessThan(100);
    }
  });

  it.skipIf(!hasTool("verilator")).each(BOARDS)("$name has a top module that lint finds clean", (board) => {
    // Another clock than the oscillator's, where there is one.
    const { verilog } = createBoardTop(rtl, board, { clockMHz: board.pll ? 40 : board.clock.mhz });
    const files = new Map([
      ...[...design.files].filter(([path]) => path.startsWith("rtl/")),
      ...verilog,
      ["pll.v", `/* verilator lint_off UNUSED */\n${fixedFile("board/simulation/pll.v")}`] as const,
    ]);
    inFolder(files, (folder) => {
      // The PLL's second output stays open, as it has to.
      const lint = ["--lint-only", "-Wall", "-Wno-PINCONNECTEMPTY", "-Wno-DECLFILENAME"];
      const sources = [...rtl.sources, ...verilog.keys(), "pll.v"];
      const { status, stderr } = run(folder, "verilator", [
        ...lint,
        "--top-module",
        BOARD_MODULE,
        ...sources,
      ]);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      if (!hasTool("iverilog")) return;
      const read = run(folder, "iverilog", ["-g2005", "-t", "null", "-s", BOARD_MODULE, ...sources]);
      expect([read.status, read.stderr]).toEqual([0, ""]);
    });
  });

  it.each(BOARDS)("$name has every port of its top module in its constraints, once", (board) => {
    const { verilog, constraints } = createBoardTop(rtl, board, { clockMHz: board.clock.mhz });
    const ports = [
      ...(verilog.get("nf_board.v") as string).matchAll(/^ {4}(?:input |output) wire (\w+)/gm),
    ].map(([, name]) => name!);
    expect(ports.slice(0, 3)).toEqual(["clk", "rx", "tx"]);
    const placed = {
      pcf: /^set_io (\w+) /gm,
      lpf: /^LOCATE COMP "(\w+)" /gm,
      cst: /^IO_LOC "(\w+)" /gm,
      xdc: /PACKAGE_PIN \w+ .*\[get_ports (\w+)\]$/gm,
    };
    for (const [language, pattern] of Object.entries(placed)) {
      const text = constraints[language as keyof typeof constraints];
      expect([...text.matchAll(pattern)].map(([, name]) => name)).toEqual(ports);
    }
  });
});

describe("the clock of a board", () => {
  it("is the fastest one that is not above what is asked for", () => {
    expect(chooseClock(icebreaker, 12)).toEqual({ mhz: 12 });
    expect(chooseClock(icebreaker, 15.9)).toEqual({ mhz: 12 });
    expect(chooseClock(icebreaker, 48)).toMatchObject({ mhz: 48, pll: { divr: 0, divf: 63, divq: 4 } });
    expect(chooseClock(icebreaker, 100).mhz).toBe(99);
    expect(chooseClock(icebreaker, 1000).mhz).toBe(270);
    expect(codeOf(() => chooseClock(icebreaker, 11))).toBe("flow/no-clock");
    const arty = boardNamed("arty-a7-35")!;
    expect(chooseClock(arty, 150)).toEqual({ mhz: 100 });
    expect(codeOf(() => chooseClock(arty, 99))).toBe("flow/no-clock");
  });

  it("is made as icepll makes it", async () => {
    const { runIcepll } = (await import("@yowasp/nextpnr-ice40")) as unknown as {
      runIcepll: (args: string[], files: object, options: object) => Promise<unknown>;
    };
    for (const asked of [18.5, 21, 24, 30, 33.75, 48, 60, 75.2, 90, 120, 200]) {
      const { mhz, pll } = chooseClock(icebreaker, asked);
      let said = "";
      const take = (bytes: Uint8Array | null): void => {
        said += bytes ? new TextDecoder().decode(bytes) : "";
      };
      await runIcepll(["-i", "12", "-o", `${mhz}`], {}, { stdout: take, stderr: take });
      const number = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(said)?.[1]);
      expect(pll, `${asked} MHz`).toEqual({
        divr: number("DIVR"),
        divf: number("DIVF"),
        divq: number("DIVQ"),
        filterRange: number("FILTER_RANGE"),
      });
      expect(Number(/F_PLLOUT:\s+([\d.]+) MHz \(achieved\)/.exec(said)?.[1])).toBeCloseTo(mhz, 2);
    }
  });
});

describe("what a board does not take", () => {
  it("is refused before any work, by name", () => {
    const builder = createProgramBuilder("two");
    const side = (name: string) => builder.input({ name, shape: [4], format: intFormat(false, 4, 0) });
    const [a, b] = [side("a"), side("b")];
    builder.output("y", builder.add({ layer: "sum", name: "sum.sum", inputs: [a, b] }), "value");
    const two = designOf(builder.build()).manifest.rtl!;
    expect(two.inputs).toHaveLength(2);
    expect(codeOf(() => createBoardTop(two, icebreaker))).toBe("flow/board-ports");
    expect(codeOf(() => createBoardTop(rtl, icebreaker, { clockMHz: 12, baud: 3_500_000 }))).toBe(
      "flow/no-baud",
    );
    expect(codeOf(() => createBoardTop(rtl, icebreaker, { clockMHz: 12, baud: 6_000_000 }))).toBe(
      "flow/no-baud",
    );
    expect(codeOf(() => createBoardTop(rtl, icebreaker, { clockMHz: 12, baud: 3_000_000 }))).toBe("none");
    const huge = { ...rtl, inputs: [{ ...rtl.inputs[0]!, beats: 2 ** 24 }] };
    expect(codeOf(() => createBoardTop(huge, icebreaker))).toBe("flow/board-packet");
  });
});

const task = (board: BoardTop) => ({ manifest: rtl, files: design.files, seed: 1, board, progress: quiet });

describe("a design on the iCEBreaker", () => {
  let made: Synthesis;
  const top = createBoardTop(rtl, icebreaker, { clockMHz: 20 });
  const onUp5k = { ...task(top), target: targetNamed("ice40-up5k")! };
  beforeAll(async () => {
    made = await synthesize({ ...onUp5k, tools: npm });
  });

  it("is placed on its pins, timed at the clock of the PLL, and packed", () => {
    const { result, files, diagnostics } = made;
    expect(diagnostics).toEqual([]);
    expect(result).toMatchObject({ target: "ice40-up5k", clockMHz: 19.875, board: { name: "icebreaker" } });
    expect(result.cells.SB_PLL40_PAD).toBe(1);
    const report = JSON.parse(new TextDecoder().decode(bytesOf(files.get("nextpnr.json")!)));
    const [clock] = Object.values(report.fmax) as { constraint: number }[];
    expect(clock!.constraint).toBeCloseTo(19.875, 1);
    const bitstream = Buffer.from(bytesOf(files.get("nf_board.bin")!));
    expect(bitstream.indexOf("7eaa997e", 0, "hex")).toBeGreaterThanOrEqual(0);
    expect(files.get("nf_board.pcf")).toBe(top.constraints.pcf);
  });

  it("has no bitstream when it is too slow for its clock, and that is an error", async () => {
    const { tools, jobs } = recordedTools({
      yosys: () => ({
        ok: true,
        files: new Map([
          ...["stat.json", "netlist.v"].map((path) => [path, bytesOf(made.files.get(path)!)] as const),
          ["mapped.json", new Uint8Array()] as const,
        ]),
        log: "",
      }),
      "nextpnr-ice40": () => ({
        ok: true,
        files: new Map([
          [
            "nextpnr.json",
            Buffer.from(JSON.stringify({ fmax: { aclk: { achieved: 19.8 } }, utilization: {} })),
          ],
        ]),
        log: "",
      }),
    });
    const { result, diagnostics, files } = await synthesize({ ...onUp5k, tools });
    expect(jobs.map(({ tool }) => tool)).toEqual(["yosys", "nextpnr-ice40"]);
    expect(jobs[1]!.job.arguments).toEqual(expect.arrayContaining(["--pcf", "nf_board.pcf"]));
    expect(jobs[1]!.job.arguments).not.toContain("--pcf-allow-unconstrained");
    expect(diagnostics.map((d) => [d.code, d.severity])).toEqual([["flow/board-too-slow", "error"]]);
    expect(result.fmaxMHz).toBe(19.8);
    expect(result.steps.map(({ step, status }) => [step, status])).toContainEqual(["bitstream", "left out"]);
    expect(files.has("nf_board.bin")).toBe(false);
  });
});

describe("boards whose placers are elsewhere", () => {
  it.each([
    ["ulx3s", "nextpnr-ecp5", ["--lpf", "nf_board.lpf", "--textcfg"], "nf_board.config"],
    ["tang-primer-20k", "nextpnr-himbaechel", ["cst=nf_board.cst", "--write"], "nf_board.routed.json"],
  ] as const)(
    "%s goes to %s with its pins, and what it leaves is kept",
    async (name, placer, words, kept) => {
      const board = boardNamed(name)!;
      const top = createBoardTop(rtl, board, { clockMHz: board.clock.mhz });
      const ok = (files: readonly (readonly [string, string])[]) => ({
        ok: true,
        files: new Map(files.map(([path, text]) => [path, Buffer.from(text)])),
        log: "",
      });
      const { tools, jobs } = recordedTools({
        yosys: () =>
          ok([
            ["stat.json", '{"design": {"num_cells_by_type": {"LUT4": 9}}}'],
            ["netlist.v", ""],
            ["mapped.json", ""],
          ]),
        [placer]: () =>
          ok([
            ["nextpnr.json", '{"fmax": {"clk": {"achieved": 90}}, "utilization": {}}'],
            ["routed", "the routed design"],
          ]),
      });
      const target = targetNamed(board.target)!;
      const { files, diagnostics } = await synthesize({ ...task(top), target, tools });
      expect(diagnostics).toEqual([]);
      const [yosys, place] = jobs.map(({ job }) => job);
      expect(yosys!.files.get("synth.ys")).toContain(`\n${target.flow.synth} -top nf_board\n`);
      for (const word of words) expect(place!.arguments).toContain(word);
      const [path, pins] = [...place!.files].find(([file]) => file.startsWith("nf_board."))!;
      expect(files.get(path)).toBe(pins);
      expect(Buffer.from(bytesOf(files.get(kept)!)).toString()).toBe("the routed design");
    },
  );
});

describe("a Vivado project of a board", () => {
  it("has the top module, its pins and a bitstream", () => {
    const board = createBoardTop(rtl, boardNamed("arty-a7-35")!, { clockMHz: 100 });
    const { files } = createVendorProject(rtl, targetNamed("xc7")!, { seed: 1, clockMHz: 100, board })!;
    const script = files.get("run.tcl") as string;
    for (const path of board.verilog.keys()) expect(script).toContain(`[file join $here .. ${path}]`);
    expect(script).toContain(`synth_design -top ${BOARD_MODULE} -part xc7a35tcsg324-1\n`);
    expect(script).toContain("write_bitstream");
    expect(script).not.toContain("out_of_context");
    expect(files.get("project.tcl")).not.toContain("out_of_context");
    expect(files.get("timing.xdc")).toBe(board.constraints.xdc);
    expect(board.constraints.xdc).toContain("create_clock -name clk -period 10.000 [get_ports clk]");
  });
});
