// nf_output - sends one packet per inference to an AXI4-Stream port.
//
// Sign- or zero-extends every lane to whole bytes and marks the packet's last beat. One register.
// Unused lanes of the last beat have to be 0 already.

`default_nettype none

module nf_output #(
    parameter BEATS     = 1,  // beats of one packet
    parameter LANES     = 1,  // elements of one beat
    parameter LANE_BITS = 8,  // bits of one lane of tdata, a multiple of 8, at least WIDTH
    parameter WIDTH     = 4,  // bits of one element
    parameter SIGNED    = 0   // 1: elements are two's complement
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // elements
    input  wire [LANES*WIDTH-1:0]     s_data,
    input  wire                       s_valid,
    output wire                       s_ready,
    // packets to outside
    output reg  [LANES*LANE_BITS-1:0] m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready,
    output reg                        m_axis_tlast
);

  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;

  reg                        held;
  reg  [BEAT_BITS-1:0]       beat;
  wire                       free      = !held || m_axis_tready;
  wire                       last_beat = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire [LANES*LANE_BITS-1:0] packed_lanes;

  assign s_ready       = free;
  assign m_axis_tvalid = aresetn && held;

  always @(posedge aclk) begin
    if (!aresetn) begin
      held <= 1'b0;
      beat <= {BEAT_BITS{1'b0}};
    end else if (free) begin
      held <= s_valid;
      if (s_valid) beat <= last_beat ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    end
  end

  always @(posedge aclk) begin
    if (free) begin
      m_axis_tdata <= packed_lanes;
      m_axis_tlast <= last_beat;
    end
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire [WIDTH-1:0] x = s_data[i*WIDTH+:WIDTH];
      if (LANE_BITS > WIDTH) begin : extend
        wire sign = (SIGNED != 0) && x[WIDTH-1];
        assign packed_lanes[i*LANE_BITS+:LANE_BITS] = {{(LANE_BITS - WIDTH) {sign}}, x};
      end else begin : keep
        assign packed_lanes[i*LANE_BITS+:LANE_BITS] = x;
      end
    end
  endgenerate

endmodule

`default_nettype wire
