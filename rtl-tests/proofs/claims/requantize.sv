// requantize - nf_requantize gives what the definition says, one cycle after x.

module requantize #(
    parameter IN_WIDTH   = 8,
    parameter IN_SIGNED  = 1,
    parameter OUT_WIDTH  = 4,
    parameter OUT_SIGNED = 1,
    parameter SHIFT      = 0,
    parameter ROUNDING   = 0,
    parameter RELU       = 0
) (
    input wire aclk
);

  localparam [31:0] RIGHT = (SHIFT > 0) ? SHIFT : 0;
  localparam [31:0] LEFT = (SHIFT < 0) ? -SHIFT : 0;

  wire [IN_WIDTH-1:0]  x = $anyseq;
  wire [OUT_WIDTH-1:0] y;
  wire                 holds;
  reg  [IN_WIDTH-1:0]  before;
  reg                  started = 0;

  nf_requantize #(
      .LANES     (1),
      .IN_WIDTH  (IN_WIDTH),
      .IN_SIGNED (IN_SIGNED),
      .OUT_WIDTH (OUT_WIDTH),
      .OUT_SIGNED(OUT_SIGNED),
      .SHIFT     (SHIFT),
      .ROUNDING  (ROUNDING),
      .RELU      (RELU)
  ) module_under_proof (
      .aclk   (aclk),
      .aresetn(1'b1),
      .s_data (x),
      .s_valid(1'b1),
      .s_ready(),
      .m_data (y),
      .m_valid(),
      .m_ready(1'b1)
  );

  rounded #(
      .IN_WIDTH  (IN_WIDTH),
      .IN_SIGNED (IN_SIGNED),
      .OUT_WIDTH (OUT_WIDTH),
      .OUT_SIGNED(OUT_SIGNED),
      .ROUNDING  (ROUNDING),
      .RELU      (RELU),
      .MOST_LEFT (LEFT),
      .MOST_RIGHT(RIGHT)
  ) definition (
      .x    (before),
      .y    (y),
      .left (LEFT[15:0]),
      .right(RIGHT[15:0]),
      .holds(holds)
  );

  always @(posedge aclk) begin
    before  <= x;
    started <= 1;
  end

  always @* if (started) assert (holds);

endmodule
