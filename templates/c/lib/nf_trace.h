/*
 * nf_trace.h - reports every intermediate value to a test harness when compiled with -DNF_TRACE; nothing otherwise.
 *
 * The harness defines nf_trace. Stage functions are then visible to it, so that each can be driven on its own.
 */
#ifndef NF_TRACE_H
#define NF_TRACE_H

#ifdef NF_TRACE

#include <stdint.h>

extern void nf_trace(int32_t index, int64_t value);

#define NF_STAGE
#define NF_TRACE_VALUE(index, x, count)                   \
    do {                                                  \
        int32_t nf_trace_i;                               \
        for (nf_trace_i = 0; nf_trace_i < (count); nf_trace_i++) { \
            nf_trace((index), (int64_t)(x)[nf_trace_i]);  \
        }                                                 \
    } while (0)

#else

#define NF_STAGE static
#define NF_TRACE_VALUE(index, x, count) ((void)0)

#endif

#endif
