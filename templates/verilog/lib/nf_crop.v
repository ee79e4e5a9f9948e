// nf_crop - keeps a box of an image: some rows, some columns, some of the words of a position, all in a row.
//
// In: [ROWS, COLUMNS] positions of WORDS words. Out: those of the box, in the same order. A sequence has ROWS = 1.
// The words outside of the box are taken and forgotten. One register: a word leaves one cycle after it was taken.

`default_nettype none

module nf_crop #(
    parameter WIDTH        = 8,  // bits of one word
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
    input  wire             aclk,
    input  wire             aresetn,
    // image
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    // box
    output reg  [WIDTH-1:0] m_data,
    output reg              m_valid,
    input  wire             m_ready
);

  wire       free = !m_valid || m_ready;
  wire       take = s_valid && free;
  wire [2:0] last;  // the word is the last one along the axis: 0 words, 1 columns, 2 rows
  wire [2:0] kept;  // ... in the box along the axis

  assign s_ready = free;

  genvar a;
  generate
    for (a = 0; a < 3; a = a + 1) begin : axis
      localparam LENGTH = (a == 0) ? WORDS : (a == 1) ? COLUMNS : ROWS;
      localparam [31:0] FIRST = (a == 0) ? FIRST_WORD : (a == 1) ? FIRST_COLUMN : FIRST_ROW;
      localparam [31:0] BOX = (a == 0) ? BOX_WORDS : (a == 1) ? BOX_COLUMNS : BOX_ROWS;
      localparam [31:0] LAST = LENGTH - 1;
      localparam BITS = $clog2(LENGTH) + 1;
      reg  [BITS-1:0] index;
      wire [BITS-1:0] in_box = index - FIRST[BITS-1:0];  // wraps around before the box
      wire            step;

      if (a == 0) begin : innermost
        assign step = take;
      end else begin : outer
        assign step = take && (&last[a-1:0]);
      end

      assign last[a] = index == LAST[BITS-1:0];
      assign kept[a] = in_box < BOX[BITS-1:0];

      always @(posedge aclk) begin
        if (!aresetn) index <= {BITS{1'b0}};
        else if (step) index <= last[a] ? {BITS{1'b0}} : index + 1'b1;
      end
    end
  endgenerate

  wire unused_last = last[2];

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (free) m_valid <= s_valid && (&kept);
  end

  always @(posedge aclk) begin
    if (free) m_data <= s_data;
  end

endmodule

`default_nettype wire
