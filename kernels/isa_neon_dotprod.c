/* SPDX-License-Identifier: MIT */
/* isa_neon_dotprod.c - Advanced SIMD with sdot. */
#include "config.h"

#ifdef BERT_HAVE_NEON_DOTPROD
#include "kernels/cpu.h"
#include "kernels/simd_neon.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 150

/* Four products at a time. */
#define Q_A      int8_t
#define Q_STEP   4
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 0
#define Q_W      int8x16_t
#define Q_X      int8x8_t
#define Q_NARROW K(narrow_8)

ALWAYS_INLINE int8x16_t K(q8_load)(const int8_t *w)
{
    return vld1q_s8(w);
}

ALWAYS_INLINE int8x8_t K(q8_set)(const int8_t *a)
{
    uint32_t four;

    memcpy(&four, a, sizeof(four));
    return vcreate_s8(four);
}

ALWAYS_INLINE vi K(q8_dot)(int8x8_t x, int8x16_t w, vi sum)
{
    return vdotq_lane_s32(sum, w, x, 0);
}

#include "kernels/tmpl/gemm_int8.h"

const struct bert__kernels bert__kernels_neon_dotprod = {
    .name = "neon_dotprod",
    .level = 30,
    .needs = BERT__CPU_NEON | BERT__CPU_NEON_DOTPROD,
    .gemm[BERT__INT8] = GEMM_INT8,
};
#else
typedef int bert__no_neon_dotprod;
#endif
