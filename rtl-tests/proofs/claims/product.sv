// product - one product of nf_dot is that of its operands, one cycle after them; a lane that is not used gives 0.

module product #(
    parameter X_WIDTH   = 8,
    parameter X_KIND    = 0,  // 0: unsigned, 1: two's complement, 2: bipolar
    parameter W_WIDTH   = 4,
    parameter W_KIND    = 1,
    parameter IN_LOGIC  = 0
) (
    input wire aclk
);

  localparam WIDTH = X_WIDTH + W_WIDTH + 2;
  // Of two bipolar operands the module gives how many agree, twice, which is 1 more than their product where the lane is used.
  localparam COUNTING = (X_KIND == 2 && W_KIND == 2) ? 1 : 0;

  wire [X_WIDTH-1:0] x = $anyseq;
  wire [W_WIDTH-1:0] w = $anyseq;
  wire               used = $anyseq;

  wire signed [WIDTH-1:0] one = 1;
  wire signed [WIDTH-1:0] zero = 0;
  wire signed [WIDTH-1:0] a = (X_KIND == 2) ? (x[0] ? one : -one) : {{(WIDTH - X_WIDTH) {(X_KIND == 1) && x[X_WIDTH-1]}}, x};
  wire signed [WIDTH-1:0] b = (W_KIND == 2) ? (w[0] ? one : -one) : {{(WIDTH - W_WIDTH) {(W_KIND == 1) && w[W_WIDTH-1]}}, w};

  wire        [WIDTH-1:0] sum;
  reg  signed [WIDTH-1:0] definition;
  reg                     started = 0;

  nf_dot #(
      .SIMD     (1),
      .X_WIDTH  (X_WIDTH),
      .X_KIND   (X_KIND),
      .W_WIDTH  (W_WIDTH),
      .W_KIND   (W_KIND),
      .SUM_WIDTH(WIDTH),
      .IN_LOGIC (IN_LOGIC)
  ) module_under_proof (
      .aclk(aclk),
      .move(1'b1),
      .x   (x),
      .w   (w),
      .used(used),
      .sum (sum)
  );

  always @(posedge aclk) begin
    definition <= !used ? zero : (COUNTING != 0) ? a * b + one : a * b;
    started    <= 1;
  end

  always @* if (started) assert (sum == definition);

endmodule
