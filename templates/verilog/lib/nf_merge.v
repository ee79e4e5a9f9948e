// nf_merge - two streams side by side: of every beat each of COUNT positions has its part of the first stream, then its part
// of the second.
//
// A beat of a and a beat of b are taken in the same cycle and leave in the next one.

`default_nettype none

module nf_merge #(
    parameter COUNT   = 2,  // positions in a beat
    parameter A_WIDTH = 8,  // bits of a position of the first stream
    parameter B_WIDTH = 8   // ... of the second
) (
    input  wire                               aclk,
    input  wire                               aresetn,
    // first stream
    input  wire [COUNT*A_WIDTH-1:0]           a_data,
    input  wire                               a_valid,
    output wire                               a_ready,
    // second stream
    input  wire [COUNT*B_WIDTH-1:0]           b_data,
    input  wire                               b_valid,
    output wire                               b_ready,
    // both
    output reg  [COUNT*(A_WIDTH+B_WIDTH)-1:0] m_data,
    output reg                                m_valid,
    input  wire                               m_ready
);

  wire move = !m_valid || m_ready;

  assign a_ready = move && b_valid;
  assign b_ready = move && a_valid;

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (move) m_valid <= a_valid && b_valid;
  end

  genvar n;
  generate
    for (n = 0; n < COUNT; n = n + 1) begin : position
      always @(posedge aclk) begin
        if (move) m_data[n*(A_WIDTH+B_WIDTH)+:A_WIDTH+B_WIDTH] <= {b_data[n*B_WIDTH+:B_WIDTH], a_data[n*A_WIDTH+:A_WIDTH]};
      end
    end
  endgenerate

endmodule

`default_nettype wire
