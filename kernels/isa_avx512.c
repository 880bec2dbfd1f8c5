/* SPDX-License-Identifier: MIT */
/* isa_avx512.c - the kernels for AVX-512 F, BW, DQ, VL; compiled with those flags. */
#include "config.h"

#ifdef BERT_HAVE_AVX512
#include "kernels/cpu.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"

/* 8 x 48: of 32 registers 24 sums, 3 of the panel, 1 of A.  48 divides 384, 768, 1152,
 * 1536, 2304, 3072; 11 loads feed 24 multiply-adds, enough for two per cycle. */
#define GEMM_MR              8
#define GEMM_SPEED           100
#define GEMM_NV              3
#define GEMM_TILES_NV(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define GEMM_TILES(X)        GEMM_TILES_NV(X, 1) GEMM_TILES_NV(X, 2) GEMM_TILES_NV(X, 3)

/* 8 bits: widened to 16, whose products in pairs are exact. */
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
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)w));
}

ALWAYS_INLINE vi K(q8_set)(const int16_t *a)
{
    int32_t pair;

    memcpy(&pair, a, sizeof(pair));
    return vi_set1(pair);
}

ALWAYS_INLINE vi K(q8_dot)(vi x, vi w, vi sum)
{
    return vi_add(sum, _mm512_madd_epi16(x, w));
}

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_avx512 = {
    .name = "avx512",
    .level = 30,
    .needs = BERT__CPU_AVX512,
#include "kernels/tmpl/table.inc"
};
#else
typedef int bert__no_avx512;
#endif
