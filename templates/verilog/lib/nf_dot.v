// nf_dot - sum of SIMD products in a tree of adders.
//
// An operand is unsigned, two's complement, or bipolar: one bit b that counts as 2b - 1. Only integers are multiplied:
//   integer x integer  a product
//   bipolar x integer  the integer or its negative
//   bipolar x bipolar  XNOR, and the tree counts the ones: `sum` is twice the count, which is the sum of the products
//                      plus the number of used lanes; the caller takes that away
// A lane that is not used adds 0. One register for the products and one per level of adders, all of which step when
// `move` is high: the sum is there after 1 + $clog2(SIMD) steps.

`default_nettype none

module nf_dot #(
    parameter SIMD      = 1,  // products
    parameter X_WIDTH   = 8,  // bits of one x, 1 for bipolar
    parameter X_KIND    = 0,  // 0: unsigned, 1: two's complement, 2: bipolar
    parameter W_WIDTH   = 4,  // bits of one w, 1 for bipolar
    parameter W_KIND    = 1,  // as X_KIND
    parameter SUM_WIDTH = 16, // bits of the sum, enough for every partial one
    parameter IN_LOGIC  = 0   // 1: products are sums of shifted x, which no tool puts into multiplier blocks
) (
    input  wire                    aclk,
    input  wire                    move,
    input  wire [SIMD*X_WIDTH-1:0] x,
    input  wire [SIMD*W_WIDTH-1:0] w,
    input  wire [SIMD-1:0]         used,
    output wire [SUM_WIDTH-1:0]    sum
);

  localparam COUNTING = (X_KIND == 2 && W_KIND == 2) ? 1 : 0;
  localparam LEVELS = $clog2(SIMD);
  localparam LEAVES = 1 << LEVELS;

  // Integers get a sign bit where they have none, and room for the negative of the lowest one.
  localparam XE_WIDTH = (X_KIND == 2) ? 1 : X_WIDTH + ((X_KIND == 1 && W_KIND != 2) ? 0 : 1);
  localparam WE_WIDTH = (W_KIND == 2) ? 1 : W_WIDTH + ((W_KIND == 1 && X_KIND != 2) ? 0 : 1);
  localparam PRODUCT_WIDTH = (COUNTING != 0) ? 1 : (X_KIND == 2) ? WE_WIDTH : (W_KIND == 2) ? XE_WIDTH
                           : XE_WIDTH + WE_WIDTH;
  localparam FULL_WIDTH = (COUNTING != 0) ? $clog2(SIMD + 1) : PRODUCT_WIDTH + LEVELS;
  localparam TREE_WIDTH = (FULL_WIDTH < SUM_WIDTH) ? FULL_WIDTH : SUM_WIDTH;

  // Nodes 0 to LEAVES-1 are the products, node LEAVES+k adds nodes 2k and 2k+1, the last one is the sum.
  genvar n;
  generate
    for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
      wire [TREE_WIDTH-1:0] value;
      if (n < SIMD) begin : leaf
        wire        [X_WIDTH-1:0]       a = x[n*X_WIDTH+:X_WIDTH];
        wire        [W_WIDTH-1:0]       b = w[n*W_WIDTH+:W_WIDTH];
        wire signed [PRODUCT_WIDTH-1:0] result;
        reg  signed [PRODUCT_WIDTH-1:0] product;

        if (COUNTING != 0) begin : equal
          assign result = !(a ^ b);
        end else if (X_KIND == 2) begin : signed_by_x
          wire sign = (W_KIND == 1) && b[W_WIDTH-1];
          wire signed [PRODUCT_WIDTH-1:0] extended = {sign, b};
          assign result = a[0] ? extended : -extended;
        end else if (W_KIND == 2) begin : signed_by_w
          wire sign = (X_KIND == 1) && a[X_WIDTH-1];
          wire signed [PRODUCT_WIDTH-1:0] extended = {sign, a};
          assign result = b[0] ? extended : -extended;
        end else if (IN_LOGIC != 0) begin : in_logic
          wire a_sign = (X_KIND == 1) && a[X_WIDTH-1];
          wire signed [PRODUCT_WIDTH-1:0] a_extended = {{(PRODUCT_WIDTH - X_WIDTH) {a_sign}}, a};
          genvar k;
          for (k = 0; k < W_WIDTH; k = k + 1) begin : row
            wire [PRODUCT_WIDTH-1:0] part = b[k] ? a_extended <<< k : {PRODUCT_WIDTH{1'b0}};
            wire [PRODUCT_WIDTH-1:0] total;
            if (k == 0 && W_WIDTH == 1 && W_KIND == 1) begin : only
              assign total = -part;
            end else if (k == 0) begin : first
              assign total = part;
            end else if (k == W_WIDTH - 1 && W_KIND == 1) begin : sign
              assign total = row[k-1].total - part;
            end else begin : next
              assign total = row[k-1].total + part;
            end
          end
          assign result = row[W_WIDTH-1].total;
        end else begin : multiplied
          wire a_sign = (X_KIND == 1) && a[X_WIDTH-1];
          wire b_sign = (W_KIND == 1) && b[W_WIDTH-1];
          wire signed [PRODUCT_WIDTH-1:0] a_extended = {{(PRODUCT_WIDTH - X_WIDTH) {a_sign}}, a};
          wire signed [PRODUCT_WIDTH-1:0] b_extended = {{(PRODUCT_WIDTH - W_WIDTH) {b_sign}}, b};
          assign result = a_extended * b_extended;
        end

        always @(posedge aclk) begin
          if (move) product <= used[n] ? result : {PRODUCT_WIDTH{1'b0}};
        end

        if (TREE_WIDTH > PRODUCT_WIDTH) begin : extend
          wire fill = (COUNTING == 0) && product[PRODUCT_WIDTH-1];
          assign value = {{(TREE_WIDTH - PRODUCT_WIDTH) {fill}}, product};
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

    if (COUNTING != 0) begin : twice
      wire [SUM_WIDTH:0] doubled = {{(SUM_WIDTH - TREE_WIDTH) {1'b0}}, node[2*LEAVES-2].value, 1'b0};
      wire               unused = doubled[SUM_WIDTH];
      assign sum = doubled[SUM_WIDTH-1:0];
    end else if (SUM_WIDTH > TREE_WIDTH) begin : extend
      assign sum = {{(SUM_WIDTH - TREE_WIDTH) {node[2*LEAVES-2].value[TREE_WIDTH-1]}}, node[2*LEAVES-2].value};
    end else begin : keep
      assign sum = node[2*LEAVES-2].value;
    end
  endgenerate

endmodule

`default_nettype wire
