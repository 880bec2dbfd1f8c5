/* SPDX-License-Identifier: MIT */
/* tile_neon.h - the register tile of GEMMs on AArch64's 32 registers of 128 bits. */
#ifndef BERT_KERNELS_TILE_NEON_H
#define BERT_KERNELS_TILE_NEON_H

/* 8 x 12: of 32 registers 24 sums, 3 of the panel, 1 of A; bfmmla and smmla take 4 of A and 1 of
 * the panel.  12 divides the usual widths. */
#define GEMM_MR              8
#define GEMM_NV              3
#define GEMM_TILES_NV(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define GEMM_TILES(X)        GEMM_TILES_NV(X, 1) GEMM_TILES_NV(X, 2) GEMM_TILES_NV(X, 3)
#define GEMM_PARTS(X)        X(5) X(6) X(7) X(8)

#endif
