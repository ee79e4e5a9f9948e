/*
 * nf_window.h - a window that moves over a tensor [rows, columns, channels]. A sequence has one row.
 */
#ifndef NF_WINDOW_H
#define NF_WINDOW_H

#include "nf_common.h"

typedef struct nf_window {
    /* The tensor. */
    int32_t rows;
    int32_t columns;
    /* Elements from one position to the next: its channels. */
    int32_t pitch;
    /* How many of them the window reads. */
    int32_t channels;
    /* Taps of the window, and how far they are apart. */
    int32_t window_rows;
    int32_t window_columns;
    int32_t row_step;
    int32_t column_step;
    /* One more than the zeros that stand between neighbours of the tensor. */
    int32_t row_spread;
    int32_t column_spread;
} nf_window;

#define NF_OUTSIDE (-1)
#define NF_BETWEEN (-2)

/**
 * @brief Which row or column stands at a position of an axis with spread - 1 zeros between its neighbours.
 *
 * @return 0..size-1, NF_OUTSIDE, or NF_BETWEEN for one of the zeros
 */
NF_INLINE int32_t nf_window_place(int32_t position, int32_t size, int32_t spread)
{
    if (position < 0 || position > (size - 1) * spread) {
        return NF_OUTSIDE;
    }
    return (position % spread == 0) ? position / spread : NF_BETWEEN;
}

/**
 * @brief First row or column of a window that lies in the tensor.
 */
NF_INLINE int32_t nf_window_first(int32_t position)
{
    return (position < 0) ? 0 : position;
}

/**
 * @brief One more than the last row or column of a window that lies in the tensor.
 */
NF_INLINE int32_t nf_window_end(int32_t position, int32_t taps, int32_t size)
{
    return (position + taps > size) ? size : position + taps;
}

#endif
