/* SPDX-License-Identifier: MIT */
/* isa_avx2.c - the kernels for AVX2, FMA, F16C; compiled with those flags. */
#include "config.h"

#ifdef BERT_HAVE_AVX2
#include "kernels/cpu.h"
#include "kernels/simd_avx2.h"
#include "kernels/tables.h"

/* 4 x 24: of 16 registers 12 sums, 3 of the panel, 1 of A.  24 divides the usual widths. */
#define GEMM_MR    4
#define GEMM_SPEED 50
#define GEMM_NV    3
#define GEMM_TILES(X)                                                                              \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3)

/* 8 bits: widened to 16, whose products in pairs are exact; vpmaddubsw would saturate. */
#define Q_A            int16_t
#define Q_STEP         2
#define Q_NR           GEMM_NR
#define Q_PAD          8
#define Q_OFFSET       0
#define Q_W            vi
#define Q_X            vi
#define Q_STORE(to, q) vi_store_low16(to, q)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
}

ALWAYS_INLINE vi K(q8_set)(const int16_t *a)
{
    int32_t pair;

    memcpy(&pair, a, sizeof(pair));
    return vi_set1(pair);
}

ALWAYS_INLINE vi K(q8_dot)(vi x, vi w, vi sum)
{
    return vi_add(sum, _mm256_madd_epi16(x, w));
}

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_avx2 = {
    .name = "avx2",
    .level = 20,
    .needs = BERT__CPU_AVX2,
#include "kernels/tmpl/table.inc"
};
#else
typedef int bert__no_avx2;
#endif
