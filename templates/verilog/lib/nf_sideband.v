// nf_sideband - a bit that travels beside the beats of a stage.
//
// For stages of DEPTH registers that move all together, whenever they are ready: `move` is their s_ready.

`default_nettype none

module nf_sideband #(
    parameter DEPTH = 1  // registers of the stage
) (
    input  wire aclk,
    input  wire move,
    input  wire s_flag,
    output wire m_flag
);

  reg [DEPTH-1:0] flags;

  assign m_flag = flags[DEPTH-1];

  always @(posedge aclk) begin
    if (move) flags <= (flags << 1) | {{(DEPTH - 1) {1'b0}}, s_flag};
  end

endmodule

`default_nettype wire
