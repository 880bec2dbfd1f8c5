/* SPDX-License-Identifier: MIT */
/* isa_avx2_vnni.c - AVX2 with vpdpbusd on 256 bits. */
#include "config.h"

#ifdef BERT_HAVE_AVX2_VNNI
#include "kernels/cpu.h"
#include "kernels/simd_avx2.h"
#include "kernels/tables.h"
#include "kernels/tile_4x3.h"

#define GEMM_SPEED 200
#define VI_DPBUSD  _mm256_dpbusd_avx_epi32

#include "kernels/tmpl/q8_vnni.h"

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
