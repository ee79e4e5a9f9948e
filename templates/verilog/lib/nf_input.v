// nf_input - takes one packet per inference from an AXI4-Stream port.
//
// Cuts the byte-padded lanes of every beat to WIDTH bits, checks the framing by counting, and gathers
// WORD_LANES elements into one word. Unused lanes of a packet's last word are 0.
//   Early s_axis_tlast: frame_error pulses, the word marked m_drop tells the receiver to forget the packet.
//   Late s_axis_tlast:  frame_error pulses, the packet is complete, beats up to tlast are discarded.
// A word leaves one cycle after its last beat; one beat per cycle is taken unless m_ready holds it up.

`default_nettype none

module nf_input #(
    parameter ELEMENTS   = 4,  // elements of one packet
    parameter LANES      = 1,  // elements of one beat
    parameter LANE_BITS  = 8,  // bits of one lane of tdata, a multiple of 8, at least WIDTH
    parameter WIDTH      = 8,  // bits of one element
    parameter WORD_LANES = 1   // elements of one word, a multiple of LANES
) (
    input  wire                        aclk,
    input  wire                        aresetn,
    // packets from outside
    input  wire [LANES*LANE_BITS-1:0]  s_axis_tdata,
    input  wire                        s_axis_tvalid,
    output wire                        s_axis_tready,
    input  wire                        s_axis_tlast,
    output reg                         frame_error,
    // words; m_drop replaces the last word of a broken packet
    output wire [WORD_LANES*WIDTH-1:0] m_data,
    output reg                         m_drop,
    output reg                         m_valid,
    input  wire                        m_ready
);

  localparam BEATS = (ELEMENTS + LANES - 1) / LANES;
  localparam TAIL_LANES = ELEMENTS - (BEATS - 1) * LANES;
  localparam SLOTS = WORD_LANES / LANES;
  localparam SLOT_BITS = LANES * WIDTH;
  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam SLOT_INDEX_BITS = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] LAST_SLOT = SLOTS - 1;

  reg  [BEAT_BITS-1:0]       beat;
  reg  [SLOT_INDEX_BITS-1:0] slot;
  reg                        discarding;

  wire                 free       = !m_valid || m_ready;
  wire                 accept     = s_axis_tvalid && s_axis_tready;
  wire                 last_beat  = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire                 last_slot  = slot == LAST_SLOT[SLOT_INDEX_BITS-1:0];
  wire                 early      = s_axis_tlast && !last_beat;
  wire [SLOT_BITS-1:0] lanes;

  assign s_axis_tready = aresetn && (free || discarding);

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat        <= {BEAT_BITS{1'b0}};
      slot        <= {SLOT_INDEX_BITS{1'b0}};
      discarding  <= 1'b0;
      frame_error <= 1'b0;
      m_drop      <= 1'b0;
      m_valid     <= 1'b0;
    end else begin
      frame_error <= 1'b0;
      if (free) m_valid <= 1'b0;
      if (accept && discarding) begin
        if (s_axis_tlast) discarding <= 1'b0;
      end else if (accept) begin
        frame_error <= s_axis_tlast != last_beat;
        discarding  <= last_beat && !s_axis_tlast;
        m_drop      <= early;
        m_valid     <= last_slot || last_beat || early;
        if (last_beat || early) begin
          beat <= {BEAT_BITS{1'b0}};
          slot <= {SLOT_INDEX_BITS{1'b0}};
        end else begin
          beat <= beat + 1'b1;
          slot <= last_slot ? {SLOT_INDEX_BITS{1'b0}} : slot + 1'b1;
        end
      end
    end
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      if (i < TAIL_LANES) begin : always_used
        assign lanes[i*WIDTH+:WIDTH] = s_axis_tdata[i*LANE_BITS+:WIDTH];
      end else begin : unused_in_tail
        assign lanes[i*WIDTH+:WIDTH] = last_beat ? {WIDTH{1'b0}} : s_axis_tdata[i*LANE_BITS+:WIDTH];
      end
      if (LANE_BITS > WIDTH) begin : padding
        wire unused = &{1'b0, s_axis_tdata[i*LANE_BITS+WIDTH+:LANE_BITS-WIDTH]};
      end
    end

    // The first beat of a word clears the slots that a tail leaves empty.
    for (i = 0; i < SLOTS; i = i + 1) begin : gather
      localparam [31:0] INDEX = i;
      reg [SLOT_BITS-1:0] held;
      always @(posedge aclk) begin
        if (accept && !discarding) begin
          if (slot == INDEX[SLOT_INDEX_BITS-1:0]) held <= lanes;
          else if (slot == {SLOT_INDEX_BITS{1'b0}}) held <= {SLOT_BITS{1'b0}};
        end
      end
      assign m_data[i*SLOT_BITS+:SLOT_BITS] = held;
    end
  endgenerate

endmodule

`default_nettype wire
