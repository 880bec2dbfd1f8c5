/* SPDX-License-Identifier: MIT */
/*
 * q8_pairs.h - 8-bit products without an instruction for them, for gemm_int8.h: both sides widened
 * to 16 bits, whose products in pairs are exact (vpmaddubsw would saturate); included once per ISA.
 */
#ifndef BERT_KERNELS_TMPL_Q8_PAIRS_H
#define BERT_KERNELS_TMPL_Q8_PAIRS_H

#include <string.h>

#define Q_A      int16_t
#define Q_STEP   2
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 0
#define Q_W      vi
#define Q_X      vi
#define Q_NARROW K(narrow_16)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return vi_load_wide8(w);
}

ALWAYS_INLINE vi K(q8_set)(const int16_t *a)
{
    int32_t pair;

    memcpy(&pair, a, sizeof(pair));
    return vi_set1(pair);
}

ALWAYS_INLINE vn K(q8_dot)(vi x, vi w, vn sum)
{
    return (vn)vi_add((vi)sum, vi_dot16(x, w));
}

#endif
