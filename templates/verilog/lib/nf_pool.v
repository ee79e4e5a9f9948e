// nf_pool - the largest or the average element of every window, lane by lane.
//
// A window comes as WINDOW beats, as nf_line_window reads it with its OUTER = WORDS, and gives one beat. Elements outside
// of the image (s_inside low) do not count for the maximum and are 0 for the average.
// With WORDS > 1 so many windows come in turn, a beat of each, which is how an image comes that is one window: then
// nothing of it is stored but what has been found of every channel.
// With TAPS > 1 a beat has so many elements of every lane, tap by tap, and one register more takes what is found in it.
// With WINDOWS > 1 the lanes are those of so many windows side by side, which are inside of the image or not on their own.
//   AVERAGE 0: the maximum, one register. Bipolar elements are compared like unsigned ones.
//   AVERAGE 1: floor((sum*MULTIPLIER + OFFSET) / 2^SHIFT + 1/2), three registers that move together: sum, product,
//              result. The caller proves that this is floor(sum/elements + 1/2) for every sum, and that SUM_WIDTH holds
//              every partial one.
// A lane that is 0 in all beats of the image stays 0. A window without any element of the image has no maximum.

`default_nettype none

module nf_pool #(
    parameter LANES      = 1,   // results of one beat
    parameter WIDTH      = 8,   // bits of one element
    parameter SIGNED     = 0,   // 1: elements are two's complement
    parameter WINDOW     = 4,   // beats of one window
    parameter WORDS      = 1,   // windows of which the beats take turns
    parameter TAPS       = 1,   // elements of every lane in a beat
    parameter WINDOWS    = 1,   // windows side by side, a divisor of LANES
    parameter AVERAGE    = 0,   // 0: maximum, 1: average
    parameter SUM_WIDTH  = 11,  // bits of a sum, two's complement
    parameter MULTIPLIER = 1,   // positive
    parameter OFFSET     = 0,
    parameter SHIFT      = 2
) (
    input  wire                        aclk,
    input  wire                        aresetn,
    // windows
    input  wire [TAPS*LANES*WIDTH-1:0] s_data,
    input  wire [TAPS*WINDOWS-1:0]     s_inside,
    input  wire                        s_valid,
    output wire                        s_ready,
    // one beat per window
    output wire [LANES*WIDTH-1:0]      m_data,
    output reg                         m_valid,
    input  wire                        m_ready
);

  localparam BEAT_BITS = (WINDOW > 1) ? $clog2(WINDOW) : 1;
  localparam TURN_BITS = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam PART_WIDTH = (AVERAGE != 0) ? SUM_WIDTH : WIDTH;
  localparam LEAVES = 1 << $clog2(TAPS);
  localparam [31:0] LAST_BEAT = WINDOW - 1;
  localparam [31:0] LAST_TURN = WORDS - 1;
  // Keys compare as unsigned integers: the sign bit is flipped.
  localparam [31:0] FLIP = (SIGNED != 0 && AVERAGE == 0) ? 1 : 0;

  wire move = !m_valid || m_ready;

  assign s_ready = move;

  // ---- What is found in the taps of a beat: the largest key, or the sum.
  wire                        part_valid;
  wire [LANES*PART_WIDTH-1:0] parts;
  wire [WINDOWS-1:0]          part_inside;
  wire [LANES*PART_WIDTH-1:0] found_parts;
  wire [WINDOWS-1:0]          found_inside;

  genvar i, n;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : taps
      localparam OF_WINDOW = i / (LANES / WINDOWS);
      // Nodes 0 to LEAVES-1 are the taps, node LEAVES+k is made of nodes 2k and 2k+1.
      for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
        wire                  is_inside;
        wire [PART_WIDTH-1:0] part;
        if (n < TAPS) begin : element
          wire [WIDTH-1:0] x = s_data[(n*LANES+i)*WIDTH+:WIDTH];
          assign is_inside = s_inside[n*WINDOWS+OF_WINDOW];
          if (AVERAGE != 0) begin : number
            wire               sign = (SIGNED != 0) && x[WIDTH-1];
            wire [SUM_WIDTH:0] extended = {{(SUM_WIDTH + 1 - WIDTH) {sign}}, x};
            wire               unused = extended[SUM_WIDTH];
            assign part = is_inside ? extended[SUM_WIDTH-1:0] : {SUM_WIDTH{1'b0}};
          end else begin : key
            assign part = x ^ (FLIP[WIDTH-1:0] << (WIDTH - 1));
          end
        end else if (n < LEAVES && AVERAGE != 0) begin : nothing
          assign is_inside = 1'b0;
          assign part      = {PART_WIDTH{1'b0}};
        end else if (n < LEAVES) begin : last_tap_again
          assign is_inside = node[TAPS-1].is_inside;
          assign part      = node[TAPS-1].part;
        end else begin : both
          assign is_inside = node[2*(n-LEAVES)].is_inside || node[2*(n-LEAVES)+1].is_inside;
          if (AVERAGE != 0) begin : sum
            assign part = node[2*(n-LEAVES)].part + node[2*(n-LEAVES)+1].part;
          end else begin : larger
            wire second = {node[2*(n-LEAVES)+1].is_inside, node[2*(n-LEAVES)+1].part} > {node[2*(n-LEAVES)].is_inside, node[2*(n-LEAVES)].part};
            assign part = second ? node[2*(n-LEAVES)+1].part : node[2*(n-LEAVES)].part;
          end
        end
      end
      assign found_parts[i*PART_WIDTH+:PART_WIDTH] = node[2*LEAVES-2].part;
      if (i % (LANES / WINDOWS) == 0) begin : of_window
        assign found_inside[OF_WINDOW] = node[2*LEAVES-2].is_inside;
      end else begin : of_the_same
        wire unused = node[2*LEAVES-2].is_inside;
      end
    end

    if (TAPS > 1) begin : registered
      reg                        valid;
      reg [LANES*PART_WIDTH-1:0] held;
      reg [WINDOWS-1:0]          held_inside;
      always @(posedge aclk) begin
        if (!aresetn) valid <= 1'b0;
        else if (move) valid <= s_valid;
      end
      always @(posedge aclk) begin
        if (move) begin
          held        <= found_parts;
          held_inside <= found_inside;
        end
      end
      assign part_valid  = valid;
      assign parts       = held;
      assign part_inside = held_inside;
    end else begin : direct
      assign part_valid  = s_valid;
      assign parts       = found_parts;
      assign part_inside = found_inside;
    end
  endgenerate

  // ---- The beats of a window.
  reg  [BEAT_BITS-1:0] beat;
  reg  [TURN_BITS-1:0] turn;
  wire                 last_turn = turn == LAST_TURN[TURN_BITS-1:0];
  wire                 first = beat == {BEAT_BITS{1'b0}};
  wire                 last  = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire                 take  = part_valid && move;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat <= {BEAT_BITS{1'b0}};
      turn <= {TURN_BITS{1'b0}};
    end else if (take) begin
      turn <= last_turn ? {TURN_BITS{1'b0}} : turn + 1'b1;
      if (last_turn) beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    end
  end

  generate
    if (AVERAGE == 0) begin : maximum
      always @(posedge aclk) begin
        if (!aresetn) m_valid <= 1'b0;
        else if (move) m_valid <= part_valid && last;
      end

      for (n = 0; n < WINDOWS; n = n + 1) begin : window
        reg [WORDS-1:0] seen;  // the window had an element of the image
        wire            fresh = first || !seen[turn];
        always @(posedge aclk) begin
          if (take) seen[turn] <= part_inside[n] || !fresh;
        end
      end

      for (i = 0; i < LANES; i = i + 1) begin : lane
        localparam OF_WINDOW = i / (LANES / WINDOWS);
        reg  [WIDTH-1:0] best;  // of the last beat's window
        wire [WIDTH-1:0] old;   // of this beat's window
        wire [WIDTH-1:0] x = parts[i*WIDTH+:WIDTH];
        wire [WIDTH-1:0] next = (window[OF_WINDOW].fresh || (part_inside[OF_WINDOW] && x > old)) ? x : old;
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
        assign m_data[i*WIDTH+:WIDTH] = best ^ (FLIP[WIDTH-1:0] << (WIDTH - 1));
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
      wire                          unused_addend = &{1'b0, addend_extended[FRAME+31:FRAME], part_inside};
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
          sum_valid     <= part_valid && last;
          product_valid <= sum_valid;
          m_valid       <= product_valid;
        end
      end

      for (i = 0; i < LANES; i = i + 1) begin : lane
        reg  signed [SUM_WIDTH-1:0] sum;     // of the last beat's window
        wire        [SUM_WIDTH-1:0] old;     // of this beat's window
        reg  signed [FRAME-1:0]     product;
        reg         [WIDTH-1:0]     result;
        wire signed [FRAME-1:0]     sum_extended = {{(FRAME - SUM_WIDTH) {sum[SUM_WIDTH-1]}}, sum};
        wire signed [FRAME-1:0]     factor_extended = {{(FRAME - FACTOR_BITS) {1'b0}}, factor};
        wire signed [FRAME-1:0]     rounded = $signed(product + addend_extended[FRAME-1:0] + half) >>> SHIFT;
        wire                        unused = &{1'b0, rounded[FRAME-1:WIDTH]};

        wire        [SUM_WIDTH-1:0] next = (first ? {SUM_WIDTH{1'b0}} : old) + parts[i*SUM_WIDTH+:SUM_WIDTH];

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
