// dut.h - the design under test behind plain functions, so that the driver is compiled once for all designs.
#ifndef NF_DUT_H
#define NF_DUT_H

#include <cstdint>
#include <vector>

// One AXI4-Stream port; tdata is bytes, lane 0 first.
struct Port {
    bool tvalid = false;
    bool tready = false;
    bool tlast = false;
    std::vector<uint8_t> tdata;
};

struct Dut {
    bool aresetn = false;
    std::vector<Port> inputs;   // tready comes from the design
    std::vector<Port> outputs;  // all but tready comes from the design
    uint64_t frame_error = 0;   // bit i belongs to input i
};

// What registers hold before the first reset.
enum Wake { WAKE_ZEROS = 0, WAKE_ONES = 1, WAKE_RANDOM = 2 };

// Builds the model.
void dut_open(uint32_t seed, Wake wake);
// Applies the inputs with the clock low and reads the outputs.
void dut_settle(Dut &dut);
// Number of the cycle that begins: a waveform has it, where one is asked for.
void dut_cycle(uint64_t cycle);
// The rising edge.
void dut_edge();
void dut_close();

#endif
