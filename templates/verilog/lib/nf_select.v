// nf_select - keeps some elements of a packet and closes the gaps.
//
//   mask: word b belongs to beat b of a packet; bit i is 1 where the element of lane i is kept. At least one element
//         of a packet is kept, and no unused lane of its last beat.
// Kept elements are gathered into words of WORD_LANES; unused lanes of a packet's last word are 0. A packet's last
// word leaves only when its last beat has come, so that a packet that ends early never looks complete: its last
// beat, marked s_drop, leaves as a word marked m_drop, which tells the receiver to forget the packet.
// One beat per cycle is taken unless m_ready holds it up. Two registers: the kept elements of one beat, the word.

`default_nettype none

module nf_select #(
    parameter ELEMENTS   = 4,      // elements of one packet
    parameter LANES      = 1,      // elements of one beat
    parameter WORD_LANES = 1,      // elements of one word, at least LANES
    parameter WIDTH      = 8,      // bits of one element
    parameter MEM_DIR    = "",     // put before the file name; empty, or a folder with its slash
    parameter MASK_FILE  = "",     // memory image of the mask for $readmemh; empty: all 0
    parameter ROM_STYLE  = "auto"  // how the mask is stored: auto, block, distributed
) (
    input  wire                        aclk,
    input  wire                        aresetn,
    // all elements
    input  wire [LANES*WIDTH-1:0]      s_data,
    input  wire                        s_drop,
    input  wire                        s_valid,
    output wire                        s_ready,
    // kept elements
    output reg  [WORD_LANES*WIDTH-1:0] m_data,
    output reg                         m_drop,
    output reg                         m_valid,
    input  wire                        m_ready
);

  localparam BEATS = (ELEMENTS + LANES - 1) / LANES;
  localparam BEAT_WIDTH = LANES * WIDTH;
  localparam WORD_WIDTH = WORD_LANES * WIDTH;
  localparam BOTH_WIDTH = WORD_WIDTH + BEAT_WIDTH;
  localparam COUNT_BITS = $clog2(WORD_LANES + LANES + 1);
  localparam LEAVES = 1 << $clog2(LANES);
  localparam [31:0] WORD_COUNT = WORD_LANES;

  wire             move = !m_valid || m_ready;
  wire [LANES-1:0] mask;
  wire             last;

  assign s_ready = move;

  nf_beat_rom #(
      .WIDTH    (LANES),
      .BEATS    (BEATS),
      .DEPTH    (BEATS),
      .MEM_DIR  (MEM_DIR),
      .FILE     (MASK_FILE),
      .ROM_STYLE(ROM_STYLE)
  ) rom (
      .aclk   (aclk),
      .aresetn(aresetn),
      .step   (s_valid && move),
      .restart(s_drop),
      .word   (mask),
      .last   (last)
  );

  // Kept elements of one beat, moved together to lane 0; the other lanes are 0.
  reg [BEAT_WIDTH-1:0] packed_lanes;
  integer              i;

  always @(*) begin
    packed_lanes = {BEAT_WIDTH{1'b0}};
    for (i = LANES - 1; i >= 0; i = i - 1) begin
      if (mask[i]) begin
        packed_lanes = packed_lanes << WIDTH;
        packed_lanes[WIDTH-1:0] = s_data[i*WIDTH+:WIDTH];
      end
    end
  end

  // Their number. Nodes 0 to LEAVES-1 are the lanes, node LEAVES+k adds nodes 2k and 2k+1.
  genvar n;
  generate
    for (n = 0; n < 2 * LEAVES - 1; n = n + 1) begin : node
      wire [COUNT_BITS-1:0] count;
      if (n < LANES) begin : leaf
        assign count = {{(COUNT_BITS - 1) {1'b0}}, mask[n]};
      end else if (n < LEAVES) begin : nothing
        assign count = {COUNT_BITS{1'b0}};
      end else begin : added
        assign count = node[2*(n-LEAVES)].count + node[2*(n-LEAVES)+1].count;
      end
    end
  endgenerate

  reg                  beat_valid;
  reg                  beat_drop;
  reg                  beat_last;
  reg [BEAT_WIDTH-1:0] beat_lanes;
  reg [COUNT_BITS-1:0] beat_count;

  // `pending` elements of the packet wait for more, or for its end. `flush`: they are the whole rest of a packet that
  // has ended; the next beat belongs to the next packet and cannot fill a word.
  reg  [WORD_WIDTH-1:0]            waiting;
  reg  [COUNT_BITS-1:0]            pending;
  reg                              flush;
  reg                              start;  // the beat is its packet's first
  wire                             none = flush || pending == {COUNT_BITS{1'b0}};
  wire [COUNT_BITS-1:0]            held = flush ? {COUNT_BITS{1'b0}} : pending;
  wire [BOTH_WIDTH-1:0]            joined;
  wire [COUNT_BITS-1:0]            count = held + beat_count;
  wire                             more = count > WORD_COUNT[COUNT_BITS-1:0];  // than a word
  wire                             take = beat_valid && !beat_drop;

  // The beat's elements behind those that are held: one step for each bit of their number.
  generate
    for (n = 0; n <= COUNT_BITS; n = n + 1) begin : step
      wire [BOTH_WIDTH-1:0] moved;
      if (n == 0) begin : first
        assign moved = {{WORD_WIDTH{1'b0}}, beat_lanes};
      end else begin : next
        assign moved = held[n-1] ? step[n-1].moved << (WIDTH << (n - 1)) : step[n-1].moved;
      end
    end
  endgenerate

  assign joined = {{BEAT_WIDTH{1'b0}}, none ? {WORD_WIDTH{1'b0}} : waiting} | step[COUNT_BITS].moved;

  always @(posedge aclk) begin
    if (!aresetn) begin
      beat_valid <= 1'b0;
      pending    <= {COUNT_BITS{1'b0}};
      flush      <= 1'b0;
      start      <= 1'b1;
      m_drop     <= 1'b0;
      m_valid    <= 1'b0;
    end else if (move) begin
      beat_valid <= s_valid;
      flush      <= take && beat_last && more;
      if (beat_valid || flush)
        pending <= (!take || (beat_last && !more)) ? {COUNT_BITS{1'b0}}
                 : more ? count - WORD_COUNT[COUNT_BITS-1:0] : count;
      if (beat_valid) start <= beat_drop || beat_last;
      // A packet that is dropped at its first beat has sent nothing that could be forgotten.
      m_drop     <= beat_valid && beat_drop && !start;
      m_valid    <= flush || (beat_valid && (beat_drop ? !start : (beat_last || more)));
    end
  end

  always @(posedge aclk) begin
    if (move) begin
      beat_drop  <= s_drop;
      beat_last  <= last;
      beat_lanes <= packed_lanes;
      beat_count <= node[2*LEAVES-2].count;
      if (take) waiting <= more ? {{(WORD_WIDTH - BEAT_WIDTH) {1'b0}}, joined[WORD_WIDTH+:BEAT_WIDTH]}
                                : joined[WORD_WIDTH-1:0];
      m_data <= flush ? waiting : joined[WORD_WIDTH-1:0];
    end
  end

endmodule

`default_nettype wire
