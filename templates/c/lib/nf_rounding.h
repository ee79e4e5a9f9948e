/*
 * nf_rounding.h - how a requantization rounds x / 2^shift to an integer.
 */
#ifndef NF_ROUNDING_H
#define NF_ROUNDING_H

/* floor(x + 1/2) */
#define NF_ROUND_HALF_UP 0
/* floor(x) */
#define NF_ROUND_TRUNCATE 1
/* nearest, ties to the even integer */
#define NF_ROUND_HALF_EVEN 2

#endif
