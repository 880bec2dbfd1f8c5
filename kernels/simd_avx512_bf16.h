/* SPDX-License-Identifier: MIT */
/* simd_avx512_bf16.h - what attention in bf16 needs beyond simd_avx512.h; AVX-512 BF16. */
#ifndef BERT_KERNELS_SIMD_AVX512_BF16_H
#define BERT_KERNELS_SIMD_AVX512_BF16_H

#include "kernels/simd_avx512.h"

/* 2 VF values as bf16, `low` first; subnormals become 0. */
static inline vi vi_bf16(vf low, vf high)
{
    return (vi)_mm512_cvtne2ps_pbh(high, low);
}

/* As pairs: even[0], odd[0], even[1] ... */
static inline vi vi_bf16_pairs(vf even, vf odd)
{
    const vi order = _mm512_set_epi32(0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a,
                                      0x190009, 0x180008, 0x170007, 0x160006, 0x150005, 0x140004,
                                      0x130003, 0x120002, 0x110001, 0x100000);

    return _mm512_permutexvar_epi16(order, vi_bf16(even, odd));
}

/*
 * 2^(k d) for k d <= 0, 0 where d < least, with |error| <= 1.1e-4 of it: a thirtieth of what
 * rounding to bf16 costs.  k * least >= -125.  A NaN whose low 16 bits are 0 stays one.
 * k d + 1.5 * 2^23 has the nearest integer in its low bits.
 */
static inline vf vf_exp2_rough(vf d, vf k, vf least)
{
    const vf magic = _mm512_set1_ps(12582912.0f);
    const vf n = _mm512_fmadd_ps(d, k, magic);
    const vf f = _mm512_fmsub_ps(d, k, _mm512_sub_ps(n, magic));
    vf p = _mm512_set1_ps(0.05517167f);

    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.24261112f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.69326099f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.99992807f));
    return _mm512_castsi512_ps(
        _mm512_maskz_add_epi32(_mm512_cmp_ps_mask(d, least, _CMP_NLT_UQ), _mm512_castps_si512(p),
                               _mm512_slli_epi32(_mm512_castps_si512(n), 23)));
}

#endif
