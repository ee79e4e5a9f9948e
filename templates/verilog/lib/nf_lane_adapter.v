// nf_lane_adapter - changes how many elements of a packet stand side by side.
//
// Packets of ELEMENTS elements come in beats of S_LANES and leave in beats of M_LANES; neither has to divide
// the other or ELEMENTS. Unused lanes of a packet's last beat are ignored on input and 0 on output.
// Registers hold two groups of elements. A group is the fewest elements after which both beat sizes meet
// again, or a whole packet when that is less, so that every lane has one fixed place in its group.
// Full speed on both sides: max(beats in, beats out) cycles per packet. s_ready never depends on m_ready.

`default_nettype none

module nf_lane_adapter #(
    parameter ELEMENTS = 12,  // elements of one packet
    parameter WIDTH    = 8,   // bits of one element
    parameter S_LANES  = 3,   // elements of one beat in
    parameter M_LANES  = 4,   // elements of one beat out
    parameter GROUP    = 12   // least common multiple of S_LANES and M_LANES, or ELEMENTS if less
) (
    input  wire                     aclk,
    input  wire                     aresetn,
    // narrow or wide
    input  wire [S_LANES*WIDTH-1:0] s_data,
    input  wire                     s_valid,
    output wire                     s_ready,
    // wide or narrow
    output wire [M_LANES*WIDTH-1:0] m_data,
    output wire                     m_valid,
    input  wire                     m_ready
);

  localparam S_SLOTS = (GROUP + S_LANES - 1) / S_LANES;
  localparam M_SLOTS = (GROUP + M_LANES - 1) / M_LANES;
  localparam S_BEATS = (ELEMENTS + S_LANES - 1) / S_LANES;
  localparam M_BEATS = (ELEMENTS + M_LANES - 1) / M_LANES;
  localparam M_TAIL = ELEMENTS - (M_BEATS - 1) * M_LANES;

  localparam S_SLOT_BITS = (S_SLOTS > 1) ? $clog2(S_SLOTS) : 1;
  localparam M_SLOT_BITS = (M_SLOTS > 1) ? $clog2(M_SLOTS) : 1;
  localparam S_BEAT_BITS = (S_BEATS > 1) ? $clog2(S_BEATS) : 1;
  localparam M_BEAT_BITS = (M_BEATS > 1) ? $clog2(M_BEATS) : 1;
  localparam LEVEL_BITS = $clog2(GROUP + S_LANES + M_LANES) + 1;
  localparam [31:0] LAST_S_SLOT = S_SLOTS - 1;
  localparam [31:0] LAST_M_SLOT = M_SLOTS - 1;
  localparam [31:0] LAST_S_BEAT = S_BEATS - 1;
  localparam [31:0] LAST_M_BEAT = M_BEATS - 1;
  localparam [31:0] S_STEP = S_LANES;
  localparam [31:0] M_STEP = M_LANES;

  // Elements of one group as stored, rounded up to whole beats of the wider rounding.
  localparam STORED = S_SLOTS * S_LANES;
  localparam SHOWN = M_SLOTS * M_LANES;
  localparam GROUP_BITS = ((STORED > SHOWN) ? STORED : SHOWN) * WIDTH;

  // Complete groups that are not read to their end.
  reg  [1:0]             ahead;

  // Writer: `written` elements of its group are there.
  reg                    write_group;
  reg  [S_SLOT_BITS-1:0] write_slot;
  reg  [S_BEAT_BITS-1:0] write_beat;
  reg  [LEVEL_BITS-1:0]  written;
  wire                   write           = s_valid && s_ready;
  wire                   write_end       = write_beat == LAST_S_BEAT[S_BEAT_BITS-1:0];
  wire                   write_group_end = write_end || write_slot == LAST_S_SLOT[S_SLOT_BITS-1:0];

  // Reader: `needed` elements of its group make up the present beat and those before it.
  reg                    read_group;
  reg  [M_SLOT_BITS-1:0] read_slot;
  reg  [M_BEAT_BITS-1:0] read_beat;
  reg  [LEVEL_BITS-1:0]  needed;
  wire                   read           = m_valid && m_ready;
  wire                   read_end       = read_beat == LAST_M_BEAT[M_BEAT_BITS-1:0];
  wire                   read_group_end = read_end || read_slot == LAST_M_SLOT[M_SLOT_BITS-1:0];

  wire                   complete  = write && write_group_end;
  wire                   exhausted = read && read_group_end;

  assign s_ready = ahead != 2'd2;
  assign m_valid = ahead != 2'd0 || written >= needed;

  always @(posedge aclk) begin
    if (!aresetn) begin
      ahead       <= 2'd0;
      write_group <= 1'b0;
      write_slot  <= {S_SLOT_BITS{1'b0}};
      write_beat  <= {S_BEAT_BITS{1'b0}};
      written     <= {LEVEL_BITS{1'b0}};
      read_group  <= 1'b0;
      read_slot   <= {M_SLOT_BITS{1'b0}};
      read_beat   <= {M_BEAT_BITS{1'b0}};
      needed      <= M_STEP[LEVEL_BITS-1:0];
    end else begin
      if (complete && !exhausted) ahead <= ahead + 2'd1;
      if (exhausted && !complete) ahead <= ahead - 2'd1;
      if (write) begin
        write_beat <= write_end ? {S_BEAT_BITS{1'b0}} : write_beat + 1'b1;
        write_slot <= write_group_end ? {S_SLOT_BITS{1'b0}} : write_slot + 1'b1;
        written    <= write_group_end ? {LEVEL_BITS{1'b0}} : written + S_STEP[LEVEL_BITS-1:0];
        if (write_group_end) write_group <= !write_group;
      end
      if (read) begin
        read_beat <= read_end ? {M_BEAT_BITS{1'b0}} : read_beat + 1'b1;
        read_slot <= read_group_end ? {M_SLOT_BITS{1'b0}} : read_slot + 1'b1;
        needed    <= read_group_end ? M_STEP[LEVEL_BITS-1:0] : needed + M_STEP[LEVEL_BITS-1:0];
        if (read_group_end) read_group <= !read_group;
      end
    end
  end

  wire [2*GROUP_BITS-1:0] groups;
  wire [GROUP_BITS-1:0]   group_read = read_group ? groups[GROUP_BITS+:GROUP_BITS] : groups[0+:GROUP_BITS];
  wire [M_LANES*WIDTH-1:0] beat_read = group_read[read_slot*(M_LANES*WIDTH)+:M_LANES*WIDTH];

  genvar g, i;
  generate
    for (g = 0; g < 2; g = g + 1) begin : group
      for (i = 0; i < S_SLOTS; i = i + 1) begin : slot
        localparam [31:0] INDEX = i;
        reg [S_LANES*WIDTH-1:0] held;
        always @(posedge aclk) begin
          if (write && write_group == (g != 0) && write_slot == INDEX[S_SLOT_BITS-1:0]) held <= s_data;
        end
        assign groups[g*GROUP_BITS+i*S_LANES*WIDTH+:S_LANES*WIDTH] = held;
      end
      if (GROUP_BITS > STORED * WIDTH) begin : padding
        assign groups[g*GROUP_BITS+STORED*WIDTH+:GROUP_BITS-STORED*WIDTH] = {(GROUP_BITS - STORED * WIDTH) {1'b0}};
      end
    end

    for (i = 0; i < M_LANES; i = i + 1) begin : lane
      if (i < M_TAIL) begin : always_used
        assign m_data[i*WIDTH+:WIDTH] = beat_read[i*WIDTH+:WIDTH];
      end else begin : unused_in_tail
        assign m_data[i*WIDTH+:WIDTH] = read_end ? {WIDTH{1'b0}} : beat_read[i*WIDTH+:WIDTH];
      end
    end
  endgenerate

endmodule

`default_nettype wire
