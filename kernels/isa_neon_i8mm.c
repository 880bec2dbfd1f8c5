/* SPDX-License-Identifier: MIT */
/* isa_neon_i8mm.c - Advanced SIMD with smmla: 2 x 8 times 8 x 2 bytes at a time. */
#include "config.h"

#ifdef BERT_HAVE_NEON_I8MM
#include "kernels/cpu.h"
#include "kernels/simd_neon.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 300
#define GEMM_PAIRS

#define Q_A      int8_t
#define Q_STEP   8
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 0
#define Q_W      vi
#define Q_X      vi
#define Q_NARROW K(narrow_8)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return vreinterpretq_s32_s8(vld1q_s8(w));
}

ALWAYS_INLINE vi K(q8_dot)(vi x, vi w, vi sum)
{
    return vmmlaq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w));
}

ALWAYS_INLINE vi K(q8_even_row)(vi a, vi b)
{
    return vreinterpretq_s32_s64(vtrn1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

ALWAYS_INLINE vi K(q8_odd_row)(vi a, vi b)
{
    return vreinterpretq_s32_s64(vtrn2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

#include "kernels/tmpl/gemm_int8.h"

const struct bert__kernels bert__kernels_neon_i8mm = {
    .name = "neon_i8mm",
    .level = 50,
    .needs = BERT__CPU_NEON | BERT__CPU_NEON_I8MM,
    .gemm[BERT__INT8] = GEMM_INT8,
};
#else
typedef int bert__no_neon_i8mm;
#endif
