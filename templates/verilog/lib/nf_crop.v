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

  wire free = !m_valid || m_ready;
  wire kept;
  wire unused_first;

  assign s_ready = free;

  nf_position #(
      .ROWS        (ROWS),
      .COLUMNS     (COLUMNS),
      .WORDS       (WORDS),
      .FIRST_ROW   (FIRST_ROW),
      .FIRST_COLUMN(FIRST_COLUMN),
      .FIRST_WORD  (FIRST_WORD),
      .BOX_ROWS    (BOX_ROWS),
      .BOX_COLUMNS (BOX_COLUMNS),
      .BOX_WORDS   (BOX_WORDS)
  ) position (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (s_valid && free),
      .first  (unused_first),
      .in_box (kept)
  );

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (free) m_valid <= s_valid && kept;
  end

  always @(posedge aclk) begin
    if (free) m_data <= s_data;
  end

endmodule

`default_nettype wire
