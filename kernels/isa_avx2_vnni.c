/* SPDX-License-Identifier: MIT */
/* isa_avx2_vnni.c - AVX2 with vpdpbusd on 256 bits. */
#include "config.h"

#ifdef BERT_HAVE_AVX2_VNNI
#include "kernels/cpu.h"
#include "kernels/simd_avx2.h"
#include "kernels/tables.h"

/* 4 x 24, as in isa_avx2.c. */
#define GEMM_MR    4
#define GEMM_SPEED 200
#define GEMM_NV    3
#define GEMM_TILES(X)                                                                              \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3)

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
    return _mm256_dpbusd_avx_epi32(sum, x, w);
}

#include "kernels/tmpl/gemm_int8.h"

const struct bert__kernels bert__kernels_avx2_vnni = {
    .name = "avx2_vnni",
    .level = 25,
    .needs = BERT__CPU_AVX2 | BERT__CPU_AVX_VNNI,
    .gemm[BERT__INT8] = GEMM_INT8,
};
#else
typedef int bert__no_avx2_vnni;
#endif
