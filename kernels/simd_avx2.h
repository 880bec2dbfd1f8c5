/* SPDX-License-Identifier: MIT */
/*
 * simd_avx2.h - the vector wrappers of tmpl/ on AVX2, FMA, F16C.
 * The names and their meaning are listed in simd_scalar.h.
 */
#ifndef BERT_KERNELS_SIMD_AVX2_H
#define BERT_KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/compiler.h"

#define K(name) name##_avx2
#define VF      8

typedef __m256 vf;
typedef __m256i vi;
typedef int32_t vn __attribute__((vector_size(32)));
typedef __m256 vm;
typedef __m256i vt;
typedef vf vs;

static inline vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vf_store(float *p, vf a)
{
    _mm256_storeu_ps(p, a);
}

static inline vt vt_make(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf vf_load_t(const float *p, vt t)
{
    return _mm256_maskload_ps(p, t);
}

static inline void vf_store_t(float *p, vf a, vt t)
{
    _mm256_maskstore_ps(p, t, a);
}

static inline vf vf_keep_t(vf a, vf other, vt t)
{
    return _mm256_blendv_ps(other, a, _mm256_castsi256_ps(t));
}

static inline vf vf_set1(float a)
{
    return _mm256_set1_ps(a);
}

static inline vf vf_zero(void)
{
    return _mm256_setzero_ps();
}

static inline vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
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
    return _mm256_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf vf_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vf vf_round(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf vf_pow2(vi n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

static inline vf vf_ldexp(vf a, vf n)
{
    vi i = _mm256_cvtps_epi32(n);
    vi half = _mm256_srai_epi32(i, 1);

    return _mm256_mul_ps(_mm256_mul_ps(a, vf_pow2(half)), vf_pow2(_mm256_sub_epi32(i, half)));
}

static inline vf vf_scale2(vf a, vf n)
{
    vi i = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);

    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), i));
}

static inline vm vf_lt(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline vm vf_isnan(vf a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

static inline vf vf_sel(vm m, vf yes, vf no)
{
    return _mm256_blendv_ps(no, yes, m);
}

static inline float vf_hsum(vf a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float vf_hmax(vf a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static inline vi vi_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vi vi_or(vi a, vi b)
{
    return _mm256_or_si256(a, b);
}

static inline vi vi_set1(int32_t a)
{
    return _mm256_set1_epi32(a);
}

static inline vi vi_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return _mm256_sub_epi32(a, b);
}

static inline vf vf_from_vi(vi a)
{
    return _mm256_cvtepi32_ps(a);
}

static inline vi vi_nearest(vf a)
{
    return _mm256_cvtps_epi32(_mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* 2 VF bytes, each as 16 bits. */
static inline vi vi_load_wide8(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
}

/* Of each lane's two 16 bits: the sum of the products. */
static inline vi vi_dot16(vi a, vi b)
{
    return _mm256_madd_epi16(a, b);
}

/* The low 16 bits of each lane. */
static inline __m128i vi_low16(vi a)
{
    const __m256i low = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));

    return _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}

static inline void vi_store_low16(void *p, vi a)
{
    _mm_storeu_si128((__m128i *)p, vi_low16(a));
}

static inline void vi_store_low8(void *p, vi a)
{
    const __m128i low = _mm_and_si128(vi_low16(a), _mm_set1_epi16(0xff));

    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(low, low));
}

static inline void vf_store_bf16(void *p, vf a)
{
    const vi bits = _mm256_castps_si256(a), high = _mm256_srli_epi32(bits, 16);
    const vi odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    const vi up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    const vi quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    const vf out = _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_srli_epi32(up, 16)),
                                    _mm256_castsi256_ps(quiet), vf_isnan(a));

    vi_store_low16(p, _mm256_castps_si256(out));
}

static inline vi vf_all_ones_exponent(vf a)
{
    const vi e = _mm256_set1_epi32(0x7f800000);

    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(a), e), e);
}

static inline int vi_any(vi a)
{
    return !_mm256_testz_si256(a, a);
}

static inline __m128i load_halves(const void *p, size_t n)
{
    uint16_t h[8] = {0};

    memcpy(h, p, n * sizeof(h[0]));
    return _mm_loadu_si128((const __m128i *)(const void *)h);
}

static inline vf vf_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline vf vf_load_f16_t(const void *p, size_t n)
{
    return _mm256_cvtph_ps(load_halves(p, n));
}

static inline vf vf_from_bf16_bits(__m128i a)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16));
}

static inline vf vf_load_bf16(const void *p)
{
    return vf_from_bf16_bits(_mm_loadu_si128((const __m128i *)p));
}

static inline vf vf_load_bf16_t(const void *p, size_t n)
{
    return vf_from_bf16_bits(load_halves(p, n));
}

static inline void vf_transpose(vf r[VF])
{
    UNROLL
    for (size_t i = 0; i < VF; i += 4) { /* 4x4 blocks within each 128-bit lane */
        vf a = _mm256_unpacklo_ps(r[i], r[i + 1]);
        vf b = _mm256_unpackhi_ps(r[i], r[i + 1]);
        vf c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]);
        vf d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);

        r[i] = _mm256_shuffle_ps(a, c, 0x44);
        r[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        r[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        r[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) { /* then the two lanes of rows i and i+4 */
        vf a = r[i];
        vf b = r[i + 4];

        r[i] = _mm256_permute2f128_ps(a, b, 0x20);
        r[i + 4] = _mm256_permute2f128_ps(a, b, 0x31);
    }
}

#endif
