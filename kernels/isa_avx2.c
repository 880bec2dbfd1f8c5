/* SPDX-License-Identifier: MIT */
/* isa_avx2.c - the kernels for AVX2, FMA, F16C; compiled with those flags. */
#include "config.h"

#ifdef BERT_HAVE_AVX2
#include "kernels/cpu.h"
#include "kernels/simd_avx2.h"
#include "kernels/tables.h"
#include "kernels/tile_4x3.h"

#define GEMM_SPEED 50

#include "kernels/tmpl/q8_pairs.h"

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_bf16_wide.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/gemm_int8.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_avx2 = {
    .name = "avx2",
    .level = 20,
    .needs = BERT__CPU_AVX2,
#include "kernels/tmpl/table.inc"
};
#else
typedef int bert__no_avx2;
#endif
