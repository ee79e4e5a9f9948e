/*
 * nf_bits.h - counts bits of rows of 32-bit words, for operands of one bit.
 *
 * Element i of a row is bit i % 32 of word i / 32; bits behind the last element are 0. A bit 1 stands for +1 and a
 * bit 0 for -1 where an operand is bipolar.
 */
#ifndef NF_BITS_H
#define NF_BITS_H

#include "nf_common.h"

/* Counts of at most this many words fit the bytes that collect them: 31 * 8 < 256. */
#define NF_BITS_BLOCK 31

/**
 * @brief How many bits are 1 in each byte of v.
 */
NF_INLINE uint32_t nf_bits_of_bytes(uint32_t v)
{
    v = v - ((v >> 1) & UINT32_C(0x55555555));
    v = (v & UINT32_C(0x33333333)) + ((v >> 2) & UINT32_C(0x33333333));
    return (v + (v >> 4)) & UINT32_C(0x0f0f0f0f);
}

/**
 * @brief Sum of the four bytes of v.
 */
NF_INLINE int32_t nf_sum_of_bytes(uint32_t v)
{
    v = (v & UINT32_C(0x00ff00ff)) + ((v >> 8) & UINT32_C(0x00ff00ff));
    return (int32_t)((v + (v >> 16)) & UINT32_C(0xffff));
}

/**
 * @brief In how many places both rows have a 1.
 */
NF_INLINE int32_t nf_count_and(const uint32_t *a, const uint32_t *b, int32_t words)
{
    int32_t count = 0;
    int32_t first;

    for (first = 0; first < words; first += NF_BITS_BLOCK) {
        const int32_t end = (words - first < NF_BITS_BLOCK) ? words : first + NF_BITS_BLOCK;
        uint32_t bytes = 0;
        int32_t i;

        for (i = first; i < end; i++) {
            bytes += nf_bits_of_bytes(a[i] & b[i]);
        }
        count += nf_sum_of_bytes(bytes);
    }
    return count;
}

/**
 * @brief In how many places the rows differ.
 */
NF_INLINE int32_t nf_count_xor(const uint32_t *a, const uint32_t *b, int32_t words)
{
    int32_t count = 0;
    int32_t first;

    for (first = 0; first < words; first += NF_BITS_BLOCK) {
        const int32_t end = (words - first < NF_BITS_BLOCK) ? words : first + NF_BITS_BLOCK;
        uint32_t bytes = 0;
        int32_t i;

        for (i = first; i < end; i++) {
            bytes += nf_bits_of_bytes(a[i] ^ b[i]);
        }
        count += nf_sum_of_bytes(bytes);
    }
    return count;
}

#endif
