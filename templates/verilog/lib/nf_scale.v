// nf_scale - multiplies an integer by a constant of its channel and adds another: y = x*M[c] + B[c].
//
//   constants: word b mod DEPTH belongs to beat b of a packet. Lane i stands at bits [i*(M_WIDTH+OUT_WIDTH) +:
//              M_WIDTH+OUT_WIDTH]: the multiplier in its lower M_WIDTH bits, the offset above; both two's complement.
// OUT_WIDTH must hold every result; it is two's complement. Two registers that move together: the product, then the sum.
// Unused lanes of a packet's last beat are ignored on input and 0 on output.

`default_nettype none

module nf_scale #(
    parameter ELEMENTS      = 4,       // elements of one packet
    parameter LANES         = 1,       // elements of one beat
    parameter IN_WIDTH      = 8,       // bits of x
    parameter IN_SIGNED     = 1,       // 1: x is two's complement
    parameter M_WIDTH       = 8,       // bits of a multiplier
    parameter OUT_WIDTH     = 16,      // bits of an offset, and of y
    parameter DEPTH         = 4,       // words of the memory image, at most the beats of a packet
    parameter MEM_DIR       = "",      // put before the file name; empty, or a folder with its slash
    parameter CONSTANT_FILE = "",      // memory image of the constants for $readmemh; empty: all 0
    parameter ROM_STYLE     = "auto"   // how the constants are stored: auto, block, distributed
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

  localparam BEATS = (ELEMENTS + LANES - 1) / LANES;
  localparam TAIL_LANES = ELEMENTS - (BEATS - 1) * LANES;
  localparam LANE_BITS = M_WIDTH + OUT_WIDTH;
  // Room for whatever the product makes; the caller has proved that OUT_WIDTH is enough.
  localparam NEEDED = IN_WIDTH + 1 + M_WIDTH;
  localparam FRAME = (NEEDED > OUT_WIDTH) ? NEEDED : OUT_WIDTH + 1;

  reg                        product_valid;
  reg                        product_last;
  wire                       move = !m_valid || m_ready;
  wire                       last;
  wire [LANES*LANE_BITS-1:0] constants;

  assign s_ready = move;

  nf_beat_rom #(
      .WIDTH    (LANES * LANE_BITS),
      .BEATS    (BEATS),
      .DEPTH    (DEPTH),
      .MEM_DIR  (MEM_DIR),
      .FILE     (CONSTANT_FILE),
      .ROM_STYLE(ROM_STYLE)
  ) rom (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (s_valid && move),
      .restart(s_drop),
      .word   (constants),
      .last   (last)
  );

  always @(posedge aclk) begin
    if (!aresetn) begin
      product_valid <= 1'b0;
      m_valid       <= 1'b0;
    end else if (move) begin
      product_valid <= s_valid;
      m_valid       <= product_valid;
    end
  end

  always @(posedge aclk) begin
    if (move) product_last <= last;
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire        [IN_WIDTH-1:0]  x = s_data[i*IN_WIDTH+:IN_WIDTH];
      wire        [M_WIDTH-1:0]   m = constants[i*LANE_BITS+:M_WIDTH];
      wire                        sign = (IN_SIGNED != 0) && x[IN_WIDTH-1];
      wire signed [FRAME-1:0]     x_extended = {{(FRAME - IN_WIDTH) {sign}}, x};
      wire signed [FRAME-1:0]     m_extended = {{(FRAME - M_WIDTH) {m[M_WIDTH-1]}}, m};
      wire signed [FRAME-1:0]     multiplied = x_extended * m_extended;
      reg         [OUT_WIDTH-1:0] product;
      reg         [OUT_WIDTH-1:0] offset;
      wire        [OUT_WIDTH-1:0] y = product + offset;

      always @(posedge aclk) begin
        if (move) begin
          product <= multiplied[OUT_WIDTH-1:0];
          offset  <= constants[i*LANE_BITS+M_WIDTH+:OUT_WIDTH];
        end
      end

      if (i < TAIL_LANES) begin : always_used
        always @(posedge aclk) begin
          if (move) m_data[i*OUT_WIDTH+:OUT_WIDTH] <= y;
        end
      end else begin : unused_in_tail
        always @(posedge aclk) begin
          if (move) m_data[i*OUT_WIDTH+:OUT_WIDTH] <= product_last ? {OUT_WIDTH{1'b0}} : y;
        end
      end

      wire unused = &{1'b0, multiplied[FRAME-1:OUT_WIDTH]};
    end
    if (TAIL_LANES == LANES) begin : whole_beats
      wire unused = product_last;
    end
  endgenerate

endmodule

`default_nettype wire
