// nf_window - stores whole packets and replays each of them.
//
// Two banks: one is filled while the other is read. A packet is read only when it is complete, word 0 to
// WORDS-1, REPLAYS times over. s_drop forgets the words of the packet that is being filled; the dropped
// beat's own data is ignored. The memory is one simple dual-port RAM with a registered read.
// The first word leaves two cycles after the packet's last one was taken.

`default_nettype none

module nf_window #(
    parameter WIDTH     = 8,      // bits of one word
    parameter WORDS     = 4,      // words of one packet
    parameter REPLAYS   = 1,      // how often each packet is read
    parameter RAM_STYLE = "auto"  // what the memory is: auto, block, distributed, registers
) (
    input  wire             aclk,
    input  wire             aresetn,
    // packets, once
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_drop,
    input  wire             s_valid,
    output wire             s_ready,
    // packets, REPLAYS times
    output reg  [WIDTH-1:0] m_data,
    output reg              m_valid,
    input  wire             m_ready
);

  localparam ADDRESS_BITS = $clog2(2 * WORDS);
  localparam WORD_BITS = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam REPLAY_BITS = (REPLAYS > 1) ? $clog2(REPLAYS) : 1;
  localparam [31:0] LAST_WORD = WORDS - 1;
  localparam [31:0] LAST_REPLAY = REPLAYS - 1;
  localparam [31:0] BANK_1 = WORDS;

  // Some tools drop the attribute and would call the parameter unused.
  wire unused_style = RAM_STYLE == "auto";
  (* ram_style = RAM_STYLE *)
  reg [WIDTH-1:0] memory[0:2*WORDS-1];

  // Filling: `filled` banks hold a packet that is not read to its end.
  reg  [1:0]              filled;
  reg                     write_bank;
  reg  [WORD_BITS-1:0]    write_word;
  wire                    write      = s_valid && s_ready;
  wire                    write_last = write_word == LAST_WORD[WORD_BITS-1:0];
  wire                    commit     = write && !s_drop && write_last;
  wire [ADDRESS_BITS-1:0] write_word_extended;
  wire [ADDRESS_BITS-1:0] write_address;

  // Reading, whenever the output register is free.
  reg                     read_bank;
  reg  [WORD_BITS-1:0]    read_word;
  reg  [REPLAY_BITS-1:0]  replay;
  wire                    free        = !m_valid || m_ready;
  wire                    read        = free && filled != 2'd0;
  wire                    read_last   = read_word == LAST_WORD[WORD_BITS-1:0];
  wire                    replay_last = replay == LAST_REPLAY[REPLAY_BITS-1:0];
  wire                    release_bank = read && read_last && replay_last;
  wire [ADDRESS_BITS-1:0] read_word_extended;
  wire [ADDRESS_BITS-1:0] read_address;

  generate
    if (ADDRESS_BITS > WORD_BITS) begin : extend
      assign write_word_extended = {{(ADDRESS_BITS - WORD_BITS) {1'b0}}, write_word};
      assign read_word_extended  = {{(ADDRESS_BITS - WORD_BITS) {1'b0}}, read_word};
    end else begin : keep
      assign write_word_extended = write_word;
      assign read_word_extended  = read_word;
    end
  endgenerate

  assign s_ready       = filled != 2'd2;
  assign write_address = write_word_extended + (write_bank ? BANK_1[ADDRESS_BITS-1:0] : {ADDRESS_BITS{1'b0}});
  assign read_address  = read_word_extended + (read_bank ? BANK_1[ADDRESS_BITS-1:0] : {ADDRESS_BITS{1'b0}});

  always @(posedge aclk) begin
    if (!aresetn) begin
      filled     <= 2'd0;
      write_bank <= 1'b0;
      write_word <= {WORD_BITS{1'b0}};
      read_bank  <= 1'b0;
      read_word  <= {WORD_BITS{1'b0}};
      replay     <= {REPLAY_BITS{1'b0}};
      m_valid    <= 1'b0;
    end else begin
      if (commit && !release_bank) filled <= filled + 2'd1;
      if (release_bank && !commit) filled <= filled - 2'd1;
      if (write) write_word <= (s_drop || write_last) ? {WORD_BITS{1'b0}} : write_word + 1'b1;
      if (commit) write_bank <= !write_bank;
      if (read) begin
        read_word <= read_last ? {WORD_BITS{1'b0}} : read_word + 1'b1;
        if (read_last) replay <= replay_last ? {REPLAY_BITS{1'b0}} : replay + 1'b1;
        if (release_bank) read_bank <= !read_bank;
      end
      if (free) m_valid <= filled != 2'd0;
    end
  end

  always @(posedge aclk) begin
    if (write) memory[write_address] <= s_data;
    if (read) m_data <= memory[read_address];
  end

endmodule

`default_nettype wire
