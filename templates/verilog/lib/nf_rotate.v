// nf_rotate - turns a row of words: word i of the result is word (i + by) modulo COUNT of what comes in.
//
// Combinational: for each bit of `by`, which is less than COUNT, a row of two-way multiplexers.

`default_nettype none

module nf_rotate #(
    parameter COUNT = 3,                                // words
    parameter WIDTH = 8,                                // bits of one word
    parameter BITS  = (COUNT > 1) ? $clog2(COUNT) : 1   // of `by`
) (
    input  wire [COUNT*WIDTH-1:0] s_data,
    input  wire [BITS-1:0]        by,
    output wire [COUNT*WIDTH-1:0] m_data
);

  genvar i, k;
  generate
    for (k = 0; k <= BITS; k = k + 1) begin : level
      wire [COUNT*WIDTH-1:0] words;
      if (k == 0) begin : first
        assign words = s_data;
      end else begin : turned
        for (i = 0; i < COUNT; i = i + 1) begin : word
          localparam FROM = (i + (1 << (k - 1))) % COUNT;
          assign words[i*WIDTH+:WIDTH] = by[k-1] ? level[k-1].words[FROM*WIDTH+:WIDTH] : level[k-1].words[i*WIDTH+:WIDTH];
        end
      end
    end
  endgenerate

  assign m_data = level[BITS].words;

endmodule

`default_nettype wire
