// The open flow with its real tools, on a design of less than a hundred look-up tables; and what comes of tools that fail, of
// parts that are too small, and of vendors' tools, which are stood in for.
import { beforeAll, describe, expect, it } from "vitest";
import type { FlowTools } from "../../../flow/runners.ts";
import { FLOW_FILES, type Synthesis, synthesize } from "../../../flow/synthesize.ts";
import { DiagnosticError } from "../../../support/diagnostics.ts";
import { bytesOf, type FileSet } from "../../../support/file-set.ts";
import type { Target } from "../../../targets/target.ts";
import { TARGETS, targetNamed } from "../../../targets/targets.ts";
import { createFlowTools } from "../../../tools/flow-tools.ts";
import { createVerilatorRunner } from "../../../tools/verilator.ts";
import { verifyNetlist } from "../../../verify/netlist.ts";
import type { BackendResult } from "../../../verify/result.ts";
import { hasTool } from "../../tools-present.ts";
import { designOf } from "../verify/designs.ts";
import { recordedTools, tinyProgram } from "./designs.ts";

const design = designOf(tinyProgram(), { outputs: "logits", folding: { fc: { pe: 1, simd: 2 } } });
const rtl = design.manifest.rtl!;
const hx8k = targetNamed("ice40-hx8k")!;
const xc7 = targetNamed("xc7")!;
const npm = createFlowTools({ projectFolder: process.cwd(), path: "" });

interface Run extends Synthesis {
  readonly said: readonly string[];
}

async function flow(target: Target, tools: FlowTools, files: FileSet = design.files): Promise<Run> {
  const said: string[] = [];
  const progress = { line: (text: string) => said.push(text), update: () => undefined };
  return { ...(await synthesize({ manifest: rtl, files, target, seed: 1, tools, progress })), said };
}

async function codesOf(work: Promise<unknown>): Promise<readonly string[]> {
  const failed = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failed instanceof DiagnosticError) return failed.diagnostics.map((d) => `${d.code}: ${d.message}`);
  throw failed ?? new Error("it did not fail");
}

/** The gate's verdict on a netlist of the design. */
function verify(
  { files }: Synthesis,
  target: Target,
  change = (text: string) => text,
): Promise<BackendResult> {
  const folder = `${FLOW_FILES.models}/`;
  const netlist = new TextDecoder().decode(bytesOf(files.get(FLOW_FILES.netlist)!));
  return verifyNetlist({
    program: design.program,
    manifest: rtl,
    netlist: change(netlist),
    models: new Map(
      [...files]
        .filter(([path]) => path.startsWith(folder))
        .map(([path, text]) => [path.slice(folder.length), text]),
    ),
    defines: target.flow.defines,
    samples: undefined,
    count: 0,
    seed: 1,
    runner: createVerilatorRunner({ shortRuns: true }),
    tool: "verilator",
    what: `the netlist of ${target.name}`,
  });
}

describe("a design for iCE40 HX8K", () => {
  let made: Run;
  beforeAll(async () => {
    made = await flow(hx8k, npm);
  });

  it("is counted by Yosys, placed, timed and packed", () => {
    const { result, files, diagnostics } = made;
    expect(diagnostics).toEqual([]);
    expect(result).toMatchObject({ target: "ice40-hx8k", part: "iCE40HX8K-CT256", has: hx8k.has });
    expect(result.used.lut).toBe(result.cells.SB_LUT4);
    expect(result.used.lut).toBeGreaterThan(20);
    expect(result.used.lut).toBeLessThan(200);
    // The placer has the ring too.
    expect(result.placed!.lut).toBeGreaterThan(result.used.lut);
    expect(result.fmaxMHz).toBeGreaterThan(rtl.clockMHz);
    expect(result.timedBy).toMatch(/^nextpnr-ice40 [\d.]+ \(@yowasp\/nextpnr-ice40\)$/);
    expect(result.steps.map(({ step, status }) => [step, status])).toEqual([
      ["place and route", "done"],
      ["bitstream", "done"],
    ]);
    // A bitstream of iCE40 starts with a comment, then the synchronisation word.
    const bitstream = Buffer.from(bytesOf(files.get(FLOW_FILES.bitstream)!));
    expect(bitstream.indexOf("7eaa997e", 0, "hex")).toBeGreaterThanOrEqual(0);
    expect(JSON.parse(files.get(FLOW_FILES.result) as string)).toEqual(result);
  });

  it("says every step with its seconds", () => {
    expect(made.said.filter((line) => / \d+\.\d s$/.test(line)).map((line) => line.split(":")[0])).toEqual([
      expect.stringMatching(/^Yosys /),
      expect.stringMatching(/^nextpnr-ice40 /),
      expect.stringMatching(/^icepack /),
    ]);
  });

  it("comes out the same byte for byte", async () => {
    // Placed as before: what Yosys hands on is compared, and everything that is kept.
    const { tools, jobs } = recordedTools(
      {
        "nextpnr-ice40": () => ({
          ok: true,
          files: new Map([
            ["nextpnr.json", bytesOf(made.files.get("nextpnr.json")!)],
            ["routed", new Uint8Array()],
          ]),
          log: "",
        }),
        icepack: () => ({
          ok: true,
          files: new Map([[FLOW_FILES.bitstream, bytesOf(made.files.get(FLOW_FILES.bitstream)!)]]),
          log: "",
        }),
      },
      npm,
    );
    const again = await flow(hx8k, tools);
    expect(jobs.map(({ tool }) => tool)).toEqual(["nextpnr-ice40", "icepack"]);
    for (const [path, content] of made.files)
      if (path !== FLOW_FILES.result) expect(again.files.get(path), path).toEqual(content);
  });

  it.skipIf(!hasTool("verilator"))("is the same circuit as a netlist, cycle for cycle", async () => {
    expect(await verify(made, hx8k)).toMatchObject({
      status: "passed",
      mismatches: 0,
      latencyCycles: rtl.latencyCycles,
      intervalCycles: rtl.intervalCycles,
    });
  });

  it.skipIf(!hasTool("verilator"))("is found out when one look-up table is wrong", async () => {
    // The sum bit of an adder, turned round.
    const fault = (text: string): string => {
      const tables = [...text.matchAll(/\.LUT_INIT\(16'h([0-9a-f]{4})\)/g)];
      const parity = tables.find(([, init]) => ["c33c", "3cc3", "6996", "9669"].includes(init!))!;
      const wrong = (Number.parseInt(parity[1]!, 16) ^ 0xffff).toString(16).padStart(4, "0");
      return `${text.slice(0, parity.index)}.LUT_INIT(16'h${wrong})${text.slice(parity.index + parity[0].length)}`;
    };
    const found = await verify(made, hx8k, fault);
    expect(found.status).toBe("failed");
    expect(found.mismatches).toBeGreaterThan(0);
    expect(found.reason).toMatch(/the netlist of ice40-hx8k\): expected -?\d+, got -?\d+/);
  });

  /** Yosys as it ran; the rest of the flow is looked at. */
  const yosys = () => ({
    ok: true,
    files: new Map<string, Uint8Array>([
      ...[FLOW_FILES.stat, FLOW_FILES.netlist].map((path) => [path, bytesOf(made.files.get(path)!)] as const),
      ["mapped.json", new Uint8Array()] as const,
    ]),
    log: "",
  });

  it("is not placed on a part that is too small, and what is too much is named", async () => {
    const small = { ...hx8k, has: { ...hx8k.has, lut: 10, ff: 20 } };
    const { tools, jobs } = recordedTools({ yosys, "nextpnr-ice40": yosys });
    const { result, diagnostics, files } = await flow(small, tools);
    expect(jobs.map(({ tool }) => tool)).toEqual(["yosys"]);
    expect(diagnostics.map((d) => d.code)).toEqual(["flow/does-not-fit"]);
    const { lut, ff } = result.used;
    expect(diagnostics[0]!.message).toBe(
      `the design does not fit iCE40HX8K-CT256: ${lut} LUT of 10, ${ff} FF of 20`,
    );
    expect(result).toMatchObject({ fmaxMHz: null, steps: [{ status: "left out" }] });
    expect(files.has(FLOW_FILES.bitstream)).toBe(false);
    expect(files.has(FLOW_FILES.netlist)).toBe(true);
  });

  it("is not called fast enough when it is not", async () => {
    const report = { fmax: { a: { achieved: 99.999 }, b: { achieved: 250 } }, utilization: {} };
    const { tools } = recordedTools({
      yosys,
      "nextpnr-ice40": () => ({
        ok: true,
        files: new Map([
          ["nextpnr.json", Buffer.from(JSON.stringify(report))],
          ["routed", new Uint8Array()],
        ]),
        log: "",
      }),
      icepack: () => ({ ok: true, files: new Map([[FLOW_FILES.bitstream, new Uint8Array()]]), log: "" }),
    });
    const { result, diagnostics } = await flow(hx8k, tools);
    expect(result.fmaxMHz).toBe(99.99);
    expect(diagnostics.map((d) => [d.code, d.severity])).toEqual([["flow/timing-not-met", "warning"]]);
  });

  it("keeps its area, and has the words of a placer that fails or its name when it leaves nothing", async () => {
    const failing = recordedTools({
      yosys,
      "nextpnr-ice40": () => ({ ok: false, files: new Map(), log: "ERROR: Failed to route arc 1" }),
    });
    const { result, diagnostics, files } = await flow(hx8k, failing.tools);
    expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ["flow/refused", "nextpnr-ice40 1.0 failed while placing and routing:\n  ERROR: Failed to route arc 1"],
    ]);
    // What Yosys found stays.
    expect(result).toMatchObject({ used: made.result.used, fmaxMHz: null });
    const reason = "nextpnr-ice40 1.0 failed while placing and routing:";
    expect(result.steps).toEqual([
      { step: "place and route", tool: "nextpnr-ice40", status: "failed", reason },
    ]);
    expect(files.get(FLOW_FILES.netlist)).toEqual(made.files.get(FLOW_FILES.netlist));
    const silent = recordedTools({
      yosys,
      "nextpnr-ice40": () => ({ ok: true, files: new Map(), log: "" }),
    });
    expect((await flow(hx8k, silent.tools)).diagnostics.map((d) => d.message)).toEqual([
      "nextpnr-ice40 1.0 ended without a word while placing and routing",
    ]);
  });

  it("names the file that Yosys stumbles over", async () => {
    const path = "rtl/nf_dot.v";
    const broken = (design.files.get(path) as string).replace("endmodule", "end module");
    const [said] = await codesOf(flow(hx8k, npm, new Map([...design.files, [path, broken]])));
    expect(said).toMatch(/^flow\/refused: Yosys .* failed while synthesising .*, at rtl\/nf_dot\.v:\n/);
  });

  it("is refused when files of it are gone", async () => {
    const files = new Map(design.files);
    files.delete("rtl/nf_dot.v");
    files.delete("rtl/fc_bias.mem");
    expect(await codesOf(flow(hx8k, npm, files))).toEqual([
      "flow/incomplete-design: the design lacks rtl/nf_dot.v, rtl/fc_bias.mem",
    ]);
  });
});

describe("the passes of the targets", () => {
  it("and their options are known to Yosys", async () => {
    const yosys = await npm.need("yosys");
    const run = (lines: readonly string[]) =>
      yosys.run({
        arguments: ["-q", "-s", "all.ys"],
        files: new Map([
          ["a.v", "module a(input x, output y); assign y = ~x; endmodule\n"],
          ["all.ys", `read_verilog a.v\n${lines.join("\n")}\n`],
        ]),
        outputs: [],
      });
    // A label that no pass has: options are read, and nothing is done.
    const only = "-top a -run none:none";
    const passes = TARGETS.map(({ flow }) => `${flow.synth} ${flow.bare.join(" ")} ${only}`);
    expect(await run(passes)).toMatchObject({ ok: true });
    expect(await run([`synth_ecp5 -no-such-option ${only}`])).toMatchObject({
      ok: false,
      log: expect.stringContaining("no-such-option"),
    });
  });
});

describe("a design for Artix-7", () => {
  let made: Run;
  beforeAll(async () => {
    made = await flow(xc7, npm);
  });

  it("is counted, and the project of Vivado is written and not run", () => {
    const { result, files, said } = made;
    expect(result.used.lut).toBeGreaterThan(10);
    expect(result.fmaxMHz).toBeNull();
    const reason = "vivado is not on PATH: written for it, not run here";
    expect(result.steps).toEqual([{ step: "Vivado project", tool: "Vivado", status: "left out", reason }]);
    expect([...files.keys()].filter((path) => path.startsWith("vivado/"))).toEqual([
      "vivado/run.tcl",
      "vivado/project.tcl",
      "vivado/timing.xdc",
    ]);
    expect(said.join("\n")).toContain(reason);
  });

  it.skipIf(!hasTool("verilator"))(
    "is the same circuit as a netlist, with stalls of both sides",
    async () => {
      expect(await verify(made, xc7)).toMatchObject({ status: "passed", mismatches: 0 });
    },
  );

  it("gets its figures from Vivado where that is, run on the files of the design", async () => {
    const utilization =
      "| Slice LUTs | 61 |\n| Slice Registers | 52 |\n| Block RAM Tile | 0.5 |\n| DSPs | 1 |\n";
    const timing = "    WNS(ns)      TNS(ns)\n    -------      -------\n      6.000        0.000\n";
    const { tools, jobs } = recordedTools({
      yosys: () => ({
        ok: true,
        files: new Map(
          [FLOW_FILES.stat, FLOW_FILES.netlist].map(
            (path) => [path, bytesOf(made.files.get(path)!)] as const,
          ),
        ),
        log: "",
      }),
      vivado: ({ outputs }) => ({
        ok: true,
        files: new Map(
          outputs.map((path) => [path, Buffer.from(path.endsWith("timing.rpt") ? timing : utilization)]),
        ),
        log: "",
      }),
    });
    const { result, files } = await flow(xc7, tools);
    expect(result).toMatchObject({
      used: { lut: 61, ff: 52, dsp: 1, bram: 1 },
      fmaxMHz: 250,
      countedBy: "vivado 1.0 (recorded)",
      timedBy: "vivado 1.0 (recorded)",
    });
    expect(files.get("vivado/utilization.rpt")).toBe(utilization);
    const { job } = jobs.find(({ tool }) => tool === "vivado")!;
    expect(job.folder).toBe("flow/xc7/vivado");
    // From the project's folder, the paths of its script lead to the sources.
    expect(job.files.has("design/rtl/nf_dot.v")).toBe(true);
    expect(job.files.has("flow/xc7/vivado/run.tcl")).toBe(true);
  });
});
