/* SPDX-License-Identifier: MIT */
/* spans.h - from start and end logits of one window to its best spans, in tokens and in text. */
#ifndef BERT_LIB_HEAD_SPANS_H
#define BERT_LIB_HEAD_SPANS_H

#include <bert/tokenizer.h>
#include <stdbool.h>

#include "lib/base/alloc.h"

/* Both ends are tokens of it. */
struct bert__token_span {
    uint32_t start, end;
    float score; /* p(start) * p(end) */
};

/* Scratch for windows of at most `window` tokens. */
struct bert__spans {
    struct bert__alloc *alloc;
    uint32_t window, max_answer; /* tokens */
    int32_t cls_id;              /* tokens of this id count too; -1: none */
    float *start, *end;          /* [window]: probabilities */
    uint8_t *allowed;            /* [window] */
    struct bert__token_span *list;
    uint32_t n, cap; /* spans that were found; that are looked for */
};

/* The `count` best spans of a window are looked for, fewer where it has fewer.  Spans that failed
 * can be freed. */
bert_status bert__spans_init(struct bert__spans *spans, struct bert__alloc *alloc, uint32_t window,
                             uint32_t max_answer, uint64_t count, bert_error *err);
void bert__spans_free(struct bert__spans *spans);

/*
 * Find them in a question (sequence 0) with its context (1), from finite logits [tokens][2]: the
 * softmax of each column is over the context, the first token and every cls token, and spans of
 * the first token are none.  Best first; of equal scores the first span in the text goes first;
 * those without any probability are left out.  *null is p(first) * p(first).
 */
void bert__spans_find(struct bert__spans *spans, const bert_encoding *window, const float *logits,
                      float *null);

/* The bytes of the context that a span stands for: widened to whole words, as far as this window
 * has them. */
bert_span bert__span_bytes(const bert_encoding *window, bert_text question, bert_text context,
                           const struct bert__token_span *span);

#endif
