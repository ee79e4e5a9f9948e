// nf_dots - sums of SIMD products of ROWS x COLUMNS pairs of vectors, whose products share multipliers.
//
// Row r of w and column c of x meet in sum k = r*COLUMNS + c. One multiplier gives the products of all pairs: it multiplies
// the columns, SPACING bits apart, by the rows, COLUMNS*SPACING bits apart, so that product k stands at bit k*SPACING. What
// is there is product k less 1 where the products below it are negative together, which is the sign of what is there of
// product k-1. These ones are added up with the products: each adder of the trees takes one as its carry, and `carry` is
// what is left for the caller to add.
//   SPACING = R:     R = X_WIDTH + W_WIDTH bits hold a product and the 1 less
//   SPACING = R - 1: the highest bit of a product and the lowest of the next one are at the same place; the lowest one
//                    is the AND of the operands' lowest bits, which gives the other
// x is unsigned or two's complement, w is two's complement of 2 bits at least. One register for the products and one per
// level of adders, all of which step when `move` is high: the sums are there after 1 + $clog2(SIMD) steps.

`default_nettype none

module nf_dots #(
    parameter SIMD      = 1,   // products of a sum
    parameter ROWS      = 2,
    parameter COLUMNS   = 1,
    parameter X_WIDTH   = 8,   // bits of one x
    parameter X_KIND    = 0,   // 0: unsigned, 1: two's complement
    parameter W_WIDTH   = 8,   // bits of one w
    parameter SPACING   = 16,  // bits from product to product
    parameter SUM_WIDTH = 24   // bits of a sum, enough for every partial one
) (
    input  wire                              aclk,
    input  wire                              move,
    input  wire [COLUMNS*SIMD*X_WIDTH-1:0]   x,
    input  wire [ROWS*SIMD*W_WIDTH-1:0]      w,
    output wire [ROWS*COLUMNS*SUM_WIDTH-1:0] sum,
    output wire [ROWS*COLUMNS-1:0]           carry
);

  localparam COUNT = ROWS * COLUMNS;
  localparam LEVELS = $clog2(SIMD);
  localparam LEAVES = 1 << LEVELS;
  localparam PRODUCT_WIDTH = X_WIDTH + W_WIDTH;
  localparam OVERLAP = PRODUCT_WIDTH - SPACING;
  localparam FULL_WIDTH = PRODUCT_WIDTH + LEVELS;
  localparam TREE_WIDTH = (FULL_WIDTH < SUM_WIDTH) ? FULL_WIDTH : SUM_WIDTH;

  // Operands of the multiplier: a borrow from the highest row or column, or the sign of none, takes a bit more.
  localparam XP_WIDTH = (COLUMNS - 1) * SPACING + X_WIDTH + 1;
  localparam WP_WIDTH = (ROWS - 1) * COLUMNS * SPACING + W_WIDTH + ((ROWS > 1) ? 1 : 0);
  localparam P_WIDTH = (COUNT - 1) * SPACING + PRODUCT_WIDTH;

  // Of every multiplier: what is there of each product, and whether that is negative.
  wire [COUNT*SIMD*PRODUCT_WIDTH-1:0] there;
  wire [COUNT*SIMD-1:0]               negative;

  genvar i, k, n, d;
  generate
    for (i = 0; i < SIMD; i = i + 1) begin : multiplier
      wire signed [XP_WIDTH-1:0]         columns;
      wire signed [WP_WIDTH-1:0]         rows;
      wire signed [XP_WIDTH+WP_WIDTH-1:0] full = columns * rows;
      reg         [P_WIDTH-1:0]          product;
      wire                               unused = &{1'b0, full};

      for (k = 0; k < COLUMNS; k = k + 1) begin : column
        wire        [X_WIDTH-1:0]  one = x[(k*SIMD+i)*X_WIDTH+:X_WIDTH];
        wire signed [XP_WIDTH-1:0] placed = {{(XP_WIDTH - X_WIDTH) {(X_KIND == 1) && one[X_WIDTH-1]}}, one} << (k * SPACING);
        wire signed [XP_WIDTH-1:0] total;
        if (k == 0) begin : lowest
          assign total = placed;
        end else begin : higher
          assign total = placed + column[k-1].total;
        end
      end
      for (k = 0; k < ROWS; k = k + 1) begin : row
        wire        [W_WIDTH-1:0]  one = w[(k*SIMD+i)*W_WIDTH+:W_WIDTH];
        wire signed [WP_WIDTH-1:0] placed = {{(WP_WIDTH - W_WIDTH) {one[W_WIDTH-1]}}, one} << (k * COLUMNS * SPACING);
        wire signed [WP_WIDTH-1:0] total;
        if (k == 0) begin : lowest
          assign total = placed;
        end else begin : higher
          assign total = placed + row[k-1].total;
        end
      end
      assign columns = column[COLUMNS-1].total;
      assign rows = row[ROWS-1].total;

      always @(posedge aclk) begin
        if (move) product <= full[P_WIDTH-1:0];
      end

      for (k = 0; k < COUNT; k = k + 1) begin : lane
        wire sign;
        if (k == COUNT - 1 || OVERLAP == 0) begin : own
          assign sign = product[k*SPACING+PRODUCT_WIDTH-1];
          assign there[(k*SIMD+i)*PRODUCT_WIDTH+:PRODUCT_WIDTH] = product[k*SPACING+:PRODUCT_WIDTH];
        end else begin : covered
          reg lowest;  // bit of the next product
          always @(posedge aclk) begin
            if (move) lowest <= column[(k+1)%COLUMNS].one[0] & row[(k+1)/COLUMNS].one[0];
          end
          assign sign = product[(k+1)*SPACING] ^ lowest;
          assign there[(k*SIMD+i)*PRODUCT_WIDTH+:PRODUCT_WIDTH] = {sign, product[k*SPACING+:SPACING]};
        end
        assign negative[k*SIMD+i] = sign;
      end
    end

    // Nodes 0 to LEAVES-1 are the products, node LEAVES+n adds nodes 2n and 2n+1 and the carry of product n.
    for (k = 0; k < COUNT; k = k + 1) begin : tree
      wire [LEAVES-1:0] less;  // products that have 1 less there
      for (n = 0; n < LEAVES; n = n + 1) begin : leaf
        if (k > 0 && n < SIMD) begin : below
          assign less[n] = negative[(k-1)*SIMD+n];
        end else begin : nothing
          assign less[n] = 1'b0;
        end
      end

      for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
        wire [TREE_WIDTH-1:0] value;
        if (n < SIMD) begin : product
          wire [PRODUCT_WIDTH-1:0] found = there[(k*SIMD+n)*PRODUCT_WIDTH+:PRODUCT_WIDTH];
          if (TREE_WIDTH > PRODUCT_WIDTH) begin : extend
            assign value = {{(TREE_WIDTH - PRODUCT_WIDTH) {found[PRODUCT_WIDTH-1]}}, found};
          end else begin : keep
            assign value = found[TREE_WIDTH-1:0];
          end
          if (TREE_WIDTH < PRODUCT_WIDTH) begin : copies_of_the_sign
            wire unused = &{1'b0, found[PRODUCT_WIDTH-1:TREE_WIDTH]};
          end
        end else if (n < LEAVES) begin : nothing
          assign value = {TREE_WIDTH{1'b0}};
        end else begin : adder
          // Level 1 has the first half of the adders, level 2 the first half of the others, and so on.
          localparam LEVEL = LEVELS - $clog2(2 * LEAVES - n) + 1;
          wire                more;
          reg  [TREE_WIDTH-1:0] added;
          wire [TREE_WIDTH:0] with_carry = {node[2*(n-LEAVES)].value, 1'b1} + {node[2*(n-LEAVES)+1].value, more};
          wire                unused = with_carry[0];
          if (LEVEL == 1) begin : at_once
            assign more = less[n-LEAVES];
          end else begin : later
            reg [LEVEL-2:0] wait_for;
            if (LEVEL == 2) begin : once
              always @(posedge aclk) if (move) wait_for <= less[n-LEAVES];
            end else begin : often
              always @(posedge aclk) if (move) wait_for <= {wait_for[LEVEL-3:0], less[n-LEAVES]};
            end
            assign more = wait_for[LEVEL-2];
          end
          always @(posedge aclk) begin
            if (move) added <= with_carry[TREE_WIDTH:1];
          end
          assign value = added;
        end
      end

      // The carry of the last product comes with the sum.
      wire [LEVELS:0] left;
      assign left[0] = less[LEAVES-1];
      for (d = 0; d < LEVELS; d = d + 1) begin : delay
        reg later;
        always @(posedge aclk) if (move) later <= left[d];
        assign left[d+1] = later;
      end
      assign carry[k] = left[LEVELS];
      if (SUM_WIDTH > TREE_WIDTH) begin : extend
        assign sum[k*SUM_WIDTH+:SUM_WIDTH] = {
          {(SUM_WIDTH - TREE_WIDTH) {node[2*LEAVES-2].value[TREE_WIDTH-1]}}, node[2*LEAVES-2].value
        };
      end else begin : keep
        assign sum[k*SUM_WIDTH+:SUM_WIDTH] = node[2*LEAVES-2].value;
      end
    end
  endgenerate

endmodule

`default_nettype wire
