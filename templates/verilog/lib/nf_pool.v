// nf_pool - the largest or the average element of every window, lane by lane.
//
// A window comes as WINDOW beats, as nf_line_window reads it with its OUTER = WORDS, and gives one beat. Elements outside
// of the image (s_inside low) do not count for the maximum and are 0 for the average.
// With WORDS > 1 so many windows come in turn, a beat of each, which is how an image comes that is one window: then
// nothing of it is stored but what has been found of every channel.
//   AVERAGE 0: the maximum, one register. Bipolar elements are compared like unsigned ones.
//   AVERAGE 1: floor((sum*MULTIPLIER + OFFSET) / 2^SHIFT + 1/2), three registers that move together: sum, product,
//              result. The caller proves that this is floor(sum/WINDOW + 1/2) for every sum, and that SUM_WIDTH holds
//              every partial one.
// A lane that is 0 in all beats of the image stays 0. A window without any element of the image has no maximum.

`default_nettype none

module nf_pool #(
    parameter LANES      = 1,   // elements of one beat
    parameter WIDTH      = 8,   // bits of one element
    parameter SIGNED     = 0,   // 1: elements are two's complement
    parameter WINDOW     = 4,   // beats of one window
    parameter WORDS      = 1,   // windows of which the beats take turns
    parameter AVERAGE    = 0,   // 0: maximum, 1: average
    parameter SUM_WIDTH  = 11,  // bits of a sum, two's complement
    parameter MULTIPLIER = 1,   // positive
    parameter OFFSET     = 0,
    parameter SHIFT      = 2
) (
    input  wire                   aclk,
    input  wire                   aresetn,
    // windows
    input  wire [LANES*WIDTH-1:0] s_data,
    input  wire                   s_inside,
    input  wire                   s_valid,
    output wire                   s_ready,
    // one beat per window
    output wire [LANES*WIDTH-1:0] m_data,
    output reg                    m_valid,
    input  wire                   m_ready
);

  localparam BEAT_BITS = (WINDOW > 1) ? $clog2(WINDOW) : 1;
  localparam TURN_BITS = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam [31:0] LAST_BEAT = WINDOW - 1;
  localparam [31:0] LAST_TURN = WORDS - 1;

  reg  [BEAT_BITS-1:0] beat;
  reg  [TURN_BITS-1:0] turn;
  wire                 last_turn = turn == LAST_TURN[TURN_BITS-1:0];
  wire                 first = beat == {BEAT_BITS{1'b0}};
  wire                 last  = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire                 move  = !m_valid || m_ready;
  wire                 take  = s_valid && move;

  assign s_ready = move;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat <= {BEAT_BITS{1'b0}};
      turn <= {TURN_BITS{1'b0}};
    end else if (take) begin
      turn <= last_turn ? {TURN_BITS{1'b0}} : turn + 1'b1;
      if (last_turn) beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    end
  end

  genvar i;
  generate
    if (AVERAGE == 0) begin : maximum
      reg  [WORDS-1:0] seen;  // the window had an element of the image
      wire             fresh = first || !seen[turn];

      always @(posedge aclk) begin
        if (!aresetn) m_valid <= 1'b0;
        else if (move) m_valid <= s_valid && last;
      end

      always @(posedge aclk) begin
        if (take) seen[turn] <= s_inside || !fresh;
      end

      for (i = 0; i < LANES; i = i + 1) begin : lane
        // Keys compare as unsigned integers: the sign bit is flipped.
        localparam [31:0] FLIP = (SIGNED != 0) ? 1 : 0;
        reg  [WIDTH-1:0] best;    // of the last beat's window
        wire [WIDTH-1:0] old;     // of this beat's window
        wire [WIDTH-1:0] x = s_data[i*WIDTH+:WIDTH];
        wire             greater = (x ^ (FLIP[WIDTH-1:0] << (WIDTH - 1))) > (old ^ (FLIP[WIDTH-1:0] << (WIDTH - 1)));
        wire [WIDTH-1:0] next = (fresh || (s_inside && greater)) ? x : old;
        always @(posedge aclk) begin
          if (take) best <= next;
        end
        if (WORDS > 1) begin : in_turn
          reg [WIDTH-1:0] found[0:WORDS-1];
          assign old = found[turn];
          always @(posedge aclk) begin
            if (take) found[turn] <= next;
          end
        end else begin : alone
          assign old = best;
        end
        assign m_data[i*WIDTH+:WIDTH] = best;
      end
    end else begin : average
      localparam [31:0] FACTOR = MULTIPLIER;
      localparam FACTOR_BITS = $clog2(MULTIPLIER + 1) + 1;
      localparam PRODUCT_WIDTH = SUM_WIDTH + FACTOR_BITS + 1;
      localparam FRAME = (PRODUCT_WIDTH > WIDTH + SHIFT + 1) ? PRODUCT_WIDTH : WIDTH + SHIFT + 1;
      localparam [31:0] ADDEND = OFFSET;

      wire        [FRAME-1:0]       half;
      wire signed [FACTOR_BITS-1:0] factor = FACTOR[FACTOR_BITS-1:0];
      wire signed [31:0]            addend = ADDEND;
      wire signed [FRAME+31:0]      addend_extended = {{FRAME{addend[31]}}, addend};
      wire                          unused_addend = &{1'b0, addend_extended[FRAME+31:FRAME]};
      reg                           sum_valid;
      reg                           product_valid;

      for (i = 0; i < FRAME; i = i + 1) begin : bits
        assign half[i] = i + 1 == SHIFT;
      end

      always @(posedge aclk) begin
        if (!aresetn) begin
          sum_valid     <= 1'b0;
          product_valid <= 1'b0;
          m_valid       <= 1'b0;
        end else if (move) begin
          sum_valid     <= s_valid && last;
          product_valid <= sum_valid;
          m_valid       <= product_valid;
        end
      end

      for (i = 0; i < LANES; i = i + 1) begin : lane
        reg  signed [SUM_WIDTH-1:0] sum;     // of the last beat's window
        wire        [SUM_WIDTH-1:0] old;     // of this beat's window
        reg  signed [FRAME-1:0]     product;
        reg         [WIDTH-1:0]     result;
        wire        [WIDTH-1:0]     x = s_data[i*WIDTH+:WIDTH];
        wire                        sign = (SIGNED != 0) && x[WIDTH-1];
        wire        [SUM_WIDTH:0]   extended = {{(SUM_WIDTH + 1 - WIDTH) {sign}}, x};
        wire signed [FRAME-1:0]     sum_extended = {{(FRAME - SUM_WIDTH) {sum[SUM_WIDTH-1]}}, sum};
        wire signed [FRAME-1:0]     factor_extended = {{(FRAME - FACTOR_BITS) {1'b0}}, factor};
        wire signed [FRAME-1:0]     rounded = $signed(product + addend_extended[FRAME-1:0] + half) >>> SHIFT;
        wire                        unused = &{1'b0, rounded[FRAME-1:WIDTH], extended[SUM_WIDTH]};

        wire        [SUM_WIDTH-1:0] next = (first ? {SUM_WIDTH{1'b0}} : old) + (s_inside ? extended[SUM_WIDTH-1:0] : {SUM_WIDTH{1'b0}});

        if (WORDS > 1) begin : in_turn
          reg [SUM_WIDTH-1:0] found[0:WORDS-1];
          assign old = found[turn];
          always @(posedge aclk) begin
            if (take) found[turn] <= next;
          end
        end else begin : alone
          assign old = sum;
        end

        always @(posedge aclk) begin
          if (take) sum <= next;
          if (move) begin
            product <= sum_extended * factor_extended;
            result  <= rounded[WIDTH-1:0];
          end
        end
        assign m_data[i*WIDTH+:WIDTH] = result;
      end
    end
  endgenerate

endmodule

`default_nettype wire
