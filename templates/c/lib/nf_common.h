/*
 * nf_common.h - what every kernel relies on: inlining with constant arguments, and an arithmetic right shift.
 */
#ifndef NF_COMMON_H
#define NF_COMMON_H

#include <stdint.h>

/* Kernels take sizes and shifts as arguments and are called with literals: inlined, they are compiled for them. */
#if defined(__GNUC__)
#define NF_INLINE static inline __attribute__((always_inline))
#else
#define NF_INLINE static inline
#endif

/* C99 leaves >> of a negative number to the compiler. This one must shift in copies of the sign, else it stops here. */
typedef char nf_right_shift_is_arithmetic[(((int32_t)-5 >> 1) == -3 && ((int64_t)-5 >> 1) == -3) ? 1 : -1];

#endif
