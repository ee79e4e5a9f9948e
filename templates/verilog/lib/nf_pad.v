// nf_pad - puts rows, columns and words of padding around an image.
//
// In: [ROWS, COLUMNS] positions of WORDS words. Out: an image of so many more rows, columns and words, in which that one
// begins at FIRST_ROW, FIRST_COLUMN and FIRST_WORD; every lane around it is PAD. A sequence has ROWS = 1.
// What stands before an image leaves when its first word is there, what stands after it follows by itself. One register:
// a word leaves one cycle after it was taken.

`default_nettype none

module nf_pad #(
    parameter LANES        = 1,  // elements of one word
    parameter WIDTH        = 8,  // bits of one element, at most 32
    parameter ROWS         = 4,  // the image
    parameter COLUMNS      = 4,
    parameter WORDS        = 1,  // words of one position
    parameter OUT_ROWS     = 6,  // the image with its padding
    parameter OUT_COLUMNS  = 6,
    parameter OUT_WORDS    = 1,
    parameter FIRST_ROW    = 1,  // padding before the image
    parameter FIRST_COLUMN = 1,
    parameter FIRST_WORD   = 0,
    parameter PAD          = 0   // element of padding
) (
    input  wire                   aclk,
    input  wire                   aresetn,
    // image
    input  wire [LANES*WIDTH-1:0] s_data,
    input  wire                   s_valid,
    output wire                   s_ready,
    // padded image
    output reg  [LANES*WIDTH-1:0] m_data,
    output reg                    m_valid,
    input  wire                   m_ready
);

  localparam [31:0] PAD_ELEMENT = PAD;

  wire free = !m_valid || m_ready;
  wire first;
  wire image;
  wire give = free && (s_valid || !(image || first));

  assign s_ready = free && image;

  nf_position #(
      .ROWS        (OUT_ROWS),
      .COLUMNS     (OUT_COLUMNS),
      .WORDS       (OUT_WORDS),
      .FIRST_ROW   (FIRST_ROW),
      .FIRST_COLUMN(FIRST_COLUMN),
      .FIRST_WORD  (FIRST_WORD),
      .BOX_ROWS    (ROWS),
      .BOX_COLUMNS (COLUMNS),
      .BOX_WORDS   (WORDS)
  ) position (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (give),
      .first  (first),
      .in_box (image)
  );

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (free) m_valid <= give;
  end

  always @(posedge aclk) begin
    if (free) m_data <= image ? s_data : {LANES{PAD_ELEMENT[WIDTH-1:0]}};
  end

endmodule

`default_nettype wire
