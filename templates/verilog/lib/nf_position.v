// nf_position - counts through the words of an image and says which lie in a box.
//
// An image is [ROWS, COLUMNS] positions of WORDS words; a sequence has ROWS = 1. The outputs belong to the next word,
// after reset the image's first one, after its last one the next image's first.

`default_nettype none

module nf_position #(
    parameter ROWS         = 4,  // the image
    parameter COLUMNS      = 4,
    parameter WORDS        = 1,  // words of one position
    parameter FIRST_ROW    = 1,  // the box
    parameter FIRST_COLUMN = 1,
    parameter FIRST_WORD   = 0,
    parameter BOX_ROWS     = 2,
    parameter BOX_COLUMNS  = 2,
    parameter BOX_WORDS    = 1
) (
    input  wire aclk,
    input  wire aresetn,
    input  wire step,    // to the next word
    output wire first,   // the word is the image's first
    output wire in_box   // ... lies in the box
);

  wire [2:0] at_first;  // ... is the first one along the axis: 0 words, 1 columns, 2 rows
  wire [2:0] at_last;
  wire [2:0] at_box;
  wire       unused_last = at_last[2];

  assign first  = &at_first;
  assign in_box = &at_box;

  genvar a;
  generate
    for (a = 0; a < 3; a = a + 1) begin : axis
      localparam LENGTH = (a == 0) ? WORDS : (a == 1) ? COLUMNS : ROWS;
      localparam [31:0] FIRST = (a == 0) ? FIRST_WORD : (a == 1) ? FIRST_COLUMN : FIRST_ROW;
      localparam [31:0] BOX = (a == 0) ? BOX_WORDS : (a == 1) ? BOX_COLUMNS : BOX_ROWS;
      localparam [31:0] LAST = LENGTH - 1;
      localparam BITS = $clog2(LENGTH) + 1;
      reg  [BITS-1:0] index;
      wire [BITS-1:0] distance = index - FIRST[BITS-1:0];  // wraps around before the box
      wire            turn;

      if (a == 0) begin : innermost
        assign turn = step;
      end else begin : outer
        assign turn = step && (&at_last[a-1:0]);
      end

      assign at_first[a] = index == {BITS{1'b0}};
      assign at_last[a]  = index == LAST[BITS-1:0];
      assign at_box[a]   = distance < BOX[BITS-1:0];

      always @(posedge aclk) begin
        if (!aresetn) index <= {BITS{1'b0}};
        else if (turn) index <= at_last[a] ? {BITS{1'b0}} : index + 1'b1;
      end
    end
  endgenerate

endmodule

`default_nettype wire
