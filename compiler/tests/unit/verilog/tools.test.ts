// Generated designs and fixed modules through Verilator, Icarus and Yosys: lint, values, cycles, robustness, taps.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { tracedValues } from "../../../program/trace.ts";
import { fixedFile, fixedFilesUnder } from "../../../render/render.ts";
import { simulate } from "../../../sim/simulate.ts";
import { type FileSet, mergeFileSets } from "../../../support/file-set.ts";
import { PARTS, partsOf } from "../../../verilog/build-plan.ts";
import { hasTool } from "../../tools-present.ts";
import { complaintsOfIcarus, type RandomDesign, randomDesign } from "./random-design.ts";
import { inFolder, run } from "./run-tools.ts";

const fixture = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");

const modules = fixedFilesUnder("verilog/lib").map((path) => path.slice("verilog/lib/".length, -".v".length));
const moduleFiles: FileSet = new Map(modules.map((m) => [`${m}.v`, fixedFile(`verilog/lib/${m}.v`)]));

/** Extreme parameters besides the defaults. */
const CORNERS: Readonly<Record<string, readonly string[][]>> = {
  nf_input: [
    ["ELEMENTS=1"],
    ["ELEMENTS=7", "LANES=2", "WORD_LANES=4", "LANE_BITS=16", "WIDTH=9"],
    ["WIDTH=1"],
  ],
  nf_window: [["WORDS=1"], ["WORDS=3", "REPLAYS=5"], ["WIDTH=1"]],
  nf_meet: [
    ["WIDTH=1", "WORDS=1"],
    ["WORDS=5", "COUNT=3"],
  ],
  nf_requantize: [
    ["SHIFT=40", "ROUNDING=2"],
    ["SHIFT=-30"],
    ["IN_WIDTH=48", "SHIFT=12", "ROUNDING=2", "RELU=1", "OUT_WIDTH=16", "OUT_SIGNED=0"],
    ["IN_WIDTH=1", "IN_SIGNED=0", "OUT_WIDTH=1", "OUT_SIGNED=0"],
    ["IN_WIDTH=1", "OUT_WIDTH=1", "SHIFT=1", "ROUNDING=1", "LANES=3"],
  ],
  nf_requantize_channels: [
    ["IN_WIDTH=1", "IN_SIGNED=0", "OUT_WIDTH=1", "OUT_SIGNED=0", "SHIFT_BITS=1"],
    ["LANES=3", "BEATS=2", "DEPTH=1", "LEFT=5", "SHIFT_BITS=4", "ROUNDING=2"],
    ["BEATS=1", "DEPTH=1", "IN_WIDTH=48", "SHIFT_BITS=6", "ROUNDING=1", "RELU=1"],
  ],
  nf_scale: [
    ["ELEMENTS=1", "DEPTH=1", "IN_WIDTH=1", "IN_SIGNED=0", "M_WIDTH=1", "OUT_WIDTH=3"],
    ["ELEMENTS=7", "LANES=3", "DEPTH=1", "IN_WIDTH=5", "M_WIDTH=9", "OUT_WIDTH=12"],
    ["IN_WIDTH=48", "M_WIDTH=32", "OUT_WIDTH=48"],
  ],
  nf_threshold: [
    ["ELEMENTS=1", "DEPTH=1"],
    ["ELEMENTS=7", "LANES=3", "DEPTH=1", "LEVELS=15", "OUT_WIDTH=5", "BASE=-8", "T_WIDTH=9"],
    [
      "ELEMENTS=7",
      "LANES=3",
      "DEPTH=2",
      "LEVELS=255",
      "OUT_WIDTH=8",
      "IN_WIDTH=1",
      "IN_SIGNED=0",
      "T_WIDTH=1",
    ],
    ["IN_WIDTH=48", "T_WIDTH=48"],
  ],
  nf_select: [
    ["ELEMENTS=1"],
    ["ELEMENTS=13", "LANES=3", "WORD_LANES=5"],
    ["ELEMENTS=33", "LANES=16", "WORD_LANES=16", "WIDTH=1"],
  ],
  nf_sideband: [["DEPTH=2"]],
  nf_beat_rom: [
    ["BEATS=1", "DEPTH=1", "WIDTH=1"],
    ["BEATS=7", "DEPTH=3"],
  ],
  nf_lane_adapter: [
    ["ELEMENTS=1", "S_LANES=1", "M_LANES=4", "GROUP=1"],
    ["ELEMENTS=5", "S_LANES=5", "M_LANES=1", "GROUP=5"],
    ["ELEMENTS=20", "S_LANES=4", "M_LANES=6", "GROUP=12", "WIDTH=1"],
  ],
  nf_dense: [
    ["INPUTS=7", "OUTPUTS=3", "PE=2", "SIMD=3"],
    ["INPUTS=1", "OUTPUTS=1"],
    ["SIMD=4", "ACC_WIDTH=5"],
    ["X_WIDTH=1", "W_WIDTH=1", "X_KIND=1", "ACC_WIDTH=2"],
    ["X_WIDTH=16", "W_WIDTH=16", "ACC_WIDTH=48", "W_KIND=0"],
    ["X_WIDTH=1", "X_KIND=2", "INPUTS=7", "SIMD=3"],
    ["W_WIDTH=1", "W_KIND=2", "INPUTS=7", "OUTPUTS=5", "PE=2", "SIMD=3"],
    [
      "X_WIDTH=1",
      "X_KIND=2",
      "W_WIDTH=1",
      "W_KIND=2",
      "INPUTS=7",
      "OUTPUTS=5",
      "PE=2",
      "SIMD=3",
      "ACC_WIDTH=4",
    ],
    ["X_WIDTH=1", "X_KIND=2", "W_WIDTH=1", "W_KIND=2", "INPUTS=1", "OUTPUTS=1", "ACC_WIDTH=2"],
    ["X_WIDTH=1", "X_KIND=2", "W_WIDTH=1", "W_KIND=1", "INPUTS=1", "OUTPUTS=1", "ACC_WIDTH=2"],
    ["VECTORS=3", "OUTPUTS=7", "PE=3"],
    ["VECTORS=2", "OUTPUTS=5", "PE=2", "SIMD=3", "W_WIDTH=1", "W_KIND=2"],
    ["VECTORS=2", "TAPS=3", "INPUTS=8", "OUTPUTS=8", "PE=4", "SIMD=6"],
    ["WINDOWS=3", "VECTORS=2", "TAPS=2", "INPUTS=4", "OUTPUTS=4", "PE=4", "SIMD=4"],
    ["WINDOWS=2", "INPUTS=7", "OUTPUTS=5", "PE=2", "SIMD=3", "W_WIDTH=1", "W_KIND=2"],
    ["PHASES_Y=2", "PHASES_X=3", "ROWS=5", "COLUMNS=4"],
    ["PHASES_Y=2", "INPUTS=1", "OUTPUTS=1", "ROWS=1"],
    ["WINDOWS=4", "SETS=2", "PE=2", "SIMD=4", "PHASES_Y=2", "ROWS=3"],
    ["SHARED_PE=2", "PE=2", "SIMD=4", "W_WIDTH=8"],
    ["SHARED_PE=2", "SHARED_WINDOWS=2", "WINDOWS=2", "PE=2", "SIMD=3", "X_WIDTH=4", "SPACING=7"],
  ],
  nf_dots: [
    ["SIMD=5", "SUM_WIDTH=17"],
    ["SIMD=3", "ROWS=3", "X_WIDTH=4", "X_KIND=1", "W_WIDTH=4", "SPACING=7", "SUM_WIDTH=8"],
    ["ROWS=1", "COLUMNS=2", "X_WIDTH=1", "W_WIDTH=2", "SPACING=3", "SUM_WIDTH=3"],
  ],
  nf_dot: [
    ["SIMD=5"],
    ["SIMD=5", "X_WIDTH=1", "X_KIND=2", "W_WIDTH=1", "W_KIND=2", "SUM_WIDTH=4"],
    ["SIMD=3", "W_WIDTH=1", "W_KIND=2", "X_KIND=1", "SUM_WIDTH=9"],
  ],
  nf_argmax: [
    ["ELEMENTS=1", "INDEX_WIDTH=1", "WIDTH=1"],
    ["ELEMENTS=7", "LANES=3", "INDEX_WIDTH=3", "SIGNED=0"],
    ["ELEMENTS=4", "LANES=4", "INDEX_WIDTH=2", "POSITIONS=3"],
  ],
  nf_fork: [["WIDTH=1"]],
  nf_forkn: [["WIDTH=1", "COUNT=1"], ["COUNT=5"]],
  nf_fifo: [["WIDTH=1", "DEPTH=1"], ["DEPTH=5"]],
  nf_join: [
    ["OP=1", "LANES=3", "A_WIDTH=1", "A_SIGNED=0", "B_WIDTH=1", "B_SIGNED=0", "SHIFT_B=3", "OUT_WIDTH=5"],
    ["OP=2", "A_WIDTH=24", "B_WIDTH=24", "SHIFT_A=2", "OUT_WIDTH=48"],
    ["OP=2", "A_WIDTH=1", "B_WIDTH=1", "OUT_WIDTH=2"],
    ["LANES=6", "B_LANES=2"],
  ],
  nf_merge: [
    ["COUNT=1", "A_WIDTH=1", "B_WIDTH=1"],
    ["COUNT=3", "A_WIDTH=2"],
  ],
  nf_repeat: [["COUNT=3", "WIDTH=1"], ["TIMES=1"]],
  nf_window_split: [
    ["KERNEL_Y=1", "KERNEL_X=1", "SPAN=2", "WIDTH=1"],
    ["KERNEL_X=2", "TAP_STEP=2", "STRIDE=3", "COUNT=3", "SPAN=9"],
  ],
  nf_concat: [["WIDTH=1"], ["A_BEATS=5", "B_BEATS=2"]],
  nf_limit: [
    ["WIDTH=1", "LIMIT=0"],
    ["LANES=3", "WIDTH=16", "SIGNED=1", "LIMIT=32767"],
  ],
  nf_line_window: [
    ["TAPS=2", "BANKS_X=3"],
    ["TAPS=9", "BANKS_Y=3", "BANKS_X=3", "BEFORE_Y=1", "BEFORE_X=1", "OUT_ROWS=4", "OUT_COLUMNS=4", "PAD=-3"],
    ["TAPS=3", "BANKS_X=3", "WORDS=2", "OUTER=2", "CAPACITY=24"],
    ["WORDS=4", "OUTER=2", "REPLAYS=3", "CAPACITY=64", "STRIDE_Y=2", "DILATION_X=2", "OUT_COLUMNS=1"],
    ["S_COLUMNS=2", "BANKS_X=2"],
    ["S_COLUMNS=4", "TAPS=12", "BANKS_Y=3", "BANKS_X=4", "KERNEL_X=4", "STRIDE_X=2", "OUT_COLUMNS=1"],
    ["SPREAD_Y=2", "SPREAD_X=3", "BEFORE_Y=2", "BEFORE_X=1"],
    ["SPREAD_Y=2", "SPREAD_X=3", "KERNEL_Y=1", "KERNEL_X=1", "REPEAT=1", "OUT_ROWS=8", "OUT_COLUMNS=12"],
    [
      "TAPS=4",
      "BANKS_Y=2",
      "BANKS_X=2",
      "SPREAD_Y=2",
      "SPREAD_X=2",
      "DILATION_Y=2",
      "DILATION_X=2",
      "REPEAT=1",
      "KERNEL_Y=2",
      "KERNEL_X=2",
      "BEFORE_X=-1",
      "CAPACITY=8",
    ],
    ["ROWS=1", "OUT_ROWS=1", "KERNEL_Y=1", "CAPACITY=4"],
    [
      "ROWS=1",
      "COLUMNS=1",
      "OUT_ROWS=1",
      "OUT_COLUMNS=1",
      "KERNEL_Y=1",
      "KERNEL_X=1",
      "CAPACITY=1",
      "WIDTH=1",
    ],
  ],
  nf_line_banks: [
    ["TAPS=9", "BANKS_Y=3", "BEAT_BITS=1"],
    ["COLUMNS=1", "KERNEL_X=1", "TAPS=2", "HELD=4", "BANKS_Y=2", "BANKS_X=1", "BEAT_BITS=1", "WIDTH=1"],
    ["S_COLUMNS=3", "BANKS_X=6"],
    ["WORDS=3", "WORD_BITS=2", "HELD=4", "STEP_ROW=2", "FIRST_ROW=1", "FIRST_COLUMN=1"],
  ],
  nf_rotate: [["COUNT=1"], ["COUNT=4", "WIDTH=1"]],
  nf_pool: [
    ["WIDTH=1", "WINDOW=1"],
    ["WIDTH=1", "SIGNED=1", "LANES=2"],
    ["AVERAGE=1"],
    ["AVERAGE=1", "WORDS=5", "LANES=2"],
    ["WORDS=2", "LANES=2"],
    ["AVERAGE=1", "WINDOW=9", "MULTIPLIER=57", "SHIFT=9", "OFFSET=-3", "SUM_WIDTH=13"],
    ["AVERAGE=1", "WINDOW=1", "SHIFT=0", "SUM_WIDTH=8", "SIGNED=1"],
    ["AVERAGE=1", "WIDTH=1", "SUM_WIDTH=4"],
    ["TAPS=4", "WINDOWS=2", "LANES=4", "WINDOW=1", "SIGNED=1"],
    ["TAPS=3", "AVERAGE=1", "LANES=2", "WORDS=2"],
    ["TAPS=9", "WINDOW=1"],
    ["TAPS=6", "WIDTH=1", "WINDOWS=2", "LANES=2", "WINDOW=2"],
  ],
  nf_table: [
    ["CHANNELS=7", "LANES=3", "IN_WIDTH=1", "OUT_WIDTH=1", "IN_SIGNED=1"],
    ["CHANNELS=1", "IN_WIDTH=12", "OUT_WIDTH=16"],
  ],
  nf_crop: [
    ["ROWS=1", "FIRST_ROW=0", "BOX_ROWS=1", "WIDTH=1"],
    ["WORDS=4", "FIRST_WORD=3"],
  ],
  nf_pad: [
    ["ROWS=1", "OUT_ROWS=1", "FIRST_ROW=0", "COLUMNS=1", "WIDTH=1"],
    ["LANES=3", "WORDS=2", "OUT_WORDS=4", "PAD=-3"],
  ],
  nf_position: [
    ["ROWS=1", "FIRST_ROW=0", "BOX_ROWS=1"],
    ["WORDS=4", "FIRST_WORD=3"],
  ],
  nf_output: [["LANES=3", "BEATS=2", "WIDTH=8", "SIGNED=1"], ["WIDTH=1"]],
  nf_output_pair: [
    ["LANES=2", "A_BEATS=1", "A_WIDTH=8", "LANE_BITS=8", "B_WIDTH=8"],
    ["A_WIDTH=1", "A_SIGNED=0", "B_WIDTH=1"],
  ],
};

describe("fixed modules", () => {
  it("are listed with the modules that they are made of", () => {
    for (const module of modules) {
      const text = fixedFile(`verilog/lib/${module}.v`);
      const parts = new Set([...text.matchAll(/^\s*(nf_\w+) #\($/gm)].map((match) => match[1]!));
      parts.delete(module);
      expect([...parts].sort(), module).toEqual(PARTS[module] ?? []);
    }
  });

  it("have corner parameters here", () => {
    expect(Object.keys(CORNERS).sort()).toEqual([...modules].sort());
  });

  it.skipIf(!hasTool("verilator"))("are clean under verilator -Wall", () => {
    inFolder(moduleFiles, (folder) => {
      for (const module of modules) {
        for (const corner of [[], ...CORNERS[module]!]) {
          const parameters = corner.map((p) => `-G${p}`);
          const args = ["--lint-only", "-Wall", `${module}.v`, ...parameters];
          expect(run(folder, "verilator", args).stderr, `${module} ${corner.join(" ")}`).toBe("");
        }
      }
    });
  });

  it.skipIf(!hasTool("iverilog"))("are clean under iverilog -g2005 -Wall", () => {
    inFolder(moduleFiles, (folder) => {
      for (const module of modules) {
        for (const corner of [[], ...CORNERS[module]!]) {
          const parameters = corner.map((p) => `-P${module}.${p}`);
          const sources = [module, ...partsOf(module)].map((m) => `${m}.v`);
          const args = ["-g2005", "-Wall", "-o", "x.vvp", "-s", module, ...parameters, ...sources];
          expect(run(folder, "iverilog", args), `${module} ${corner.join(" ")}`).toMatchObject({
            status: 0,
            stderr: "",
          });
        }
      }
    });
  });

  it.skipIf(!hasTool("yosys"))("are taken by yosys", () => {
    inFolder(moduleFiles, (folder) => {
      const checks = modules.flatMap((m) => [
        ...[m, ...partsOf(m)].map((part) => `read_verilog ${part}.v`),
        `hierarchy -check -top ${m}`,
        "proc",
        "check -assert",
        "design -reset",
      ]);
      expect(run(folder, "yosys", ["-q", "-p", checks.join("; ")])).toMatchObject({ status: 0, stderr: "" });
    });
  });
});

describe.skipIf(!hasTool("yosys"))("the weights", () => {
  it("carry the style of memory that is asked for", () => {
    const styled = (style: string): string =>
      `read_verilog nf_dense.v nf_dot.v nf_dots.v; chparam -set ROM_STYLE "${style}" nf_dense; hierarchy -top nf_dense; proc; ` +
      `select -assert-count 1 m:weights a:rom_style=${style} %i; design -reset`;
    inFolder(moduleFiles, (folder) => {
      const checks = ["block", "auto"].map(styled).join("; ");
      expect(run(folder, "yosys", ["-q", "-p", checks])).toMatchObject({ status: 0, stderr: "" });
    });
  });
});

describe.skipIf(!hasTool("yosys"))("the lines before taps side by side", () => {
  it("are one memory for each bank, of which no bit is held twice", () => {
    inFolder(moduleFiles, (folder) => {
      const steps = [
        "read_verilog nf_line_banks.v nf_rotate.v",
        "hierarchy -top nf_line_banks -chparam TAPS 9 -chparam BANKS_Y 3 -chparam HELD 3 -chparam COLUMNS 30",
        "proc; flatten; opt_clean; memory -nomap",
        // 3 x 3 memories of 10 words of 8 bits.
        "select -assert-count 9 t:$mem_v2 r:SIZE=10 %i",
        "select -assert-count 9 t:$mem_v2",
      ];
      expect(run(folder, "yosys", ["-q", "-p", steps.join("; ")])).toMatchObject({ status: 0, stderr: "" });
    });
  });
});

describe.skipIf(!hasTool("iverilog"))("random designs in Icarus", () => {
  // Many more, with branches too: rtl-tests/fuzz.
  it.each([0, 12])("give the simulator's values in the predicted cycles (seeds from %i)", (from) => {
    for (let seed = from; seed < from + 12; seed++)
      expect(complaintsOfIcarus(randomDesign(seed, 12)), `seed ${seed}`).toBe("");
  });

  it("notice a wrong answer and a wrong prediction", () => {
    const { files, manifest } = randomDesign(3, 4);
    const bench = `tb/${manifest.top}_tb.v`;
    const changed = (path: string, from: RegExp, to: string): FileSet =>
      new Map([...files].map(([p, c]) => [p, p === path ? `${c}`.replace(from, to) : c]));
    const flipped = changed("vectors/expected.mem", /\n(.*)(.)\n$/, "\n$1x\n");
    const wrongLatency = changed(bench, /LATENCY_CYCLES = \d+/, "LATENCY_CYCLES = 1");
    const wrongInterval = changed(bench, /INTERVAL_CYCLES = \d+/, "INTERVAL_CYCLES = 0");
    for (const set of [flipped, wrongLatency, wrongInterval]) {
      inFolder(set, (folder) => {
        const sources = [...manifest.sources, bench];
        run(folder, "iverilog", ["-g2005", "-o", "x.vvp", "-s", `${manifest.top}_tb`, ...sources]);
        expect(run(folder, "vvp", ["-n", "x.vvp"]).stdout).toMatch(/^FAIL: \d+ errors$/m);
      });
    }
  });

  it.each([3, 8, 17, 25, 63, 81])("survive broken framing and resets at every cycle (seed %i)", (seed) => {
    const { files, manifest } = randomDesign(seed, 2);
    const { latencyCycles, intervalCycles, top } = manifest;
    const [input, output] = [manifest.inputs[0]!, manifest.outputs[0]!];
    const parameters = {
      IN_BITS: input.lanes * input.laneBits,
      IN_BEATS: input.beats,
      OUT_BITS: output.lanes * output.laneBits,
      OUT_BEATS: output.beats,
      SPAN: latencyCycles + 2 * intervalCycles + 8,
      QUIET: latencyCycles + 2 * intervalCycles + 40,
    };
    const bench: FileSet = new Map([["robustness_tb.v", fixture("robustness_tb.v")]]);
    const images = new Map(manifest.memories.map((m) => [m.slice("rtl/".length), files.get(m)!]));
    inFolder(mergeFileSets(files, bench, images), (folder) => {
      const defines = Object.entries(parameters).map(([k, v]) => `-Probustness_tb.${k}=${v}`);
      const args = ["-g2005", "-o", "x.vvp", "-s", "robustness_tb", `-DTOP=${top}`, ...defines];
      const compiled = run(folder, "iverilog", [...args, ...manifest.sources, "robustness_tb.v"]);
      expect(compiled).toMatchObject({ status: 0, stderr: "" });
      expect(run(folder, "vvp", ["-n", "x.vvp"]).stdout).toBe("PASS\n");
    });
  });
});

/** A test bench counts in integers, makes its clock by itself and waits inside of its processes. */
const BENCH_STYLE = ["-Wno-WIDTH", "-Wno-BLKSEQ", "-Wno-INITIALDLY"];

describe.skipIf(!hasTool("verilator"))("random designs in Verilator", () => {
  it("are clean under -Wall, the test bench, the tap wrapper and the rules too", () => {
    for (let seed = 0; seed < 18; seed++) {
      const { files, manifest } = randomDesign(seed, 1, seed >= 12);
      inFolder(files, (folder) => {
        const lint = ["--lint-only", "-Wall", ...manifest.sources];
        expect(run(folder, "verilator", [...lint, "--top-module", manifest.top]).stderr, `seed ${seed}`).toBe(
          "",
        );
        const bench = `${manifest.top}_tb`;
        const benched = [...lint, `tb/${bench}.v`, "--top-module", bench, "--timing", ...BENCH_STYLE];
        expect(run(folder, "verilator", benched).stderr, `seed ${seed}`).toBe("");
        const { module, file } = manifest.tapWrapper;
        const tapped = [...lint, file, "--top-module", module, "-Wno-DECLFILENAME"];
        expect(run(folder, "verilator", tapped).stderr, `seed ${seed}`).toBe("");
        const ruled = [
          ...lint,
          manifest.rules,
          "--assert",
          "--top-module",
          manifest.top,
          "-Wno-DECLFILENAME",
        ];
        expect(run(folder, "verilator", ruled).stderr, `seed ${seed}`).toBe("");
      });
    }
  });

  const tapped = { design: undefined as RandomDesign | undefined, out: "" };
  beforeAll(() => {
    const one = randomDesign(17, 5);
    tapped.design = one;
    const { module, file } = one.manifest.tapWrapper;
    const files = mergeFileSets(one.files, new Map([["main.cpp", fixture("tap_main.cpp")]]));
    inFolder(files, (folder) => {
      const sources = [...one.manifest.sources, file, "main.cpp"];
      const args = ["--cc", "--exe", "--build", "-Wno-fatal", "--prefix", "Vdut", "--top-module", module];
      args.push("-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0");
      const built = run(folder, "verilator", [...args, '-GMEM_DIR="rtl/"', ...sources]);
      expect(built.status, built.stderr).toBe(0);
      const beats = `${one.files.get("vectors/input.mem")}`.replace(/^\/\/.*$/gm, "");
      tapped.out = run(folder, "obj_dir/Vdut", [`${one.manifest.inputs[0]!.beats}`], beats).stdout;
    });
  });

  it("report every element of every traced value once, in order", () => {
    const { program, inputs, packets, manifest } = tapped.design!;
    expect(manifest.taps.length).toBeGreaterThan(3);
    const values = simulate(program, inputs, packets).values;
    const seen = new Map<number, number[]>();
    for (const [, index, value] of tapped.out.matchAll(/^tap (\d+) (-?\d+)$/gm))
      seen.set(Number(index), [...(seen.get(Number(index)) ?? []), Number(value)]);
    for (const tap of manifest.taps) {
      expect(tap.value).toBe(tracedValues(program)[tap.index]!.value.name);
      expect(seen.get(tap.index), tap.value).toEqual([...values.get(tap.value)!]);
    }
  });
});

describe.skipIf(!hasTool("yosys"))("random designs in Yosys", () => {
  it("are read and checked", () => {
    for (let seed = 0; seed < 8; seed++) {
      const { files, manifest } = randomDesign(seed, 1);
      const images = new Map(manifest.memories.map((m) => [m.slice("rtl/".length), files.get(m)!]));
      inFolder(mergeFileSets(files, images), (folder) => {
        const read = `read_verilog ${manifest.sources.join(" ")}`;
        const script = `${read}; hierarchy -check -top ${manifest.top}; proc; check -assert`;
        expect(run(folder, "yosys", ["-q", "-p", script]).status, `seed ${seed}`).toBe(0);
      });
    }
  });
});
