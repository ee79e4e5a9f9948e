// pll - the PLLs of iCE40 for a simulation whose clock is already what the PLL makes: it goes through, and is locked after a while.

`default_nettype none

module SB_PLL40_CORE #(
    parameter FEEDBACK_PATH = "SIMPLE",
    parameter [3:0] DIVR = 4'd0,
    parameter [6:0] DIVF = 7'd0,
    parameter [2:0] DIVQ = 3'd0,
    parameter [2:0] FILTER_RANGE = 3'd0
) (
    input  wire REFERENCECLK,
    output wire PLLOUTCORE,
    output wire PLLOUTGLOBAL,
    input  wire RESETB,
    input  wire BYPASS,
    output wire LOCK
);

  reg [8:0] count;
  initial count = 9'd0;

  assign PLLOUTCORE   = REFERENCECLK;
  assign PLLOUTGLOBAL = REFERENCECLK;
  assign LOCK         = count[8];

  always @(posedge REFERENCECLK) if (!count[8]) count <= count + 1'b1;

endmodule

module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "SIMPLE",
    parameter [3:0] DIVR = 4'd0,
    parameter [6:0] DIVF = 7'd0,
    parameter [2:0] DIVQ = 3'd0,
    parameter [2:0] FILTER_RANGE = 3'd0
) (
    input  wire PACKAGEPIN,
    output wire PLLOUTCORE,
    output wire PLLOUTGLOBAL,
    input  wire RESETB,
    input  wire BYPASS,
    output wire LOCK
);

  SB_PLL40_CORE core (
      .REFERENCECLK(PACKAGEPIN),
      .PLLOUTCORE(PLLOUTCORE),
      .PLLOUTGLOBAL(PLLOUTGLOBAL),
      .RESETB(RESETB),
      .BYPASS(BYPASS),
      .LOCK(LOCK)
  );

endmodule

`default_nettype wire
