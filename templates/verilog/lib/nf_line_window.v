// nf_line_window - stores the newest part of an image and reads the windows of a convolution or a pooling from it.
//
// In: [ROWS, COLUMNS] positions of WORDS words each, a word being LANES channels. A sequence has ROWS = 1.
// Out, for every output position: the channels in OUTER folds, each REPLAYS times, each time KERNEL_Y * KERNEL_X taps
// in row-major order, each tap the WORDS / OUTER words of the fold. Tap (ky, kx) of output (oy, ox) is the word at
//   (oy*STRIDE_Y + ky*DILATION_Y - BEFORE_Y, ox*STRIDE_X + kx*DILATION_X - BEFORE_X)
// of the image with SPREAD - 1 lines between neighbouring ones. Those lines hold 0, or with REPEAT the line before
// them (KERNEL 1, STRIDE 1 and SPREAD f: every element f times). Outside of it every lane is PAD. m_inside is high
// where a lane is a word of the image.
//   convolution: OUTER = groups, REPLAYS = beats of outputs    depthwise, pooling: OUTER = WORDS, REPLAYS = 1
//   transposed convolution: REPEAT with SPREAD the stride and DILATION = SPREAD meets no lines in between at all
// TAPS > 1, for OUTER = WORDS and DILATION a multiple of SPREAD: so many taps side by side; the last beat of a window
// fills up with 0. BEFORE may be negative, down to 1 - SPREAD.
//
// With S_COLUMNS > 1 so many neighbouring positions come at once, a divisor of COLUMNS, with WORDS = 1; for windows side by
// side the kernel is all that they span together, and the strides are those from one such group to the next.
//
// The memory is a ring of CAPACITY words that runs on over the ends of packets: the next image is stored while the
// last windows of this one are read. With TAPS or S_COLUMNS > 1 it is whole lines, a multiple of BANKS_Y of them,
// in BANKS_Y x BANKS_X memories; nf_line_banks says which banks fit the taps. Nothing is stored twice. A window is read as
// soon as its newest word is there, one beat a cycle without a gap at the ends of lines; a word is forgotten when no later
// window needs it.
// The least legal CAPACITY is the most words between the oldest and the newest one that a window and those after it
// need: at stride 1 (KERNEL_Y - 1) * DILATION_Y lines and (KERNEL_X - 1) * DILATION_X + 1 positions. Below that the
// module stands still for ever. With it, every window waits until the one before is read and its last words are
// stored; STRIDE_Y lines more let the sender go on meanwhile, which takes the waiting out of the interval.
// Every packet needs a window that reads a word. A beat leaves three cycles after its newest word at the earliest.

`default_nettype none

module nf_line_window #(
    parameter LANES       = 1,  // elements of one word
    parameter WIDTH       = 8,  // bits of one element, at most 32
    parameter ROWS        = 4,  // the image
    parameter COLUMNS     = 4,
    parameter WORDS       = 1,  // words of one position
    parameter OUT_ROWS    = 2,  // output positions
    parameter OUT_COLUMNS = 2,
    parameter KERNEL_Y    = 3,  // taps of a window
    parameter KERNEL_X    = 3,
    parameter STRIDE_Y    = 1,  // from window to window
    parameter STRIDE_X    = 1,
    parameter DILATION_Y  = 1,  // from tap to tap
    parameter DILATION_X  = 1,
    parameter SPREAD_Y    = 1,  // from line to line of the image
    parameter SPREAD_X    = 1,
    parameter BEFORE_Y    = 0,  // padding before the image
    parameter BEFORE_X    = 0,
    parameter REPEAT      = 0,  // 1: lines between those of the image repeat the one before
    parameter PAD         = 0,  // element outside of the image
    parameter OUTER       = 1,  // folds of the channels, a divisor of WORDS
    parameter REPLAYS     = 1,  // readings of each window
    parameter TAPS        = 1,  // taps side by side
    parameter S_COLUMNS   = 1,  // positions that come at once
    parameter BANKS_Y     = 1,  // memories for several taps or positions
    parameter BANKS_X     = 1,
    parameter CAPACITY    = 12, // words of the ring
    parameter RAM_STYLE   = "auto"  // what the memories are: auto, block, distributed, registers
) (
    input  wire                             aclk,
    input  wire                             aresetn,
    // images
    input  wire [S_COLUMNS*LANES*WIDTH-1:0] s_data,
    input  wire                             s_valid,
    output wire                             s_ready,
    // windows
    output wire [TAPS*LANES*WIDTH-1:0]      m_data,
    output wire [TAPS-1:0]                  m_inside,
    output reg                              m_valid,
    input  wire                             m_ready
);

  localparam WORD_BITS = LANES * WIDTH;
  localparam ROW = COLUMNS * WORDS;  // words of a line
  localparam PACKET = ROWS * ROW;
  localparam INNER = WORDS / OUTER;
  localparam [31:0] PAD_ELEMENT = PAD;
  localparam [WORD_BITS-1:0] PAD_WORD = {LANES{PAD_ELEMENT[WIDTH-1:0]}};

  // Signed counts of words: differences of positions in the running stream of words.
  localparam MOST_ROWS = ((OUT_ROWS - 1) * STRIDE_Y + (KERNEL_Y - 1) * DILATION_Y + BEFORE_Y) / SPREAD_Y + 3;
  localparam MOST_COLUMNS = ((OUT_COLUMNS - 1) * STRIDE_X + (KERNEL_X - 1) * DILATION_X + BEFORE_X) / SPREAD_X + 3;
  localparam COUNT_BITS = $clog2(MOST_ROWS * ROW + MOST_COLUMNS * WORDS + 2 * PACKET + CAPACITY) + 1;
  localparam [31:0] PACKET_WORDS = PACKET;
  localparam [31:0] POSITION_WORDS = WORDS;
  localparam [31:0] ROOM = CAPACITY - S_COLUMNS;
  localparam [31:0] ENTERING = S_COLUMNS;
  localparam BANKED = (TAPS > 1 || S_COLUMNS > 1) ? 1 : 0;
  localparam [COUNT_BITS-1:0] ZERO = {COUNT_BITS{1'b0}};
  localparam [COUNT_BITS-1:0] ONE = {{(COUNT_BITS - 1) {1'b0}}, 1'b1};

  // Distance in words as a step in the ring.
  function [31:0] ring;
    input integer words_apart;
    ring = ((words_apart % CAPACITY) + CAPACITY) % CAPACITY;
  endfunction

  // ---- Storing: `level` words lie between the oldest one that is needed and the next one to come. It is negative
  // where words that no window needs are still to come.
  reg signed [COUNT_BITS-1:0] level;
  wire                        write = s_valid && s_ready;

  wire signed [COUNT_BITS-1:0] room = ROOM[COUNT_BITS-1:0];

  assign s_ready = level <= room;

  // ---- The present window is read when `reach` words from its oldest one on are there.
  reg  signed [COUNT_BITS-1:0] reach;
  reg         [COUNT_BITS-1:0] oldest;   // word of the image that the present and later windows need first
  reg                          primed;   // there is a present window
  reg                          read_valid;
  wire                         end_of_window;
  wire                         move = !m_valid || m_ready;
  wire                         open = primed && level >= reach;
  wire                         read = move && open;
  wire                         turn = read && end_of_window;
  wire                         next_window = turn || !primed;

  // ---- The window after the present one, along both axes: 0 rows, 1 columns. Lines are counted in words.
  wire [1:0] last_index;
  wire [1:0] first_index;
  reg  [1:0] present_last;  // the present window is the last one along the axis

  genvar a, b, t;
  generate
    for (a = 0; a < 2; a = a + 1) begin : following
      localparam LINES = (a == 0) ? ROWS : COLUMNS;
      localparam UNIT = (a == 0) ? ROW : WORDS;
      localparam OUTPUTS = (a == 0) ? OUT_ROWS : OUT_COLUMNS;
      localparam STRIDE = (a == 0) ? STRIDE_Y : STRIDE_X;
      localparam SPREAD = (a == 0) ? SPREAD_Y : SPREAD_X;
      localparam BEFORE = (a == 0) ? BEFORE_Y : BEFORE_X;
      localparam EXTENT = (a == 0) ? (KERNEL_Y - 1) * DILATION_Y : (KERNEL_X - 1) * DILATION_X;
      localparam LINES_BEFORE = (BEFORE + SPREAD - 1) / SPREAD;
      localparam INDEX_BITS = (OUTPUTS > 1) ? $clog2(OUTPUTS) : 1;
      localparam [31:0] LAST = OUTPUTS - 1;
      localparam [31:0] START = -LINES_BEFORE * UNIT;
      localparam [31:0] LINE = UNIT;
      localparam [31:0] STEP = (STRIDE / SPREAD) * UNIT;
      localparam [31:0] DEPTH = (EXTENT / SPREAD) * UNIT;
      localparam [31:0] LAST_LINE = (LINES - 1) * UNIT;
      localparam [31:0] AFTER = LINES * UNIT;

      reg         [INDEX_BITS-1:0] index;
      reg  signed [COUNT_BITS-1:0] at;       // line of the first tap, or the one before it
      wire                         between;  // ... the one before it
      wire                         carry;    // the next window's is a line further than STEP
      wire                         deep;     // the last tap's is a line further than DEPTH
      wire                         between_stepped;
      wire        [COUNT_BITS-1:0] line = LINE[COUNT_BITS-1:0];
      wire signed [COUNT_BITS-1:0] last_line = LAST_LINE[COUNT_BITS-1:0];
      wire signed [COUNT_BITS-1:0] after = AFTER[COUNT_BITS-1:0];
      wire signed [COUNT_BITS-1:0] stepped = at + STEP[COUNT_BITS-1:0] + (carry ? line : ZERO);
      wire signed [COUNT_BITS-1:0] deepest = at + DEPTH[COUNT_BITS-1:0] + (deep ? line : ZERO);
      wire signed [COUNT_BITS-1:0] top = at + ((between && REPEAT == 0) ? line : ZERO);
      wire signed [COUNT_BITS-1:0] top_stepped = stepped + ((between_stepped && REPEAT == 0) ? line : ZERO);
      wire        [COUNT_BITS-1:0] first = top[COUNT_BITS-1] ? ZERO : (top > after) ? after : top;
      wire        [COUNT_BITS-1:0] first_stepped = top_stepped[COUNT_BITS-1] ? ZERO : (top_stepped > after) ? after : top_stepped;
      wire        [COUNT_BITS-1:0] last = (deepest > last_line) ? last_line : deepest;
      wire                         step = next_window && (a == 1 || last_index[1]);

      assign last_index[a]  = index == LAST[INDEX_BITS-1:0];
      assign first_index[a] = index == {INDEX_BITS{1'b0}};

      always @(posedge aclk) begin
        if (!aresetn) begin
          index <= {INDEX_BITS{1'b0}};
          at    <= START[COUNT_BITS-1:0];
        end else if (step) begin
          index <= last_index[a] ? {INDEX_BITS{1'b0}} : index + 1'b1;
          at    <= last_index[a] ? START[COUNT_BITS-1:0] : stepped;
        end
      end

      if (SPREAD > 1) begin : spread
        localparam PHASE_BITS = $clog2(SPREAD) + 1;
        localparam [31:0] START_PHASE = LINES_BEFORE * SPREAD - BEFORE;
        localparam [31:0] STEP_PHASE = STRIDE % SPREAD;
        localparam [31:0] DEPTH_PHASE = EXTENT % SPREAD;
        localparam [31:0] PHASES = SPREAD;
        reg  [PHASE_BITS-1:0] phase;
        wire [PHASE_BITS-1:0] sum = phase + STEP_PHASE[PHASE_BITS-1:0];
        wire [PHASE_BITS-1:0] sum_deep = phase + DEPTH_PHASE[PHASE_BITS-1:0];
        wire [PHASE_BITS-1:0] phase_stepped = carry ? sum - PHASES[PHASE_BITS-1:0] : sum;
        assign carry           = sum >= PHASES[PHASE_BITS-1:0];
        assign deep            = sum_deep >= PHASES[PHASE_BITS-1:0];
        assign between         = phase != {PHASE_BITS{1'b0}};
        assign between_stepped = phase_stepped != {PHASE_BITS{1'b0}};
        always @(posedge aclk) begin
          if (!aresetn) phase <= START_PHASE[PHASE_BITS-1:0];
          else if (step) phase <= last_index[a] ? START_PHASE[PHASE_BITS-1:0] : phase_stepped;
        end
      end else begin : dense
        assign carry           = 1'b0;
        assign deep            = 1'b0;
        assign between         = 1'b0;
        assign between_stepped = 1'b0;
      end
    end
  endgenerate

  // While the next row of windows starts with the same line, that line is needed from its first word on.
  wire unused_first = &{1'b0, following[1].first_stepped};
  wire same_line = following[0].first == following[0].first_stepped || following[0].first == PACKET_WORDS[COUNT_BITS-1:0];
  wire [COUNT_BITS-1:0] next_oldest = following[0].first + (same_line ? ZERO : following[1].first);
  wire [COUNT_BITS-1:0] next_newest = following[0].last + following[1].last + POSITION_WORDS[COUNT_BITS-1:0];
  // A window before the image waits for its first word: without a packet nothing leaves.
  wire before_image = next_newest[COUNT_BITS-1] || next_newest == ZERO;
  wire [COUNT_BITS-1:0] next_reach = (before_image ? ONE : next_newest) - next_oldest;
  wire [COUNT_BITS-1:0] forgotten = next_oldest - oldest + ((&first_index) ? PACKET_WORDS[COUNT_BITS-1:0] : ZERO);

  always @(posedge aclk) begin
    if (!aresetn) begin
      level      <= ZERO;
      oldest     <= PACKET_WORDS[COUNT_BITS-1:0];
      primed     <= 1'b0;
      read_valid <= 1'b0;
      m_valid    <= 1'b0;
    end else begin
      level <= level + (write ? ENTERING[COUNT_BITS-1:0] : ZERO) - (next_window ? forgotten : ZERO);
      if (next_window) oldest <= next_oldest;
      primed <= 1'b1;
      if (move) begin
        read_valid <= open;
        m_valid    <= read_valid;
      end
    end
  end

  always @(posedge aclk) begin
    if (next_window) begin
      reach        <= next_reach;
      present_last <= last_index;
    end
  end

  // ---- Taps of the present window: coordinates in the spread image, and whether they are on one of its lines.
  wire [1:0] step_tap;  // the next beat has the next tap along the axis
  wire [1:0] wrap_tap;  // ... the first one

  generate
    for (a = 0; a < 2; a = a + 1) begin : present
      localparam LINES = (a == 0) ? ROWS : COLUMNS;
      localparam OUTPUTS = (a == 0) ? OUT_ROWS : OUT_COLUMNS;
      localparam STRIDE = (a == 0) ? STRIDE_Y : STRIDE_X;
      localparam SPREAD = (a == 0) ? SPREAD_Y : SPREAD_X;
      localparam BEFORE = (a == 0) ? BEFORE_Y : BEFORE_X;
      localparam DILATION = (a == 0) ? DILATION_Y : DILATION_X;
      localparam LENGTH = (a == 0) ? KERNEL_Y : KERNEL_X;
      localparam EXTENT = (a == 0) ? (KERNEL_Y - 1) * DILATION_Y : (KERNEL_X - 1) * DILATION_X;
      localparam BITS = $clog2((OUTPUTS - 1) * STRIDE + EXTENT + BEFORE + LINES * SPREAD + STRIDE + DILATION) + 1;
      localparam [31:0] START = -BEFORE;
      localparam [31:0] STEP = STRIDE;
      localparam [31:0] TAP_STEP = DILATION;
      localparam [31:0] HIGHEST = (REPEAT != 0) ? LINES * SPREAD - 1 : (LINES - 1) * SPREAD;

      reg  signed [BITS-1:0] start;  // first tap
      reg  signed [BITS-1:0] tap;    // tap of the present beat
      wire signed [BITS-1:0] highest = HIGHEST[BITS-1:0];
      wire                   step = turn && (a == 1 || present_last[1]);
      wire        [BITS-1:0] next_start = !step ? start : present_last[a] ? START[BITS-1:0] : start + STEP[BITS-1:0];
      wire                   outside = tap[BITS-1] || tap > highest;
      wire                   between;    // not on a line
      wire                   carry;      // the next window starts a line further than STRIDE / SPREAD
      wire                   tap_carry;  // the next tap is a line further than DILATION / SPREAD

      always @(posedge aclk) begin
        if (!aresetn) begin
          start <= START[BITS-1:0];
          tap   <= START[BITS-1:0];
        end else if (read) begin
          start <= next_start;
          if (turn) tap <= next_start;
          else if (wrap_tap[a]) tap <= start;
          else if (step_tap[a]) tap <= tap + TAP_STEP[BITS-1:0];
        end
      end

      if (BANKED != 0) begin : lines
        wire [LENGTH-1:0] on_image;
        for (b = 0; b < LENGTH; b = b + 1) begin : line
          localparam [31:0] DISTANCE = b * DILATION;
          wire signed [BITS-1:0] at = start + DISTANCE[BITS-1:0];
          assign on_image[b] = !at[BITS-1] && at <= highest;
        end
      end

      if (SPREAD > 1) begin : spread
        localparam PHASE_BITS = $clog2(SPREAD) + 1;
        localparam [31:0] START_PHASE = ((BEFORE + SPREAD - 1) / SPREAD) * SPREAD - BEFORE;
        localparam [31:0] STEP_PHASE = STRIDE % SPREAD;
        localparam [31:0] TAP_PHASE = DILATION % SPREAD;
        localparam [31:0] PHASES = SPREAD;
        reg  [PHASE_BITS-1:0] phase;
        reg  [PHASE_BITS-1:0] tap_phase;
        wire [PHASE_BITS-1:0] sum = phase + STEP_PHASE[PHASE_BITS-1:0];
        wire [PHASE_BITS-1:0] tap_sum = tap_phase + TAP_PHASE[PHASE_BITS-1:0];
        wire [PHASE_BITS-1:0] stepped = carry ? sum - PHASES[PHASE_BITS-1:0] : sum;
        wire [PHASE_BITS-1:0] next_phase = !step ? phase : present_last[a] ? START_PHASE[PHASE_BITS-1:0] : stepped;
        assign carry     = sum >= PHASES[PHASE_BITS-1:0];
        assign tap_carry = tap_sum >= PHASES[PHASE_BITS-1:0];
        assign between   = REPEAT == 0 && tap_phase != {PHASE_BITS{1'b0}};
        always @(posedge aclk) begin
          if (!aresetn) begin
            phase     <= START_PHASE[PHASE_BITS-1:0];
            tap_phase <= START_PHASE[PHASE_BITS-1:0];
          end else if (read) begin
            phase <= next_phase;
            if (turn) tap_phase <= next_phase;
            else if (wrap_tap[a]) tap_phase <= phase;
            else if (step_tap[a]) tap_phase <= tap_carry ? tap_sum - PHASES[PHASE_BITS-1:0] : tap_sum;
          end
        end
      end else begin : dense
        assign carry     = 1'b0;
        assign tap_carry = 1'b0;
        assign between   = 1'b0;
      end
    end
  endgenerate

  // ---- The beats of a window.
  localparam KERNEL = KERNEL_Y * KERNEL_X;
  localparam REPLAY_BITS = (REPLAYS > 1) ? $clog2(REPLAYS) : 1;
  localparam [31:0] LAST_REPLAY = REPLAYS - 1;

  localparam OUTER_BITS = (OUTER > 1) ? $clog2(OUTER) : 1;
  localparam [31:0] LAST_OUTER = OUTER - 1;

  // Lines before the image in which the first window begins, and from there to the last one.
  localparam FIRST_ROW = (BEFORE_Y + SPREAD_Y - 1) / SPREAD_Y;
  localparam FIRST_COLUMN = (BEFORE_X + SPREAD_X - 1) / SPREAD_X;
  localparam ROW_TOTAL = ((OUT_ROWS - 1) * STRIDE_Y + FIRST_ROW * SPREAD_Y - BEFORE_Y) / SPREAD_Y;

  wire [TAPS*WORD_BITS-1:0] words;       // what was read last
  wire [TAPS-1:0]           on_word;     // the tap is a word of the image
  wire [TAPS-1:0]           on_padding;  // ... outside of it
  wire                      end_of_taps;
  reg  [REPLAY_BITS-1:0]    replay;
  reg  [OUTER_BITS-1:0]     outer;
  wire                      last_replay = replay == LAST_REPLAY[REPLAY_BITS-1:0];
  wire                      end_of_replays = end_of_taps && last_replay;
  assign                    end_of_window = end_of_replays && outer == LAST_OUTER[OUTER_BITS-1:0];

  always @(posedge aclk) begin
    if (!aresetn) begin
      replay <= {REPLAY_BITS{1'b0}};
      outer  <= {OUTER_BITS{1'b0}};
    end else if (read) begin
      if (end_of_taps) replay <= last_replay ? {REPLAY_BITS{1'b0}} : replay + 1'b1;
      if (end_of_replays) outer <= end_of_window ? {OUTER_BITS{1'b0}} : outer + 1'b1;
    end
  end

  generate
    if (BANKED == 0) begin : one_tap
      localparam ADDRESS_BITS = (CAPACITY > 1) ? $clog2(CAPACITY) : 1;
      localparam INNER_BITS = (INNER > 1) ? $clog2(INNER) : 1;
      localparam X_BITS = (KERNEL_X > 1) ? $clog2(KERNEL_X) : 1;
      localparam Y_BITS = (KERNEL_Y > 1) ? $clog2(KERNEL_Y) : 1;
      localparam COLUMN_TOTAL = ((OUT_COLUMNS - 1) * STRIDE_X + FIRST_COLUMN * SPREAD_X - BEFORE_X) / SPREAD_X;
      localparam [31:0] FULL = CAPACITY;
      localparam [31:0] LAST_ADDRESS = CAPACITY - 1;
      localparam [31:0] LAST_INNER = INNER - 1;
      localparam [31:0] LAST_X = KERNEL_X - 1;
      localparam [31:0] LAST_Y = KERNEL_Y - 1;
      // Steps of the ring. Outside of the image an address is that of no word, and not used.
      localparam [31:0] START_ADDRESS = ring(-FIRST_ROW * ROW - FIRST_COLUMN * WORDS);
      localparam [31:0] TO_COLUMN = ring((STRIDE_X / SPREAD_X) * WORDS);
      localparam [31:0] TO_COLUMN_CARRY = ring((STRIDE_X / SPREAD_X + 1) * WORDS);
      localparam [31:0] TO_ROW = ring((STRIDE_Y / SPREAD_Y) * ROW - COLUMN_TOTAL * WORDS);
      localparam [31:0] TO_ROW_CARRY = ring((STRIDE_Y / SPREAD_Y + 1) * ROW - COLUMN_TOTAL * WORDS);
      localparam [31:0] TO_PACKET = ring(PACKET - ROW_TOTAL * ROW - COLUMN_TOTAL * WORDS);
      localparam [31:0] TO_WORD = ring(1);
      localparam [31:0] TO_X = ring((DILATION_X / SPREAD_X) * WORDS - (INNER - 1));
      localparam [31:0] TO_X_CARRY = ring((DILATION_X / SPREAD_X + 1) * WORDS - (INNER - 1));
      localparam [31:0] TO_Y = ring((DILATION_Y / SPREAD_Y) * ROW);
      localparam [31:0] TO_Y_CARRY = ring((DILATION_Y / SPREAD_Y + 1) * ROW);
      localparam [31:0] TO_FOLD = ring(INNER);

      function [ADDRESS_BITS-1:0] ring_sum;
        input [ADDRESS_BITS-1:0] left;
        input [ADDRESS_BITS-1:0] right;
        reg   [ADDRESS_BITS:0]   sum;
        begin
          sum = {1'b0, left} + {1'b0, right};
          if (sum > {1'b0, LAST_ADDRESS[ADDRESS_BITS-1:0]}) sum = sum - FULL[ADDRESS_BITS:0];
          ring_sum = sum[ADDRESS_BITS-1:0];
        end
      endfunction

      wire                    unused_style = RAM_STYLE == "auto";
      (* ram_style = RAM_STYLE *)
      reg  [WORD_BITS-1:0]    memory[0:CAPACITY-1];
      reg  [WORD_BITS-1:0]    word;
      reg  [ADDRESS_BITS-1:0] write_address;
      reg  [ADDRESS_BITS-1:0] window_start;  // first tap of the present window
      wire [ADDRESS_BITS-1:0] to_next = (&present_last) ? TO_PACKET[ADDRESS_BITS-1:0]
                                      : present_last[1] ? (present[0].carry ? TO_ROW_CARRY[ADDRESS_BITS-1:0] : TO_ROW[ADDRESS_BITS-1:0])
                                      : present[1].carry ? TO_COLUMN_CARRY[ADDRESS_BITS-1:0] : TO_COLUMN[ADDRESS_BITS-1:0];
      wire [ADDRESS_BITS-1:0] next_start = ring_sum(window_start, to_next);

      reg  [INNER_BITS-1:0]   inner;
      reg  [X_BITS-1:0]       x;
      reg  [Y_BITS-1:0]       y;
      wire                    end_of_tap = inner == LAST_INNER[INNER_BITS-1:0];
      wire                    end_of_line = end_of_tap && x == LAST_X[X_BITS-1:0];
      reg  [ADDRESS_BITS-1:0] address;
      reg  [ADDRESS_BITS-1:0] line_start;    // first tap of the window's line
      reg  [ADDRESS_BITS-1:0] fold_start;    // first tap of the window's fold
      wire [ADDRESS_BITS-1:0] from = !end_of_line ? address : !end_of_taps ? line_start : fold_start;
      wire [ADDRESS_BITS-1:0] to =
          !end_of_tap ? TO_WORD[ADDRESS_BITS-1:0]
        : !end_of_line ? (present[1].tap_carry ? TO_X_CARRY[ADDRESS_BITS-1:0] : TO_X[ADDRESS_BITS-1:0])
        : !end_of_taps ? (present[0].tap_carry ? TO_Y_CARRY[ADDRESS_BITS-1:0] : TO_Y[ADDRESS_BITS-1:0])
        : !end_of_replays ? {ADDRESS_BITS{1'b0}} : TO_FOLD[ADDRESS_BITS-1:0];
      wire [ADDRESS_BITS-1:0] next_address = end_of_window ? next_start : ring_sum(from, to);

      assign end_of_taps = end_of_line && y == LAST_Y[Y_BITS-1:0];
      assign step_tap    = {end_of_tap, end_of_line};
      assign wrap_tap    = {end_of_line, end_of_taps};
      assign on_padding  = present[0].outside || present[1].outside;
      assign on_word     = !on_padding && !present[0].between && !present[1].between;
      assign words       = word;

      always @(posedge aclk) begin
        if (!aresetn) begin
          write_address <= {ADDRESS_BITS{1'b0}};
          inner         <= {INNER_BITS{1'b0}};
          x             <= {X_BITS{1'b0}};
          y             <= {Y_BITS{1'b0}};
          window_start  <= START_ADDRESS[ADDRESS_BITS-1:0];
          address       <= START_ADDRESS[ADDRESS_BITS-1:0];
          line_start    <= START_ADDRESS[ADDRESS_BITS-1:0];
          fold_start    <= START_ADDRESS[ADDRESS_BITS-1:0];
        end else begin
          if (write) write_address <= (write_address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : write_address + 1'b1;
          if (read) begin
            inner   <= end_of_tap ? {INNER_BITS{1'b0}} : inner + 1'b1;
            address <= next_address;
            if (end_of_tap) x <= end_of_line ? {X_BITS{1'b0}} : x + 1'b1;
            if (end_of_line) y <= end_of_taps ? {Y_BITS{1'b0}} : y + 1'b1;
            if (end_of_line) line_start <= next_address;
            if (end_of_replays) fold_start <= next_address;
            if (turn) window_start <= next_start;
          end
        end
      end

      always @(posedge aclk) begin
        if (write) memory[write_address] <= s_data;
        if (read) word <= memory[address];
      end
    end else begin : banked
      localparam BEATS = (KERNEL + TAPS - 1) / TAPS;
      localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
      localparam [31:0] LAST_BEAT = BEATS - 1;

      reg  [BEAT_BITS-1:0] beat;
      wire                 unused_carry = &{1'b0, present[0].tap_carry, present[1].tap_carry, present[0].between,
                                            present[1].between, present[0].outside, present[1].outside};

      assign end_of_taps = beat == LAST_BEAT[BEAT_BITS-1:0];
      assign step_tap    = 2'b00;
      assign wrap_tap    = 2'b00;

      always @(posedge aclk) begin
        if (!aresetn) beat <= {BEAT_BITS{1'b0}};
        else if (read) beat <= end_of_taps ? {BEAT_BITS{1'b0}} : beat + 1'b1;
      end

      for (t = 0; t < TAPS; t = t + 1) begin : side
        wire [BEATS-1:0] used;
        wire [BEATS-1:0] on_image;
        for (b = 0; b < BEATS; b = b + 1) begin : of_beat
          localparam TAP = b * TAPS + t;
          localparam Y = (TAP < KERNEL) ? TAP / KERNEL_X : 0;
          localparam X = (TAP < KERNEL) ? TAP % KERNEL_X : 0;
          assign used[b]     = TAP < KERNEL;
          assign on_image[b] = present[0].lines.on_image[Y] && present[1].lines.on_image[X];
        end
        assign on_word[t]    = used[beat] && on_image[beat];
        assign on_padding[t] = used[beat] && !on_image[beat];
      end

      nf_line_banks #(
          .WIDTH       (WORD_BITS),
          .ROWS        (ROWS),
          .COLUMNS     (COLUMNS),
          .WORDS       (WORDS),
          .S_COLUMNS   (S_COLUMNS),
          .FIRST_ROW   (FIRST_ROW),
          .FIRST_COLUMN(FIRST_COLUMN),
          .STEP_ROW    (STRIDE_Y / SPREAD_Y),
          .STEP_COLUMN (STRIDE_X / SPREAD_X),
          .TOTAL_ROWS  (ROW_TOTAL),
          .KERNEL_Y    (KERNEL_Y),
          .KERNEL_X    (KERNEL_X),
          .LINE_Y      (DILATION_Y / SPREAD_Y),
          .LINE_X      (DILATION_X / SPREAD_X),
          .TAPS        (TAPS),
          .HELD        (CAPACITY / ROW),
          .BANKS_Y     (BANKS_Y),
          .BANKS_X     (BANKS_X),
          .BEAT_BITS   (BEAT_BITS),
          .RAM_STYLE   (RAM_STYLE),
          .WORD_BITS   (OUTER_BITS)
      ) banks (
          .aclk   (aclk),
          .aresetn(aresetn),
          .s_data (s_data),
          .write  (write),
          .read   (read),
          .beat   (beat),
          .word   (outer),
          .step   (turn),
          .last   (present_last),
          .carry  ({present[1].carry, present[0].carry}),
          .m_data (words)
      );
    end

    // ---- What was read, and what stands outside and between.
    for (t = 0; t < TAPS; t = t + 1) begin : tap_word
      reg [WORD_BITS-1:0] result;
      reg                 is_word;
      reg                 is_padding;
      reg                 result_is_word;

      assign m_data[t*WORD_BITS+:WORD_BITS] = result;
      assign m_inside[t] = result_is_word;

      always @(posedge aclk) begin
        if (move) begin
          is_word        <= on_word[t];
          is_padding     <= on_padding[t];
          result         <= is_word ? words[t*WORD_BITS+:WORD_BITS] : is_padding ? PAD_WORD : {WORD_BITS{1'b0}};
          result_is_word <= is_word;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
