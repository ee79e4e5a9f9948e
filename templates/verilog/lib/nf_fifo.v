// nf_fifo - keeps beats in order between two stages that do not run in step.
//
// DEPTH beats in one simple dual-port RAM with a registered read, one more in the output register: it takes DEPTH + 1
// beats before it holds the sender up. A beat leaves two cycles after it was taken at the earliest. One beat a cycle
// from DEPTH 2 on, every second cycle with DEPTH 1. s_ready never depends on m_ready.

`default_nettype none

module nf_fifo #(
    parameter WIDTH     = 8,      // bits of one beat
    parameter DEPTH     = 16,     // beats in memory
    parameter RAM_STYLE = "auto"  // what the memory is: auto, block, distributed, registers
) (
    input  wire             aclk,
    input  wire             aresetn,
    // in
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    // out
    output reg  [WIDTH-1:0] m_data,
    output reg              m_valid,
    input  wire             m_ready
);

  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam COUNT_BITS = $clog2(DEPTH + 1);
  localparam [31:0] LAST_ADDRESS = DEPTH - 1;
  localparam [31:0] FULL = DEPTH;

  // Some tools drop the attribute and would call the parameter unused.
  wire unused_style = RAM_STYLE == "auto";
  (* ram_style = RAM_STYLE *)
  reg [WIDTH-1:0] memory[0:DEPTH-1];

  reg  [COUNT_BITS-1:0]   stored;  // beats in memory
  reg  [ADDRESS_BITS-1:0] write_address;
  reg  [ADDRESS_BITS-1:0] read_address;
  wire                    free  = !m_valid || m_ready;
  wire                    write = s_valid && s_ready;
  wire                    read  = free && stored != {COUNT_BITS{1'b0}};

  assign s_ready = stored != FULL[COUNT_BITS-1:0];

  always @(posedge aclk) begin
    if (!aresetn) begin
      stored        <= {COUNT_BITS{1'b0}};
      write_address <= {ADDRESS_BITS{1'b0}};
      read_address  <= {ADDRESS_BITS{1'b0}};
      m_valid       <= 1'b0;
    end else begin
      if (write && !read) stored <= stored + 1'b1;
      if (read && !write) stored <= stored - 1'b1;
      if (write) write_address <= (write_address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : write_address + 1'b1;
      if (read) read_address <= (read_address == LAST_ADDRESS[ADDRESS_BITS-1:0]) ? {ADDRESS_BITS{1'b0}} : read_address + 1'b1;
      if (free) m_valid <= read;
    end
  end

  always @(posedge aclk) begin
    if (write) memory[write_address] <= s_data;
    if (read) m_data <= memory[read_address];
  end

endmodule

`default_nettype wire
