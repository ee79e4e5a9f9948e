// nf_frame_in - frames of bytes to packets of beats: "N", "F", a number of the sender's, the length in three bytes with the lowest
// first, one packet, two bytes of check sum (nf_crc16, from the number on).
//
// A packet reaches its end only when the check sum is right: the last two beats are held back until then, and a packet that goes wrong
// is ended early, which makes nf_input drop it. What is wrong is reported once, and the search for "N", "F" begins anew:
//   1 another length than BEATS * BYTES; 2 a wrong check sum; 3 no byte for 2^TIMEOUT_BITS cycles within a frame; 4 a broken byte;
//   5 four packets are under way already, or the receiver holds up a packet for longer than a beat takes on the line.

`default_nettype none

module nf_frame_in #(
    parameter BYTES        = 1,   // bytes of one beat
    parameter BEATS        = 4,   // beats of one packet
    parameter TIMEOUT_BITS = 21
) (
    input  wire               aclk,
    input  wire               aresetn,
    // bytes; they cannot be held up
    input  wire [7:0]         s_data,
    input  wire               s_valid,
    input  wire               s_broken,
    // packets
    output reg  [BYTES*8-1:0] m_axis_tdata,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready,
    output reg                m_axis_tlast,
    // number of a packet whose end is sent; no new one begins while tags_full
    output reg  [7:0]         sent_number,
    output reg                sent,
    input  wire               tags_full,
    // what is wrong with the frame of this number
    output reg  [7:0]         number,
    output reg  [2:0]         error,
    output reg                failed
);

  localparam [31:0] LENGTH = BYTES * BEATS;
  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam BYTE_BITS = (BYTES > 1) ? $clog2(BYTES) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] HELD_BEAT = (BEATS > 1) ? BEATS - 2 : 0;
  localparam [31:0] LAST_BYTE = BYTES - 1;

  localparam [3:0] FIRST = 4'd0, SECOND = 4'd1, NUMBER = 4'd2, LENGTH_0 = 4'd3, LENGTH_1 = 4'd4, LENGTH_2 = 4'd5;
  localparam [3:0] PACKET = 4'd6, SUM_0 = 4'd7, SUM_1 = 4'd8;
  localparam [7:0] MARK_0 = 8'h4e, MARK_1 = 8'h46;
  localparam [2:0] BAD_LENGTH = 3'd1, BAD_SUM = 3'd2, TOO_SLOW = 3'd3, BROKEN = 3'd4, BUSY = 3'd5;

  reg  [3:0]              state;
  reg                     fits;  // the length so far
  reg  [15:0]             crc;
  wire [15:0]             crc_next;
  reg  [TIMEOUT_BITS:0]   silence;
  reg  [BYTE_BITS-1:0]    byte_index;
  reg  [BEAT_BITS-1:0]    beat;
  wire [BYTES*8-1:0]      gathered;  // with the byte that comes now
  reg  [BYTES*8-1:0]      gather;
  reg                     full;  // there is a beat in m_axis_tdata
  reg                     held;  // it is the last but one, and waits for the check sum
  reg                     begun;  // a beat of the packet was offered
  reg                     commit;  // the packet is right: out with what was held
  reg                     abort;  // it is not: an end, if it was begun

  wire timeout    = silence[TIMEOUT_BITS];
  wire in_frame   = state != FIRST;
  wire last_byte  = byte_index == LAST_BYTE[BYTE_BITS-1:0];
  wire last_beat  = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire held_beat  = BEATS > 1 && beat == HELD_BEAT[BEAT_BITS-1:0];
  wire whole_beat = s_valid && state == PACKET && last_byte;
  wire accept     = m_axis_tvalid && m_axis_tready;
  wire overrun    = whole_beat && !last_beat && full && !accept;
  wire expected   = s_data == (state == LENGTH_0 ? LENGTH[7:0] : state == LENGTH_1 ? LENGTH[15:8] : LENGTH[23:16]);
  wire good_sum   = crc_next == 16'd0;
  wire no_room    = tags_full || commit || abort;

  assign m_axis_tvalid = full && !held;

  nf_crc16 sum (
      .crc(crc),
      .data(s_data),
      .next(crc_next)
  );

  generate
    if (BYTES == 1) begin : one_byte
      assign gathered = s_data;
      wire unused = &{1'b0, gather};
    end else begin : several_bytes
      // Lowest byte first.
      assign gathered = {s_data, gather[BYTES*8-1:8]};
    end
  endgenerate

  always @(posedge aclk) begin
    if (s_valid) crc <= (state == SECOND) ? 16'hffff : crc_next;
    if (s_valid && state == NUMBER) number <= s_data;
    if (s_valid && state == SUM_1) sent_number <= number;
    if (s_valid && state == PACKET) gather <= gathered;
  end

  always @(posedge aclk) begin
    if (!aresetn) begin
      state        <= FIRST;
      fits         <= 1'b0;
      silence      <= {TIMEOUT_BITS + 1{1'b0}};
      byte_index   <= {BYTE_BITS{1'b0}};
      beat         <= {BEAT_BITS{1'b0}};
      full         <= 1'b0;
      held         <= 1'b0;
      begun        <= 1'b0;
      commit       <= 1'b0;
      abort        <= 1'b0;
      sent         <= 1'b0;
      failed       <= 1'b0;
      error        <= 3'd0;
      m_axis_tlast <= 1'b0;
    end else begin
      sent    <= 1'b0;
      failed  <= 1'b0;
      silence <= (s_valid || !in_frame) ? {TIMEOUT_BITS + 1{1'b0}} : silence + 1'b1;
      if (accept) full <= 1'b0;

      if (commit) begin
        if (held) held <= 1'b0;
        else if (!full || accept) begin
          m_axis_tdata <= gather;
          m_axis_tlast <= 1'b1;
          full         <= 1'b1;
          commit       <= 1'b0;
          sent         <= 1'b1;
        end
      end
      if (abort) begin
        if (!begun) begin
          // What is not held is the end of the packet before.
          if (held) full <= 1'b0;
          held  <= 1'b0;
          abort <= 1'b0;
        end else if (!full || held || accept) begin
          m_axis_tlast <= 1'b1;
          full         <= 1'b1;
          held         <= 1'b0;
          abort        <= 1'b0;
        end
      end

      if (s_valid) begin
        case (state)
          FIRST: if (s_data == MARK_0) state <= SECOND;
          SECOND: state <= (s_data == MARK_1) ? NUMBER : (s_data == MARK_0) ? SECOND : FIRST;
          NUMBER: begin
            state <= LENGTH_0;
            fits  <= 1'b1;
          end
          LENGTH_0, LENGTH_1: begin
            state <= state + 1'b1;
            fits  <= fits && expected;
          end
          LENGTH_2: begin
            byte_index <= {BYTE_BITS{1'b0}};
            beat       <= {BEAT_BITS{1'b0}};
            state      <= (fits && expected && !no_room) ? PACKET : FIRST;
            failed     <= !(fits && expected) || no_room;
            error      <= (fits && expected) ? BUSY : BAD_LENGTH;
            if (!no_room) begun <= 1'b0;
          end
          PACKET: begin
            byte_index <= last_byte ? {BYTE_BITS{1'b0}} : byte_index + 1'b1;
            if (last_byte) beat <= beat + 1'b1;
            if (last_byte && last_beat) state <= SUM_0;
          end
          SUM_0: state <= SUM_1;
          default: begin
            state  <= FIRST;
            commit <= good_sum;
            abort  <= !good_sum;
            failed <= !good_sum;
            error  <= BAD_SUM;
          end
        endcase
      end
      // The last beat stays where it was gathered.
      if (whole_beat && !last_beat && !overrun) begin
        m_axis_tdata <= gathered;
        m_axis_tlast <= 1'b0;
        full         <= 1'b1;
        held         <= held_beat;
        if (!held_beat) begun <= 1'b1;
      end
      if (in_frame && (overrun || s_broken || (timeout && !s_valid))) begin
        state  <= FIRST;
        abort  <= state == PACKET || state == SUM_0 || state == SUM_1;
        failed <= 1'b1;
        error  <= overrun ? BUSY : s_broken ? BROKEN : TOO_SLOW;
      end
    end
  end

endmodule

`default_nettype wire
