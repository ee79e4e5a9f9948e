// nf_limit - the lower one of an integer and a constant: y = min(x, LIMIT).
//
// Every lane on its own, one register. LIMIT is at least 0 and an integer of the format. A lane that is 0 stays 0.

`default_nettype none

module nf_limit #(
    parameter LANES  = 1,  // elements of one beat
    parameter WIDTH  = 8,  // bits of one element, at most 16
    parameter SIGNED = 0,  // 1: elements are two's complement
    parameter LIMIT  = 6   // highest result
) (
    input  wire                   aclk,
    input  wire                   aresetn,
    // x
    input  wire [LANES*WIDTH-1:0] s_data,
    input  wire                   s_valid,
    output wire                   s_ready,
    // y, one cycle later
    output reg  [LANES*WIDTH-1:0] m_data,
    output reg                    m_valid,
    input  wire                   m_ready
);

  localparam [31:0] HIGHEST = LIMIT;

  wire move = !m_valid || m_ready;

  assign s_ready = move;

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (move) m_valid <= s_valid;
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      wire [WIDTH-1:0] x = s_data[i*WIDTH+:WIDTH];
      wire             negative = (SIGNED != 0) && x[WIDTH-1];
      always @(posedge aclk) begin
        if (move) m_data[i*WIDTH+:WIDTH] <= (!negative && x > HIGHEST[WIDTH-1:0]) ? HIGHEST[WIDTH-1:0] : x;
      end
    end
  endgenerate

endmodule

`default_nettype wire
