/* SPDX-License-Identifier: MIT */
/*
 * terms.h - weights of terms from the logits of a fill-mask head, as SpladePooling of
 * sentence-transformers 6.2 makes them.
 */
#ifndef BERT_LIB_HEAD_TERMS_H
#define BERT_LIB_HEAD_TERMS_H

#include "lib/graph/exec.h"
#include "lib/model/modules.h"

/* Take n tokens' logits into a text's row of `width`, which begins as zeros. */
void bert__terms_add(const struct bert__kernels *kernels, const struct bert__splade *splade,
                     const float *logits, uint32_t n, uint32_t width, float *row);
/* The same of n tokens' lexical weights, as FlagEmbedding's BGEM3 makes them: what is above 0
 * counts for the token's id, but for those of `unused`, and the largest stays. */
void bert__terms_add_lexical(const float *weights, const int32_t *ids, uint32_t n,
                             const int32_t *unused, uint32_t n_unused, float *row);
/* When all tokens are in: the row's weights. */
void bert__terms_finish(const struct bert__splade *splade, uint32_t width, float *row);
/* Keep the k largest, the others become 0; `best` and `kept` hold k entries. */
void bert__terms_keep(float *row, uint32_t width, uint32_t k, uint32_t *best, float *kept);
uint32_t bert__terms_count(const float *row, uint32_t width);

#endif
