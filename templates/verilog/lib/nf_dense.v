// nf_dense - matrix times vector plus bias on PE x SIMD multipliers.
//
// A packet comes as its INPUTS elements in beats of SIMD, replayed once per group of PE outputs:
// ceil(OUTPUTS/PE) * ceil(INPUTS/SIMD) beats. Every replay gives one beat of PE sums.
//   weights: word f*ceil(INPUTS/SIMD)+i holds weight [f*PE+p][i*SIMD+s] at bits [(p*SIMD+s)*W_WIDTH +: W_WIDTH]
//   bias:    word f holds the bias of output f*PE+p at bits [p*ACC_WIDTH +: ACC_WIDTH]
// Entries beyond the layer's edges are 0, so unused lanes of the last beat are 0. ACC_WIDTH must hold every
// partial sum. Pipeline: memory, products, one register per adder level, accumulators.
// A sum leaves 3 + $clog2(SIMD) cycles after the last beat that belongs to it.

`default_nettype none

module nf_dense #(
    parameter INPUTS      = 4,       // elements of the vector
    parameter OUTPUTS     = 2,       // sums
    parameter PE          = 1,       // outputs side by side
    parameter SIMD        = 1,       // inputs side by side
    parameter X_WIDTH     = 8,       // bits of one input
    parameter X_SIGNED    = 0,       // 1: inputs are two's complement
    parameter W_WIDTH     = 4,       // bits of one weight
    parameter W_SIGNED    = 1,       // 1: weights are two's complement
    parameter ACC_WIDTH   = 16,      // bits of one sum
    parameter MEM_DIR     = "",      // put before the file names; empty, or a folder with its slash
    parameter WEIGHT_FILE = "",      // memory image of the weights for $readmemh; empty: all 0
    parameter BIAS_FILE   = "",      // memory image of the bias; empty: no bias
    parameter ROM_STYLE   = "auto"   // how the weights are stored: auto, block, distributed
) (
    input  wire                    aclk,
    input  wire                    aresetn,
    // the vector, replayed
    input  wire [SIMD*X_WIDTH-1:0] s_data,
    input  wire                    s_valid,
    output wire                    s_ready,
    // the sums
    output wire [PE*ACC_WIDTH-1:0] m_data,
    output wire                    m_valid,
    input  wire                    m_ready
);

  localparam IN_FOLDS = (INPUTS + SIMD - 1) / SIMD;
  localparam OUT_FOLDS = (OUTPUTS + PE - 1) / PE;
  localparam DEPTH = IN_FOLDS * OUT_FOLDS;
  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam IN_FOLD_BITS = (IN_FOLDS > 1) ? $clog2(IN_FOLDS) : 1;
  localparam OUT_FOLD_BITS = (OUT_FOLDS > 1) ? $clog2(OUT_FOLDS) : 1;
  localparam [31:0] LAST_ADDRESS = DEPTH - 1;
  localparam [31:0] LAST_IN_FOLD = IN_FOLDS - 1;
  localparam [31:0] LAST_OUT_FOLD = OUT_FOLDS - 1;

  // Operands get a sign bit where they have none; a sum never needs more than the accumulator.
  localparam XE_WIDTH = X_WIDTH + ((X_SIGNED != 0) ? 0 : 1);
  localparam WE_WIDTH = W_WIDTH + ((W_SIGNED != 0) ? 0 : 1);
  localparam PRODUCT_WIDTH = XE_WIDTH + WE_WIDTH;
  localparam LEVELS = $clog2(SIMD);
  localparam LEAVES = 1 << LEVELS;
  localparam TREE_WIDTH = (PRODUCT_WIDTH + LEVELS < ACC_WIDTH) ? PRODUCT_WIDTH + LEVELS : ACC_WIDTH;

  // Stage 0: memory output; stage 1: products; stage 1 + LEVELS: sum of one beat; then the accumulators.
  localparam STAGES = 2 + LEVELS;

  wire move;  // the whole pipeline steps, unless a finished sum is held up

  reg  [ADDRESS_BITS-1:0] address;
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
        address <= (address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : address + 1'b1;
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

  // Weights and inputs. Some tools drop the attribute and would call the parameter unused.
  wire unused_style = ROM_STYLE == "auto";
  (* rom_style = ROM_STYLE *)
  reg [PE*SIMD*W_WIDTH-1:0] weights[0:DEPTH-1];
  reg [PE*SIMD*W_WIDTH-1:0] weight_word;
  reg [SIMD*X_WIDTH-1:0]    input_word;

  // An empty string cannot be put before a file name in every tool: it may count as a NUL character.
  generate
    if (WEIGHT_FILE == "") begin : no_weights
      integer k;
      initial for (k = 0; k < DEPTH; k = k + 1) weights[k] = {PE * SIMD * W_WIDTH{1'b0}};
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

  // Bias of the outputs whose first beat reaches the accumulators next.
  wire [PE*ACC_WIDTH-1:0] bias_word;

  generate
    if (BIAS_FILE != "") begin : with_bias
      reg [PE*ACC_WIDTH-1:0]  bias[0:OUT_FOLDS-1];
      reg [PE*ACC_WIDTH-1:0]  bias_read;
      reg [OUT_FOLD_BITS-1:0] out_fold;
      wire                    fetch = move && valid[STAGES-2] && first[STAGES-2];

      if (MEM_DIR == "") begin : bias_here
        initial $readmemh(BIAS_FILE, bias);
      end else begin : bias_there
        initial $readmemh({MEM_DIR, BIAS_FILE}, bias);
      end

      always @(posedge aclk) begin
        if (!aresetn) out_fold <= {OUT_FOLD_BITS{1'b0}};
        else if (fetch)
          out_fold <= (out_fold == LAST_OUT_FOLD[OUT_FOLD_BITS-1:0]) ? {OUT_FOLD_BITS{1'b0}} : out_fold + 1'b1;
      end

      always @(posedge aclk) begin
        if (fetch) bias_read <= bias[out_fold];
      end

      assign bias_word = bias_read;
    end else begin : without_bias
      assign bias_word = {PE * ACC_WIDTH{1'b0}};
    end
  endgenerate

  genvar p, n;
  generate
    for (p = 0; p < PE; p = p + 1) begin : pe
      // Nodes 0 to LEAVES-1 are the products, node LEAVES+k adds nodes 2k and 2k+1, the last one is the sum.
      for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
        wire [TREE_WIDTH-1:0] value;
        if (n < SIMD) begin : leaf
          wire        [X_WIDTH-1:0]       x = input_word[n*X_WIDTH+:X_WIDTH];
          wire        [W_WIDTH-1:0]       w = weight_word[(p*SIMD+n)*W_WIDTH+:W_WIDTH];
          wire                            x_sign = (X_SIGNED != 0) && x[X_WIDTH-1];
          wire                            w_sign = (W_SIGNED != 0) && w[W_WIDTH-1];
          wire signed [PRODUCT_WIDTH-1:0] x_extended = {{(PRODUCT_WIDTH - X_WIDTH) {x_sign}}, x};
          wire signed [PRODUCT_WIDTH-1:0] w_extended = {{(PRODUCT_WIDTH - W_WIDTH) {w_sign}}, w};
          reg  signed [PRODUCT_WIDTH-1:0] product;
          always @(posedge aclk) begin
            if (move) product <= x_extended * w_extended;
          end
          if (TREE_WIDTH > PRODUCT_WIDTH) begin : extend
            assign value = {{(TREE_WIDTH - PRODUCT_WIDTH) {product[PRODUCT_WIDTH-1]}}, product};
          end else begin : keep
            assign value = product[TREE_WIDTH-1:0];
          end
          if (TREE_WIDTH < PRODUCT_WIDTH) begin : copies_of_the_sign
            wire unused = &{1'b0, product[PRODUCT_WIDTH-1:TREE_WIDTH]};
          end
        end else if (n < LEAVES) begin : nothing
          assign value = {TREE_WIDTH{1'b0}};
        end else begin : adder
          reg [TREE_WIDTH-1:0] added;
          always @(posedge aclk) begin
            if (move) added <= node[2*(n-LEAVES)].value + node[2*(n-LEAVES)+1].value;
          end
          assign value = added;
        end
      end

      wire [TREE_WIDTH-1:0] beat_sum = node[2*LEAVES-2].value;
      wire [ACC_WIDTH-1:0]  beat_sum_extended;
      reg  [ACC_WIDTH-1:0]  accumulator;

      if (ACC_WIDTH > TREE_WIDTH) begin : extend
        assign beat_sum_extended = {{(ACC_WIDTH - TREE_WIDTH) {beat_sum[TREE_WIDTH-1]}}, beat_sum};
      end else begin : keep
        assign beat_sum_extended = beat_sum;
      end

      always @(posedge aclk) begin
        if (move && valid[STAGES-1])
          accumulator <= (first[STAGES-1] ? bias_word[p*ACC_WIDTH+:ACC_WIDTH] : accumulator) + beat_sum_extended;
      end

      assign m_data[p*ACC_WIDTH+:ACC_WIDTH] = accumulator;
    end
  endgenerate

endmodule

`default_nettype wire
