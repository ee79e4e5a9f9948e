// bench.cpp - binds one verilated bench (Vdut) to the driver's functions.
#include <memory>

#include "Vdut.h"
#include "bench.h"
#include "verilated.h"

static std::unique_ptr<VerilatedContext> context;
static std::unique_ptr<Vdut> model;

double sc_time_stamp() { return 0; }

void bench_open(uint32_t seed) {
    context.reset(new VerilatedContext);
    context->randReset(2);
    context->randSeed(static_cast<int>(seed & 0x3fffffff) + 1);
    model.reset(new Vdut(context.get()));
}

void bench_cycle(bool aresetn) {
    model->aclk = 0;
    model->aresetn = aresetn;
    model->eval();
    model->aclk = 1;
    model->eval();
}

void bench_close() {
    model->final();
    model.reset();
    context.reset();
}
