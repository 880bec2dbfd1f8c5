/* SPDX-License-Identifier: MIT */
/*
 * q8_vnni.h - four 8-bit products at a time, for gemm_int8.h: rows hold q + 128, unsigned, as
 * vpdpbusd wants its first operand; included once per ISA, whose file defines VI_DPBUSD(sum, x, w).
 */
#ifndef BERT_KERNELS_TMPL_Q8_VNNI_H
#define BERT_KERNELS_TMPL_Q8_VNNI_H

#include <string.h>

#define Q_A      uint8_t
#define Q_STEP   4
#define Q_NR     GEMM_NR
#define Q_PAD    8
#define Q_OFFSET 128
#define Q_W      vi
#define Q_X      vi
#define Q_NARROW K(narrow_8)

ALWAYS_INLINE vi K(q8_load)(const int8_t *w)
{
    return vi_load((const int32_t *)(const void *)w);
}

ALWAYS_INLINE vi K(q8_set)(const uint8_t *a)
{
    int32_t four;

    memcpy(&four, a, sizeof(four));
    return vi_set1(four);
}

ALWAYS_INLINE vn K(q8_dot)(vi x, vi w, vn sum)
{
    return (vn)VI_DPBUSD((vi)sum, x, w);
}

#endif
