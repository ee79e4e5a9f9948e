// The vendors' projects: what they name is there, their scripts are Tcl, and the reports of such runs are read.
import { describe, expect, it } from "vitest";
import {
  createVendorProject,
  readQuartusFit,
  readQuartusTiming,
  readVivadoTiming,
  readVivadoUtilization,
} from "../../../flow/vendor.ts";
import { targetNamed } from "../../../targets/targets.ts";
import { hasTool } from "../../tools-present.ts";
import { classifier, designOf } from "../verify/designs.ts";
import { inFolder, run } from "../verilog/run-tools.ts";

const { manifest } = designOf(classifier("gate", [8, 4, 3]));
const rtl = manifest.rtl!;
const project = (target: string) =>
  createVendorProject(rtl, targetNamed(target)!, { seed: 1, clockMHz: rtl.clockMHz })!;
const textOf = (target: string, path: string): string => project(target).files.get(path) as string;

/** Commands of a script with their words, recorded by Yosys's Tcl interpreter with every command of the tool as a stub. */
function commandsOf(script: string, names: readonly string[]): readonly string[] {
  const stubs = names.map((name) => `proc ${name} {args} { puts "CALL ${name} $args" }`);
  const files = new Map([
    ["run.tcl", script],
    ["stubs.tcl", `${stubs.join("\n")}\nsource run.tcl\n`],
  ]);
  return inFolder(files, (folder) => {
    const { status, stdout, stderr } = run(folder, "yosys", ["-q", "-c", "stubs.tcl"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return stdout
      .split("\n")
      .filter((line) => line.startsWith("CALL "))
      .map((line) => line.slice(5).replaceAll(folder, "HERE"));
  });
}

const VIVADO = [
  ...["create_project", "read_verilog", "read_mem", "read_xdc", "synth_design", "opt_design"],
  ...["place_design", "phys_opt_design", "route_design", "report_utilization", "report_timing_summary"],
  ...["write_checkpoint", "add_files", "set_property", "get_files", "current_fileset", "get_runs"],
  ...["update_compile_order", "create_clock", "get_ports"],
];

describe.skipIf(!hasTool("yosys"))("the scripts for Vivado", () => {
  it.each(["xc7", "xcup"])("read every source and memory of the design and run to the end: %s", (target) => {
    const { part } = targetNamed(target)!;
    const commands = commandsOf(textOf(target, "run.tcl"), VIVADO);
    expect(commands.map((line) => line.split(" ")[0])).toEqual([
      ...["create_project", "read_verilog", "read_mem", "read_xdc", "synth_design", "opt_design"],
      ...["place_design", "phys_opt_design", "route_design", "report_utilization", "report_timing_summary"],
      "write_checkpoint",
    ]);
    const names = (paths: readonly string[]) => paths.map((path) => `HERE/../../../design/${path}`);
    expect(commands[1]!.slice("read_verilog ".length).replace(/[{}]/g, "").split(" ")).toEqual(
      names(rtl.sources),
    );
    expect(commands[2]!.slice("read_mem ".length).replace(/[{}]/g, "").split(" ")).toEqual(
      names(rtl.memories),
    );
    expect(commands[4]).toBe(`synth_design -top ${rtl.top} -part ${part} -mode out_of_context`);
    const opened = commandsOf(textOf(target, "project.tcl"), VIVADO);
    expect(opened.filter((line) => line.startsWith("add_files "))).toHaveLength(2);
    for (const path of [...rtl.sources, ...rtl.memories]) expect(opened.join("\n")).toContain(`/${path}`);
  });

  it("state the clock", () => {
    expect(commandsOf(textOf("xc7", "timing.xdc"), VIVADO)).toEqual([
      "get_ports aclk",
      "create_clock -name aclk -period 10.000 {}",
    ]);
  });
});

describe("the project for Quartus", () => {
  it("names every source, finds the memories, and makes every port but the clock virtual", () => {
    const text = textOf("cyclone5", `${rtl.top}.qsf`);
    const assigned = (name: string) =>
      [...text.matchAll(new RegExp(`-name ${name} (.*)`, "g"))].map(([, value]) => value);
    expect(assigned("DEVICE")).toEqual(["5CSEBA6U23I7"]);
    expect(assigned("VERILOG_FILE")).toEqual(rtl.sources.map((path) => `../../../design/${path}`));
    expect(assigned("SEARCH_PATH")).toEqual(["../../../design/rtl"]);
    expect(assigned("VIRTUAL_PIN")).toEqual(
      [
        ...["aresetn", "s_axis_tdata[*]", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast"],
        ...["m_axis_tdata[*]", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast", "frame_error"],
      ].map((port) => `ON -to ${port}`),
    );
    expect(textOf("cyclone5", "timing.sdc")).toContain(
      "create_clock -name aclk -period 10.000 [get_ports aclk]",
    );
    expect(project("cyclone5").arguments).toEqual(["--flow", "compile", rtl.top]);
  });

  it("is there for Cyclone alone, and Vivado's for the parts of AMD", () => {
    expect(project("cyclone5").tool).toBe("quartus_sh");
    expect(project("xc7").tool).toBe("vivado");
    expect(createVendorProject(rtl, targetNamed("ecp5")!, { seed: 1, clockMHz: 100 })).toBeUndefined();
  });
});

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

describe("a report of Vivado", () => {
  it.each([
    ["Slice", []],
    ["CLB", ["0"]],
  ])("states utilisation by %s, with a column more or less", (site, prohibited) => {
    const text = [
      row("Site Type", "Used", "Fixed", ...prohibited.map(() => "Prohibited"), "Available", "Util%"),
      row(`${site} LUTs*`.padEnd(26), "1440", "0", ...prohibited, "20800", "6.92"),
      row("  LUT as Logic".padEnd(26), "1400", "0", ...prohibited, "20800", "6.73"),
      row(`${site} Registers`.padEnd(26), "2200", "0", ...prohibited, "41600", "5.29"),
      row("Block RAM Tile", "2.5", "0", ...prohibited, "50", "5.00"),
      row("DSPs", "12", "0", ...prohibited, "90", "13.33"),
    ].join("\n");
    expect(readVivadoUtilization(text)).toEqual({ lut: 1440, ff: 2200, dsp: 12, bram: 5 });
    expect(() => readVivadoUtilization(text.replace("DSPs", "Other"))).toThrow(/DSPs/);
  });

  it.each([
    ["0.420", 10, 104.38],
    ["-1.250", 10, 88.88],
  ])("states the slack: %s ns", (slack, period, fmax) => {
    const text = `| Design Timing Summary\n| ---\n\n    WNS(ns)      TNS(ns)  TNS Failing Endpoints\n    -------      -------  ---------------------\n      ${slack}        0.000                      0\n`;
    expect(readVivadoTiming(text, period)).toBe(fmax);
    expect(() => readVivadoTiming(text.replace(slack, "NA"), period)).toThrow(/worst slack/);
    expect(() => readVivadoTiming("", period)).toThrow(/worst slack/);
  });
});

describe("a report of Quartus", () => {
  const fit = [
    "Fitter Status : Successful - Sat Jan 12 11:51:18 2019",
    "Device : 5CSEBA6U23I7",
    "Logic utilization (in ALMs) : 1,584 / 41,910 ( 4 % )",
    "Total registers : 1716",
    "Total RAM Blocks : 3 / 553 ( < 1 % )",
    "Total DSP Blocks : 12 / 112 ( 11 % )",
  ].join("\n");

  it("states what the design takes", () => {
    expect(readQuartusFit(fit)).toEqual({ lut: 3168, ff: 1716, dsp: 12, bram: 3 });
    expect(() => readQuartusFit(fit.replace("Total registers", "Registers"))).toThrow(/Total registers/);
  });

  it("states the clock of each corner, of which the slowest counts", () => {
    const table = (corner: string, fmax: string) =>
      `; Slow 1100mV ${corner} Model Fmax Summary              ;\n+---+\n; Fmax ; Restricted Fmax ; Clock Name ; Note ;\n+---+\n; ${fmax} MHz ; ${fmax} MHz ; aclk ; ;\n+---+\n`;
    const text = `; Table of Contents ;\n${table("85C", "113.19")}${table("-40C", "109.5")}`;
    expect(readQuartusTiming(text)).toBe(109.5);
    expect(() => readQuartusTiming("")).toThrow(/Fmax summary/);
  });
});
