/*
 * nf_packed_weight.h - one weight of a row packed at 1 to 7 bits.
 *
 * A lane is 8 codes of `bits` bits: the bit string of code 0, code 1, ... code 7, least
 * significant bit first, cut into `bits` bytes. `lanes` lanes make a block: byte b of lane j is block[b * lanes + j],
 * and code k of lane j belongs to input k * lanes + j. Neighbouring lanes so hold neighbouring inputs, and one loop
 * over the lanes decodes and multiplies whole vectors.
 *
 * A row of n weights is n / 128 blocks of 16 lanes, then one block of (n % 128) / 8 lanes, then one lane with the
 * last n % 8 weights: `bits` * ceil(n / 8) bytes.
 */
#ifndef NF_PACKED_WEIGHT_H
#define NF_PACKED_WEIGHT_H

#include "nf_common.h"

#define NF_BLOCK_LANES 16

/**
 * @brief Code k of the lane that starts at `lane`.
 *
 * @param lane    first byte of the lane
 * @param lanes   distance of the lane's bytes
 * @param k       0..7
 * @param bits    1..7, width of a code
 * @param offset  2^(bits-1) for two's complement codes, 0 for unsigned ones
 */
NF_INLINE int16_t nf_packed_weight(const uint8_t *lane, int32_t lanes, int32_t k, int32_t bits, int32_t offset)
{
    const int32_t byte = (k * bits) >> 3;
    const int32_t shift = (k * bits) & 7;
    uint8_t code = (uint8_t)(lane[byte * lanes] >> shift);

    if (shift + bits > 8) {
        code = (uint8_t)(code | (lane[(byte + 1) * lanes] << (8 - shift)));
    }
    code = (uint8_t)(code & ((1 << bits) - 1));
    return (int16_t)((code ^ offset) - offset);
}

#endif
