// Every module with streams under all stalls of some cycles and for all beats, by bounded model checking; and that a module
// which loses, doubles or changes a beat does not pass.
import { describe, expect, test } from "vitest";
import { fixedFile } from "../../compiler/render/render.ts";
import { casesOf, isNightly } from "../../compiler/tests/nightly.ts";
import { type Claim, unproved } from "./prove.ts";
import { type Stalled, type Stream, stallsClaim } from "./stalls.ts";

const TIMEOUT = 3_600_000;
/** Cycles looked at beyond those of each module. */
const MORE = casesOf(0, 4);

const stream = (stem: string, width: number): Stream => ({ stem, width });
const S = stream("s", 2);
const M = stream("m", 2);
const AXI_IN: Stream = { stem: "s_axis", width: 8, isAxi: true };
const AXI_OUT: Stream = { stem: "m_axis", width: 8, isAxi: true };

/** A beat for a beat. */
const one = (taken: number): number => taken;
/** A beat for every packet of `size`. */
const each = (size: number) => (taken: number) => Math.floor(taken / size);

/** One stream in and one out; beats that are due leave within four cycles. */
function through(
  module: string,
  parameters: Stalled["parameters"],
  given: Partial<Stalled> & { readonly due?: Stalled["due"] } = {},
): Stalled {
  return {
    module,
    parameters,
    inputs: [S],
    outputs: [M],
    beats: 4,
    cycles: 11 + MORE,
    modules: [module],
    ...given,
  };
}

const due = (beats: (taken: number) => number, cycles = 4): Pick<Stalled, "due"> => ({
  due: { beats, cycles },
});
const ROM = ["nf_beat_rom"];
const undisturbed = { s_drop: "1'b0" };

const MODULES: readonly Stalled[] = [
  through("nf_fifo", { WIDTH: 2, DEPTH: 1 }, due(one, 6)),
  through("nf_fifo", { WIDTH: 2, DEPTH: 2 }, due(one, 6)),
  through("nf_fifo", { WIDTH: 2, DEPTH: 3 }, due(one, 6)),
  through(
    "nf_requantize",
    { IN_WIDTH: 4, OUT_WIDTH: 2, SHIFT: 1 },
    { inputs: [stream("s", 4)], ...due(one) },
  ),
  through(
    "nf_requantize_channels",
    { IN_WIDTH: 4, OUT_WIDTH: 2, BEATS: 3, DEPTH: 3, SHIFT_FILE: '"shifts.mem"' },
    {
      inputs: [stream("s", 4)],
      tied: undisturbed,
      modules: ["nf_requantize_channels", ...ROM],
      files: new Map([["shifts.mem", "0\n1\n2\n"]]),
      ...due(one),
    },
  ),
  through(
    "nf_scale",
    { ELEMENTS: 3, IN_WIDTH: 2, M_WIDTH: 2, OUT_WIDTH: 4, DEPTH: 3, CONSTANT_FILE: '"constants.mem"' },
    {
      outputs: [stream("m", 4)],
      tied: undisturbed,
      modules: ["nf_scale", ...ROM],
      files: new Map([["constants.mem", "05\n0a\n17\n"]]),
      ...due(one),
    },
  ),
  through("nf_limit", { WIDTH: 2, LIMIT: 2 }, due(one)),
  through(
    "nf_threshold",
    {
      ELEMENTS: 3,
      IN_WIDTH: 2,
      T_WIDTH: 2,
      LEVELS: 2,
      OUT_WIDTH: 2,
      DEPTH: 3,
      THRESHOLD_FILE: '"thresholds.mem"',
    },
    {
      tied: undisturbed,
      modules: ["nf_threshold", ...ROM],
      files: new Map([["thresholds.mem", "4\n8\nd\n"]]),
      ...due(one),
    },
  ),
  through(
    "nf_table",
    { CHANNELS: 2, IN_WIDTH: 2, OUT_WIDTH: 2, FILE: '"entries.mem"' },
    { files: new Map([["entries.mem", "3\n1\n0\n2\n"]]), ...due(one) },
  ),
  through(
    "nf_argmax",
    { ELEMENTS: 3, WIDTH: 2, INDEX_WIDTH: 2 },
    { beats: 7, cycles: 13 + MORE, ...due(each(3)) },
  ),
  through(
    "nf_lane_adapter",
    { ELEMENTS: 4, WIDTH: 1, S_LANES: 2, M_LANES: 4, GROUP: 4 },
    { outputs: [stream("m", 4)], ...due(each(2)) },
  ),
  through(
    "nf_lane_adapter",
    { ELEMENTS: 4, WIDTH: 1, S_LANES: 4, M_LANES: 2, GROUP: 4 },
    { inputs: [stream("s", 4)], beats: 2, ...due((n) => 2 * n, 6) },
  ),
  through(
    "nf_pad",
    { WIDTH: 2, ROWS: 1, COLUMNS: 2, OUT_ROWS: 1, OUT_COLUMNS: 4, FIRST_ROW: 0, FIRST_COLUMN: 1, PAD: 1 },
    { cycles: 12 + MORE, modules: ["nf_pad", "nf_position"] },
  ),
  through(
    "nf_crop",
    { WIDTH: 2, ROWS: 1, COLUMNS: 3, FIRST_ROW: 0, FIRST_COLUMN: 1, BOX_ROWS: 1, BOX_COLUMNS: 1 },
    { beats: 6, modules: ["nf_crop", "nf_position"], ...due((n) => Math.floor((n + 1) / 3)) },
  ),
  through(
    "nf_window",
    { WIDTH: 2, WORDS: 2, REPLAYS: 2 },
    { tied: undisturbed, ...due((n) => 4 * Math.floor(n / 2), 9), cycles: 14 + MORE },
  ),
  through(
    "nf_line_window",
    {
      WIDTH: 2,
      ROWS: 1,
      COLUMNS: 3,
      OUT_ROWS: 1,
      OUT_COLUMNS: 2,
      KERNEL_Y: 1,
      KERNEL_X: 2,
      CAPACITY: 4,
    },
    { beats: 6, cycles: 14 + MORE, modules: ["nf_line_window", "nf_line_banks", "nf_position", "nf_rotate"] },
  ),
  through("nf_pool", { WIDTH: 2, WINDOW: 2 }, { tied: { s_inside: "1'b1" }, beats: 5, ...due(each(2)) }),
  through(
    "nf_pool",
    { WIDTH: 2, WINDOW: 2, AVERAGE: 1, SUM_WIDTH: 4, SHIFT: 1 },
    { tied: { s_inside: "1'b1" }, beats: 5, ...due(each(2), 5) },
  ),
  through(
    "nf_dense",
    { INPUTS: 2, OUTPUTS: 2, X_WIDTH: 2, W_WIDTH: 2, ACC_WIDTH: 5, WEIGHT_FILE: '"weights.mem"' },
    {
      outputs: [stream("m", 5)],
      beats: 6,
      modules: ["nf_dense", "nf_dot", "nf_dots"],
      files: new Map([["weights.mem", "1\n2\n3\n1\n"]]),
      ...due(each(2), 6),
    },
  ),
  through(
    "nf_select",
    { ELEMENTS: 4, LANES: 2, WORD_LANES: 3, WIDTH: 1, MASK_FILE: '"mask.mem"' },
    {
      tied: undisturbed,
      outputs: [stream("m", 3)],
      modules: ["nf_select", ...ROM],
      files: new Map([["mask.mem", "3\n1\n"]]),
      ...due(each(2)),
    },
  ),
  through("nf_input", { ELEMENTS: 2, WIDTH: 2 }, { inputs: [AXI_IN], beats: 5 }),
  through("nf_output", { BEATS: 2, WIDTH: 2 }, { outputs: [AXI_OUT], ...due(one) }),
  through(
    "nf_output_pair",
    { LANE_BITS: 8, A_BEATS: 2, A_WIDTH: 2, B_WIDTH: 2 },
    { inputs: [stream("a", 2), stream("b", 2)], outputs: [AXI_OUT] },
  ),
  through(
    "nf_join",
    { OP: 1, A_WIDTH: 2, B_WIDTH: 2, OUT_WIDTH: 4 },
    { inputs: [stream("a", 2), stream("b", 2)], outputs: [stream("m", 4)] },
  ),
  through(
    "nf_merge",
    { COUNT: 1, A_WIDTH: 2, B_WIDTH: 2 },
    { inputs: [stream("a", 2), stream("b", 2)], outputs: [stream("m", 4)] },
  ),
  through("nf_concat", { WIDTH: 2, A_BEATS: 1, B_BEATS: 2 }, { inputs: [stream("a", 2), stream("b", 2)] }),
];

/** In `make test`: one of every kind; all of them in the nightly run. */
const FEW = new Set([
  "nf_requantize",
  "nf_argmax",
  "nf_lane_adapter",
  "nf_window",
  "nf_line_window",
  "nf_dense",
  "nf_input",
  "nf_output",
  "nf_join",
]);
const FIFO = MODULES[1]!;
const CHOSEN = MODULES.filter((stalled) => isNightly() || stalled === FIFO || FEW.has(stalled.module));
/** Claims of one run of Yosys. */
const TOGETHER = 5;
const runs = Array.from({ length: Math.ceil(CHOSEN.length / TOGETHER) }, (_, n) =>
  CHOSEN.slice(n * TOGETHER, (n + 1) * TOGETHER).map(stallsClaim),
);

/** The claim about a module with another text in place of one. */
function broken(stalled: Stalled, from: string, to: string): Claim {
  const { module } = stalled;
  const text = fixedFile(`verilog/lib/${module}.v`);
  expect(text.split(from).length, `${module} has ${from}`).toBe(2);
  return stallsClaim({
    ...stalled,
    files: new Map([...(stalled.files ?? []), [`${module}.v`, text.replace(from, to)]]),
  });
}

const named = (module: string): Stalled => MODULES.find((stalled) => stalled.module === module)!;

describe("stalls change nothing", () => {
  test.each(runs.map((claims) => [claims.map(({ name }) => name.split(" ")[0]).join(", "), claims] as const))(
    "%s",
    async (_, claims) => {
      expect(await unproved(claims)).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    "and no module that loses, doubles or changes a beat is proved",
    async () => {
      const requantize = named("nf_requantize");
      const faults: readonly (readonly [string, Claim])[] = [
        ["takes while a beat stands", broken(requantize, "assign s_ready = free;", "assign s_ready = 1'b1;")],
        ["changes a beat", broken(requantize, "if (free) m_data <= y;", "m_data <= y;")],
        ["doubles", broken(FIFO, "if (free) m_valid <= read;", "if (free) m_valid <= read || m_valid;")],
        ["overflows", broken(FIFO, "FULL = DEPTH;", "FULL = DEPTH + 1;")],
        ["loses", broken(FIFO, "if (write && !read) stored", "if (write) stored")],
      ];
      const failed = await unproved(faults.map(([name, claim]) => ({ ...claim, name })));
      expect(failed.map((text) => text.slice(0, text.indexOf(":")))).toEqual(faults.map(([name]) => name));
    },
    TIMEOUT,
  );
});
