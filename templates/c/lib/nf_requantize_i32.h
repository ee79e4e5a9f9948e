/*
 * nf_requantize_i32.h - from an accumulator of up to 32 bits to a narrower tensor.
 */
#ifndef NF_REQUANTIZE_I32_H
#define NF_REQUANTIZE_I32_H

#include "nf_common.h"
#include "nf_rounding.h"

/**
 * @brief min(max(round(x / 2^shift), low), high).
 *
 * Exact for every x: the half is added after the shift, where it cannot overflow, and a left shift is a
 * multiplication of what cannot saturate.
 *
 * @param x         any value
 * @param shift     -30..31; a negative one multiplies by 2^-shift
 * @param rounding  NF_ROUND_HALF_UP, NF_ROUND_TRUNCATE or NF_ROUND_HALF_EVEN
 * @param low       smallest result, -2^31 < low <= 0; 0 makes a rectifier
 * @param high      largest result, 0 <= high < 2^31
 */
NF_INLINE int32_t nf_requantize_i32(int32_t x, int32_t shift, int32_t rounding, int32_t low, int32_t high)
{
    int32_t q;

    if (shift <= 0) {
        const int32_t left = -shift;

        if (x > (high >> left)) {
            return high;
        }
        if (x < -((-low) >> left)) {
            return low;
        }
        return x * ((int32_t)1 << left);
    }

    q = x >> shift;
    if (rounding == NF_ROUND_HALF_UP) {
        q += (x >> (shift - 1)) & 1;
    } else if (rounding == NF_ROUND_HALF_EVEN) {
        const uint32_t half = (uint32_t)1 << (shift - 1);
        const uint32_t rest = (uint32_t)x & (half + half - 1u);

        if (rest > half || (rest == half && (q & 1) != 0)) {
            q++;
        }
    }
    if (q < low) {
        q = low;
    }
    if (q > high) {
        q = high;
    }
    return q;
}

#endif
