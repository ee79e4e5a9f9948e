// nf_board_reset - the reset of a board: low from configuration on, while the clock is not locked, while the button is held, and
// for HOLD_CYCLES after that.
//
// Block RAM of iCE40 reads 0 for some microseconds after configuration (icestorm issue 76): HOLD_CYCLES covers them.

`default_nettype none

module nf_board_reset #(
    parameter HOLD_CYCLES = 360  // at least 1
) (
    input  wire aclk,
    input  wire locked,   // the clock is what it is to be; may change at any time
    input  wire pressed,  // the button; may change at any time
    output reg  aresetn
);

  localparam COUNT_BITS = $clog2(HOLD_CYCLES + 1);
  localparam [31:0] HOLD = HOLD_CYCLES;

  reg [COUNT_BITS-1:0] count;
  reg [1:0]            ready;

  // There is no reset before this one: registers begin with what configuration gives them.
  initial begin
    count   = {COUNT_BITS{1'b0}};
    ready   = 2'd0;
    aresetn = 1'b0;
  end

  always @(posedge aclk) begin
    ready <= {ready[0], locked && !pressed};
    if (!ready[1]) begin
      count   <= {COUNT_BITS{1'b0}};
      aresetn <= 1'b0;
    end else if (count != HOLD[COUNT_BITS-1:0]) begin
      count   <= count + 1'b1;
      aresetn <= 1'b0;
    end else begin
      aresetn <= 1'b1;
    end
  end

endmodule

`default_nettype wire
