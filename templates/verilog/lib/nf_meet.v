// nf_meet - lets the packets of several inputs that belong together end together.
//
// One for each input, behind its nf_input. Packets belong together by their order. A packet's last word, or the one that
// is marked s_drop, waits until those of the other inputs stand at their meets and all of them can go on; then they do,
// in the same cycle. If one of the packets is broken, the last words of all are marked m_drop, so that every receiver
// forgets its packet. One register: a word leaves one cycle after it was taken; s_ready depends on all inputs' s_valid.

`default_nettype none

module nf_meet #(
    parameter WIDTH = 8,  // bits of one word
    parameter WORDS = 4,  // words of one packet
    parameter COUNT = 2   // inputs that meet
) (
    input  wire             aclk,
    input  wire             aresetn,
    // words; s_drop ends a packet early
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_drop,
    input  wire             s_valid,
    output wire             s_ready,
    // the same words
    output reg  [WIDTH-1:0] m_data,
    output reg              m_drop,
    output reg              m_valid,
    input  wire             m_ready,
    // what this input says, and what all of them do
    output wire             at_end,     // a packet's last word stands here and could go on
    output wire             broken,     // ... of a packet that is broken
    input  wire [COUNT-1:0] all_at_end,
    input  wire [COUNT-1:0] all_broken
);

  localparam WORD_BITS = (WORDS > 1) ? $clog2(WORDS) : 1;
  localparam [31:0] LAST_WORD = WORDS - 1;

  reg  [WORD_BITS-1:0] word;
  wire                 last = s_drop || word == LAST_WORD[WORD_BITS-1:0];
  wire                 free = !m_valid || m_ready;
  wire                 pass = !last || (&all_at_end);

  assign at_end  = s_valid && free && last;
  assign broken  = s_drop;
  assign s_ready = free && pass;

  always @(posedge aclk) begin
    if (!aresetn) begin
      word    <= {WORD_BITS{1'b0}};
      m_valid <= 1'b0;
    end else if (free) begin
      m_valid <= s_valid && pass;
      if (s_valid && pass) word <= last ? {WORD_BITS{1'b0}} : word + 1'b1;
    end
  end

  always @(posedge aclk) begin
    if (free) begin
      m_data <= s_data;
      m_drop <= last && (|all_broken);
    end
  end

endmodule

`default_nettype wire
