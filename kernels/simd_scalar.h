/* SPDX-License-Identifier: MIT */
/*
 * simd_scalar.h - the vector wrappers of tmpl/ in portable C: four lanes of GNU C
 * vectors, which the compiler lowers to whatever the CPU has (or to scalar code).
 * No fused multiply-add: a library fmaf() would cost more than all the rest.
 *
 * The vocabulary, the same in every simd_<isa>.h:
 *   VF, vf, vi      lanes; a vector of floats; of int32
 *   vn              vi, for sums in a loop: gcc copies one of the type __m512i at each addition
 *   vm, vf_lt, vf_isnan, vf_sel   lane masks of comparisons
 *   vt, vt_make(n)  a tail of n <= VF lanes: vf_load_t gives 0 beyond them, vf_store_t
 *                   leaves memory beyond them alone; vf_keep_t(a, other, t) takes `other` there
 *   vf_max(a, b), vf_min   b if either is a NaN, so vf_max(limit, x) passes a NaN x on
 *   vf_fma(a, b, c)        a * b + c, fused where the ISA has it
 *   vs, vs_load(p), vs_fma(a, b, c)   the same with one float *p for all lanes of a
 *   vf_ldexp(a, n)         a * 2^n for integral n in [-252, 254], rounded once if 1 <= a < 2
 *   vf_scale2(a, n)        the same for 1/2 <= a <= 2 and n in [-124, 125]: cheaper
 *   vf_hsum, vf_hmax       over lanes, in a fixed order
 *   vi_nearest(a)          as int32, ties to even, |a| < 2^22; vf_from_vi(a) and back
 *   vi_store_low8, vi_store_low16    the low bits of each lane, side by side
 *   vf_store_bf16          rounded to nearest, ties to even; a NaN stays one
 *   vf_transpose(r)        r: VF rows of VF lanes
 */
#ifndef BERT_KERNELS_SIMD_SCALAR_H
#define BERT_KERNELS_SIMD_SCALAR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/compiler.h"

#define K(name) name##_scalar
#define VF      4

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef vi vn;
typedef vi vm;
typedef size_t vt;
typedef vf vs;

static inline vf vf_load(const float *p)
{
    vf a;

    memcpy(&a, p, sizeof(a));
    return a;
}

static inline void vf_store(float *p, vf a)
{
    memcpy(p, &a, sizeof(a));
}

static inline vt vt_make(size_t n)
{
    return n;
}

static inline vf vf_set1(float a)
{
    return (vf){a, a, a, a};
}

static inline vf vf_zero(void)
{
    return vf_set1(0.0f);
}

static inline vf vf_load_t(const float *p, vt t)
{
    vf a = vf_zero();

    for (size_t i = 0; i < t; i++)
        a[i] = p[i];
    return a;
}

static inline void vf_store_t(float *p, vf a, vt t)
{
    for (size_t i = 0; i < t; i++)
        p[i] = a[i];
}

static inline vf vf_keep_t(vf a, vf other, vt t)
{
    for (size_t i = t; i < VF; i++)
        a[i] = other[i];
    return a;
}

static inline vf vf_add(vf a, vf b)
{
    return a + b;
}

static inline vf vf_sub(vf a, vf b)
{
    return a - b;
}

static inline vf vf_mul(vf a, vf b)
{
    return a * b;
}

static inline vf vf_div(vf a, vf b)
{
    return a / b;
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return a * b + c;
}

static inline vs vs_load(const float *p)
{
    return vf_set1(*p);
}

static inline vf vs_fma(vs a, vf b, vf c)
{
    return vf_fma(a, b, c);
}

static inline vm vf_lt(vf a, vf b)
{
    return a < b;
}

static inline vm vf_isnan(vf a)
{
    return a != a;
}

static inline vf vf_sel(vm m, vf yes, vf no)
{
    return (vf)((m & (vi)yes) | (~m & (vi)no));
}

static inline vf vf_max(vf a, vf b)
{
    return vf_sel(a > b, a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return vf_sel(a < b, a, b);
}

static inline vi vi_zero(void)
{
    return (vi){0, 0, 0, 0};
}

static inline vi vi_set1(int32_t a)
{
    return (vi){a, a, a, a};
}

static inline vi vi_or(vi a, vi b)
{
    return a | b;
}

static inline vi vi_load(const int32_t *p)
{
    vi a;

    memcpy(&a, p, sizeof(a));
    return a;
}

static inline vi vi_add(vi a, vi b)
{
    return a + b;
}

static inline vi vi_sub(vi a, vi b)
{
    return a - b;
}

static inline vf vf_from_vi(vi a)
{
    return __builtin_convertvector(a, vf);
}

static inline void vi_store_low8(void *p, vi a)
{
    uint8_t *to = p;

    for (size_t i = 0; i < VF; i++)
        to[i] = (uint8_t)a[i];
}

static inline void vi_store_low16(void *p, vi a)
{
    for (size_t i = 0; i < VF; i++) {
        uint16_t h = (uint16_t)a[i];

        memcpy((char *)p + 2 * i, &h, sizeof(h));
    }
}

static inline vf vf_abs(vf a)
{
    return (vf)((vi)a & vi_set1(0x7fffffff));
}

/* 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the mantissa.
 * For |a| < 2^22. */
static inline vf vf_round_magic(void)
{
    return vf_set1(12582912.0f);
}

static inline vf vf_round(vf a)
{
    return (a + vf_round_magic()) - vf_round_magic();
}

static inline vi vi_nearest(vf a)
{
    return (vi)((vu)(a + vf_round_magic()) - (vu)vf_round_magic());
}

static inline vf vf_pow2(vi n)
{
    return (vf)(((vu)n + (vu)vi_set1(127)) << 23);
}

static inline vf vf_ldexp(vf a, vf n)
{
    vi i = (vi)((vu)(n + vf_round_magic()) - (vu)vf_round_magic());
    vi half = i >> 1;

    return a * vf_pow2(half) * vf_pow2((vi)((vu)i - (vu)half));
}

static inline vf vf_scale2(vf a, vf n)
{
    vu i = (vu)(n + vf_round_magic()) << 23; /* the magic number's own low bits are 0 */

    return (vf)((vu)a + i);
}

static inline float vf_hsum(vf a)
{
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline float vf_hmax(vf a)
{
    float x = a[0] > a[2] ? a[0] : a[2];
    float y = a[1] > a[3] ? a[1] : a[3];

    return x > y ? x : y;
}

static inline vi vf_all_ones_exponent(vf a)
{
    return ((vi)a & vi_set1(0x7f800000)) == vi_set1(0x7f800000);
}

static inline int vi_any(vi a)
{
    return (a[0] | a[1] | a[2] | a[3]) != 0;
}

/* IEEE binary16, exact: subnormals through a multiplication by 2^-24. */
static inline float f16_bits_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1fu;
    uint32_t mantissa = h & 0x3ffu;
    uint32_t bits;
    float f;

    if (exponent == 0) {
        f = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &f, sizeof(bits));
    } else if (exponent == 31) { /* a signalling NaN becomes quiet, as the CPUs' own conversion */
        bits = 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0);
    } else {
        bits = (exponent + 112) << 23 | mantissa << 13;
    }
    bits |= sign;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static inline vf vf_load_f16_t(const void *p, size_t n)
{
    uint16_t h[VF] = {0};

    memcpy(h, p, n * sizeof(h[0]));
    return (vf){f16_bits_to_f32(h[0]), f16_bits_to_f32(h[1]), f16_bits_to_f32(h[2]),
                f16_bits_to_f32(h[3])};
}

static inline vf vf_load_f16(const void *p)
{
    return vf_load_f16_t(p, VF);
}

static inline vf vf_load_bf16_t(const void *p, size_t n)
{
    uint16_t h[VF] = {0};

    memcpy(h, p, n * sizeof(h[0]));
    return (vf)((vu){h[0], h[1], h[2], h[3]} << 16);
}

static inline vf vf_load_bf16(const void *p)
{
    return vf_load_bf16_t(p, VF);
}

static inline void vf_store_bf16(void *p, vf a)
{
    vu bits = (vu)a;
    vu nearest = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;

    vi_store_low16(p, (vi)vf_sel(vf_isnan(a), (vf)(bits >> 16 | 0x40u), (vf)nearest));
}

static inline void vf_transpose(vf r[VF])
{
    for (size_t i = 0; i < VF; i++) {
        for (size_t j = i + 1; j < VF; j++) {
            float t = r[i][j];

            r[i][j] = r[j][i];
            r[j][i] = t;
        }
    }
}

#endif
