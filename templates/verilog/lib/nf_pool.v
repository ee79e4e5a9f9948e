// nf_pool - the largest or the average element of every window, lane by lane.
//
// A window comes as WINDOW beats, as nf_line_window reads it with OUTER = WORDS, and gives one beat. Elements outside
// of the image (s_inside low) do not count for the maximum and are 0 for the average.
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
  localparam [31:0] LAST_BEAT = WINDOW - 1;

  reg  [BEAT_BITS-1:0] beat;
  wire                 first = beat == {BEAT_BITS{1'b0}};
  wire                 last  = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire                 move  = !m_valid || m_ready;
  wire                 take  = s_valid && move;

  assign s_ready = move;

  always @(posedge aclk) begin
    if (!aresetn) beat <= {BEAT_BITS{1'b0}};
    else if (take) beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
  end

  genvar i;
  generate
    if (AVERAGE == 0) begin : maximum
      reg  seen;  // the window had an element of the image
      wire fresh = first || !seen;

      always @(posedge aclk) begin
        if (!aresetn) m_valid <= 1'b0;
        else if (move) m_valid <= s_valid && last;
      end

      always @(posedge aclk) begin
        if (take) seen <= s_inside || !fresh;
      end

      for (i = 0; i < LANES; i = i + 1) begin : lane
        // Keys compare as unsigned integers: the sign bit is flipped.
        localparam [31:0] FLIP = (SIGNED != 0) ? 1 : 0;
        reg  [WIDTH-1:0] best;
        wire [WIDTH-1:0] x = s_data[i*WIDTH+:WIDTH];
        wire             greater = (x ^ (FLIP[WIDTH-1:0] << (WIDTH - 1))) > (best ^ (FLIP[WIDTH-1:0] << (WIDTH - 1)));
        always @(posedge aclk) begin
          if (take && (fresh || (s_inside && greater))) best <= x;
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
        reg  signed [SUM_WIDTH-1:0] sum;
        reg  signed [FRAME-1:0]     product;
        reg         [WIDTH-1:0]     result;
        wire        [WIDTH-1:0]     x = s_data[i*WIDTH+:WIDTH];
        wire                        sign = (SIGNED != 0) && x[WIDTH-1];
        wire        [SUM_WIDTH:0]   extended = {{(SUM_WIDTH + 1 - WIDTH) {sign}}, x};
        wire signed [FRAME-1:0]     sum_extended = {{(FRAME - SUM_WIDTH) {sum[SUM_WIDTH-1]}}, sum};
        wire signed [FRAME-1:0]     factor_extended = {{(FRAME - FACTOR_BITS) {1'b0}}, factor};
        wire signed [FRAME-1:0]     rounded = $signed(product + addend_extended[FRAME-1:0] + half) >>> SHIFT;
        wire                        unused = &{1'b0, rounded[FRAME-1:WIDTH], extended[SUM_WIDTH]};

        always @(posedge aclk) begin
          if (take) sum <= (first ? {SUM_WIDTH{1'b0}} : sum) + (s_inside ? extended[SUM_WIDTH-1:0] : {SUM_WIDTH{1'b0}});
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
