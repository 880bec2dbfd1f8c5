/* SPDX-License-Identifier: MIT */
/* scores.h - logits to scores, and the best of them. */
#ifndef BERT_LIB_HEAD_SCORES_H
#define BERT_LIB_HEAD_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y = softmax(x), worked out in double; y may be x. */
void bert__softmax(const float *x, size_t n, float *y);
float bert__sigmoid(float x);
bool bert__finite(const float *x, size_t n);

/* Indices of the k (at most n) best scores, best first; of equal ones the lowest index goes
 * first.  `heap` holds k entries. */
void bert__best(const float *scores, uint32_t n, uint32_t k, uint32_t *heap);

#endif
