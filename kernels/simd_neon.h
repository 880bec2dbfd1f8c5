/* SPDX-License-Identifier: MIT */
/*
 * simd_neon.h - the vector wrappers of tmpl/ on AArch64's Advanced SIMD.
 * The names and their meaning are listed in simd_scalar.h.
 */
#ifndef BERT_KERNELS_SIMD_NEON_H
#define BERT_KERNELS_SIMD_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/compiler.h"

#define K(name) name##_neon
#define VF      4

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef vi vn;
typedef uint32x4_t vm;
typedef size_t vt;
typedef float vs; /* multiplied by lane: needs no copy to all lanes */

static inline vf vf_load(const float *p)
{
    return vld1q_f32(p);
}

static inline void vf_store(float *p, vf a)
{
    vst1q_f32(p, a);
}

static inline vt vt_make(size_t n)
{
    return n;
}

static inline vf vf_set1(float a)
{
    return vdupq_n_f32(a);
}

static inline vf vf_zero(void)
{
    return vdupq_n_f32(0.0f);
}

/* Tails; n < VF.  Kept out of the tiles, which have dozens of them. */
static __attribute__((noinline)) vf vf_load_few(const float *p, size_t n)
{
    vf a = vf_zero();

    if (n > 0)
        a = vld1q_lane_f32(p, a, 0);
    if (n > 1)
        a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        a = vld1q_lane_f32(p + 2, a, 2);
    return a;
}

static __attribute__((noinline)) void vf_store_few(float *p, vf a, size_t n)
{
    if (n > 0)
        vst1q_lane_f32(p, a, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, a, 2);
}

static inline vf vf_load_t(const float *p, vt t)
{
    return t >= VF ? vf_load(p) : vf_load_few(p, t);
}

static inline void vf_store_t(float *p, vf a, vt t)
{
    if (t >= VF)
        vf_store(p, a);
    else
        vf_store_few(p, a, t);
}

static inline vf vf_sel(vm m, vf yes, vf no)
{
    return vbslq_f32(m, yes, no);
}

static inline vf vf_keep_t(vf a, vf other, vt t)
{
    static const uint32_t lanes[VF] = {0, 1, 2, 3};

    return vf_sel(vcltq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)t)), a, other);
}

static inline vf vf_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

static inline vs vs_load(const float *p)
{
    return *p;
}

static inline vf vs_fma(vs a, vf b, vf c)
{
    return vfmaq_n_f32(c, b, a);
}

static inline vm vf_lt(vf a, vf b)
{
    return vcltq_f32(a, b);
}

static inline vm vf_isnan(vf a)
{
    return vmvnq_u32(vceqq_f32(a, a));
}

/* Not fmax: where one is a NaN, it isn't always b that comes out. */
static inline vf vf_max(vf a, vf b)
{
    return vf_sel(vcgtq_f32(a, b), a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return vf_sel(vcltq_f32(a, b), a, b);
}

static inline vf vf_abs(vf a)
{
    return vabsq_f32(a);
}

static inline vf vf_round(vf a)
{
    return vrndnq_f32(a);
}

static inline vi vi_nearest(vf a)
{
    return vcvtnq_s32_f32(a);
}

static inline vf vf_pow2(vi n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

static inline vf vf_ldexp(vf a, vf n)
{
    vi i = vcvtnq_s32_f32(n);
    vi half = vshrq_n_s32(i, 1);

    return vmulq_f32(vmulq_f32(a, vf_pow2(half)), vf_pow2(vsubq_s32(i, half)));
}

static inline vf vf_scale2(vf a, vf n)
{
    vi i = vshlq_n_s32(vcvtnq_s32_f32(n), 23);

    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), i));
}

static inline float vf_hsum(vf a)
{
    return vaddvq_f32(a); /* (a0 + a1) + (a2 + a3) */
}

static inline float vf_hmax(vf a)
{
    return vmaxvq_f32(a);
}

static inline vi vi_zero(void)
{
    return vdupq_n_s32(0);
}

static inline vi vi_set1(int32_t a)
{
    return vdupq_n_s32(a);
}

static inline vi vi_or(vi a, vi b)
{
    return vorrq_s32(a, b);
}

static inline vi vi_load(const int32_t *p)
{
    return vld1q_s32(p);
}

static inline vi vi_add(vi a, vi b)
{
    return vaddq_s32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return vsubq_s32(a, b);
}

static inline vf vf_from_vi(vi a)
{
    return vcvtq_f32_s32(a);
}

static inline void vi_store_low16(void *p, vi a)
{
    const int16x4_t low = vmovn_s32(a);

    memcpy(p, &low, sizeof(low));
}

static inline void vi_store_low8(void *p, vi a)
{
    const int16x4_t low = vmovn_s32(a);
    const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(low, low))), 0);

    memcpy(p, &four, sizeof(four));
}

static inline void vf_store_bf16(void *p, vf a)
{
    const vm bits = vreinterpretq_u32_f32(a), high = vshrq_n_u32(bits, 16);
    const vm odd = vandq_u32(high, vdupq_n_u32(1));
    const vm nearest = vshrq_n_u32(vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd), 16);
    const vm quiet = vorrq_u32(high, vdupq_n_u32(0x40));

    vi_store_low16(p, vreinterpretq_s32_u32(vbslq_u32(vf_isnan(a), quiet, nearest)));
}

static inline vi vf_all_ones_exponent(vf a)
{
    const vm e = vdupq_n_u32(0x7f800000);

    return vreinterpretq_s32_u32(vceqq_u32(vandq_u32(vreinterpretq_u32_f32(a), e), e));
}

static inline int vi_any(vi a)
{
    return vmaxvq_u32(vreinterpretq_u32_s32(a)) != 0;
}

/* n <= VF halves, 0 beyond them. */
static inline uint16x4_t load_halves(const void *p, size_t n)
{
    uint16_t h[VF] = {0};

    memcpy(h, p, n * sizeof(h[0]));
    return vld1_u16(h);
}

static inline vf vf_load_f16_t(const void *p, size_t n)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(load_halves(p, n)));
}

static inline vf vf_load_f16(const void *p)
{
    return vf_load_f16_t(p, VF);
}

static inline vf vf_load_bf16_t(const void *p, size_t n)
{
    return vreinterpretq_f32_u32(vshll_n_u16(load_halves(p, n), 16));
}

static inline vf vf_load_bf16(const void *p)
{
    return vf_load_bf16_t(p, VF);
}

static inline void vf_transpose(vf r[VF])
{
    const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1])); /* columns 0 and 2 */
    const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1])); /* 1 and 3 */
    const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3]));
    const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));

    r[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    r[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    r[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    r[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

#endif
