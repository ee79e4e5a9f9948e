// nf_argmax - index of a packet's largest element, the lowest one on ties.
//
// Two registers: the best of each beat, then the best so far. Unused lanes of the last beat are ignored.
// The index leaves two cycles after the packet's last beat; the next packet may follow at once.
// With POSITIONS > 1 so many packets stand side by side, each beat with its LANES of each, and so do their indices.

`default_nettype none

module nf_argmax #(
    parameter ELEMENTS    = 10,  // elements of one packet
    parameter LANES       = 1,   // elements of one beat
    parameter WIDTH       = 16,  // bits of one element
    parameter SIGNED      = 1,   // 1: elements are two's complement
    parameter INDEX_WIDTH = 4,   // bits of the index, enough for ELEMENTS-1
    parameter POSITIONS   = 1    // packets side by side
) (
    input  wire                             aclk,
    input  wire                             aresetn,
    // elements
    input  wire [POSITIONS*LANES*WIDTH-1:0] s_data,
    input  wire                             s_valid,
    output wire                             s_ready,
    // one index per packet
    output wire [POSITIONS*INDEX_WIDTH-1:0] m_data,
    output reg                              m_valid,
    input  wire                             m_ready
);

  localparam BEATS = (ELEMENTS + LANES - 1) / LANES;
  localparam TAIL_LANES = ELEMENTS - (BEATS - 1) * LANES;
  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam LEAVES = 1 << $clog2(LANES);
  localparam KEY_WIDTH = WIDTH + 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] STEP = LANES;

  reg  [BEAT_BITS-1:0]   beat;
  reg  [INDEX_WIDTH-1:0] base;  // index of lane 0
  wire                   free      = !m_valid || m_ready;
  wire                   last_beat = beat == LAST_BEAT[BEAT_BITS-1:0];

  assign s_ready = free;

  reg beat_valid;
  reg beat_first;
  reg beat_last;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat       <= {BEAT_BITS{1'b0}};
      base       <= {INDEX_WIDTH{1'b0}};
      beat_valid <= 1'b0;
      m_valid    <= 1'b0;
    end else if (free) begin
      if (s_valid) begin
        beat <= last_beat ? {BEAT_BITS{1'b0}} : beat + 1'b1;
        base <= last_beat ? {INDEX_WIDTH{1'b0}} : base + STEP[INDEX_WIDTH-1:0];
      end
      beat_valid <= s_valid;
      m_valid    <= beat_valid && beat_last;
    end
  end

  always @(posedge aclk) begin
    if (free) begin
      beat_first <= beat == {BEAT_BITS{1'b0}};
      beat_last  <= last_beat;
    end
  end

  // Keys compare as unsigned integers: a used lane is above an unused one, then the sign bit is flipped.
  // Nodes 0 to LEAVES-1 are the lanes, node LEAVES+k is the better of nodes 2k and 2k+1.
  genvar n, p;
  generate
    for (p = 0; p < POSITIONS; p = p + 1) begin : position
      for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
        localparam [31:0] LANE = n;
        wire [KEY_WIDTH-1:0]   key;
        wire [INDEX_WIDTH-1:0] lane;
        if (n < LANES) begin : element
          wire             used = (n < TAIL_LANES) || !last_beat;
          wire [WIDTH-1:0] x = s_data[(p*LANES+n)*WIDTH+:WIDTH];
          assign key  = {used, x ^ {(SIGNED != 0), {(WIDTH - 1) {1'b0}}}};
          assign lane = LANE[INDEX_WIDTH-1:0];
        end else if (n < LEAVES) begin : last_lane_again
          assign key  = node[LANES-1].key;
          assign lane = node[LANES-1].lane;
        end else begin : better
          wire second = node[2*(n-LEAVES)+1].key > node[2*(n-LEAVES)].key;
          assign key  = second ? node[2*(n-LEAVES)+1].key : node[2*(n-LEAVES)].key;
          assign lane = second ? node[2*(n-LEAVES)+1].lane : node[2*(n-LEAVES)].lane;
        end
      end

      // Best of the beat.
      reg [KEY_WIDTH-1:0]   beat_key;
      reg [INDEX_WIDTH-1:0] beat_index;

      // Best so far.
      reg [KEY_WIDTH-1:0]   best_key;
      reg [INDEX_WIDTH-1:0] best_index;

      assign m_data[p*INDEX_WIDTH+:INDEX_WIDTH] = best_index;

      always @(posedge aclk) begin
        if (free) begin
          beat_key   <= node[2*LEAVES-2].key;
          beat_index <= base + node[2*LEAVES-2].lane;
          if (beat_valid && (beat_first || beat_key > best_key)) begin
            best_key   <= beat_key;
            best_index <= beat_index;
          end
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
