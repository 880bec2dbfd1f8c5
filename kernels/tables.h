/* SPDX-License-Identifier: MIT */
/* tables.h - the tables that isa_<isa>.c export, for dispatch.c alone. */
#ifndef BERT_KERNELS_TABLES_H
#define BERT_KERNELS_TABLES_H

#include "kernels/kernels.h"

extern const struct bert__kernels bert__kernels_scalar;
extern const struct bert__kernels bert__kernels_avx2;
extern const struct bert__kernels bert__kernels_avx2_vnni;
extern const struct bert__kernels bert__kernels_avx512;
extern const struct bert__kernels bert__kernels_avx512_vnni;
extern const struct bert__kernels bert__kernels_avx512_vnni_bf16;
extern const struct bert__kernels bert__kernels_amx;
extern const struct bert__kernels bert__kernels_neon;
extern const struct bert__kernels bert__kernels_neon_dotprod;
extern const struct bert__kernels bert__kernels_neon_bf16;
extern const struct bert__kernels bert__kernels_neon_i8mm;

#endif
