// nf_threshold - counts how many thresholds of its channel an integer reaches: y = BASE + #{k: x >= T[c][k]}.
//
//   thresholds: word b mod DEPTH belongs to beat b of a packet; threshold k of lane i stands at bits
//               [(i*LEVELS+k)*T_WIDTH +: T_WIDTH], two's complement where x is.
// Every lane has LEVELS comparators. Two registers that move together: what is reached, then the count.
// Unused lanes of a packet's last beat are ignored on input and 0 on output.

`default_nettype none

module nf_threshold #(
    parameter ELEMENTS       = 4,       // elements of one packet
    parameter LANES          = 1,       // elements of one beat
    parameter LEVELS         = 1,       // thresholds of one channel
    parameter IN_WIDTH       = 8,       // bits of x
    parameter IN_SIGNED      = 1,       // 1: x and the thresholds are two's complement
    parameter T_WIDTH        = 8,       // bits of one threshold, at least IN_WIDTH
    parameter BASE           = 0,       // y where nothing is reached
    parameter OUT_WIDTH      = 1,       // bits of y, enough for BASE and BASE + LEVELS
    parameter DEPTH          = 4,       // words of the memory image, at most the beats of a packet
    parameter MEM_DIR        = "",      // put before the file name; empty, or a folder with its slash
    parameter THRESHOLD_FILE = "",      // memory image of the thresholds for $readmemh; empty: all 0
    parameter ROM_STYLE      = "auto"   // how the thresholds are stored: auto, block, distributed
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
  localparam T_BITS = LANES * LEVELS * T_WIDTH;
  localparam LEAVES = 1 << $clog2(LEVELS);
  localparam [31:0] BASE_BITS = BASE;

  reg                     reached_valid;
  reg                     reached_last;
  reg  [LANES*LEVELS-1:0] reached;
  wire                    move = !m_valid || m_ready;
  wire                    last;
  wire [T_BITS-1:0]       thresholds;

  assign s_ready = move;

  nf_beat_rom #(
      .WIDTH    (T_BITS),
      .BEATS    (BEATS),
      .DEPTH    (DEPTH),
      .MEM_DIR  (MEM_DIR),
      .FILE     (THRESHOLD_FILE),
      .ROM_STYLE(ROM_STYLE)
  ) rom (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (s_valid && move),
      .restart(s_drop),
      .word   (thresholds),
      .last   (last)
  );

  always @(posedge aclk) begin
    if (!aresetn) begin
      reached_valid <= 1'b0;
      m_valid       <= 1'b0;
    end else if (move) begin
      reached_valid <= s_valid;
      m_valid       <= reached_valid;
    end
  end

  always @(posedge aclk) begin
    if (move) reached_last <= last;
  end

  genvar i, k;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire [IN_WIDTH-1:0]  x = s_data[i*IN_WIDTH+:IN_WIDTH];
      wire                 sign = (IN_SIGNED != 0) && x[IN_WIDTH-1];
      wire [T_WIDTH:0]     extended = {{(T_WIDTH + 1 - IN_WIDTH) {sign}}, x};
      wire [OUT_WIDTH-1:0] y;

      for (k = 0; k < LEVELS; k = k + 1) begin : level
        wire [T_WIDTH-1:0] t = thresholds[(i*LEVELS+k)*T_WIDTH+:T_WIDTH];
        wire               t_sign = (IN_SIGNED != 0) && t[T_WIDTH-1];
        always @(posedge aclk) begin
          if (move) reached[i*LEVELS+k] <= $signed(extended) >= $signed({t_sign, t});
        end
      end

      // Nodes 0 to LEAVES-1 are the levels, node LEAVES+k adds nodes 2k and 2k+1, the last one is the count.
      for (k = 0; k < 2 * LEAVES - 1; k = k + 1) begin : node
        wire [OUT_WIDTH-1:0] count;
        if (k < LEVELS) begin : leaf
          assign count = {{(OUT_WIDTH - 1) {1'b0}}, reached[i*LEVELS+k]};
        end else if (k < LEAVES) begin : nothing
          assign count = {OUT_WIDTH{1'b0}};
        end else begin : added
          assign count = node[2*(k-LEAVES)].count + node[2*(k-LEAVES)+1].count;
        end
      end

      assign y = BASE_BITS[OUT_WIDTH-1:0] + node[2*LEAVES-2].count;

      if (i < TAIL_LANES) begin : always_used
        always @(posedge aclk) begin
          if (move) m_data[i*OUT_WIDTH+:OUT_WIDTH] <= y;
        end
      end else begin : unused_in_tail
        always @(posedge aclk) begin
          if (move) m_data[i*OUT_WIDTH+:OUT_WIDTH] <= reached_last ? {OUT_WIDTH{1'b0}} : y;
        end
      end
    end
    if (TAIL_LANES == LANES) begin : whole_beats
      wire unused = reached_last;
    end
  endgenerate

endmodule

`default_nettype wire
