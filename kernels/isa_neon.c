/* SPDX-License-Identifier: MIT */
/* isa_neon.c - the kernels for AArch64's Advanced SIMD, which every such CPU has. */
#include "config.h"

#ifdef BERT_HAVE_NEON
#include "kernels/cpu.h"
#include "kernels/simd_neon.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 40

/* 8 bits: two products of at most 127 * 127 fit 16 bits, and pairs of those are added to the
 * sums.  A step is four products: two pairs, each of the row's for all columns. */
#define Q_A      int8_t
#define Q_STEP   4
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 0
#define Q_W      int8x16_t
#define Q_X      struct row_pairs
#define Q_NARROW K(narrow_8)

struct row_pairs {
    int8x16_t first, second;
};

/* The first pair of each column, then the second. */
ALWAYS_INLINE int8x16_t K(q8_load)(const int8_t *w)
{
    static const uint8_t order[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};

    return vqtbl1q_s8(vld1q_s8(w), vld1q_u8(order));
}

ALWAYS_INLINE struct row_pairs K(q8_set)(const int8_t *a)
{
    int16_t pair[2];

    memcpy(pair, a, sizeof(pair));
    return (struct row_pairs){vreinterpretq_s8_s16(vdupq_n_s16(pair[0])),
                              vreinterpretq_s8_s16(vdupq_n_s16(pair[1]))};
}

ALWAYS_INLINE vi K(q8_dot)(struct row_pairs x, int8x16_t w, vi sum)
{
    const int16x8_t first = vmull_s8(vget_low_s8(x.first), vget_low_s8(w));

    return vpadalq_s16(sum, vmlal_high_s8(first, x.second, w));
}

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_neon = {
    .name = "neon",
    .level = 20,
    .needs = BERT__CPU_NEON,
#include "kernels/tmpl/table.inc"
};
#else
typedef int bert__no_neon;
#endif
