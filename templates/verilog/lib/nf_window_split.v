// nf_window_split - the taps of COUNT windows side by side, from those of the one window that spans them all.
//
// In: the taps of KERNEL_Y x SPAN columns in row-major order. Out: for each of the KERNEL_Y x KERNEL_X taps of a window that
// tap of every window in turn. Window n begins n*STRIDE columns of the span after the first; its taps are TAP_STEP columns
// apart. With PHASES > 1 so many windows begin at one column, but OFFSET fewer at the first one. Wires only.

`default_nettype none

module nf_window_split #(
    parameter WIDTH    = 8,  // bits of one tap
    parameter COUNT    = 2,  // windows
    parameter KERNEL_Y = 3,  // taps of a window
    parameter KERNEL_X = 3,
    parameter TAP_STEP = 1,
    parameter STRIDE   = 1,
    parameter PHASES   = 1,
    parameter OFFSET   = 0,
    parameter SPAN     = 4
) (
    input  wire [KERNEL_Y*SPAN*WIDTH-1:0]           s_data,
    output wire [KERNEL_Y*KERNEL_X*COUNT*WIDTH-1:0] m_data
);

  // Wider steps leave some columns out.
  wire unused = &{1'b0, s_data};

  genvar y, x, n;
  generate
    for (y = 0; y < KERNEL_Y; y = y + 1) begin : row
      for (x = 0; x < KERNEL_X; x = x + 1) begin : column
        for (n = 0; n < COUNT; n = n + 1) begin : window
          localparam TAP = y * KERNEL_X + x;
          localparam FROM = y * SPAN + ((n + OFFSET) / PHASES) * STRIDE + x * TAP_STEP;
          assign m_data[(TAP*COUNT+n)*WIDTH+:WIDTH] = s_data[FROM*WIDTH+:WIDTH];
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
