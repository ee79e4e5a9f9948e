// dut.h - the design under test behind plain functions, so that the driver is compiled once for all designs.
#ifndef NF_DUT_H
#define NF_DUT_H

#include <cstddef>
#include <cstdint>

struct Dut {
    // inputs
    bool aresetn;
    bool s_tvalid;
    bool s_tlast;
    bool m_tready;
    const uint8_t *s_tdata;  // s_bytes bytes, lane 0 first
    // outputs
    bool s_tready;
    bool m_tvalid;
    bool m_tlast;
    bool frame_error;
    uint8_t *m_tdata;  // m_bytes bytes
    size_t s_bytes;
    size_t m_bytes;
};

// Builds the model with random initial registers.
void dut_open(uint32_t seed);
// Applies the inputs with the clock low and reads the outputs.
void dut_settle(Dut &dut);
// The rising edge.
void dut_edge();
void dut_close();

#endif
