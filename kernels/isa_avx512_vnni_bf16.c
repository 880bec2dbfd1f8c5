/* SPDX-License-Identifier: MIT */
/* isa_avx512_vnni_bf16.c - AVX-512 with vdpbf16ps, beside vpdpbusd of the level below. */
#include "config.h"

#ifdef BERT_HAVE_AVX512_VNNI_BF16
#include "kernels/cpu.h"
#include "kernels/simd_avx512_bf16.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 200

#define B16_NR  GEMM_NR
#define B16_PAD 2
/* As for floats. */
#define A16_KEYS(head) ((head) <= 64 ? 192 : 96)

ALWAYS_INLINE vf K(b16_dot)(vi x, vi w, vf sum)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x);
}

#include "kernels/tmpl/attention_bf16_tile.h"
#include "kernels/tmpl/gemm_bf16.h"

const struct bert__kernels bert__kernels_avx512_vnni_bf16 = {
    .name = "avx512_vnni_bf16",
    .level = 50,
    .needs = BERT__CPU_AVX512 | BERT__CPU_AVX512_VNNI | BERT__CPU_AVX512_BF16,
    .gemm[BERT__BF16] = GEMM_BF16,
    .attention[BERT__BF16] = {ATTENTION_BF16},
};
#else
typedef int bert__no_avx512_vnni_bf16;
#endif
