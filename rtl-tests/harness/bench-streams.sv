// bench-streams - one end of a ready/valid stream each, whose beats come from and go to the C++ driver.

`default_nettype none

module bench_source #(
    parameter ID    = 0,
    parameter WIDTH = 8   // at most 1024
) (
    input  wire             aclk,
    input  wire             aresetn,
    output reg  [WIDTH-1:0] data,
    output reg              valid,
    input  wire             ready
);

  import "DPI-C" function void bench_next(input int id, output bit valid, output bit [1023:0] data);

  bit          next_valid;
  bit [1023:0] next_data;

  always @(posedge aclk) begin
    if (!aresetn) valid <= 1'b0;
    else if (!valid || ready) begin
      bench_next(ID, next_valid, next_data);
      valid <= next_valid;
      data  <= next_data[WIDTH-1:0];
    end
  end

endmodule

module bench_sink #(
    parameter ID    = 0,
    parameter WIDTH = 8,  // at most 1024
    parameter READY = 1   // 0: the stream has no ready, every valid beat counts
) (
    input  wire             aclk,
    input  wire             aresetn,
    input  wire [WIDTH-1:0] data,
    input  wire             valid,
    output reg              ready
);

  import "DPI-C" function void bench_take(input int id, input bit [1023:0] data);
  import "DPI-C" function int bench_ready(input int id);
  import "DPI-C" function void bench_fault(input int id);

  reg             held;
  reg [WIDTH-1:0] held_data;

  always @(posedge aclk) begin
    if (!aresetn) begin
      ready <= 1'b0;
      held  <= 1'b0;
    end else begin
      if (valid && (ready || READY == 0)) bench_take(ID, 1024'(data));
      // A beat stands unchanged until it is taken.
      if (READY != 0 && held && (!valid || data != held_data)) bench_fault(ID);
      held      <= valid && !ready;
      held_data <= data;
      ready     <= bench_ready(ID) != 0;
    end
  end

endmodule

`default_nettype wire
