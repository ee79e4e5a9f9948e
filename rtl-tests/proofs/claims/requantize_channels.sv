// requantize_channels - nf_requantize_channels gives what the definition says for every shift that its memory may hold, two
// cycles after x. The memory is a stand-in whose word is anything.

module nf_beat_rom #(
    parameter WIDTH     = 1,
    parameter BEATS     = 1,
    parameter DEPTH     = 1,
    parameter MEM_DIR   = "",
    parameter FILE      = "",
    parameter ROM_STYLE = "auto"
) (
    input  wire             aclk,
    input  wire             aresetn,
    input  wire             step,
    input  wire             restart,
    output wire [WIDTH-1:0] word,
    output wire             last
);
  assign word = $anyseq;
  assign last = $anyseq;
endmodule

module requantize_channels #(
    parameter IN_WIDTH   = 8,
    parameter IN_SIGNED  = 1,
    parameter OUT_WIDTH  = 4,
    parameter OUT_SIGNED = 1,
    parameter LEFT       = 0,
    parameter SHIFT_BITS = 2,
    parameter ROUNDING   = 0,
    parameter RELU       = 0
) (
    input wire aclk
);

  localparam [31:0] MOST = IN_WIDTH + 1 + LEFT;
  localparam [31:0] WHOLE_LEFT = LEFT;

  // What the memory gives: flattening joins it with the wire of that name.
  (* hierconn *) wire [SHIFT_BITS-1:0] \module_under_proof.shifts ;
  wire [15:0] shift = \module_under_proof.shifts ;

  wire [IN_WIDTH-1:0]   x = $anyseq;
  wire [OUT_WIDTH-1:0]  y;
  wire                  holds;
  reg  [IN_WIDTH-1:0]   x_before, x_long_before;
  reg  [15:0]           shift_before, shift_long_before;
  reg  [1:0]            started = 0;

  nf_requantize_channels #(
      .LANES     (1),
      .IN_WIDTH  (IN_WIDTH),
      .IN_SIGNED (IN_SIGNED),
      .OUT_WIDTH (OUT_WIDTH),
      .OUT_SIGNED(OUT_SIGNED),
      .LEFT      (LEFT),
      .SHIFT_BITS(SHIFT_BITS),
      .ROUNDING  (ROUNDING),
      .RELU      (RELU)
  ) module_under_proof (
      .aclk   (aclk),
      .aresetn(1'b1),
      .s_data (x),
      .s_drop (1'b0),
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
      .MOST_RIGHT(MOST)
  ) definition (
      .x    (x_long_before),
      .y    (y),
      .left (WHOLE_LEFT[15:0]),
      .right(shift_long_before),
      .holds(holds)
  );

  always @* assume ({16'd0, shift} <= MOST);

  always @(posedge aclk) begin
    x_before          <= x;
    x_long_before     <= x_before;
    shift_before      <= shift;
    shift_long_before <= shift_before;
    started           <= {started[0], 1'b1};
  end

  always @* if (started[1]) assert (holds);

endmodule
