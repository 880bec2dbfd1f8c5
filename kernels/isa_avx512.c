/* SPDX-License-Identifier: MIT */
/* isa_avx512.c - the kernels for AVX-512 F, BW, DQ, VL; compiled with those flags. */
#include "config.h"

#ifdef BERT_HAVE_AVX512
#include "kernels/cpu.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"
#include "kernels/tile_8x3.h"

#define GEMM_SPEED 100

#include "kernels/tmpl/q8_pairs.h"

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_avx512 = {
    .name = "avx512",
    .level = 30,
    .needs = BERT__CPU_AVX512,
#include "kernels/tmpl/table.inc"
};
#else
typedef int bert__no_avx512;
#endif
