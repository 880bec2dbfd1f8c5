/* SPDX-License-Identifier: MIT */
/* tile_8x3.h - the register tile of GEMMs on 32 registers: AVX-512's of 512 bits, AArch64's of 128.
 */
#ifndef BERT_KERNELS_TILE_8X3_H
#define BERT_KERNELS_TILE_8X3_H

/* Of 32 registers 24 sums, 3 of the panel, 1 of A; bfmmla and smmla take 4 of A and 1 of the panel.
 * 8 x 48 floats of AVX-512: 48 divides 384, 768, 1152, 1536, 2304, 3072; 11 loads feed 24
 * multiply-adds, enough for two per cycle.  8 x 12 of NEON. */
#define GEMM_MR              8
#define GEMM_NV              3
#define GEMM_TILES_NV(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define GEMM_TILES(X)        GEMM_TILES_NV(X, 1) GEMM_TILES_NV(X, 2) GEMM_TILES_NV(X, 3)
#define GEMM_PARTS(X)        X(5) X(6) X(7) X(8)

#endif
