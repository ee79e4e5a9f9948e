// nf_join - adds, subtracts or multiplies two streams of integers, lane by lane.
//
//   OP 0: a*2^SHIFT_A + b*2^SHIFT_B   OP 1: a*2^SHIFT_A - b*2^SHIFT_B   OP 2: a*b*2^(SHIFT_A+SHIFT_B)
// A beat of a and a beat of b are taken in the same cycle. Two registers that move together: the operands, then the
// result. OUT_WIDTH must hold every result; it is two's complement. A lane that is 0 on both sides stays 0.
// Where one packet of b serves many beats of a (a gate [1, 1, C]), an nf_window before b replays it; where a beat of a has
// several positions, b has the B_LANES of one of them.

`default_nettype none

module nf_join #(
    parameter LANES     = 1,      // elements of one beat
    parameter B_LANES   = LANES,  // ... of b, a divisor of LANES
    parameter OP        = 0,      // 0: add, 1: subtract, 2: multiply
    parameter A_WIDTH   = 8,      // bits of one element of a
    parameter A_SIGNED  = 1,      // 1: a is two's complement
    parameter B_WIDTH   = 8,      // bits of one element of b
    parameter B_SIGNED  = 1,      // 1: b is two's complement
    parameter SHIFT_A   = 0,      // bits to the left that bring a to the result's fraction
    parameter SHIFT_B   = 0,      // ... b
    parameter OUT_WIDTH = 9       // bits of one result
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // first operand
    input  wire [LANES*A_WIDTH-1:0]   a_data,
    input  wire                       a_valid,
    output wire                       a_ready,
    // second operand
    input  wire [B_LANES*B_WIDTH-1:0] b_data,
    input  wire                       b_valid,
    output wire                       b_ready,
    // results, two cycles later
    output reg  [LANES*OUT_WIDTH-1:0] m_data,
    output reg                        m_valid,
    input  wire                       m_ready
);

  // Room for whatever the operators make; the caller has proved that OUT_WIDTH is enough.
  localparam WIDEST = (A_WIDTH + SHIFT_A > B_WIDTH + SHIFT_B) ? A_WIDTH + SHIFT_A : B_WIDTH + SHIFT_B;
  localparam NEEDED = (OP == 2) ? A_WIDTH + B_WIDTH + SHIFT_A + SHIFT_B + 2 : WIDEST + 2;
  localparam FRAME = (NEEDED > OUT_WIDTH) ? NEEDED : OUT_WIDTH + 1;

  wire move = !m_valid || m_ready;
  reg  operands_valid;

  assign a_ready = move && b_valid;
  assign b_ready = move && a_valid;

  always @(posedge aclk) begin
    if (!aresetn) begin
      operands_valid <= 1'b0;
      m_valid        <= 1'b0;
    end else if (move) begin
      operands_valid <= a_valid && b_valid;
      m_valid        <= operands_valid;
    end
  end

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      reg         [A_WIDTH-1:0] a;
      reg         [B_WIDTH-1:0] b;
      wire                      a_sign = (A_SIGNED != 0) && a[A_WIDTH-1];
      wire                      b_sign = (B_SIGNED != 0) && b[B_WIDTH-1];
      wire signed [FRAME-1:0]   a_extended = {{(FRAME - A_WIDTH) {a_sign}}, a};
      wire signed [FRAME-1:0]   b_extended = {{(FRAME - B_WIDTH) {b_sign}}, b};
      wire signed [FRAME-1:0]   result;

      if (OP == 2) begin : multiplied
        wire signed [FRAME-1:0] product = a_extended * b_extended;
        assign result = product <<< (SHIFT_A + SHIFT_B);
      end else if (OP == 1) begin : subtracted
        assign result = (a_extended <<< SHIFT_A) - (b_extended <<< SHIFT_B);
      end else begin : added
        assign result = (a_extended <<< SHIFT_A) + (b_extended <<< SHIFT_B);
      end

      always @(posedge aclk) begin
        if (move) begin
          a <= a_data[i*A_WIDTH+:A_WIDTH];
          b <= b_data[(i%B_LANES)*B_WIDTH+:B_WIDTH];
          m_data[i*OUT_WIDTH+:OUT_WIDTH] <= result[OUT_WIDTH-1:0];
        end
      end

      wire unused = &{1'b0, result[FRAME-1:OUT_WIDTH]};
    end
  endgenerate

endmodule

`default_nettype wire
