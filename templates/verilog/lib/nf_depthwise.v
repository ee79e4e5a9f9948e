// nf_depthwise - every channel's own sum of products over a window, plus bias, LANES channels side by side.
//
// A position comes as ceil(CHANNELS/LANES) windows of KERNEL beats, as nf_line_window reads it with OUTER = WORDS.
// Every window gives one beat of LANES sums.
//   weights: word f*KERNEL+k holds tap k of channel f*LANES+c at bits [c*W_WIDTH +: W_WIDTH]
//   bias:    word f holds the bias of channel f*LANES+c at bits [c*ACC_WIDTH +: ACC_WIDTH]
// Several sums of one channel: LANES 1, REPLAYS of the window, CHANNELS counts the sums.
// An operand is unsigned, two's complement, or bipolar: one bit b that counts as 2b - 1. Entries of the memories beyond
// the last channel have to be 0, and the sums there are 0. ACC_WIDTH must hold every partial sum.
// Pipeline: memory, product, accumulators. A sum leaves three cycles after the last beat that belongs to it.

`default_nettype none

module nf_depthwise #(
    parameter CHANNELS    = 4,       // sums of one position
    parameter LANES       = 1,       // channels side by side
    parameter KERNEL      = 9,       // taps of a window
    parameter X_WIDTH     = 8,       // bits of one input, 1 for bipolar
    parameter X_KIND      = 0,       // inputs are 0: unsigned, 1: two's complement, 2: bipolar
    parameter W_WIDTH     = 4,       // bits of one weight, 1 for bipolar
    parameter W_KIND      = 1,       // weights, as X_KIND
    parameter ACC_WIDTH   = 16,      // bits of one sum
    parameter MEM_DIR     = "",      // put before the file names; empty, or a folder with its slash
    parameter WEIGHT_FILE = "",      // memory image of the weights for $readmemh; empty: all 0
    parameter BIAS_FILE   = "",      // memory image of the bias; empty: no bias
    parameter ROM_STYLE   = "auto"   // how the weights are stored: auto, block, distributed
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // windows
    input  wire [LANES*X_WIDTH-1:0]   s_data,
    input  wire                       s_valid,
    output wire                       s_ready,
    // the sums
    output wire [LANES*ACC_WIDTH-1:0] m_data,
    output wire                       m_valid,
    input  wire                       m_ready
);

  localparam FOLDS = (CHANNELS + LANES - 1) / LANES;
  localparam TAIL_LANES = CHANNELS - (FOLDS - 1) * LANES;
  localparam DEPTH = FOLDS * KERNEL;
  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam TAP_BITS = (KERNEL > 1) ? $clog2(KERNEL) : 1;
  localparam FOLD_BITS = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam [31:0] LAST_ADDRESS = DEPTH - 1;
  localparam [31:0] LAST_TAP = KERNEL - 1;
  localparam [31:0] LAST_FOLD = FOLDS - 1;

  // A sign bit for unsigned operands, both bits of -1 and +1 for bipolar ones, and room for the negative of the lowest.
  localparam XE_WIDTH = X_WIDTH + 1;
  localparam WE_WIDTH = W_WIDTH + 1;
  localparam PRODUCT_WIDTH = XE_WIDTH + WE_WIDTH;
  localparam SUM_WIDTH = (PRODUCT_WIDTH > ACC_WIDTH) ? PRODUCT_WIDTH : ACC_WIDTH;

  wire move;  // the whole pipeline steps, unless a finished sum is held up

  reg  [ADDRESS_BITS-1:0] address;
  reg  [TAP_BITS-1:0]     tap;
  reg  [1:0]              valid;  // bit 0: the memory's output holds a beat, bit 1: the products
  reg  [1:0]              first;  // ... the first of its window
  reg  [1:0]              last;   // ... the last of its window
  reg                     done;   // the accumulators hold finished sums

  assign move    = !done || m_ready;
  assign s_ready = move;
  assign m_valid = done;

  always @(posedge aclk) begin
    if (!aresetn) begin
      address <= {ADDRESS_BITS{1'b0}};
      tap     <= {TAP_BITS{1'b0}};
      valid   <= 2'b00;
      done    <= 1'b0;
    end else if (move) begin
      if (s_valid) begin
        address <= (address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : address + 1'b1;
        tap     <= (tap == LAST_TAP[TAP_BITS-1:0]) ? {TAP_BITS{1'b0}} : tap + 1'b1;
      end
      valid <= {valid[0], s_valid};
      done  <= valid[1] && last[1];
    end
  end

  always @(posedge aclk) begin
    if (move) begin
      first <= {first[0], tap == {TAP_BITS{1'b0}}};
      last  <= {last[0], tap == LAST_TAP[TAP_BITS-1:0]};
    end
  end

  // Weights and inputs. Some tools drop the attribute and would call the parameter unused.
  wire unused_style = ROM_STYLE == "auto";
  (* rom_style = ROM_STYLE *)
  reg [LANES*W_WIDTH-1:0] weights[0:DEPTH-1];
  reg [LANES*W_WIDTH-1:0] weight_word;
  reg [LANES*X_WIDTH-1:0] input_word;

  // An empty string cannot be put before a file name in every tool: it may count as a NUL character.
  generate
    if (WEIGHT_FILE == "") begin : no_weights
      integer k;
      initial for (k = 0; k < DEPTH; k = k + 1) weights[k] = {LANES * W_WIDTH{1'b0}};
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

  // The channels whose first beat reaches the accumulators next.
  reg  [FOLD_BITS-1:0]       fold;
  wire                       fetch = move && valid[0] && first[0];
  wire                       last_fold = fold == LAST_FOLD[FOLD_BITS-1:0];
  reg                        tail_fold;   // the last ones are in the accumulators
  wire [LANES*ACC_WIDTH-1:0] start_word;  // what their sums start from
  wire                       unused_fold = &{1'b0, tail_fold};

  always @(posedge aclk) begin
    if (!aresetn) fold <= {FOLD_BITS{1'b0}};
    else if (fetch) fold <= last_fold ? {FOLD_BITS{1'b0}} : fold + 1'b1;
  end

  always @(posedge aclk) begin
    if (fetch) tail_fold <= last_fold;
  end

  genvar c;
  generate
    if (BIAS_FILE != "") begin : with_bias
      reg [LANES*ACC_WIDTH-1:0] bias[0:FOLDS-1];
      reg [LANES*ACC_WIDTH-1:0] start;

      if (MEM_DIR == "") begin : bias_here
        initial $readmemh(BIAS_FILE, bias);
      end else begin : bias_there
        initial $readmemh({MEM_DIR, BIAS_FILE}, bias);
      end

      always @(posedge aclk) begin
        if (fetch) start <= bias[fold];
      end
      assign start_word = start;
    end else begin : without_bias
      assign start_word = {LANES * ACC_WIDTH{1'b0}};
    end

    for (c = 0; c < LANES; c = c + 1) begin : lane
      wire        [X_WIDTH-1:0]       x = input_word[c*X_WIDTH+:X_WIDTH];
      wire        [W_WIDTH-1:0]       w = weight_word[c*W_WIDTH+:W_WIDTH];
      wire                            x_sign = (X_KIND == 2) ? !x[0] : (X_KIND == 1) && x[X_WIDTH-1];
      wire                            w_sign = (W_KIND == 2) ? !w[0] : (W_KIND == 1) && w[W_WIDTH-1];
      wire signed [PRODUCT_WIDTH-1:0] x_extended;
      wire signed [PRODUCT_WIDTH-1:0] w_extended;
      wire signed [PRODUCT_WIDTH-1:0] result;
      reg  signed [PRODUCT_WIDTH-1:0] product;
      wire signed [SUM_WIDTH-1:0]     summand = {{(SUM_WIDTH - PRODUCT_WIDTH + 1) {product[PRODUCT_WIDTH-1]}},
                                                product[PRODUCT_WIDTH-2:0]};
      wire        [ACC_WIDTH-1:0]     start = start_word[c*ACC_WIDTH+:ACC_WIDTH];
      wire                            outside = c >= TAIL_LANES && W_KIND == 2 && tail_fold;
      reg         [ACC_WIDTH-1:0]     accumulator;

      // A bipolar operand is -1 or +1: its lowest bit is always 1.
      if (X_KIND == 2) begin : bipolar_x
        assign x_extended = {{(PRODUCT_WIDTH - 1) {x_sign}}, 1'b1};
      end else begin : integer_x
        assign x_extended = {{(PRODUCT_WIDTH - X_WIDTH) {x_sign}}, x};
      end
      if (W_KIND == 2) begin : bipolar_w
        assign w_extended = {{(PRODUCT_WIDTH - 1) {w_sign}}, 1'b1};
      end else begin : integer_w
        assign w_extended = {{(PRODUCT_WIDTH - W_WIDTH) {w_sign}}, w};
      end

      // Only integers are multiplied.
      if (W_KIND == 2) begin : signed_by_w
        assign result = w_sign ? -x_extended : x_extended;
      end else if (X_KIND == 2) begin : signed_by_x
        assign result = x_sign ? -w_extended : w_extended;
      end else begin : multiplied
        assign result = x_extended * w_extended;
      end

      always @(posedge aclk) begin
        if (move) product <= result;
        if (move && valid[1])
          accumulator <= outside ? {ACC_WIDTH{1'b0}} : (first[1] ? start : accumulator) + summand[ACC_WIDTH-1:0];
      end

      assign m_data[c*ACC_WIDTH+:ACC_WIDTH] = accumulator;
      if (SUM_WIDTH > ACC_WIDTH) begin : copies_of_the_sign
        wire unused = &{1'b0, summand[SUM_WIDTH-1:ACC_WIDTH]};
      end
      if (X_KIND == 2 || W_KIND == 2) begin : some_are_unused
        wire unused = &{1'b0, x_extended, w_extended, x_sign, w_sign};
      end
    end
  endgenerate

endmodule

`default_nettype wire
