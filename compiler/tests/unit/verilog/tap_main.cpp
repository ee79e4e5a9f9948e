// Feeds packets to the tap wrapper at full speed and prints what the taps and the output report.
// Arguments: beats of one input packet. Standard input: input beats in hex, one per line (at most 64 bits).
#include "Vdut.h"
#include "verilated.h"
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" void nf_tap(int index, long long value) { std::printf("tap %d %lld\n", index, value); }

int main(int argc, char **argv) {
  const int packet_beats = std::atoi(argv[1]);
  std::vector<unsigned long long> beats;
  unsigned long long word;
  while (std::scanf("%llx", &word) == 1) beats.push_back(word);
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vdut dut{&context};
  size_t sent = 0;
  for (int cycle = 0; cycle < 20000; cycle++) {
    dut.aresetn = cycle >= 2;
    dut.m_axis_tready = 1;
    dut.s_axis_tvalid = sent < beats.size();
    dut.s_axis_tdata = sent < beats.size() ? beats[sent] : 0;
    dut.s_axis_tlast = sent % packet_beats == size_t(packet_beats - 1);
    dut.aclk = 0;
    dut.eval();
    if (dut.s_axis_tvalid && dut.s_axis_tready) sent++;
    dut.aclk = 1;
    dut.eval();
  }
  return 0;
}
