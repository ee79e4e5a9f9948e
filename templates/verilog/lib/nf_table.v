// nf_table - replaces every integer by its entry of a table.
//
// Entry 0 belongs to the lowest integer of the input's format, the highest one has entry 2^IN_WIDTH - 1; every lane has
// its own copy of the memory. A packet is CHANNELS elements in beats of LANES; unused lanes of its last beat are
// ignored on input and 0 on output. Two registers that move together: the entries, then the result.

`default_nettype none

module nf_table #(
    parameter CHANNELS  = 4,       // elements of one packet, or of one position
    parameter LANES     = 1,       // elements of one beat
    parameter IN_WIDTH  = 8,       // bits of one integer, at most 12
    parameter IN_SIGNED = 0,       // 1: integers are two's complement
    parameter OUT_WIDTH = 8,       // bits of one entry
    parameter MEM_DIR   = "",      // put before the file name; empty, or a folder with its slash
    parameter FILE      = "",      // memory image of the entries for $readmemh; empty: all 0
    parameter ROM_STYLE = "auto"   // how the entries are stored: auto, block, distributed
) (
    input  wire                       aclk,
    input  wire                       aresetn,
    // integers
    input  wire [LANES*IN_WIDTH-1:0]  s_data,
    input  wire                       s_valid,
    output wire                       s_ready,
    // entries, two cycles later
    output reg  [LANES*OUT_WIDTH-1:0] m_data,
    output reg                        m_valid,
    input  wire                       m_ready
);

  localparam BEATS = (CHANNELS + LANES - 1) / LANES;
  localparam TAIL_LANES = CHANNELS - (BEATS - 1) * LANES;
  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam ENTRIES = 1 << IN_WIDTH;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] FLIP = (IN_SIGNED != 0) ? 1 << (IN_WIDTH - 1) : 0;

  reg  [BEAT_BITS-1:0] beat;
  wire                 last = beat == LAST_BEAT[BEAT_BITS-1:0];
  reg                  entry_valid;
  reg                  entry_last;
  wire                 move = !m_valid || m_ready;
  wire                 unused_last = &{1'b0, entry_last};

  assign s_ready = move;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat        <= {BEAT_BITS{1'b0}};
      entry_valid <= 1'b0;
      m_valid     <= 1'b0;
    end else if (move) begin
      if (s_valid) beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
      entry_valid <= s_valid;
      m_valid     <= entry_valid;
    end
  end

  always @(posedge aclk) begin
    if (move) entry_last <= last;
  end

  // Some tools drop the attribute and would call the parameter unused.
  wire unused_style = ROM_STYLE == "auto";

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      (* rom_style = ROM_STYLE *)
      reg  [OUT_WIDTH-1:0] entries[0:ENTRIES-1];
      reg  [OUT_WIDTH-1:0] entry;
      wire [IN_WIDTH-1:0]  index = s_data[i*IN_WIDTH+:IN_WIDTH] ^ FLIP[IN_WIDTH-1:0];
      wire                 used = i < TAIL_LANES || !entry_last;

      // An empty string cannot be put before a file name in every tool: it may count as a NUL character.
      if (FILE == "") begin : no_entries
        integer k;
        initial for (k = 0; k < ENTRIES; k = k + 1) entries[k] = {OUT_WIDTH{1'b0}};
      end else if (MEM_DIR == "") begin : entries_here
        initial $readmemh(FILE, entries);
      end else begin : entries_there
        initial $readmemh({MEM_DIR, FILE}, entries);
      end

      always @(posedge aclk) begin
        if (move) begin
          entry <= entries[index];
          m_data[i*OUT_WIDTH+:OUT_WIDTH] <= used ? entry : {OUT_WIDTH{1'b0}};
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
