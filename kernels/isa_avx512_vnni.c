/* SPDX-License-Identifier: MIT */
/* isa_avx512_vnni.c - AVX-512 with vpdpbusd. */
#include "config.h"

#ifdef BERT_HAVE_AVX512_VNNI
#include "kernels/cpu.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"

/* 8 x 48, as in isa_avx512.c. */
#define GEMM_MR              8
#define GEMM_SPEED           400
#define GEMM_NV              3
#define GEMM_TILES_NV(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define GEMM_TILES(X)        GEMM_TILES_NV(X, 1) GEMM_TILES_NV(X, 2) GEMM_TILES_NV(X, 3)

/* Four products at a time: rows hold q + 128, unsigned, as vpdpbusd wants its first operand. */
#define Q_A            uint8_t
#define Q_STEP         4
#define Q_NR           GEMM_NR
#define Q_PAD          8
#define Q_OFFSET       128
#define Q_W            vi
#define Q_X            vi
#define Q_STORE(to, q) vi_store_low8(to, q)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return vi_load((const int32_t *)(const void *)w);
}

ALWAYS_INLINE vi K(q8_set)(const uint8_t *a)
{
    int32_t four;

    memcpy(&four, a, sizeof(four));
    return vi_set1(four);
}

ALWAYS_INLINE vi K(q8_dot)(vi x, vi w, vi sum)
{
    return _mm512_dpbusd_epi32(sum, x, w);
}

#include "kernels/tmpl/gemm_int8.h"

const struct bert__kernels bert__kernels_avx512_vnni = {
    .name = "avx512_vnni",
    .level = 40,
    .needs = BERT__CPU_AVX512 | BERT__CPU_AVX512_VNNI,
    .gemm[BERT__INT8] = GEMM_INT8,
};
#else
typedef int bert__no_avx512_vnni;
#endif
