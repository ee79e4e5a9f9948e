// bench.h - the bench behind plain functions, so that the driver is compiled once for all benches.
#ifndef NF_BENCH_H
#define NF_BENCH_H

#include <cstdint>

#include "svdpi.h"

void bench_open(uint32_t seed);
// One clock cycle, in reset or not.
void bench_cycle(bool aresetn);
void bench_close();

#endif
