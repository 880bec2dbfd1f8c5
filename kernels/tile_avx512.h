/* SPDX-License-Identifier: MIT */
/* tile_avx512.h - the register tile of GEMMs on 32 registers of 512 bits. */
#ifndef BERT_KERNELS_TILE_AVX512_H
#define BERT_KERNELS_TILE_AVX512_H

/* 8 x 48: of 32 registers 24 sums, 3 of the panel, 1 of A.  48 divides 384, 768, 1152,
 * 1536, 2304, 3072; 11 loads feed 24 multiply-adds, enough for two per cycle. */
#define GEMM_MR              8
#define GEMM_NV              3
#define GEMM_TILES_NV(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define GEMM_TILES(X)        GEMM_TILES_NV(X, 1) GEMM_TILES_NV(X, 2) GEMM_TILES_NV(X, 3)
#define GEMM_PARTS(X)        X(5) X(6) X(7) X(8)

#endif
