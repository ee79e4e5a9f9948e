// Faults of the fixed Verilog modules. In: a module's name and text. Out: where an expression of it can be replaced by a
// wrong one. A place is a piece of the text that occurs once; a module that was rewritten fails here, not silently.
import type { Parameters } from "../harness/instances.ts";
import type { FaultKind } from "./fault.ts";

/** What is connected to each port of an instance. */
export type Ports = Readonly<Record<string, string>>;

export interface Replacement {
  readonly kind: FaultKind;
  readonly to: string;
  readonly what: string;
  /** Whether the instance has it: a fault of a memory of one word is none. */
  readonly when?: (p: Parameters, ports: Ports) => boolean;
  /** The register whose reset is missing. */
  readonly register?: string;
}

export interface Place {
  /** The expression between the two marks, and enough around it to occur once. */
  readonly at: string;
  readonly faults: readonly Replacement[];
}

const num = (p: Parameters, name: string): number => Number(p[name]);
const ceil = (p: Parameters, a: string, b: string): number => Math.ceil(num(p, a) / num(p, b));
const bits = (n: number): number => Math.ceil(Math.log2(n));

const stall = (at: string): Place => ({
  at,
  faults: [{ kind: "lost stall", to: "1'b1", what: "moves on whether its receiver is ready or not" }],
});
const overrun = (at: string): Place => ({
  at,
  faults: [{ kind: "lost stall", to: "1'b1", what: "is always ready" }],
});
const sign = (at: string, what: string, when: (p: Parameters) => boolean): Place => ({
  at,
  faults: [{ kind: "sign extension", to: "1'b0", what, when }],
});

/** Widths inside nf_dot, as the module has them. */
export function dotWidths(p: Parameters): { product: number; tree: number; sum: number } {
  const [xk, wk] = [num(p, "X_KIND"), num(p, "W_KIND")];
  const levels = bits(num(p, "SIMD"));
  const xe = xk === 2 ? 1 : num(p, "X_WIDTH") + (xk === 1 && wk !== 2 ? 0 : 1);
  const we = wk === 2 ? 1 : num(p, "W_WIDTH") + (wk === 1 && xk !== 2 ? 0 : 1);
  const counting = xk === 2 && wk === 2;
  const product = counting ? 1 : xk === 2 ? we : wk === 2 ? xe : xe + we;
  const full = counting ? bits(num(p, "SIMD") + 1) : product + levels;
  const sum = num(p, "SUM_WIDTH");
  return { product, tree: Math.min(full, sum), sum };
}

const multiplies = (p: Parameters): boolean =>
  num(p, "X_KIND") !== 2 && num(p, "W_KIND") !== 2 && num(p, "IN_LOGIC") === 0;
const counts = (p: Parameters): boolean => num(p, "X_KIND") === 2 && num(p, "W_KIND") === 2;
const weightWords = (p: Parameters): number =>
  ceil(p, "INPUTS", "SIMD") * ceil(p, "OUTPUTS", "PE") * num(p, "PHASES_Y") * num(p, "PHASES_X");
const rounds = (p: Parameters): boolean => num(p, "SHIFT") > 0 && num(p, "ROUNDING") !== 1;
const banked = (p: Parameters): boolean => num(p, "TAPS") > 1 || num(p, "S_COLUMNS") > 1;

export const MODULE_FAULTS: Readonly<Record<string, readonly Place[]>> = {
  nf_dense: [
    stall("assign move    = ⟦!done || m_ready⟧;"),
    {
      at: "weight_word <= weights[⟦address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "next_address",
          what: "reads the weights of the next beat",
          when: (p) => weightWords(p) > 1 && p.WEIGHT_FILE !== "",
        },
      ],
    },
    {
      at: "bias_word = bias[⟦out_fold⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "last_out_fold ? {OUT_FOLD_BITS{1'b0}} : out_fold + 1'b1",
          what: "reads the bias of the next outputs",
          when: (p) => ceil(p, "OUTPUTS", "PE") > 1 && p.BIAS_FILE !== "",
        },
      ],
    },
    {
      at: "wire [ACC_WIDTH-1:0] from = ⟦first[STAGES-1]⟧ ? start : accumulator;",
      faults: [{ kind: "missing reset", to: "1'b0", what: "does not start sums anew" }],
    },
    {
      at: "accumulator <= outside ? {ACC_WIDTH{1'b0}} : ⟦total⟧;",
      faults: [
        {
          kind: "accumulator width - 1",
          to: "{total[(ACC_WIDTH > 1) ? ACC_WIDTH-2 : 0], total[((ACC_WIDTH > 1) ? ACC_WIDTH-2 : 0):0]}",
          what: "sums in one bit less",
          when: (p) => num(p, "ACC_WIDTH") > 1,
        },
      ],
    },
  ],
  nf_dot: [
    sign(
      "begin : multiplied\n          wire a_sign = ⟦(X_KIND == 1) && a[X_WIDTH-1]⟧;",
      "takes inputs for unsigned",
      (p) => multiplies(p) && num(p, "X_KIND") === 1,
    ),
    sign(
      "          wire b_sign = ⟦(W_KIND == 1) && b[W_WIDTH-1]⟧;",
      "takes weights for unsigned",
      (p) => multiplies(p) && num(p, "W_KIND") === 1,
    ),
    sign(
      "wire fill = ⟦(COUNTING == 0) && product[PRODUCT_WIDTH-1]⟧;",
      "extends products with 0",
      (p) => !counts(p) && dotWidths(p).tree > dotWidths(p).product,
    ),
    sign(
      "assign sum = {{(SUM_WIDTH - TREE_WIDTH) {⟦node[2*LEAVES-2].value[TREE_WIDTH-1]⟧}}",
      "extends the sum of a beat with 0",
      (p) => !counts(p) && dotWidths(p).sum > dotWidths(p).tree,
    ),
  ],
  nf_requantize: [
    stall("free = ⟦!m_valid || m_ready⟧;"),
    sign(
      "sign = ⟦(IN_SIGNED != 0) && x[IN_WIDTH-1]⟧;",
      "takes its input for unsigned",
      (p) => num(p, "IN_SIGNED") !== 0,
    ),
    {
      at: "addend_in >>> ⟦RIGHT⟧;",
      faults: [
        { kind: "shift", to: "RIGHT + 1", what: "shifts one bit too far" },
        {
          kind: "shift",
          to: "RIGHT - 1",
          what: "shifts one bit too little",
          when: (p) => num(p, "SHIFT") > 0,
        },
      ],
    },
    {
      at: "(extended << LEFT) + ⟦HALF⟧;",
      faults: [
        { kind: "rounding constant", to: "HALF - ONE", what: "adds one less than the half", when: rounds },
        { kind: "rounding constant", to: "HALF + ONE", what: "adds one more than the half", when: rounds },
        { kind: "rounding constant", to: "{FRAME{1'b0}}", what: "adds no half", when: rounds },
      ],
    },
    {
      at: "assign saturated = ⟦(rounded > HIGHEST) ? HIGHEST : (rounded < FLOOR) ? FLOOR : rounded⟧;",
      faults: [
        {
          kind: "saturation bound",
          to: "(rounded > HIGHEST - $signed(ONE)) ? HIGHEST - $signed(ONE) : (rounded < FLOOR) ? FLOOR : rounded",
          what: "saturates one below its highest value",
        },
        {
          kind: "saturation bound",
          to: "(rounded > HIGHEST) ? HIGHEST : (rounded < FLOOR + $signed(ONE)) ? FLOOR + $signed(ONE) : rounded",
          what: "saturates one above its lowest value",
        },
        { kind: "saturation bound", to: "rounded", what: "does not saturate" },
      ],
    },
  ],
  nf_requantize_channels: [
    stall("move = ⟦!m_valid || m_ready⟧;"),
    sign(
      "sign = ⟦(IN_SIGNED != 0) && x[IN_WIDTH-1]⟧;",
      "takes its input for unsigned",
      (p) => num(p, "IN_SIGNED") !== 0,
    ),
    {
      at: "right <= ⟦shift⟧;",
      faults: [{ kind: "shift", to: "shift + 1'b1", what: "shifts one bit too far" }],
    },
    {
      at: "added <= (extended << LEFT) + ⟦half⟧;",
      faults: [
        {
          kind: "rounding constant",
          to: "{FRAME{1'b0}}",
          what: "adds no half",
          when: (p) => num(p, "ROUNDING") !== 1,
        },
      ],
    },
    {
      at: "assign saturated = ⟦(rounded > HIGHEST) ? HIGHEST : (rounded < FLOOR) ? FLOOR : rounded⟧;",
      faults: [
        {
          kind: "saturation bound",
          to: "(rounded > HIGHEST - $signed(ONE)) ? HIGHEST - $signed(ONE) : (rounded < FLOOR) ? FLOOR : rounded",
          what: "saturates one below its highest value",
        },
        { kind: "saturation bound", to: "rounded", what: "does not saturate" },
      ],
    },
  ],
  nf_threshold: [
    stall("move = ⟦!m_valid || m_ready⟧;"),
    sign(
      "sign = ⟦(IN_SIGNED != 0) && x[IN_WIDTH-1]⟧;",
      "takes its input for unsigned",
      (p) => num(p, "IN_SIGNED") !== 0,
    ),
    {
      at: "<= ⟦$signed(extended) >= $signed({t_sign, t})⟧;",
      faults: [
        {
          kind: "comparison",
          to: "$signed(extended) > $signed({t_sign, t})",
          what: "does not count a threshold that is reached exactly",
        },
      ],
    },
  ],
  nf_beat_rom: [
    {
      at: "word <= words[⟦next_address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "(next_address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : next_address + 1'b1",
          what: "shows the constants of the next beat",
          when: (p) => num(p, "DEPTH") > 1,
        },
      ],
    },
  ],
  nf_window: [
    stall("free        = ⟦!m_valid || m_ready⟧;"),
    overrun("assign s_ready       = ⟦filled != 2'd2⟧;"),
    {
      at: "if (read) m_data <= memory[⟦read_address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "read_last ? (read_bank ? BANK_1[ADDRESS_BITS-1:0] : {ADDRESS_BITS{1'b0}}) : read_address + 1'b1",
          what: "reads the next word",
          when: (p) => num(p, "WORDS") > 1,
        },
      ],
    },
    {
      at: "if (release_bank) read_bank <= ⟦!read_bank⟧;",
      faults: [{ kind: "stale line buffer", to: "read_bank", what: "reads the packet before again" }],
    },
    {
      at: "read        = free && ⟦filled != 2'd0⟧;",
      faults: [
        {
          kind: "stale line buffer",
          to: "(filled != 2'd0 || write)",
          what: "reads a packet before all of it is there",
        },
      ],
    },
    {
      at: "commit     = write && ⟦!s_drop && write_last⟧;",
      faults: [
        {
          kind: "framing",
          to: "(s_drop || write_last)",
          what: "keeps a packet that is to be dropped",
          when: (_, ports) => ports.s_drop !== "1'b0",
        },
      ],
    },
  ],
  nf_line_window: [
    stall("move = ⟦!m_valid || m_ready⟧;"),
    {
      at: "assign s_ready = ⟦level <= room⟧;",
      faults: [{ kind: "lost stall", to: "1'b1", what: "takes words that it has no room for" }],
    },
    {
      at: "open = primed && ⟦level >= reach⟧;",
      faults: [
        {
          kind: "stale line buffer",
          to: "(level + $signed(ENTERING[COUNT_BITS-1:0]) >= reach)",
          what: "reads a window before its newest word is there",
        },
      ],
    },
    {
      at: "if (read) word <= memory[⟦address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "ring_sum(address, TO_WORD[ADDRESS_BITS-1:0])",
          what: "reads the next word",
          when: (p) => !banked(p) && num(p, "CAPACITY") > 1,
        },
      ],
    },
    {
      at: "wire                   outside = ⟦tap[BITS-1] || tap > highest⟧;",
      faults: [
        {
          kind: "off-by-one address",
          to: "tap[BITS-1] || tap >= highest",
          what: "takes the last line of the image for padding",
          when: (p) => !banked(p),
        },
      ],
    },
  ],
  nf_line_banks: [
    {
      at: "if (read) stored <= memory[⟦address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "(address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? NOWHERE : address + 1'b1",
          what: "reads the next word",
          when: (p) =>
            Math.ceil(num(p, "COLUMNS") / num(p, "BANKS_X")) *
              num(p, "WORDS") *
              (num(p, "HELD") / num(p, "BANKS_Y")) >
            1,
        },
      ],
    },
  ],
  nf_pool: [
    stall("wire move = ⟦!m_valid || m_ready⟧;"),
    {
      at: "wire            fresh = ⟦first || !seen[turn]⟧;",
      faults: [
        {
          kind: "missing reset",
          to: "!seen[turn]",
          what: "does not start a window anew",
          when: (p) => num(p, "AVERAGE") === 0,
        },
      ],
    },
    {
      at: "next = (window[OF_WINDOW].fresh || (part_inside[OF_WINDOW] && ⟦x > old⟧)) ? x : old;",
      faults: [
        {
          kind: "comparison",
          to: "x < old",
          what: "takes the smallest",
          when: (p) => num(p, "AVERAGE") === 0 && num(p, "WINDOW") > 1,
        },
      ],
    },
    sign(
      "wire               sign = ⟦(SIGNED != 0) && x[WIDTH-1]⟧;",
      "takes its input for unsigned",
      (p) => num(p, "AVERAGE") !== 0 && num(p, "SIGNED") !== 0,
    ),
    {
      at: "if (take) sum <= ⟦next⟧;",
      faults: [
        {
          kind: "accumulator width - 1",
          to: "{next[(SUM_WIDTH > 1) ? SUM_WIDTH-2 : 0], next[((SUM_WIDTH > 1) ? SUM_WIDTH-2 : 0):0]}",
          what: "sums in one bit less",
          when: (p) => num(p, "AVERAGE") !== 0 && num(p, "SUM_WIDTH") > 1,
        },
      ],
    },
    {
      at: "next = (⟦first⟧ ? {SUM_WIDTH{1'b0}} : old)",
      faults: [
        {
          kind: "missing reset",
          to: "1'b0",
          what: "does not start sums anew",
          when: (p) => num(p, "AVERAGE") !== 0,
        },
      ],
    },
    {
      at: "addend_extended[FRAME-1:0] + ⟦half⟧)",
      faults: [
        {
          kind: "rounding constant",
          to: "{FRAME{1'b0}}",
          what: "adds no half",
          when: (p) => num(p, "AVERAGE") !== 0 && num(p, "SHIFT") > 0,
        },
      ],
    },
  ],
  nf_join: [
    stall("wire move = ⟦!m_valid || m_ready⟧;"),
    sign(
      "a_sign = ⟦(A_SIGNED != 0) && a[A_WIDTH-1]⟧;",
      "takes its first operand for unsigned",
      (p) => num(p, "A_SIGNED") !== 0,
    ),
    sign(
      "b_sign = ⟦(B_SIGNED != 0) && b[B_WIDTH-1]⟧;",
      "takes its second operand for unsigned",
      (p) => num(p, "B_SIGNED") !== 0,
    ),
    {
      at: "m_data[i*OUT_WIDTH+:OUT_WIDTH] <= ⟦result[OUT_WIDTH-1:0]⟧;",
      faults: [
        {
          kind: "accumulator width - 1",
          to: "{result[(OUT_WIDTH > 1) ? OUT_WIDTH-2 : 0], result[((OUT_WIDTH > 1) ? OUT_WIDTH-2 : 0):0]}",
          what: "gives a result of one bit less",
          when: (p) => num(p, "OUT_WIDTH") > 1,
        },
      ],
    },
  ],
  nf_fifo: [
    stall("free  = ⟦!m_valid || m_ready⟧;"),
    overrun("assign s_ready = ⟦stored != FULL[COUNT_BITS-1:0]⟧;"),
    {
      at: "if (read) m_data <= memory[⟦read_address⟧];",
      faults: [
        {
          kind: "off-by-one address",
          to: "(read_address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : read_address + 1'b1",
          what: "gives the next beat",
          when: (p) => num(p, "DEPTH") > 1,
        },
      ],
    },
  ],
  nf_forkn: [overrun("assign s_ready = ⟦(pending & ~m_ready) == {COUNT{1'b0}}⟧;")],
  nf_concat: [
    stall("free   = ⟦!m_valid || m_ready⟧;"),
    {
      at: "second = ⟦beat >= FIRST_OF_B[BEAT_BITS-1:0]⟧;",
      faults: [
        {
          kind: "off-by-one address",
          to: "beat > FIRST_OF_B[BEAT_BITS-1:0]",
          what: "takes a beat too many of its first stream",
        },
      ],
    },
  ],
  nf_lane_adapter: [
    overrun("assign s_ready = ⟦ahead != 2'd2⟧;"),
    {
      at: "assign m_valid = ahead != 2'd0 || ⟦written >= needed⟧;",
      faults: [
        {
          kind: "stale line buffer",
          to: "(written + S_STEP[LEVEL_BITS-1:0] >= needed)",
          what: "gives a beat before all of it is there",
        },
      ],
    },
    {
      at: "group_read[⟦read_slot⟧*(M_LANES*WIDTH)+:M_LANES*WIDTH];",
      faults: [
        {
          kind: "off-by-one address",
          to: "(read_slot == LAST_M_SLOT[M_SLOT_BITS-1:0] ? {M_SLOT_BITS{1'b0}} : read_slot + 1'b1)",
          what: "gives the next part of its group",
          when: (p) => num(p, "GROUP") > num(p, "M_LANES"),
        },
      ],
    },
  ],
  nf_argmax: [
    stall("free      = ⟦!m_valid || m_ready⟧;"),
    {
      at: "second = ⟦node[2*(n-LEAVES)+1].key > node[2*(n-LEAVES)].key⟧;",
      faults: [
        {
          kind: "comparison",
          to: "node[2*(n-LEAVES)+1].key >= node[2*(n-LEAVES)].key",
          what: "takes the last lane on ties",
          when: (p) => num(p, "LANES") > 1,
        },
      ],
    },
    {
      at: "beat_first || ⟦beat_key > best_key⟧)",
      faults: [
        {
          kind: "comparison",
          to: "beat_key >= best_key",
          what: "takes the last beat on ties",
          when: (p) => num(p, "ELEMENTS") > num(p, "LANES"),
        },
      ],
    },
    {
      at: "if (beat_valid && (⟦beat_first⟧ || beat_key",
      faults: [
        {
          kind: "missing reset",
          to: "1'b0",
          what: "does not forget the best of the packet before",
          when: (p) => num(p, "ELEMENTS") > num(p, "LANES"),
        },
      ],
    },
    sign("x ^ {⟦(SIGNED != 0)⟧, {(WIDTH - 1)", "compares as unsigned", (p) => num(p, "SIGNED") !== 0),
  ],
  nf_input: [
    {
      at: "assign s_axis_tready = aresetn && (⟦free⟧ || discarding);",
      faults: [{ kind: "lost stall", to: "1'b1", what: "takes beats that nobody takes from it" }],
    },
    {
      at: "m_drop      <= ⟦early⟧;",
      faults: [{ kind: "framing", to: "1'b0", what: "does not drop a short packet" }],
    },
    {
      at: "frame_error <= ⟦s_axis_tlast != last_beat⟧;",
      faults: [{ kind: "framing", to: "1'b0", what: "does not report wrong framing" }],
    },
    {
      at: "discarding  <= ⟦last_beat && !s_axis_tlast⟧;",
      faults: [{ kind: "framing", to: "1'b0", what: "does not discard what follows a late end" }],
    },
  ],
  nf_output: [
    stall("free      = ⟦!held || m_axis_tready⟧;"),
    {
      at: "m_axis_tlast <= ⟦last_beat⟧;",
      faults: [
        { kind: "dropped tlast", to: "1'b0", what: "never marks the last beat" },
        {
          kind: "dropped tlast",
          to: "beat == {BEAT_BITS{1'b0}}",
          what: "marks the first beat",
          when: (p) => num(p, "BEATS") > 1,
        },
        { kind: "dropped tlast", to: "1'b1", what: "marks every beat", when: (p) => num(p, "BEATS") > 1 },
      ],
    },
    sign(
      "sign = ⟦(SIGNED != 0) && x[WIDTH-1]⟧;",
      "fills its lanes with 0",
      (p) => num(p, "SIGNED") !== 0 && num(p, "LANE_BITS") > num(p, "WIDTH"),
    ),
  ],
  nf_output_pair: [
    stall("free = ⟦!held || m_axis_tready⟧;"),
    {
      at: "m_axis_tlast <= ⟦second⟧;",
      faults: [
        { kind: "dropped tlast", to: "1'b0", what: "never marks the last beat" },
        { kind: "dropped tlast", to: "1'b1", what: "marks every beat" },
      ],
    },
    sign(
      "sign = ⟦(A_SIGNED != 0) && x[A_WIDTH-1]⟧;",
      "fills the lanes of its first part with 0",
      (p) => num(p, "A_SIGNED") !== 0 && num(p, "LANE_BITS") > num(p, "A_WIDTH"),
    ),
  ],
  nf_sideband: [
    {
      at: "{{(DEPTH - 1) {1'b0}}, ⟦s_flag⟧};",
      faults: [{ kind: "framing", to: "1'b0", what: "loses the mark of a packet that is to be dropped" }],
    },
  ],
  nf_scale: [
    stall("move = ⟦!m_valid || m_ready⟧;"),
    sign(
      "sign = ⟦(IN_SIGNED != 0) && x[IN_WIDTH-1]⟧;",
      "takes its input for unsigned",
      (p) => num(p, "IN_SIGNED") !== 0,
    ),
    {
      at: "y = ⟦product + offset⟧;",
      faults: [{ kind: "other constant", to: "product", what: "does not add its offset" }],
    },
  ],
};

/** Modules that a module has inside, and whether an instance has them. */
export const INNER: Readonly<
  Record<string, readonly { readonly module: string; readonly when?: (p: Parameters) => boolean }[]>
> = {
  nf_dense: [{ module: "nf_dot", when: (p) => num(p, "SHARED_PE") * num(p, "SHARED_WINDOWS") === 1 }],
  nf_line_window: [{ module: "nf_line_banks", when: banked }],
  nf_threshold: [{ module: "nf_beat_rom" }],
  nf_requantize_channels: [{ module: "nf_beat_rom" }],
  nf_scale: [{ module: "nf_beat_rom" }],
};

/** Parts of a module that an instance may not have, by the label of their generate block. */
export const PARTS: Readonly<Record<string, Readonly<Record<string, (p: Parameters) => boolean>>>> = {
  nf_dense: { by_phase: (p) => num(p, "PHASES_Y") * num(p, "PHASES_X") > 1 },
  nf_line_window: {
    spread: (p) => num(p, "SPREAD_Y") > 1 || num(p, "SPREAD_X") > 1,
    one_tap: (p) => !banked(p),
    banked,
  },
  nf_pool: {
    registered: (p) => num(p, "TAPS") > 1,
    maximum: (p) => num(p, "AVERAGE") === 0,
    average: (p) => num(p, "AVERAGE") !== 0,
  },
};

/** A piece of a module's text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the expression between the marks stands; throws when it is not there exactly once. */
export function spanOf(module: string, text: string, { at }: Place): Span {
  const [before, expression, after] = at.split(/[⟦⟧]/) as [string, string, string];
  const whole = before + expression + after;
  const first = text.indexOf(whole);
  if (first < 0 || text.indexOf(whole, first + 1) >= 0)
    throw new Error(
      `${module}: ${JSON.stringify(whole)} stands there ${first < 0 ? "never" : "more than once"}`,
    );
  const start = first + before.length;
  return { start, end: start + expression.length };
}

/** What a reset gives to each register. */
export function resetSpans(text: string): readonly (Span & { readonly register: string })[] {
  const found: (Span & { register: string })[] = [];
  const add = (from: number, piece: string): void => {
    for (const match of piece.matchAll(/(\w+) *<= ([^;]*);/g)) {
      const start = from + match.index + match[0].length - 1 - match[2]!.length;
      found.push({ register: match[1]!, start, end: start + match[2]!.length });
    }
  };
  for (const match of text.matchAll(/if \(!aresetn\) (begin\n[\s\S]*?\n *end else|[^;]*;)/g))
    add(match.index + match[0].length - match[1]!.length, match[1]!);
  return found;
}

/** Labels of the generate blocks around a place, by the indentation of the lines before it. */
export function labelsAround(text: string, at: number): readonly string[] {
  const lines = text.slice(0, at).split("\n");
  const indentOf = (line: string): number => /^ */.exec(line)![0].length;
  let limit = indentOf(lines[lines.length - 1]!);
  const labels: string[] = [];
  for (const line of lines.reverse()) {
    if (line.trim() === "" || indentOf(line) >= limit) continue;
    limit = indentOf(line);
    const label = /begin : (\w+)/.exec(line)?.[1];
    if (label !== undefined) labels.push(label);
  }
  return labels;
}
