// nf_fork - hands every beat to two receivers in the same cycle.
//
// No register. A beat moves when both receivers take it; their ready outputs must not depend on valid.

`default_nettype none

module nf_fork #(
    parameter WIDTH = 8  // bits of one beat
) (
    // one sender
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    // first receiver
    output wire [WIDTH-1:0] a_data,
    output wire             a_valid,
    input  wire             a_ready,
    // second receiver
    output wire [WIDTH-1:0] b_data,
    output wire             b_valid,
    input  wire             b_ready
);

  assign s_ready = a_ready && b_ready;
  assign a_data  = s_data;
  assign b_data  = s_data;
  assign a_valid = s_valid && b_ready;
  assign b_valid = s_valid && a_ready;

endmodule

`default_nettype wire
