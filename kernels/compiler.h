/* SPDX-License-Identifier: MIT */
/* compiler.h - what the kernels ask of the compiler beyond C11. */
#ifndef BERT_KERNELS_COMPILER_H
#define BERT_KERNELS_COMPILER_H

/* Before a loop of constant length <= 16: unroll it whole, so that arrays of vectors
 * indexed by its counter become registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
