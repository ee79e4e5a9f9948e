// dut.cpp - binds one verilated top module (Vdut) to the driver's functions.
#include <cstring>
#include <memory>

#include "Vdut.h"
#include "dut.h"
#include "verilated.h"

static std::unique_ptr<VerilatedContext> context;
static std::unique_ptr<Vdut> model;

double sc_time_stamp() { return 0; }

void dut_open(uint32_t seed) {
    context.reset(new VerilatedContext);
    context->randReset(2);
    context->randSeed(static_cast<int>(seed & 0x3fffffff) + 1);
    model.reset(new Vdut(context.get()));
    model->aclk = 0;
    model->aresetn = 0;
    model->eval();
}

void dut_settle(Dut &dut) {
    model->aclk = 0;
    model->aresetn = dut.aresetn;
    model->s_axis_tvalid = dut.s_tvalid;
    model->s_axis_tlast = dut.s_tlast;
    model->m_axis_tready = dut.m_tready;
    // Ports of any width are arrays of little-endian words; bits beyond tdata stay 0.
    std::memcpy(&model->s_axis_tdata, dut.s_tdata, dut.s_bytes);
    model->eval();
    dut.s_tready = model->s_axis_tready;
    dut.m_tvalid = model->m_axis_tvalid;
    dut.m_tlast = model->m_axis_tlast;
    dut.frame_error = model->frame_error;
    std::memcpy(dut.m_tdata, &model->m_axis_tdata, dut.m_bytes);
}

void dut_edge() {
    model->aclk = 1;
    model->eval();
}

void dut_close() {
    model->final();
    model.reset();
    context.reset();
}
