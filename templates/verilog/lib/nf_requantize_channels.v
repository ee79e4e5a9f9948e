// nf_requantize_channels - nf_requantize with a shift for each channel: y = saturate(activation(round(x / 2^S[c]))).
//
// All shifts of a stage share the part to the left: x goes LEFT bits to the left, which is exact, then its channel's
// own bits to the right.
//   shifts: word b mod DEPTH belongs to beat b of a packet; LEFT + S of lane i stands at bits
//           [i*SHIFT_BITS +: SHIFT_BITS] and is at most IN_WIDTH + 1 + LEFT.
// Two registers that move together: with the rounding addend, then shifted and saturated. A lane that is 0 stays 0.

`default_nettype none

module nf_requantize_channels #(
    parameter LANES      = 1,       // elements of one beat
    parameter BEATS      = 4,       // beats of one packet
    parameter IN_WIDTH   = 8,       // bits of x
    parameter IN_SIGNED  = 1,       // 1: x is two's complement
    parameter OUT_WIDTH  = 4,       // bits of y
    parameter OUT_SIGNED = 1,       // 1: y is two's complement
    parameter LEFT       = 0,       // bits to the left for all, at most OUT_WIDTH + 1
    parameter SHIFT_BITS = 2,       // bits of one shift to the right
    parameter ROUNDING   = 0,       // 0: floor(v + 1/2), 1: floor(v), 2: ties to even
    parameter RELU       = 0,       // 1: negative values become 0
    parameter DEPTH      = 4,       // words of the memory image, at most BEATS
    parameter MEM_DIR    = "",      // put before the file name; empty, or a folder with its slash
    parameter SHIFT_FILE = "",      // memory image of the shifts for $readmemh; empty: all 0
    parameter ROM_STYLE  = "auto"   // how the shifts are stored: auto, block, distributed
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // x; s_drop marks the last beat of a packet that ends early
    input  wire [LANES*IN_WIDTH-1:0]  s_data,
    input  wire                       s_drop,
    input  wire                       s_valid,
    output wire                       s_ready,
    // y, two cycles later
    output reg  [LANES*OUT_WIDTH-1:0] m_data,
    output reg                        m_valid,
    input  wire                       m_ready
);

  // Sign bit, carry of the rounding addend, and the bits that the left shift adds.
  localparam ROOM = IN_WIDTH + 2 + LEFT;
  localparam FRAME = (ROOM > OUT_WIDTH + 2) ? ROOM : OUT_WIDTH + 2;

  localparam [FRAME-1:0] ONE = {{(FRAME - 1) {1'b0}}, 1'b1};
  localparam signed [FRAME-1:0] HIGHEST = (OUT_SIGNED != 0) ? (ONE << (OUT_WIDTH - 1)) - ONE : (ONE << OUT_WIDTH) - ONE;
  localparam signed [FRAME-1:0] LOWEST = (OUT_SIGNED != 0) ? -(ONE << (OUT_WIDTH - 1)) : {FRAME{1'b0}};
  localparam signed [FRAME-1:0] FLOOR = (RELU != 0) ? {FRAME{1'b0}} : LOWEST;

  reg                         added_valid;
  wire                        move = !m_valid || m_ready;
  wire [LANES*SHIFT_BITS-1:0] shifts;
  wire                        unused_last;

  assign s_ready = move;

  nf_beat_rom #(
      .WIDTH    (LANES * SHIFT_BITS),
      .BEATS    (BEATS),
      .DEPTH    (DEPTH),
      .MEM_DIR  (MEM_DIR),
      .FILE     (SHIFT_FILE),
      .ROM_STYLE(ROM_STYLE)
  ) rom (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (s_valid && move),
      .restart(s_drop),
      .word   (shifts),
      .last   (unused_last)
  );

  always @(posedge aclk) begin
    if (!aresetn) begin
      added_valid <= 1'b0;
      m_valid     <= 1'b0;
    end else if (move) begin
      added_valid <= s_valid;
      m_valid     <= added_valid;
    end
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire        [IN_WIDTH-1:0]   x = s_data[i*IN_WIDTH+:IN_WIDTH];
      wire                         sign = (IN_SIGNED != 0) && x[IN_WIDTH-1];
      wire        [FRAME-1:0]      extended = {{(FRAME - IN_WIDTH) {sign}}, x};
      wire        [SHIFT_BITS-1:0] shift = shifts[i*SHIFT_BITS+:SHIFT_BITS];
      wire        [FRAME-1:0]      half = (ROUNDING != 1) ? (ONE << shift) >> 1 : {FRAME{1'b0}};

      reg         [SHIFT_BITS-1:0] right;
      reg  signed [FRAME-1:0]      added;
      wire signed [FRAME-1:0]      shifted = added >>> right;
      wire signed [FRAME-1:0]      rounded;
      wire signed [FRAME-1:0]      saturated;

      always @(posedge aclk) begin
        if (move) begin
          right <= shift;
          added <= (extended << LEFT) + half;
        end
      end

      if (ROUNDING == 2) begin : ties_to_even
        wire [FRAME-1:0] below = added & ((ONE << right) - ONE);
        wire             tie = right != {SHIFT_BITS{1'b0}} && below == {FRAME{1'b0}};
        assign rounded = {shifted[FRAME-1:1], shifted[0] && !tie};
      end else begin : plain
        assign rounded = shifted;
      end

      assign saturated = (rounded > HIGHEST) ? HIGHEST : (rounded < FLOOR) ? FLOOR : rounded;
      wire unused = &{1'b0, saturated[FRAME-1:OUT_WIDTH]};

      always @(posedge aclk) begin
        if (move) m_data[i*OUT_WIDTH+:OUT_WIDTH] <= saturated[OUT_WIDTH-1:0];
      end
    end
  endgenerate

endmodule

`default_nettype wire
