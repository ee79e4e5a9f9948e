// rounded - whether y is what the definition makes of x: y = saturate(activation(round(x / 2^(right - left)))).
//
// The definition is a relation, without a shift of x to the right: rounding gives the one integer r whose distance from the
// exact quotient is right, and y is r, or the end of its range that r lies beyond. Everything is compared in units of half of
// the lowest bit that is shifted out, in a frame in which nothing wraps.

module rounded #(
    parameter IN_WIDTH   = 8,
    parameter IN_SIGNED  = 1,
    parameter OUT_WIDTH  = 4,
    parameter OUT_SIGNED = 1,
    parameter ROUNDING   = 0,  // 0: floor(v + 1/2), 1: floor(v), 2: ties to even
    parameter RELU       = 0,
    parameter MOST_LEFT  = 0,  // greatest left
    parameter MOST_RIGHT = 8   // greatest right
) (
    input  wire [IN_WIDTH-1:0]  x,
    input  wire [OUT_WIDTH-1:0] y,
    input  wire [15:0]          left,
    input  wire [15:0]          right,
    output wire                 holds
);

  localparam FRAME = IN_WIDTH + OUT_WIDTH + MOST_LEFT + MOST_RIGHT + 4;

  wire signed [FRAME-1:0] one = 1;
  wire signed [FRAME-1:0] zero = 0;
  wire                    x_sign = (IN_SIGNED != 0) && x[IN_WIDTH-1];
  wire                    y_sign = (OUT_SIGNED != 0) && y[OUT_WIDTH-1];
  wire signed [FRAME-1:0] x_value = {{(FRAME - IN_WIDTH) {x_sign}}, x};
  wire signed [FRAME-1:0] y_value = {{(FRAME - OUT_WIDTH) {y_sign}}, y};
  wire signed [FRAME-1:0] highest = (OUT_SIGNED != 0) ? (one <<< (OUT_WIDTH - 1)) - one : (one <<< OUT_WIDTH) - one;
  wire signed [FRAME-1:0] lowest = (OUT_SIGNED == 0 || RELU != 0) ? zero : -(one <<< (OUT_WIDTH - 1));

  // 2^(right+1) units are one y.
  wire signed [FRAME-1:0] exact = x_value <<< (left + 1);
  wire signed [FRAME-1:0] unit = one <<< (right + 1);
  wire signed [FRAME-1:0] half = (right == 0) ? zero : unit >>> 1;
  wire signed [FRAME-1:0] at_y = y_value <<< (right + 1);
  wire signed [FRAME-1:0] distance = exact - at_y;

  wire near;
  generate
    if (ROUNDING == 1) begin : truncated
      assign near = distance >= zero && distance < unit;
    end else if (ROUNDING == 2) begin : to_even
      wire tie = right != 0 && (distance == half || distance == -half);
      assign near = tie ? !y[0] : (right == 0) ? distance == zero : distance > -half && distance < half;
    end else begin : half_up
      assign near = (right == 0) ? distance == zero : distance >= -half && distance < half;
    end
  endgenerate

  wire in_range = y_value >= lowest && y_value <= highest;
  wire beyond = (y_value == highest && distance >= zero) || (y_value == lowest && distance <= zero);
  assign holds = in_range && (near || beyond);

endmodule
