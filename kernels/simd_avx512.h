/* SPDX-License-Identifier: MIT */
/*
 * simd_avx512.h - the vector wrappers of tmpl/ on AVX-512 F, BW, DQ, VL.
 * The names and their meaning are listed in simd_scalar.h.
 */
#ifndef BERT_KERNELS_SIMD_AVX512_H
#define BERT_KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/compiler.h"

#define K(name) name##_avx512
#define VF      16

typedef __m512 vf;
typedef __m512i vi;
typedef int32_t vn __attribute__((vector_size(64)));
typedef __mmask16 vm;
typedef __mmask16 vt;
typedef vf vs;

static inline vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vf_store(float *p, vf a)
{
    _mm512_storeu_ps(p, a);
}

static inline vt vt_make(size_t n)
{
    return (vt)((1u << n) - 1u);
}

static inline vf vf_load_t(const float *p, vt t)
{
    return _mm512_maskz_loadu_ps(t, p);
}

static inline void vf_store_t(float *p, vf a, vt t)
{
    _mm512_mask_storeu_ps(p, t, a);
}

static inline vf vf_keep_t(vf a, vf other, vt t)
{
    return _mm512_mask_mov_ps(other, t, a);
}

static inline vf vf_set1(float a)
{
    return _mm512_set1_ps(a);
}

static inline vf vf_zero(void)
{
    return _mm512_setzero_ps();
}

static inline vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vs vs_load(const float *p)
{
    return vf_set1(*p);
}

static inline vf vs_fma(vs a, vf b, vf c)
{
    return vf_fma(a, b, c);
}

static inline vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf vf_abs(vf a)
{
    return _mm512_abs_ps(a);
}

static inline vf vf_round(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf vf_ldexp(vf a, vf n)
{
    return _mm512_scalef_ps(a, n);
}

static inline vf vf_scale2(vf a, vf n)
{
    return _mm512_scalef_ps(a, n);
}

static inline vm vf_lt(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline vm vf_isnan(vf a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

static inline vf vf_sel(vm m, vf yes, vf no)
{
    return _mm512_mask_mov_ps(no, m, yes);
}

static inline float vf_hsum(vf a)
{
    return _mm512_reduce_add_ps(a);
}

static inline float vf_hmax(vf a)
{
    return _mm512_reduce_max_ps(a);
}

static inline vi vi_zero(void)
{
    return _mm512_setzero_si512();
}

static inline vi vi_set1(int32_t a)
{
    return _mm512_set1_epi32(a);
}

static inline vi vi_or(vi a, vi b)
{
    return _mm512_or_si512(a, b);
}

static inline vi vi_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return _mm512_sub_epi32(a, b);
}

static inline vf vf_from_vi(vi a)
{
    return _mm512_cvtepi32_ps(a);
}

static inline vi vi_nearest(vf a)
{
    return _mm512_cvt_roundps_epi32(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 2 VF bytes, each as 16 bits. */
static inline vi vi_load_wide8(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
}

/* Of each lane's two 16 bits: the sum of the products. */
static inline vi vi_dot16(vi a, vi b)
{
    return _mm512_madd_epi16(a, b);
}

static inline void vi_store_low8(void *p, vi a)
{
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a));
}

static inline void vi_store_low16(void *p, vi a)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(a));
}

static inline void vf_store_bf16(void *p, vf a)
{
    const vi bits = _mm512_castps_si512(a), high = _mm512_srli_epi32(bits, 16);
    const vi odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    const vi up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    const vi quiet = _mm512_or_si512(high, _mm512_set1_epi32(0x40));

    vi_store_low16(p, _mm512_mask_mov_epi32(_mm512_srli_epi32(up, 16), vf_isnan(a), quiet));
}

static inline vi vf_all_ones_exponent(vf a)
{
    const vi e = _mm512_set1_epi32(0x7f800000);

    return _mm512_movm_epi32(
        _mm512_cmpeq_epi32_mask(_mm512_and_si512(_mm512_castps_si512(a), e), e));
}

static inline int vi_any(vi a)
{
    return _mm512_test_epi32_mask(a, a) != 0;
}

static inline vf vf_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline vf vf_load_f16_t(const void *p, size_t n)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(vt_make(n), p));
}

static inline vf vf_from_bf16_bits(__m256i a)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16));
}

static inline vf vf_load_bf16(const void *p)
{
    return vf_from_bf16_bits(_mm256_loadu_si256((const __m256i *)p));
}

static inline vf vf_load_bf16_t(const void *p, size_t n)
{
    return vf_from_bf16_bits(_mm256_maskz_loadu_epi16(vt_make(n), p));
}

/* Swap the 128-bit lanes of pairs of registers `d` apart. */
static inline void vf_swap_lanes(vf r[VF], size_t i, size_t d, int wide)
{
    vf a = r[i];
    vf b = r[i + d];

    if (wide) {
        r[i] = _mm512_shuffle_f32x4(a, b, 0x44);
        r[i + d] = _mm512_shuffle_f32x4(a, b, 0xee);
    } else {
        const vi lo = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
        const vi hi = _mm512_setr_epi32(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);

        r[i] = _mm512_permutex2var_ps(a, lo, b);
        r[i + d] = _mm512_permutex2var_ps(a, hi, b);
    }
}

static inline void vf_transpose(vf r[VF])
{
    UNROLL
    for (size_t i = 0; i < VF; i += 4) { /* 4x4 blocks within each 128-bit lane */
        vf a = _mm512_unpacklo_ps(r[i], r[i + 1]);
        vf b = _mm512_unpackhi_ps(r[i], r[i + 1]);
        vf c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]);
        vf d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);

        r[i] = _mm512_shuffle_ps(a, c, 0x44);
        r[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        r[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        r[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) { /* then the 4x4 lanes of rows i, i+4, i+8, i+12 */
        vf_swap_lanes(r, i, 8, 1);
        vf_swap_lanes(r, i + 4, 8, 1);
        vf_swap_lanes(r, i, 4, 0);
        vf_swap_lanes(r, i + 8, 4, 0);
    }
}

#endif
