// nf_link - a core's ports on a serial line: frames in, answers out.

`default_nettype none

module nf_link #(
    parameter CLOCKS       = 12,  // clock cycles of one bit on the line
    parameter TIMEOUT_BITS = 21,  // 2^TIMEOUT_BITS cycles without a byte break off a frame
    parameter IN_BYTES     = 1,   // bytes of one beat into the core
    parameter IN_BEATS     = 4,   // beats of one packet
    parameter OUT_BYTES    = 1,   // the same, out of it
    parameter OUT_BEATS    = 1
) (
    input  wire                   aclk,
    input  wire                   aresetn,
    input  wire                   rx,
    output wire                   tx,
    // into the core
    output wire [IN_BYTES*8-1:0]  m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   m_axis_tlast,
    // out of it
    input  wire [OUT_BYTES*8-1:0] s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    // turns round with every packet that came in whole
    output reg                    blink
);

  wire [7:0] in_data, out_data, number, sent_number;
  wire       in_valid, in_broken, out_valid, out_ready, sent, tags_full, failed;
  wire [2:0] error;

  nf_uart_rx #(
      .CLOCKS(CLOCKS)
  ) receiver (
      .aclk(aclk),
      .aresetn(aresetn),
      .rx(rx),
      .m_data(in_data),
      .m_valid(in_valid),
      .m_broken(in_broken)
  );

  nf_frame_in #(
      .BYTES(IN_BYTES),
      .BEATS(IN_BEATS),
      .TIMEOUT_BITS(TIMEOUT_BITS)
  ) frames (
      .aclk(aclk),
      .aresetn(aresetn),
      .s_data(in_data),
      .s_valid(in_valid),
      .s_broken(in_broken),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast(m_axis_tlast),
      .sent_number(sent_number),
      .sent(sent),
      .tags_full(tags_full),
      .number(number),
      .error(error),
      .failed(failed)
  );

  nf_frame_out #(
      .BYTES(OUT_BYTES),
      .BEATS(OUT_BEATS)
  ) answers (
      .aclk(aclk),
      .aresetn(aresetn),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .sent_number(sent_number),
      .sent(sent),
      .tags_full(tags_full),
      .number(number),
      .error(error),
      .failed(failed),
      .m_data(out_data),
      .m_valid(out_valid),
      .m_ready(out_ready)
  );

  nf_uart_tx #(
      .CLOCKS(CLOCKS)
  ) transmitter (
      .aclk(aclk),
      .aresetn(aresetn),
      .s_data(out_data),
      .s_valid(out_valid),
      .s_ready(out_ready),
      .tx(tx)
  );

  always @(posedge aclk) begin
    if (!aresetn) blink <= 1'b0;
    else if (sent) blink <= !blink;
  end

endmodule

`default_nettype wire
