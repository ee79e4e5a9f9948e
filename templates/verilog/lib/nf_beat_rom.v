// nf_beat_rom - constants that belong to the beats of a packet, read in step with them.
//
// Beat k of a packet sees word k of the memory image; where the constants repeat, DEPTH words are enough and beat k
// sees word k mod DEPTH. The read is registered and one word ahead, so that the memory can be block memory and
// `word` still belongs to the beat that stands at the stage's input.

`default_nettype none

module nf_beat_rom #(
    parameter WIDTH     = 8,       // bits of one word
    parameter BEATS     = 4,       // beats of one packet
    parameter DEPTH     = 4,       // words, at most BEATS
    parameter MEM_DIR   = "",      // put before the file name; empty, or a folder with its slash
    parameter FILE      = "",      // memory image for $readmemh; empty: all 0
    parameter ROM_STYLE = "auto"   // how the words are stored: auto, block, distributed
) (
    input  wire             aclk,
    input  wire             aresetn,
    input  wire             step,     // the present beat is taken
    input  wire             restart,  // ... and ends its packet early
    output reg  [WIDTH-1:0] word,     // constants of the present beat
    output wire             last      // the present beat is its packet's last
);

  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] LAST_ADDRESS = DEPTH - 1;

  reg  [BEAT_BITS-1:0]    beat;
  reg  [ADDRESS_BITS-1:0] address;
  wire                    turn = last || restart;
  wire                    wrap = turn || address == LAST_ADDRESS[ADDRESS_BITS-1:0];
  wire [ADDRESS_BITS-1:0] next_address = (!aresetn || (step && wrap)) ? {ADDRESS_BITS{1'b0}}
                                       : step ? address + 1'b1 : address;

  assign last = beat == LAST_BEAT[BEAT_BITS-1:0];

  always @(posedge aclk) begin
    if (!aresetn) beat <= {BEAT_BITS{1'b0}};
    else if (step) beat <= turn ? {BEAT_BITS{1'b0}} : beat + 1'b1;
    address <= next_address;
  end

  // Some tools drop the attribute and would call the parameter unused.
  wire unused_style = ROM_STYLE == "auto";
  (* rom_style = ROM_STYLE *)
  reg [WIDTH-1:0] words[0:DEPTH-1];

  // An empty string cannot be put before a file name in every tool: it may count as a NUL character.
  generate
    if (FILE == "") begin : no_words
      integer k;
      initial for (k = 0; k < DEPTH; k = k + 1) words[k] = {WIDTH{1'b0}};
    end else if (MEM_DIR == "") begin : words_here
      initial $readmemh(FILE, words);
    end else begin : words_there
      initial $readmemh({MEM_DIR, FILE}, words);
    end
  endgenerate

  always @(posedge aclk) word <= words[next_address];

endmodule

`default_nettype wire
