// nf_uart_tx - bytes onto a serial line: one start bit, eight data bits with the lowest first, one stop bit.

`default_nettype none

module nf_uart_tx #(
    parameter CLOCKS = 12  // clock cycles of one bit, at least 2
) (
    input  wire       aclk,
    input  wire       aresetn,
    input  wire [7:0] s_data,
    input  wire       s_valid,
    output wire       s_ready,
    output wire       tx
);

  localparam COUNT_BITS = $clog2(CLOCKS);
  localparam [31:0] WHOLE = CLOCKS - 1;

  reg [COUNT_BITS-1:0] count;
  reg [3:0]            left;  // bits that still follow the one on the line, and that one
  reg [8:0]            bits;  // the one on the line lowest; 1 when there is none

  wire idle = left == 4'd0;

  assign s_ready = aresetn && idle;
  assign tx      = bits[0];

  always @(posedge aclk) begin
    if (!aresetn) begin
      left  <= 4'd0;
      bits  <= 9'h1ff;
      count <= {COUNT_BITS{1'b0}};
    end else if (idle) begin
      if (s_valid) begin
        left  <= 4'd10;
        bits  <= {s_data, 1'b0};
        count <= WHOLE[COUNT_BITS-1:0];
      end
    end else if (count != {COUNT_BITS{1'b0}}) begin
      count <= count - 1'b1;
    end else begin
      count <= WHOLE[COUNT_BITS-1:0];
      left  <= left - 1'b1;
      bits  <= {1'b1, bits[8:1]};
    end
  end

endmodule

`default_nettype wire
