// nf_forkn - hands every beat to several receivers, to each when it can take it.
//
// One register, and for each receiver a bit that says whether it still has to take the beat. The next beat is taken
// when the last of them takes this one, so that one beat moves every cycle as long as all are ready. A valid depends
// on no ready; s_ready depends on every m_ready. A beat leaves one cycle after it was taken at the earliest.

`default_nettype none

module nf_forkn #(
    parameter WIDTH = 8,  // bits of one beat
    parameter COUNT = 2   // receivers
) (
    input  wire                   aclk,
    input  wire                   aresetn,
    // one sender
    input  wire [WIDTH-1:0]       s_data,
    input  wire                   s_valid,
    output wire                   s_ready,
    // receiver k has bit k, and bits [k*WIDTH +: WIDTH] of the data
    output wire [COUNT*WIDTH-1:0] m_data,
    output wire [COUNT-1:0]       m_valid,
    input  wire [COUNT-1:0]       m_ready
);

  reg [WIDTH-1:0] held;
  reg [COUNT-1:0] pending;

  assign s_ready = (pending & ~m_ready) == {COUNT{1'b0}};
  assign m_data  = {COUNT{held}};
  assign m_valid = pending;

  always @(posedge aclk) begin
    if (!aresetn) pending <= {COUNT{1'b0}};
    else if (s_ready) pending <= {COUNT{s_valid}};
    else pending <= pending & ~m_ready;
  end

  always @(posedge aclk) begin
    if (s_ready) held <= s_data;
  end

endmodule

`default_nettype wire
