/* SPDX-License-Identifier: MIT */
/* vectors.h - vectors of tokens: which tokens have one, and how close those of two texts are. */
#ifndef BERT_LIB_HEAD_VECTORS_H
#define BERT_LIB_HEAD_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of an id. */
enum { BERT__VECTOR_SKIP = 1, BERT__VECTOR_KEEP = 2 };

struct bert__vector_rule {
    const uint8_t *flags; /* [n_ids] by id; NULL: nothing is known of any */
    uint32_t n_ids;
    bool skips;      /* ids of BERT__VECTOR_SKIP have no vector */
    bool keeps;      /* only those of BERT__VECTOR_KEEP have one */
    bool skip_first; /* the first token has none */
};

/* Places of the tokens that have one, ascending, into `places` of n entries; their number. */
uint32_t bert__vectors_select(const struct bert__vector_rule *rule, const int32_t *ids, uint32_t n,
                              uint32_t *places);

/* What the reference gives for a text without vectors, so that it comes last. */
#define BERT__MAXSIM_NONE (-1e9f)

/* The sum over a's vectors of their largest product with one of b's; `mean`: divided by their
 * number.  Without a's 0; without b's BERT__MAXSIM_NONE. */
float bert__maxsim(const float *a, size_t n_a, const float *b, size_t n_b, size_t size, bool mean);

#endif
