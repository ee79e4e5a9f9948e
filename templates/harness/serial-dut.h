// serial-dut.h - a board's top module behind plain functions, so that the driver is compiled once for all designs.
#ifndef NF_SERIAL_DUT_H
#define NF_SERIAL_DUT_H

#include <cstdint>

// Builds the model with random initial registers.
void serial_open(uint32_t seed);
// One clock cycle with that level on the line to the board; gives the level of the one from it.
bool serial_cycle(bool rx);
void serial_close();

#endif
