// nf_uart_rx - bytes from a serial line: one start bit, eight data bits with the lowest first, one stop bit.
//
// Every bit is read in its middle, counted from the falling edge of the start bit. A byte is there for one cycle. A stop bit that is
// low gives m_broken instead, and the line has to come back before the next byte begins.

`default_nettype none

module nf_uart_rx #(
    parameter CLOCKS = 12  // clock cycles of one bit, at least 4
) (
    input  wire       aclk,
    input  wire       aresetn,
    input  wire       rx,
    output reg  [7:0] m_data,
    output reg        m_valid,
    output reg        m_broken
);

  localparam COUNT_BITS = $clog2(CLOCKS);
  localparam [31:0] WHOLE = CLOCKS - 1;
  // The edge is seen up to a cycle late.
  localparam [31:0] HALF = (CLOCKS - 1) / 2;

  localparam [3:0] STOP_BIT = 4'd9;

  reg [2:0]            line;  // two registers against metastability, and the level before
  reg [COUNT_BITS-1:0] count;
  reg [3:0]            index;  // 0 is the start bit
  reg                  busy;
  reg                  waiting;  // for the line to come back

  wire level = line[1];
  wire due   = count == {COUNT_BITS{1'b0}};

  always @(posedge aclk) begin
    if (!aresetn) begin
      line     <= 3'b111;
      busy     <= 1'b0;
      waiting  <= 1'b1;
      m_valid  <= 1'b0;
      m_broken <= 1'b0;
      count    <= {COUNT_BITS{1'b0}};
      index    <= 4'd0;
    end else begin
      line     <= {line[1:0], rx};
      m_valid  <= 1'b0;
      m_broken <= 1'b0;
      if (!busy) begin
        if (level) waiting <= 1'b0;
        if (!level && line[2] && !waiting) begin
          busy  <= 1'b1;
          index <= 4'd0;
          count <= HALF[COUNT_BITS-1:0];
        end
      end else if (!due) begin
        count <= count - 1'b1;
      end else begin
        count <= WHOLE[COUNT_BITS-1:0];
        index <= index + 1'b1;
        if (index == 4'd0) begin
          // A glitch is no start bit.
          if (level) busy <= 1'b0;
        end else if (index == STOP_BIT) begin
          busy     <= 1'b0;
          waiting  <= !level;
          m_valid  <= level;
          m_broken <= !level;
        end
      end
    end
  end

  always @(posedge aclk) begin
    if (busy && due && index != STOP_BIT) m_data <= {level, m_data[7:1]};
  end

endmodule

`default_nettype wire
