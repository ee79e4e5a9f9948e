// nf_dense - matrix times vector plus bias on PE x SIMD lanes.
//
// A packet comes as its INPUTS elements in beats of SIMD, replayed once per group of PE outputs:
// ceil(OUTPUTS/PE) * ceil(INPUTS/SIMD) beats. Every replay gives one beat of PE sums.
// Convolutions in groups, behind an nf_line_window with OUTER the turns of groups: VECTORS of them stand side by side,
// each read by PE/VECTORS outputs, and in place of a replay come those of the next ones. With TAPS side by side a beat
// holds for each tap SIMD/TAPS elements of every vector.
// WINDOWS windows may stand side by side: a beat holds for each tap the elements of every vector of each window in turn, and
// PE sums of each window leave together. All have the same weights, or window n those of set n modulo SETS, which each word
// of the memory holds side by side; the bias is the same.
// Transposed convolutions have weights by phase: those of output (y, x) of ROWS x COLUMNS are set (y modulo PHASES_Y) *
// PHASES_X + x modulo PHASES_X; the sets follow each other in memory.
//   weights: word f*ceil(INPUTS/SIMD)+i holds weight [f*PE+p][i*SIMD+s] at bits [(p*SIMD+s)*W_WIDTH +: W_WIDTH], of set k
//            at k*PE*SIMD*W_WIDTH bits more
//   bias:    word f holds the bias of output f*PE+p at bits [p*ACC_WIDTH +: ACC_WIDTH]
// Inputs and weights are integers or bipolar, as nf_dot has it. Unused lanes of the vector's last beat are ignored,
// unused lanes of the last beat of sums are 0; entries of the memories beyond the layer's edges have to be 0.
// Products of SHARED_PE outputs at SHARED_WINDOWS windows may share a multiplier, SPACING bits apart, as nf_dots has it.
// ACC_WIDTH must hold every partial sum. Pipeline: memory, nf_dot, accumulators.
// A sum leaves 3 + $clog2(SIMD) cycles after the last beat that belongs to it.

`default_nettype none

module nf_dense #(
    parameter INPUTS      = 4,       // elements of the vector
    parameter OUTPUTS     = 2,       // sums
    parameter PE          = 1,       // outputs side by side
    parameter SIMD        = 1,       // inputs side by side
    parameter VECTORS     = 1,       // vectors side by side, a divisor of PE
    parameter TAPS        = 1,       // parts of each vector in a beat, a divisor of SIMD
    parameter WINDOWS     = 1,       // windows side by side
    parameter SETS        = 1,       // sets of weights side by side
    parameter SHARED_PE   = 1,       // outputs that share multipliers, a divisor of PE/VECTORS
    parameter SHARED_WINDOWS = 1,    // windows that do, a divisor of WINDOWS; with SETS = 1
    parameter SPACING     = 16,      // bits between their products
    parameter PHASES_Y    = 1,       // sets of weights in turn, by row and column of the output
    parameter PHASES_X    = 1,
    parameter ROWS        = 1,       // outputs of one packet, of WINDOWS windows each
    parameter COLUMNS     = 1,
    parameter X_WIDTH     = 8,       // bits of one input, 1 for bipolar
    parameter X_KIND      = 0,       // inputs are 0: unsigned, 1: two's complement, 2: bipolar
    parameter W_WIDTH     = 4,       // bits of one weight, 1 for bipolar
    parameter W_KIND      = 1,       // weights, as X_KIND
    parameter ACC_WIDTH   = 16,      // bits of one sum
    parameter IN_LOGIC    = 0,       // 1: no multiplier blocks, as nf_dot has it
    parameter MEM_DIR     = "",      // put before the file names; empty, or a folder with its slash
    parameter WEIGHT_FILE = "",      // memory image of the weights for $readmemh; empty: all 0
    parameter BIAS_FILE   = "",      // memory image of the bias; empty: no bias
    parameter ROM_STYLE   = "auto"   // how the weights are stored: auto, block, logic
) (
    input  wire                                    aclk,
    input  wire                                    aresetn,
    // the vector, replayed
    input  wire [WINDOWS*VECTORS*SIMD*X_WIDTH-1:0] s_data,
    input  wire                                    s_valid,
    output wire                                    s_ready,
    // the sums
    output wire [WINDOWS*PE*ACC_WIDTH-1:0]         m_data,
    output wire                                    m_valid,
    input  wire                                    m_ready
);

  localparam IN_FOLDS = (INPUTS + SIMD - 1) / SIMD;
  localparam OUT_FOLDS = (OUTPUTS + PE - 1) / PE;
  localparam SET = IN_FOLDS * OUT_FOLDS;
  localparam DEPTH = PHASES_Y * PHASES_X * SET;
  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam IN_FOLD_BITS = (IN_FOLDS > 1) ? $clog2(IN_FOLDS) : 1;
  localparam OUT_FOLD_BITS = (OUT_FOLDS > 1) ? $clog2(OUT_FOLDS) : 1;
  localparam [31:0] LAST_IN_FOLD = IN_FOLDS - 1;
  localparam [31:0] LAST_OUT_FOLD = OUT_FOLDS - 1;

  // Bipolar weights have no 0 for lanes beyond the edges.
  localparam TAIL_LANES = INPUTS - (IN_FOLDS - 1) * SIMD;
  localparam TAIL_ROWS = OUTPUTS - (OUT_FOLDS - 1) * PE;
  // What nf_dot counts too much in the course of a sum.
  localparam COUNTED = (X_KIND == 2 && W_KIND == 2) ? INPUTS : 0;

  // Stage 0: memory output; stage 1: products; the last stage: sum of one beat; then the accumulators.
  localparam STAGES = 2 + $clog2(SIMD);

  wire move;  // the whole pipeline steps, unless a finished sum is held up

  reg  [ADDRESS_BITS-1:0] address;
  wire [ADDRESS_BITS-1:0] next_address;
  reg  [IN_FOLD_BITS-1:0] in_fold;
  reg  [STAGES-1:0]       valid;  // bit k: stage k holds a beat
  reg  [STAGES-1:0]       first;  // ... the first of its replay
  reg  [STAGES-1:0]       last;   // ... the last of its replay
  reg                     done;   // the accumulators hold finished sums

  assign move    = !done || m_ready;
  assign s_ready = move;
  assign m_valid = done;

  always @(posedge aclk) begin
    if (!aresetn) begin
      address <= {ADDRESS_BITS{1'b0}};
      in_fold <= {IN_FOLD_BITS{1'b0}};
      valid   <= {STAGES{1'b0}};
      done    <= 1'b0;
    end else if (move) begin
      if (s_valid) begin
        address <= next_address;
        in_fold <= (in_fold == LAST_IN_FOLD[IN_FOLD_BITS-1:0]) ? {IN_FOLD_BITS{1'b0}} : in_fold + 1'b1;
      end
      valid <= {valid[STAGES-2:0], s_valid};
      done  <= valid[STAGES-1] && last[STAGES-1];
    end
  end

  always @(posedge aclk) begin
    if (move) begin
      first <= {first[STAGES-2:0], in_fold == {IN_FOLD_BITS{1'b0}}};
      last  <= {last[STAGES-2:0], in_fold == LAST_IN_FOLD[IN_FOLD_BITS-1:0]};
    end
  end

  // Weights of the next beat: those of one output after the other, by phase.
  generate
    if (PHASES_Y * PHASES_X == 1) begin : one_set
      localparam [31:0] LAST_ADDRESS = DEPTH - 1;
      assign next_address = (address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : address + 1'b1;
    end else begin : by_phase
      localparam BEAT_BITS = (SET > 1) ? $clog2(SET) : 1;
      localparam ROW_BITS = (ROWS > 1) ? $clog2(ROWS) : 1;
      localparam COLUMN_BITS = (COLUMNS > 1) ? $clog2(COLUMNS) : 1;
      localparam Y_BITS = (PHASES_Y > 1) ? $clog2(PHASES_Y) : 1;
      localparam X_BITS = (PHASES_X > 1) ? $clog2(PHASES_X) : 1;
      localparam [31:0] LAST_BEAT = SET - 1;
      localparam [31:0] LAST_ROW = ROWS - 1;
      localparam [31:0] LAST_COLUMN = COLUMNS - 1;
      localparam [31:0] LAST_Y = PHASES_Y - 1;
      localparam [31:0] LAST_X = PHASES_X - 1;
      localparam [31:0] ROW_OF_SETS = PHASES_X * SET;

      reg  [BEAT_BITS-1:0]    beat;
      reg  [ROW_BITS-1:0]     row;
      reg  [COLUMN_BITS-1:0]  column;
      reg  [Y_BITS-1:0]       y;
      reg  [X_BITS-1:0]       x;
      reg  [ADDRESS_BITS-1:0] row_start;  // the first set of the row
      wire                    end_of_output = beat == LAST_BEAT[BEAT_BITS-1:0];
      wire                    end_of_row = column == LAST_COLUMN[COLUMN_BITS-1:0];
      wire                    end_of_packet = row == LAST_ROW[ROW_BITS-1:0];
      wire                    first_y = end_of_packet || y == LAST_Y[Y_BITS-1:0];
      wire                    first_x = end_of_row || x == LAST_X[X_BITS-1:0];
      wire [ADDRESS_BITS:0]   row_sum = {1'b0, row_start} + ROW_OF_SETS[ADDRESS_BITS:0];
      wire [ADDRESS_BITS-1:0] next_row_start = !end_of_row ? row_start : first_y ? {ADDRESS_BITS{1'b0}} : row_sum[ADDRESS_BITS-1:0];
      wire                    unused_sum = row_sum[ADDRESS_BITS];

      assign next_address = (end_of_output && first_x) ? next_row_start : address + 1'b1;

      always @(posedge aclk) begin
        if (!aresetn) begin
          beat      <= {BEAT_BITS{1'b0}};
          row       <= {ROW_BITS{1'b0}};
          column    <= {COLUMN_BITS{1'b0}};
          y         <= {Y_BITS{1'b0}};
          x         <= {X_BITS{1'b0}};
          row_start <= {ADDRESS_BITS{1'b0}};
        end else if (move && s_valid) begin
          beat <= end_of_output ? {BEAT_BITS{1'b0}} : beat + 1'b1;
          if (end_of_output) begin
            x         <= first_x ? {X_BITS{1'b0}} : x + 1'b1;
            column    <= end_of_row ? {COLUMN_BITS{1'b0}} : column + 1'b1;
            row_start <= next_row_start;
            if (end_of_row) begin
              y   <= first_y ? {Y_BITS{1'b0}} : y + 1'b1;
              row <= end_of_packet ? {ROW_BITS{1'b0}} : row + 1'b1;
            end
          end
        end
      end
    end
  endgenerate

  // Weights and inputs. Some tools drop the attribute and would call the parameter unused.
  wire unused_style = ROM_STYLE == "auto";
  (* rom_style = ROM_STYLE *)
  reg [SETS*PE*SIMD*W_WIDTH-1:0]         weights[0:DEPTH-1];
  reg [SETS*PE*SIMD*W_WIDTH-1:0]         weight_word;
  reg [WINDOWS*VECTORS*SIMD*X_WIDTH-1:0] input_word;

  // An empty string cannot be put before a file name in every tool: it may count as a NUL character.
  generate
    if (WEIGHT_FILE == "") begin : no_weights
      integer k;
      initial for (k = 0; k < DEPTH; k = k + 1) weights[k] = {SETS * PE * SIMD * W_WIDTH{1'b0}};
    end else if (MEM_DIR == "") begin : weights_here
      initial $readmemh(WEIGHT_FILE, weights);
    end else begin : weights_there
      initial $readmemh({MEM_DIR, WEIGHT_FILE}, weights);
    end
  endgenerate

  always @(posedge aclk) begin
    if (move) begin
      weight_word <= weights[address];
      input_word  <= s_data;
    end
  end

  wire [SIMD-1:0] used;  // lanes of the beat in stage 0 that hold an input

  // The outputs whose first beat reaches the accumulators next.
  reg  [OUT_FOLD_BITS-1:0] out_fold;
  wire                     fetch = move && valid[STAGES-2] && first[STAGES-2];
  wire                     last_out_fold = out_fold == LAST_OUT_FOLD[OUT_FOLD_BITS-1:0];
  reg                      tail_out_fold;  // the last ones are in the accumulators
  wire [PE*ACC_WIDTH-1:0]  start_word;     // what their sums start from
  wire [ACC_WIDTH-1:0]     counted;        // COUNTED as a sum
  wire                     unused_fold = &{1'b0, tail_out_fold};

  always @(posedge aclk) begin
    if (!aresetn) out_fold <= {OUT_FOLD_BITS{1'b0}};
    else if (fetch) out_fold <= last_out_fold ? {OUT_FOLD_BITS{1'b0}} : out_fold + 1'b1;
  end

  always @(posedge aclk) begin
    if (fetch) tail_out_fold <= last_out_fold;
  end

  localparam SHARED = SHARED_PE * SHARED_WINDOWS;

  wire [WINDOWS*PE*SIMD*X_WIDTH-1:0] vectors;    // of each window and output, as nf_dot takes it
  wire [WINDOWS*PE*ACC_WIDTH-1:0]    beat_sums;
  wire [WINDOWS*PE-1:0]              carries;    // to be added to these
  // Outputs that share multipliers have the same vector, and no lane beyond the edges.
  wire                               unused_shared = &{1'b0, used, vectors, carries};

  genvar n, p, s, t;
  generate
    for (s = 0; s < ACC_WIDTH; s = s + 1) begin : bits
      assign counted[s] = s < 31 && (COUNTED >> s) % 2 != 0;
    end

    for (s = 0; s < SIMD; s = s + 1) begin : lane
      assign used[s] = s < TAIL_LANES || W_KIND != 2 || !last[0];
    end

    if (BIAS_FILE != "") begin : with_bias
      reg  [PE*ACC_WIDTH-1:0] bias[0:OUT_FOLDS-1];
      wire [PE*ACC_WIDTH-1:0] bias_word = bias[out_fold];

      if (MEM_DIR == "") begin : bias_here
        initial $readmemh(BIAS_FILE, bias);
      end else begin : bias_there
        initial $readmemh({MEM_DIR, BIAS_FILE}, bias);
      end

      for (p = 0; p < PE; p = p + 1) begin : pe
        reg [ACC_WIDTH-1:0] start;
        always @(posedge aclk) begin
          if (fetch) start <= bias_word[p*ACC_WIDTH+:ACC_WIDTH] - counted;
        end
        assign start_word[p*ACC_WIDTH+:ACC_WIDTH] = start;
      end
    end else begin : without_bias
      assign start_word = {PE{-counted}};
    end

    for (n = 0; n < WINDOWS; n = n + 1) begin : window
      for (p = 0; p < PE; p = p + 1) begin : pe
        localparam VECTOR = n * VECTORS + (p * VECTORS) / PE;
        localparam PART = (SIMD / TAPS) * X_WIDTH;
        localparam ROW = (n % SETS) * PE + p;
        localparam LANE = n * PE + p;
        wire [ACC_WIDTH-1:0] start = start_word[p*ACC_WIDTH+:ACC_WIDTH];
        wire                 outside = p >= TAIL_ROWS && W_KIND == 2 && tail_out_fold;
        reg  [ACC_WIDTH-1:0] accumulator;
        wire [ACC_WIDTH-1:0] from = first[STAGES-1] ? start : accumulator;
        wire [ACC_WIDTH-1:0] beat_sum = beat_sums[LANE*ACC_WIDTH+:ACC_WIDTH];
        wire [ACC_WIDTH-1:0] total;

        for (t = 0; t < TAPS; t = t + 1) begin : tap
          assign vectors[LANE*SIMD*X_WIDTH+t*PART+:PART] = input_word[(t*WINDOWS*VECTORS+VECTOR)*PART+:PART];
        end

        if (SHARED == 1) begin : alone
          nf_dot #(
              .SIMD     (SIMD),
              .X_WIDTH  (X_WIDTH),
              .X_KIND   (X_KIND),
              .W_WIDTH  (W_WIDTH),
              .W_KIND   (W_KIND),
              .SUM_WIDTH(ACC_WIDTH),
              .IN_LOGIC (IN_LOGIC)
          ) dot (
              .aclk(aclk),
              .move(move),
              .x   (vectors[LANE*SIMD*X_WIDTH+:SIMD*X_WIDTH]),
              .w   (weight_word[ROW*SIMD*W_WIDTH+:SIMD*W_WIDTH]),
              .used(used),
              .sum (beat_sums[LANE*ACC_WIDTH+:ACC_WIDTH])
          );
          assign carries[LANE] = 1'b0;
        end
        // beat_sum + from + carry. As a difference, since tools put its first operand beside the carry chain: a sum might have
        // `from` there, which would take a look-up table of its own for each bit.
        wire unused_bit;
        assign {total, unused_bit} = {beat_sum, carries[LANE]} - {~from, 1'b1};

        always @(posedge aclk) begin
          if (move && valid[STAGES-1]) accumulator <= outside ? {ACC_WIDTH{1'b0}} : total;
        end

        assign m_data[LANE*ACC_WIDTH+:ACC_WIDTH] = accumulator;
      end
    end

    if (SHARED > 1) begin : sharing
      for (n = 0; n < WINDOWS; n = n + SHARED_WINDOWS) begin : window
        for (p = 0; p < PE; p = p + SHARED_PE) begin : pe
          wire [SHARED_WINDOWS*SIMD*X_WIDTH-1:0] x;
          wire [SHARED*ACC_WIDTH-1:0]            sum;
          wire [SHARED-1:0]                      carry;
          nf_dots #(
              .SIMD     (SIMD),
              .ROWS     (SHARED_PE),
              .COLUMNS  (SHARED_WINDOWS),
              .X_WIDTH  (X_WIDTH),
              .X_KIND   (X_KIND),
              .W_WIDTH  (W_WIDTH),
              .SPACING  (SPACING),
              .SUM_WIDTH(ACC_WIDTH)
          ) dots (
              .aclk (aclk),
              .move (move),
              .x    (x),
              .w    (weight_word[p*SIMD*W_WIDTH+:SHARED_PE*SIMD*W_WIDTH]),
              .sum  (sum),
              .carry(carry)
          );
          for (s = 0; s < SHARED_WINDOWS; s = s + 1) begin : column
            assign x[s*SIMD*X_WIDTH+:SIMD*X_WIDTH] = vectors[((n+s)*PE+p)*SIMD*X_WIDTH+:SIMD*X_WIDTH];
          end
          for (s = 0; s < SHARED; s = s + 1) begin : lane
            localparam LANE = (n + s % SHARED_WINDOWS) * PE + p + s / SHARED_WINDOWS;
            assign beat_sums[LANE*ACC_WIDTH+:ACC_WIDTH] = sum[s*ACC_WIDTH+:ACC_WIDTH];
            assign carries[LANE] = carry[s];
          end
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
