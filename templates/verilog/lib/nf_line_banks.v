// nf_line_banks - lines of an image in BANKS_Y x BANKS_X memories, of which all taps of a beat are read at once.
//
// Lines go on over the ends of images and take turns in HELD places, a multiple of BANKS_Y. Position (y, x) is in memory
//   (place of y modulo BANKS_Y, x modulo BANKS_X)
// S_COLUMNS neighbouring positions come at once, the first lowest: a divisor of COLUMNS and of BANKS_X, with WORDS = 1.
// Beat b of a window reads its taps b*TAPS to b*TAPS + TAPS-1 in row-major order of KERNEL_Y x KERNEL_X, LINE_Y lines
// and LINE_X columns from one to the next, word `word` of each. The caller proves that no two taps of a beat are in one
// memory, which holds wherever the window stands if their distances differ modulo the banks, and that a line is
// written over only when nothing needs it. All memories together hold HELD lines, those rounded up to BANKS_X columns.
// After `read` the words stand at m_data, tap 0 lowest, until the next one; those that are outside of the image are any.
// `step` moves the window: along its row, to the next row, or into the next image, as `last` says of the present
// window, by a line or column more where `carry` is high; bit 0 rows, bit 1 columns.

`default_nettype none

module nf_line_banks #(
    parameter WIDTH        = 8,  // bits of one word
    parameter ROWS         = 6,  // the image
    parameter COLUMNS      = 6,
    parameter WORDS        = 1,  // words of one position
    parameter S_COLUMNS    = 1,  // positions that come at once
    parameter FIRST_ROW    = 0,  // lines before the image in which the first window begins
    parameter FIRST_COLUMN = 0,
    parameter STEP_ROW     = 1,  // lines from a window to the next one
    parameter STEP_COLUMN  = 1,
    parameter TOTAL_ROWS   = 3,  // lines from the first to the last window of an image
    parameter KERNEL_Y     = 3,
    parameter KERNEL_X     = 3,
    parameter LINE_Y       = 1,  // lines from tap to tap
    parameter LINE_X       = 1,
    parameter TAPS         = 3,  // taps of one beat
    parameter HELD         = 3,  // lines that are held
    parameter BANKS_Y      = 1,
    parameter BANKS_X      = 3,
    parameter BEAT_BITS    = 2,  // of the number of a beat
    parameter WORD_BITS    = 1,  // of the number of a word
    parameter RAM_STYLE    = "auto"  // what the memories are
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // the image
    input  wire [S_COLUMNS*WIDTH-1:0] s_data,
    input  wire                       write,
    // the window
    input  wire                       read,
    input  wire [BEAT_BITS-1:0]       beat,
    input  wire [WORD_BITS-1:0]       word,
    input  wire                       step,
    input  wire [1:0]                 last,
    input  wire [1:0]                 carry,
    output wire [TAPS*WIDTH-1:0]      m_data
);

  localparam BEATS = (KERNEL_Y * KERNEL_X + TAPS - 1) / TAPS;
  localparam BANKS = BANKS_Y * BANKS_X;
  localparam LINE_WORDS = ((COLUMNS + BANKS_X - 1) / BANKS_X) * WORDS;  // of one line in one memory
  localparam DEPTH = (HELD / BANKS_Y) * LINE_WORDS;
  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam Y_BITS = (BANKS_Y > 1) ? $clog2(BANKS_Y) : 1;
  localparam X_BITS = (BANKS_X > 1) ? $clog2(BANKS_X) : 1;
  localparam [31:0] FULL = DEPTH;
  localparam [31:0] LAST_ADDRESS = DEPTH - 1;
  localparam [ADDRESS_BITS-1:0] NOWHERE = {ADDRESS_BITS{1'b0}};

  // Distances: a number of lines or columns as banks, and as words within a bank.
  function integer modulo;
    input integer number;
    input integer size;
    modulo = ((number % size) + size) % size;
  endfunction

  function integer words_of_lines;
    input integer lines;
    words_of_lines = (modulo(lines, HELD) / BANKS_Y) * LINE_WORDS;
  endfunction

  function integer words_of_columns;
    input integer columns;
    words_of_columns = modulo(((columns - modulo(columns, BANKS_X)) / BANKS_X) * WORDS, DEPTH);
  endfunction

  // Words from the window's corner to the tap of beat `b` that is y banks below and x banks to the right.
  function integer words_to_tap;
    input integer b;
    input integer y;
    input integer x;
    integer tap;
    begin
      words_to_tap = 0;
      for (tap = b * TAPS; tap < b * TAPS + TAPS && tap < KERNEL_Y * KERNEL_X; tap = tap + 1)
        if (((tap / KERNEL_X) * LINE_Y) % BANKS_Y == y && ((tap % KERNEL_X) * LINE_X) % BANKS_X == x)
          words_to_tap = modulo(words_of_lines((tap / KERNEL_X) * LINE_Y) + words_of_columns((tap % KERNEL_X) * LINE_X), DEPTH);
    end
  endfunction

  function [ADDRESS_BITS-1:0] ring_sum;
    input [ADDRESS_BITS-1:0] a;
    input [ADDRESS_BITS-1:0] b;
    reg   [ADDRESS_BITS:0]   sum;
    begin
      sum = {1'b0, a} + {1'b0, b};
      if (sum > {1'b0, LAST_ADDRESS[ADDRESS_BITS-1:0]}) sum = sum - FULL[ADDRESS_BITS:0];
      ring_sum = sum[ADDRESS_BITS-1:0];
    end
  endfunction

  localparam [31:0] SIZE_Y = BANKS_Y;
  localparam [31:0] SIZE_X = BANKS_X;
  localparam [31:0] LINE = modulo(LINE_WORDS, DEPTH);
  localparam [31:0] POSITION = modulo(WORDS, DEPTH);

  // ---- Writing: word by word, position by position, line by line; columns and their banks are counted in S_COLUMNS.
  localparam COLUMN_BITS = (COLUMNS > 1) ? $clog2(COLUMNS) : 1;
  localparam [31:0] LAST_WORD = WORDS - 1;
  localparam [31:0] LAST_COLUMN = COLUMNS / S_COLUMNS - 1;
  localparam [31:0] LAST_BANK_Y = BANKS_Y - 1;
  localparam [31:0] LAST_BANK_X = BANKS_X / S_COLUMNS - 1;

  reg  [WORD_BITS-1:0]    write_word;
  reg  [COLUMN_BITS-1:0]  write_column;
  reg  [Y_BITS-1:0]       write_y;
  reg  [X_BITS-1:0]       write_x;
  reg  [ADDRESS_BITS-1:0] write_line;     // where the line begins in its memories
  reg  [ADDRESS_BITS-1:0] write_address;
  wire                    end_of_position = write_word == LAST_WORD[WORD_BITS-1:0];
  wire                    end_of_line = end_of_position && write_column == LAST_COLUMN[COLUMN_BITS-1:0];
  wire                    end_of_x = write_x == LAST_BANK_X[X_BITS-1:0];
  wire                    end_of_y = write_y == LAST_BANK_Y[Y_BITS-1:0];
  wire [ADDRESS_BITS-1:0] next_line = end_of_y ? ring_sum(write_line, LINE[ADDRESS_BITS-1:0]) : write_line;
  reg  [ADDRESS_BITS-1:0] write_position;  // where the position begins

  always @(posedge aclk) begin
    if (!aresetn) begin
      write_word     <= {WORD_BITS{1'b0}};
      write_column   <= {COLUMN_BITS{1'b0}};
      write_y        <= {Y_BITS{1'b0}};
      write_x        <= {X_BITS{1'b0}};
      write_line     <= NOWHERE;
      write_position <= NOWHERE;
      write_address  <= NOWHERE;
    end else if (write) begin
      write_word <= end_of_position ? {WORD_BITS{1'b0}} : write_word + 1'b1;
      if (end_of_line) begin
        write_column   <= {COLUMN_BITS{1'b0}};
        write_x        <= {X_BITS{1'b0}};
        write_y        <= end_of_y ? {Y_BITS{1'b0}} : write_y + 1'b1;
        write_line     <= next_line;
        write_position <= next_line;
        write_address  <= next_line;
      end else if (end_of_position) begin
        write_column   <= write_column + 1'b1;
        write_x        <= end_of_x ? {X_BITS{1'b0}} : write_x + 1'b1;
        write_position <= end_of_x ? ring_sum(write_position, POSITION[ADDRESS_BITS-1:0]) : write_position;
        write_address  <= end_of_x ? ring_sum(write_position, POSITION[ADDRESS_BITS-1:0]) : write_position;
      end else begin
        write_address <= write_address + 1'b1;
      end
    end
  end

  // ---- The window's first tap: its bank and its address, of row and column apart.
  localparam [31:0] START_Y = modulo(-FIRST_ROW, HELD) % BANKS_Y;
  localparam [31:0] START_LINE = words_of_lines(-FIRST_ROW);
  localparam [31:0] ROW_BANKS = (STEP_ROW % HELD) % BANKS_Y;
  localparam [31:0] ROW_LINES = words_of_lines(STEP_ROW);
  localparam [31:0] CARRY_BANKS = ((STEP_ROW + 1) % HELD) % BANKS_Y;
  localparam [31:0] CARRY_LINES = words_of_lines(STEP_ROW + 1);
  localparam [31:0] IMAGE_BANKS = modulo(ROWS - TOTAL_ROWS, HELD) % BANKS_Y;
  localparam [31:0] IMAGE_LINES = words_of_lines(ROWS - TOTAL_ROWS);
  localparam [31:0] START_X = modulo(-FIRST_COLUMN, BANKS_X);
  localparam [31:0] START_COLUMN = words_of_columns(-FIRST_COLUMN);
  localparam [31:0] COLUMN_BANKS = STEP_COLUMN % BANKS_X;
  localparam [31:0] COLUMN_WORDS = words_of_columns(STEP_COLUMN);
  localparam [31:0] CARRY_COLUMN_BANKS = (STEP_COLUMN + 1) % BANKS_X;
  localparam [31:0] CARRY_COLUMN_WORDS = words_of_columns(STEP_COLUMN + 1);

  reg  [Y_BITS-1:0]       y;
  reg  [X_BITS-1:0]       x;
  reg  [ADDRESS_BITS-1:0] row;
  reg  [ADDRESS_BITS-1:0] column;
  wire [Y_BITS-1:0]       y_step = (&last) ? IMAGE_BANKS[Y_BITS-1:0] : carry[0] ? CARRY_BANKS[Y_BITS-1:0] : ROW_BANKS[Y_BITS-1:0];
  wire [ADDRESS_BITS-1:0] row_step = (&last) ? IMAGE_LINES[ADDRESS_BITS-1:0]
                                   : carry[0] ? CARRY_LINES[ADDRESS_BITS-1:0] : ROW_LINES[ADDRESS_BITS-1:0];
  wire [X_BITS-1:0]       x_step = carry[1] ? CARRY_COLUMN_BANKS[X_BITS-1:0] : COLUMN_BANKS[X_BITS-1:0];
  wire [ADDRESS_BITS-1:0] column_step = carry[1] ? CARRY_COLUMN_WORDS[ADDRESS_BITS-1:0] : COLUMN_WORDS[ADDRESS_BITS-1:0];
  wire [Y_BITS:0]         y_sum = {1'b0, y} + {1'b0, y_step};
  wire [X_BITS:0]         x_sum = {1'b0, x} + {1'b0, x_step};
  wire [Y_BITS:0]         y_less = y_sum - SIZE_Y[Y_BITS:0];
  wire [X_BITS:0]         x_less = x_sum - SIZE_X[X_BITS:0];
  wire                    y_over = y_sum >= SIZE_Y[Y_BITS:0];
  wire                    x_over = x_sum >= SIZE_X[X_BITS:0];
  wire                    unused_bits = &{1'b0, y_less[Y_BITS], x_less[X_BITS]};

  always @(posedge aclk) begin
    if (!aresetn) begin
      y      <= START_Y[Y_BITS-1:0];
      x      <= START_X[X_BITS-1:0];
      row    <= START_LINE[ADDRESS_BITS-1:0];
      column <= START_COLUMN[ADDRESS_BITS-1:0];
    end else if (step) begin
      if (last[1]) begin
        y      <= y_over ? y_less[Y_BITS-1:0] : y_sum[Y_BITS-1:0];
        row    <= ring_sum(ring_sum(row, row_step), y_over ? LINE[ADDRESS_BITS-1:0] : NOWHERE);
        x      <= START_X[X_BITS-1:0];
        column <= START_COLUMN[ADDRESS_BITS-1:0];
      end else begin
        x      <= x_over ? x_less[X_BITS-1:0] : x_sum[X_BITS-1:0];
        column <= ring_sum(ring_sum(column, column_step), x_over ? POSITION[ADDRESS_BITS-1:0] : NOWHERE);
      end
    end
  end

  // ---- What each memory reads: the tap of the beat that is in it. Others read anything.
  wire [BEATS*BANKS*ADDRESS_BITS-1:0] to_taps;  // by beat, banks below, banks to the right
  wire [BANKS*ADDRESS_BITS-1:0]       to_taps_now = to_taps[beat*(BANKS*ADDRESS_BITS)+:BANKS*ADDRESS_BITS];
  wire [31+WORD_BITS:0]               word_extended = {32'd0, word};
  wire [ADDRESS_BITS-1:0]             corner = ring_sum(ring_sum(row, column), word_extended[ADDRESS_BITS-1:0]);
  wire                                unused_word = &{1'b0, word_extended[31+WORD_BITS:ADDRESS_BITS]};
  wire [BANKS*WIDTH-1:0]              words;

  genvar b, i, j, t;
  generate
    for (b = 0; b < BEATS; b = b + 1) begin : of_beat
      for (j = 0; j < BANKS_Y; j = j + 1) begin : below
        for (i = 0; i < BANKS_X; i = i + 1) begin : right
          localparam [31:0] TO_TAP = words_to_tap(b, j, i);
          assign to_taps[((b*BANKS_Y+j)*BANKS_X+i)*ADDRESS_BITS+:ADDRESS_BITS] = TO_TAP[ADDRESS_BITS-1:0];
        end
      end
    end

    for (j = 0; j < BANKS_Y; j = j + 1) begin : line
      localparam [31:0] HERE = j;
      wire [Y_BITS:0]                     from = HERE[Y_BITS:0] - {1'b0, y};
      wire [Y_BITS:0]                     below = from + (from[Y_BITS] ? SIZE_Y[Y_BITS:0] : {(Y_BITS + 1) {1'b0}});
      wire [BANKS_X*ADDRESS_BITS-1:0]     to_taps_here = to_taps_now[below[Y_BITS-1:0]*(BANKS_X*ADDRESS_BITS)+:BANKS_X*ADDRESS_BITS];
      wire [ADDRESS_BITS-1:0]             corner_here = ring_sum(corner, from[Y_BITS] ? LINE[ADDRESS_BITS-1:0] : NOWHERE);
      wire                                unused_below = below[Y_BITS];
      for (i = 0; i < BANKS_X; i = i + 1) begin : bank
        localparam [31:0] PLACE = i;
        localparam [31:0] WRITE_PLACE = i / S_COLUMNS;
        wire [X_BITS:0]         from_x = PLACE[X_BITS:0] - {1'b0, x};
        wire [X_BITS:0]         right = from_x + (from_x[X_BITS] ? SIZE_X[X_BITS:0] : {(X_BITS + 1) {1'b0}});
        wire [ADDRESS_BITS-1:0] to_tap = to_taps_here[right[X_BITS-1:0]*ADDRESS_BITS+:ADDRESS_BITS];
        wire [ADDRESS_BITS-1:0] address = ring_sum(ring_sum(corner_here, to_tap), from_x[X_BITS] ? POSITION[ADDRESS_BITS-1:0] : NOWHERE);
        wire                    unused_right = right[X_BITS];
        wire                    here = write && write_y == HERE[Y_BITS-1:0] && write_x == WRITE_PLACE[X_BITS-1:0];
        wire                    unused_style = RAM_STYLE == "auto";
        (* ram_style = RAM_STYLE *)
        reg  [WIDTH-1:0]        memory[0:DEPTH-1];
        reg  [WIDTH-1:0]        stored;
        always @(posedge aclk) begin
          if (here) memory[write_address] <= s_data[(i%S_COLUMNS)*WIDTH+:WIDTH];
          if (read) stored <= memory[address];
        end
        assign words[(j*BANKS_X+i)*WIDTH+:WIDTH] = stored;
      end
    end
  endgenerate

  // ---- The words in the window's own order, then the taps of the beat.
  reg  [Y_BITS-1:0]      y_read;
  reg  [X_BITS-1:0]      x_read;
  reg  [BEAT_BITS-1:0]   beat_read;
  wire [BANKS*WIDTH-1:0] lines;
  wire [BANKS*WIDTH-1:0] ordered;
  wire                   unused_banks = &{1'b0, ordered};  // more than one for each column of a window

  always @(posedge aclk) begin
    if (read) begin
      y_read    <= y;
      x_read    <= x;
      beat_read <= beat;
    end
  end

  nf_rotate #(
      .COUNT(BANKS_Y),
      .WIDTH(BANKS_X * WIDTH)
  ) in_order_of_lines (
      .s_data(words),
      .by    (y_read),
      .m_data(lines)
  );

  generate
    for (j = 0; j < BANKS_Y; j = j + 1) begin : ordered_line
      nf_rotate #(
          .COUNT(BANKS_X),
          .WIDTH(WIDTH)
      ) in_order_of_columns (
          .s_data(lines[j*BANKS_X*WIDTH+:BANKS_X*WIDTH]),
          .by    (x_read),
          .m_data(ordered[j*BANKS_X*WIDTH+:BANKS_X*WIDTH])
      );
    end

    for (t = 0; t < TAPS; t = t + 1) begin : tap
      wire [BEATS*WIDTH-1:0] choices;
      for (b = 0; b < BEATS; b = b + 1) begin : of_beat
        localparam TAP = (b * TAPS + t < KERNEL_Y * KERNEL_X) ? b * TAPS + t : 0;
        localparam BANK = (((TAP / KERNEL_X) * LINE_Y) % BANKS_Y) * BANKS_X + ((TAP % KERNEL_X) * LINE_X) % BANKS_X;
        assign choices[b*WIDTH+:WIDTH] = ordered[BANK*WIDTH+:WIDTH];
      end
      assign m_data[t*WIDTH+:WIDTH] = choices[beat_read*WIDTH+:WIDTH];
    end
  endgenerate

endmodule

`default_nettype wire
