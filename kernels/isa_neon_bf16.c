/* SPDX-License-Identifier: MIT */
/* isa_neon_bf16.c - Advanced SIMD with bfmmla: 2 x 4 times 4 x 2 bf16 at a time. */
#include "config.h"

#ifdef BERT_HAVE_NEON_BF16
#include "kernels/cpu.h"
#include "kernels/simd_neon.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 150
#define GEMM_PAIRS

#define B16_NR   GEMM_NR
#define B16_STEP 4
#define B16_PAD  4

ALWAYS_INLINE vf K(b16_dot)(vi x, vi w, vf sum)
{
    return vbfmmlaq_f32(sum, vreinterpretq_bf16_s32(x), vreinterpretq_bf16_s32(w));
}

ALWAYS_INLINE vf K(b16_even_row)(vf a, vf b)
{
    return vreinterpretq_f32_f64(vtrn1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

ALWAYS_INLINE vf K(b16_odd_row)(vf a, vf b)
{
    return vreinterpretq_f32_f64(vtrn2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

#include "kernels/tmpl/gemm_bf16.h"

const struct bert__kernels bert__kernels_neon_bf16 = {
    .name = "neon_bf16",
    .level = 40,
    .needs = BERT__CPU_NEON | BERT__CPU_NEON_BF16,
    .gemm[BERT__BF16] = GEMM_BF16,
};
#else
typedef int bert__no_neon_bf16;
#endif
