/* SPDX-License-Identifier: MIT */
/* tile_4x3.h - the register tile of GEMMs on 16 registers: AVX2's of 256 bits. */
#ifndef BERT_KERNELS_TILE_4X3_H
#define BERT_KERNELS_TILE_4X3_H

/* 4 x 24: of 16 registers 12 sums, 3 of the panel, 1 of A.  24 divides the usual widths. */
#define GEMM_MR 4
#define GEMM_NV 3
#define GEMM_TILES(X)                                                                              \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3)
#define GEMM_PARTS(X) X(3) X(4)

#endif
