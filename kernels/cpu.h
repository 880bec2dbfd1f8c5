/* SPDX-License-Identifier: MIT */
/* cpu.h - what this CPU and its operating system let us use. */
#ifndef BERT_KERNELS_CPU_H
#define BERT_KERNELS_CPU_H

#include <stdint.h>

/* Each bit also says that the operating system saves the registers it needs. */
#define BERT__CPU_AVX2   (1u << 0) /* AVX2, FMA, F16C */
#define BERT__CPU_AVX512 (1u << 1) /* AVX-512 F, BW, DQ, VL, and all of AVX2 above */

uint32_t bert__cpu_features(void);

#endif
