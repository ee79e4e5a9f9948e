/*
 * nf_signs.h - bipolar elements as integers.
 */
#ifndef NF_SIGNS_H
#define NF_SIGNS_H

#include "nf_common.h"

/**
 * @brief signs[i] = +1 where x[i] is 1, -1 where it is 0.
 */
NF_INLINE void nf_signs(const uint8_t *x, int32_t n, int8_t *signs)
{
    int32_t i;

    for (i = 0; i < n; i++) {
        signs[i] = (int8_t)(2 * x[i] - 1);
    }
}

#endif
