// nf_crc16 - one byte further in the check sum of a frame: polynomial x^16 + x^12 + x^5 + 1, highest bit first, starting from ffff.
//
// Over a frame with its check sum behind it, high byte first, it is 0.

`default_nettype none

module nf_crc16 (
    input  wire [15:0] crc,
    input  wire [7:0]  data,
    output wire [15:0] next
);

  // The eight bits that leave, and what they leave behind in themselves: the feedback of bits 12 and up reaches them again.
  wire [7:0] out   = crc[15:8] ^ data;
  wire [7:0] folded = out ^ {4'd0, out[7:4]};

  assign next = {crc[7:0], 8'd0} ^ {folded[3:0], 12'd0} ^ {3'd0, folded, 5'd0} ^ {8'd0, folded};

endmodule

`default_nettype wire
