// nf_frame_out - answers as bytes: "n", "f", the number of the frame that is answered, a status, the length in three bytes with the
// lowest first, one packet, two bytes of check sum (nf_crc16, from the number on). Status 0 has a packet, others have none.
//
// Packets come in the order of their numbers, up to four of which wait. Of what is wrong one report waits; another one is lost.

`default_nettype none

module nf_frame_out #(
    parameter BYTES = 1,  // bytes of one beat
    parameter BEATS = 1   // beats of one packet
) (
    input  wire               aclk,
    input  wire               aresetn,
    // packets
    input  wire [BYTES*8-1:0] s_axis_tdata,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,
    // numbers of the packets that are under way
    input  wire [7:0]         sent_number,
    input  wire               sent,
    output wire               tags_full,
    // what is wrong with the frame of that number
    input  wire [7:0]         number,
    input  wire [2:0]         error,
    input  wire               failed,
    // bytes
    output reg  [7:0]         m_data,
    output wire               m_valid,
    input  wire               m_ready
);

  localparam [31:0] LENGTH = BYTES * BEATS;
  localparam BEAT_BITS = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam BYTE_BITS = (BYTES > 1) ? $clog2(BYTES) : 1;
  localparam [31:0] LAST_BEAT = BEATS - 1;
  localparam [31:0] LAST_BYTE = BYTES - 1;

  localparam [3:0] IDLE = 4'd0, MARK_0 = 4'd1, MARK_1 = 4'd2, NUMBER = 4'd3, STATUS = 4'd4;
  localparam [3:0] LENGTH_0 = 4'd5, LENGTH_1 = 4'd6, LENGTH_2 = 4'd7, PACKET = 4'd8, SUM_0 = 4'd9, SUM_1 = 4'd10;

  reg  [3:0]           state;
  reg  [31:0]          tags;  // the oldest lowest
  reg  [2:0]           waiting;  // how many there are
  reg                  report;  // there is one
  reg  [7:0]           report_number;
  reg  [2:0]           report_error;
  reg  [7:0]           answered;
  reg  [2:0]           status;
  reg  [15:0]          crc;
  wire [15:0]          crc_next;
  reg  [BYTE_BITS-1:0] byte_index;
  reg  [BEAT_BITS-1:0] beat;

  wire       last_byte = byte_index == LAST_BYTE[BYTE_BITS-1:0];
  wire       last_beat = beat == LAST_BEAT[BEAT_BITS-1:0];
  wire       take      = m_valid && m_ready;
  wire       has_packet = s_axis_tvalid && waiting != 3'd0;
  wire       ended     = take && state == SUM_1 && status == 3'd0;
  wire [1:0] slot      = waiting[1:0] - {1'b0, ended};

  assign tags_full     = waiting[2];
  assign m_valid       = state != IDLE && (state != PACKET || s_axis_tvalid);
  assign s_axis_tready = aresetn && take && state == PACKET && last_byte;

  nf_crc16 sum (
      .crc(crc),
      .data(m_data),
      .next(crc_next)
  );

  always @* begin
    case (state)
      MARK_0:   m_data = 8'h6e;
      MARK_1:   m_data = 8'h66;
      NUMBER:   m_data = answered;
      STATUS:   m_data = {5'd0, status};
      LENGTH_0: m_data = (status == 3'd0) ? LENGTH[7:0] : 8'd0;
      LENGTH_1: m_data = (status == 3'd0) ? LENGTH[15:8] : 8'd0;
      LENGTH_2: m_data = (status == 3'd0) ? LENGTH[23:16] : 8'd0;
      SUM_0:    m_data = crc[15:8];
      SUM_1:    m_data = crc[7:0];
      default:  m_data = s_axis_tdata[byte_index*8+:8];
    endcase
  end

  always @(posedge aclk) begin
    if (take) crc <= (state == MARK_1) ? 16'hffff : (state == SUM_0) ? crc : crc_next;
    if (ended) tags <= {8'd0, tags[31:8]};
    if (sent) tags[slot*8+:8] <= sent_number;
    if (failed && (!report || state == IDLE)) begin
      report_number <= number;
      report_error  <= error;
    end
    if (state == IDLE) begin
      answered <= report ? report_number : tags[7:0];
      status   <= report ? report_error : 3'd0;
    end
  end

  always @(posedge aclk) begin
    if (!aresetn) begin
      state      <= IDLE;
      waiting    <= 3'd0;
      report     <= 1'b0;
      byte_index <= {BYTE_BITS{1'b0}};
      beat       <= {BEAT_BITS{1'b0}};
    end else begin
      if (sent && !ended) waiting <= waiting + 1'b1;
      if (ended && !sent) waiting <= waiting - 1'b1;
      if (failed) report <= 1'b1;
      if (state == IDLE) begin
        if (report) report <= failed;
        if (report || has_packet) state <= MARK_0;
        byte_index <= {BYTE_BITS{1'b0}};
        beat       <= {BEAT_BITS{1'b0}};
      end else if (take) begin
        case (state)
          LENGTH_2: state <= (status == 3'd0) ? PACKET : SUM_0;
          PACKET: begin
            byte_index <= last_byte ? {BYTE_BITS{1'b0}} : byte_index + 1'b1;
            if (last_byte) beat <= beat + 1'b1;
            if (last_byte && last_beat) state <= SUM_0;
          end
          SUM_1:    state <= IDLE;
          default:  state <= state + 1'b1;
        endcase
      end
    end
  end

endmodule

`default_nettype wire
