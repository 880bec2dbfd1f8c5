/* SPDX-License-Identifier: MIT */
/* isa_avx512_vnni.c - AVX-512 with vpdpbusd. */
#include "config.h"

#ifdef BERT_HAVE_AVX512_VNNI
#include "kernels/cpu.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 400
#define VI_DPBUSD  _mm512_dpbusd_epi32

#include "kernels/tmpl/q8_vnni.h"

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
