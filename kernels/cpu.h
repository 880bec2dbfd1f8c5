/* SPDX-License-Identifier: MIT */
/* cpu.h - what this CPU and its operating system let us use. */
#ifndef BERT_KERNELS_CPU_H
#define BERT_KERNELS_CPU_H

#include <stdint.h>

/* Each bit also says that the operating system saves the registers it needs. */
#define BERT__CPU_AVX2        (1u << 0) /* AVX2, FMA, F16C */
#define BERT__CPU_AVX512      (1u << 1) /* AVX-512 F, BW, DQ, VL, and all of AVX2 above */
#define BERT__CPU_AVX_VNNI    (1u << 2) /* vpdpbusd on 256 bits, and all of AVX2 */
#define BERT__CPU_AVX512_VNNI (1u << 3) /* and all of AVX512 */
#define BERT__CPU_AVX512_BF16 (1u << 4) /* and all of AVX512 */
#define BERT__CPU_AMX         (1u << 5) /* tiles of bf16 and int8; see bert__cpu_permit() */
/* AArch64 */
#define BERT__CPU_NEON         (1u << 6)
#define BERT__CPU_NEON_DOTPROD (1u << 7) /* sdot */
#define BERT__CPU_NEON_BF16    (1u << 8) /* bfmmla */
#define BERT__CPU_NEON_I8MM    (1u << 9) /* smmla */

uint32_t bert__cpu_features(void);

/* Ask the operating system for the registers of these features that a process has to ask for
 * (Linux: AMX's tiles, for all threads and their children; it makes signal frames larger).
 * 0: they can't be had, and using them would be fatal.  Any thread; asking again is cheap. */
int bert__cpu_permit(uint32_t features);

#endif
