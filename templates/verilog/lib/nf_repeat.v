// nf_repeat - each of COUNT words TIMES times in a row, side by side. Wires only.

`default_nettype none

module nf_repeat #(
    parameter WIDTH = 8,  // bits of one word
    parameter COUNT = 1,  // words
    parameter TIMES = 2
) (
    input  wire [COUNT*WIDTH-1:0]       s_data,
    output wire [COUNT*TIMES*WIDTH-1:0] m_data
);

  genvar n;
  generate
    for (n = 0; n < COUNT; n = n + 1) begin : word
      assign m_data[n*TIMES*WIDTH+:TIMES*WIDTH] = {TIMES{s_data[n*WIDTH+:WIDTH]}};
    end
  endgenerate

endmodule

`default_nettype wire
