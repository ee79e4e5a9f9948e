// nf_output_pair - sends packets of two parts to an AXI4-Stream port: A_BEATS beats of a, then one element b.
//
// Sign- or zero-extends every lane to whole bytes and marks the packet's last beat, which carries b in lane 0
// and 0 in the other lanes. One register. Unused lanes of a's last beat have to be 0 already.

`default_nettype none

module nf_output_pair #(
    parameter LANES     = 1,   // elements of one beat
    parameter LANE_BITS = 16,  // bits of one lane of tdata, a multiple of 8, at least A_WIDTH and B_WIDTH
    parameter A_BEATS   = 10,  // beats of a in one packet
    parameter A_WIDTH   = 16,  // bits of one element of a
    parameter A_SIGNED  = 1,   // 1: elements of a are two's complement
    parameter B_WIDTH   = 4,   // bits of b
    parameter B_SIGNED  = 0    // 1: b is two's complement
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // first part
    input  wire [LANES*A_WIDTH-1:0]   a_data,
    input  wire                       a_valid,
    output wire                       a_ready,
    // second part, one beat
    input  wire [B_WIDTH-1:0]         b_data,
    input  wire                       b_valid,
    output wire                       b_ready,
    // packets to outside
    output reg  [LANES*LANE_BITS-1:0] m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready,
    output reg                        m_axis_tlast
);

  localparam BEAT_BITS = $clog2(A_BEATS + 1);
  localparam [31:0] B_BEAT = A_BEATS;

  reg                        held;
  reg  [BEAT_BITS-1:0]       beat;
  wire                       free = !held || m_axis_tready;
  wire                       second = beat == B_BEAT[BEAT_BITS-1:0];
  wire                       take = second ? b_valid : a_valid;
  wire [LANES*LANE_BITS-1:0] a_packed;
  wire [LANES*LANE_BITS-1:0] b_packed;

  assign a_ready       = free && !second;
  assign b_ready       = free && second;
  assign m_axis_tvalid = aresetn && held;

  always @(posedge aclk) begin
    if (!aresetn) begin
      held <= 1'b0;
      beat <= {BEAT_BITS{1'b0}};
    end else if (free) begin
      held <= take;
      if (take) beat <= second ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    end
  end

  always @(posedge aclk) begin
    if (free) begin
      m_axis_tdata <= second ? b_packed : a_packed;
      m_axis_tlast <= second;
    end
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire [A_WIDTH-1:0] x = a_data[i*A_WIDTH+:A_WIDTH];
      if (LANE_BITS > A_WIDTH) begin : extend
        wire sign = (A_SIGNED != 0) && x[A_WIDTH-1];
        assign a_packed[i*LANE_BITS+:LANE_BITS] = {{(LANE_BITS - A_WIDTH) {sign}}, x};
      end else begin : keep
        assign a_packed[i*LANE_BITS+:LANE_BITS] = x;
      end
    end

    if (LANE_BITS > B_WIDTH) begin : extend_b
      wire sign = (B_SIGNED != 0) && b_data[B_WIDTH-1];
      assign b_packed[LANE_BITS-1:0] = {{(LANE_BITS - B_WIDTH) {sign}}, b_data};
    end else begin : keep_b
      assign b_packed[LANE_BITS-1:0] = b_data;
    end
    if (LANES > 1) begin : other_lanes
      assign b_packed[LANES*LANE_BITS-1:LANE_BITS] = {((LANES - 1) * LANE_BITS) {1'b0}};
    end
  endgenerate

endmodule

`default_nettype wire
