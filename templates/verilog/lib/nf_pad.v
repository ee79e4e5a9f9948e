// nf_pad - puts rows, columns and words of padding around an image.
//
// In: [ROWS, COLUMNS] positions of WORDS words. Out: so many more before and after, in the same order; a word of padding
// is PAD in every lane, in the last word of a position in the first TAIL_LANES. A sequence has ROWS = 1.
// Padding does not wait for the image: that before it stands ready from the start. One register: a word leaves one
// cycle after it was taken.

`default_nettype none

module nf_pad #(
    parameter LANES          = 1,  // elements of one word
    parameter WIDTH          = 8,  // bits of one element, at most 32
    parameter ROWS           = 4,  // the image
    parameter COLUMNS        = 4,
    parameter WORDS          = 1,  // words of one position
    parameter ROWS_BEFORE    = 1,
    parameter ROWS_AFTER     = 1,
    parameter COLUMNS_BEFORE = 1,
    parameter COLUMNS_AFTER  = 1,
    parameter WORDS_BEFORE   = 0,
    parameter WORDS_AFTER    = 0,
    parameter TAIL_LANES     = 1,  // elements of a position's last word
    parameter PAD            = 0   // element of padding
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

  wire                   free = !m_valid || m_ready;
  wire [2:0]             last;  // the next word is the last one along the axis: 0 words, 1 columns, 2 rows
  wire [2:0]             real_line;
  wire                   image = &real_line;
  wire                   give = free && (s_valid || !image);
  wire [LANES*WIDTH-1:0] padding;

  assign s_ready = free && image;

  genvar a;
  generate
    for (a = 0; a < 3; a = a + 1) begin : axis
      localparam LENGTH = (a == 0) ? WORDS : (a == 1) ? COLUMNS : ROWS;
      localparam BEFORE = (a == 0) ? WORDS_BEFORE : (a == 1) ? COLUMNS_BEFORE : ROWS_BEFORE;
      localparam AFTER = (a == 0) ? WORDS_AFTER : (a == 1) ? COLUMNS_AFTER : ROWS_AFTER;
      localparam BITS = $clog2(BEFORE + LENGTH + AFTER) + 1;
      localparam [31:0] FIRST = BEFORE;
      localparam [31:0] COUNT = LENGTH;
      localparam [31:0] LAST = BEFORE + LENGTH + AFTER - 1;
      reg  [BITS-1:0] index;
      wire [BITS-1:0] in_image = index - FIRST[BITS-1:0];  // wraps around before the image
      wire            step;

      if (a == 0) begin : innermost
        assign step = give;
      end else begin : outer
        assign step = give && (&last[a-1:0]);
      end

      assign last[a]      = index == LAST[BITS-1:0];
      assign real_line[a] = in_image < COUNT[BITS-1:0];

      always @(posedge aclk) begin
        if (!aresetn) index <= {BITS{1'b0}};
        else if (step) index <= last[a] ? {BITS{1'b0}} : index + 1'b1;
      end
    end

    for (a = 0; a < LANES; a = a + 1) begin : lane
      wire used = a < TAIL_LANES || !last[0];
      assign padding[a*WIDTH+:WIDTH] = used ? PAD_ELEMENT[WIDTH-1:0] : {WIDTH{1'b0}};
    end
  endgenerate

  wire unused_last = last[2];

  always @(posedge aclk) begin
    if (!aresetn) m_valid <= 1'b0;
    else if (free) m_valid <= give;
  end

  always @(posedge aclk) begin
    if (free) m_data <= image ? s_data : padding;
  end

endmodule

`default_nettype wire
