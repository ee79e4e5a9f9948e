// nf_concat - puts two streams behind each other, in turn A_BEATS beats of a and B_BEATS beats of b.
//
// Along the channels A_BEATS and B_BEATS are the beats of one position, along the columns those of a row, along the
// rows those of a packet. Both streams have the same lanes; where a's last beat has unused ones, the gap stays.
// One register: a beat leaves one cycle after it was taken. The stream whose turn it is not has to wait.

`default_nettype none

module nf_concat #(
    parameter WIDTH   = 8,  // bits of one beat
    parameter A_BEATS = 1,  // beats of a in one turn
    parameter B_BEATS = 1   // beats of b in one turn
) (
    input  wire             aclk,
    input  wire             aresetn,
    // first part
    input  wire [WIDTH-1:0] a_data,
    input  wire             a_valid,
    output wire             a_ready,
    // second part
    input  wire [WIDTH-1:0] b_data,
    input  wire             b_valid,
    output wire             b_ready,
    // both
    output reg  [WIDTH-1:0] m_data,
    output reg              m_valid,
    input  wire             m_ready
);

  localparam BEAT_BITS = $clog2(A_BEATS + B_BEATS);
  localparam [31:0] FIRST_OF_B = A_BEATS;
  localparam [31:0] LAST_BEAT = A_BEATS + B_BEATS - 1;

  reg  [BEAT_BITS-1:0] beat;
  wire                 free   = !m_valid || m_ready;
  wire                 second = beat >= FIRST_OF_B[BEAT_BITS-1:0];
  wire                 take   = second ? b_valid : a_valid;

  assign a_ready = free && !second;
  assign b_ready = free && second;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat    <= {BEAT_BITS{1'b0}};
      m_valid <= 1'b0;
    end else if (free) begin
      m_valid <= take;
      if (take) beat <= (beat == LAST_BEAT[BEAT_BITS-1:0]) ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    end
  end

  always @(posedge aclk) begin
    if (free) m_data <= second ? b_data : a_data;
  end

endmodule

`default_nettype wire
