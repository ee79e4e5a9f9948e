// nf_requantize - brings integers to another format: y = saturate(activation(round(x / 2^SHIFT))).
//
// Every lane on its own, one register. Nothing wraps: the frame has room for the rounding addend and for a
// left shift, and saturation comes last. A lane that is 0 stays 0.

`default_nettype none

module nf_requantize #(
    parameter LANES      = 1,  // elements of one beat
    parameter IN_WIDTH   = 8,  // bits of x
    parameter IN_SIGNED  = 1,  // 1: x is two's complement
    parameter OUT_WIDTH  = 4,  // bits of y
    parameter OUT_SIGNED = 1,  // 1: y is two's complement
    parameter SHIFT      = 0,  // bits to the right; negative: exact shift to the left
    parameter ROUNDING   = 0,  // 0: floor(v + 1/2), 1: floor(v), 2: ties to even
    parameter RELU       = 0   // 1: negative values become 0
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // x
    input  wire [LANES*IN_WIDTH-1:0]  s_data,
    input  wire                       s_valid,
    output wire                       s_ready,
    // y, one cycle later
    output reg  [LANES*OUT_WIDTH-1:0] m_data,
    output reg                        m_valid,
    input  wire                       m_ready
);

  // Beyond these distances every shift gives the same result.
  localparam RIGHT = (SHIFT > IN_WIDTH + 1) ? IN_WIDTH + 1 : (SHIFT > 0) ? SHIFT : 0;
  localparam LEFT = (-SHIFT > OUT_WIDTH + 1) ? OUT_WIDTH + 1 : (SHIFT < 0) ? -SHIFT : 0;
  // Sign bit, carry of the rounding addend, and the bits that a left shift adds.
  localparam ROOM = IN_WIDTH + 2 + LEFT;
  localparam FRAME = (ROOM > OUT_WIDTH + 2) ? ROOM : OUT_WIDTH + 2;

  localparam [FRAME-1:0] ONE = {{(FRAME - 1) {1'b0}}, 1'b1};
  localparam [FRAME-1:0] HALF = (RIGHT > 0 && ROUNDING != 1) ? (ONE << RIGHT) >> 1 : {FRAME{1'b0}};
  localparam signed [FRAME-1:0] HIGHEST = (OUT_SIGNED != 0) ? (ONE << (OUT_WIDTH - 1)) - ONE : (ONE << OUT_WIDTH) - ONE;
  localparam signed [FRAME-1:0] LOWEST = (OUT_SIGNED != 0) ? -(ONE << (OUT_WIDTH - 1)) : {FRAME{1'b0}};
  localparam signed [FRAME-1:0] FLOOR = (RELU != 0) ? {FRAME{1'b0}} : LOWEST;

  wire                       free = !m_valid || m_ready;
  wire [LANES*OUT_WIDTH-1:0] y;

  assign s_ready = free;

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (free) m_valid <= s_valid;
  end

  always @(posedge aclk) begin
    if (free) m_data <= y;
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire        [IN_WIDTH-1:0] x = s_data[i*IN_WIDTH+:IN_WIDTH];
      wire                       sign = (IN_SIGNED != 0) && x[IN_WIDTH-1];
      wire        [FRAME-1:0]    extended = {{(FRAME - IN_WIDTH) {sign}}, x};
      wire signed [FRAME-1:0]    addend_in = (extended << LEFT) + HALF;
      wire signed [FRAME-1:0]    shifted = addend_in >>> RIGHT;
      wire signed [FRAME-1:0]    rounded;
      wire signed [FRAME-1:0]    saturated;

      if (ROUNDING == 2 && RIGHT > 0) begin : ties_to_even
        wire tie = addend_in[RIGHT-1:0] == {RIGHT{1'b0}};
        assign rounded = {shifted[FRAME-1:1], shifted[0] && !tie};
      end else begin : plain
        assign rounded = shifted;
      end

      assign saturated = (rounded > HIGHEST) ? HIGHEST : (rounded < FLOOR) ? FLOOR : rounded;
      assign y[i*OUT_WIDTH+:OUT_WIDTH] = saturated[OUT_WIDTH-1:0];
      wire unused = &{1'b0, saturated[FRAME-1:OUT_WIDTH]};
    end
  endgenerate

endmodule

`default_nettype wire
