// Framing mistakes and resets against any generated top module (macro TOP). Reads two packets, A and B, from
// input.mem and their answers from expected.mem. Prints PASS or FAIL lines.
`default_nettype none

module robustness_tb;

  parameter IN_BITS = 8;
  parameter IN_BEATS = 4;
  parameter OUT_BITS = 8;
  parameter OUT_BEATS = 1;
  parameter SPAN = 100;   // a reset is tried at each of that many cycles
  parameter QUIET = 500;  // cycles after which nothing more can come

  localparam ROOM = 8 * IN_BEATS + 64;

  reg                 aclk = 1'b0;
  reg                 aresetn = 1'b0;
  reg  [ IN_BITS-1:0] s_axis_tdata = {IN_BITS{1'b0}};
  reg                 s_axis_tvalid = 1'b0;
  wire                s_axis_tready;
  reg                 s_axis_tlast = 1'b0;
  wire [OUT_BITS-1:0] m_axis_tdata;
  wire                m_axis_tvalid;
  reg                 m_axis_tready = 1'b0;
  wire                m_axis_tlast;
  wire                frame_error;

  `TOP dut (
      .aclk         (aclk),
      .aresetn      (aresetn),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast (s_axis_tlast),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast),
      .frame_error  (frame_error)
  );

  always #5 aclk = !aclk;

  reg [IN_BITS-1:0]  packets  [0:2*IN_BEATS-1];
  reg [OUT_BITS-1:0] answers  [0:2*OUT_BEATS-1];
  reg [IN_BITS-1:0]  data     [0:ROOM-1];  // the beats to send
  reg                last     [0:ROOM-1];
  reg                expect_b [0:63];      // whose answers have to come: A's or B's

  integer beats = 0;     // to send
  integer at = 0;        // next to send
  integer due = 0;       // packets to receive
  integer received = 0;  // output beats
  integer framing = 0;   // pulses of frame_error
  integer errors = 0;
  integer quiet = 0;
  integer i, j, k, extra;
  reg stalls = 1'b0;

  reg [31:0] noise = 32'h1;
  always @(posedge aclk) noise <= {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};

  always @(posedge aclk) begin
    if (!aresetn) begin
      s_axis_tvalid <= 1'b0;
    end else if (!s_axis_tvalid || s_axis_tready) begin
      s_axis_tvalid <= at < beats && !(stalls && noise[0]);
      if (at < beats && !(stalls && noise[0])) begin
        s_axis_tdata <= data[at];
        s_axis_tlast <= last[at];
        at = at + 1;
      end
    end
    m_axis_tready <= !(stalls && noise[5]);
  end

  always @(posedge aclk) begin
    quiet = quiet + 1;
    if (frame_error === 1'b1) framing = framing + 1;
    if (!aresetn && (m_axis_tvalid !== 1'b0 || s_axis_tready !== 1'b0)) begin
      errors = errors + 1;
      $display("FAIL: valid or ready in reset");
    end
    if (aresetn && m_axis_tvalid === 1'bx) begin
      errors = errors + 1;
      $display("FAIL: valid is unknown");
    end
    if (aresetn && m_axis_tvalid && m_axis_tready) begin
      quiet = 0;
      k = received % OUT_BEATS;
      if (received >= due * OUT_BEATS || m_axis_tlast !== (k == OUT_BEATS - 1)
          || m_axis_tdata !== answers[(expect_b[received/OUT_BEATS] ? OUT_BEATS : 0) + k]) begin
        errors = errors + 1;
        if (errors < 20) $display("FAIL: output beat %0d of %0d: %h", received, due * OUT_BEATS, m_axis_tdata);
      end
      received = received + 1;
    end
  end

  task put(input which, input integer beat, input is_last);
    begin
      data[beats] = packets[(which ? IN_BEATS : 0) + beat];
      last[beats] = is_last;
      beats = beats + 1;
    end
  endtask

  task put_packet(input which);
    for (i = 0; i < IN_BEATS; i = i + 1) put(which, i, i == IN_BEATS - 1);
  endtask

  task want(input which);
    begin
      expect_b[due] = which;
      due = due + 1;
    end
  endtask

  task start;
    begin
      aresetn <= 1'b0;
      beats = 0;
      repeat (2) @(posedge aclk);
      at = 0;
      due = 0;
      received = 0;
      framing = 0;
    end
  endtask

  task finish(input integer pulses);
    begin
      quiet = 0;
      while (quiet < QUIET) @(posedge aclk);
      if (received != due * OUT_BEATS || framing != pulses || at != beats) begin
        errors = errors + 1;
        $display("FAIL: %0d output beats of %0d, %0d framing errors of %0d, %0d input beats of %0d", received,
                 due * OUT_BEATS, framing, pulses, at, beats);
      end
    end
  endtask

  initial begin
    $readmemh("vectors/input.mem", packets);
    $readmemh("vectors/expected.mem", answers);

    // An early tlast: nothing of the packet may come out, and those around it are right.
    for (j = 1; j < IN_BEATS; j = j + 1) begin
      stalls = j % 2 == 1;
      start;
      put_packet(0);
      for (i = 0; i < j; i = i + 1) put(0, i, i == j - 1);
      put(1, 0, IN_BEATS > 1);
      put_packet(1);
      want(0);
      want(1);
      aresetn <= 1'b1;
      finish(2);
    end

    // A late tlast: the packet counts, what follows it does not.
    for (extra = 1; extra < 4; extra = extra + 1) begin
      stalls = extra % 2 == 1;
      start;
      for (i = 0; i < IN_BEATS; i = i + 1) put(0, i, 0);
      for (i = 0; i < extra; i = i + 1) put(1, 0, i == extra - 1);
      put_packet(1);
      put_packet(0);
      want(0);
      want(1);
      want(0);
      aresetn <= 1'b1;
      finish(1);
    end

    // One cycle of reset, at every cycle: what was under way is lost whole.
    for (j = 0; j < SPAN; j = j + 1) begin
      stalls = 1'b0;
      start;
      put_packet(0);
      put_packet(0);
      put_packet(0);
      want(0);
      want(0);
      want(0);
      aresetn <= 1'b1;
      repeat (j + 1) @(posedge aclk);
      aresetn <= 1'b0;
      @(posedge aclk);
      #1;
      beats = 0;
      at = 0;
      due = 0;
      received = 0;
      framing = 0;
      put_packet(1);
      want(1);
      aresetn = 1'b1;
      finish(0);
    end

    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d errors", errors);
    $finish;
  end

endmodule

`default_nettype wire
