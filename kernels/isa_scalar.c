/* SPDX-License-Identifier: MIT */
/* isa_scalar.c - the kernels in portable C: the level that every CPU has. */
#include "kernels/simd_scalar.h"
#include "kernels/tables.h"

/* 4 x 8: with 16 registers of four lanes, 8 sums, 2 of the panel, 1 of A. */
#define GEMM_MR       4
#define GEMM_NV       2
#define GEMM_TILES(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2)

#include "kernels/tmpl/activate.h"
#include "kernels/tmpl/elementwise.h"
#include "kernels/tmpl/gemm_f32.h"
#include "kernels/tmpl/layernorm.h"
#include "kernels/tmpl/reduce.h"

#include "kernels/tmpl/attention.h"

const struct bert__kernels bert__kernels_scalar = {
    .name = "scalar",
    .level = 0,
    .needs = 0,
#include "kernels/tmpl/table.inc"
};
