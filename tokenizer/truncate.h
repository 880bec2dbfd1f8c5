/* SPDX-License-Identifier: MIT */
/* truncate.h - how much of each text a window holds. */
#ifndef BERT_TOKENIZER_TRUNCATE_H
#define BERT_TOKENIZER_TRUNCATE_H

#include "tokenizer/pipeline.h"

/* The windows of one sequence of tokens. */
struct bert__windows {
    size_t n;      /* tokens of the sequence */
    size_t length; /* of a window; n when nothing is cut */
    size_t step;   /* from one window to the next */
    size_t count;  /* at least 1 */
    bool left;     /* the first window is the end */
};

/*
 * Share the room of the options between sequences of n[0] and, if `pair`, n[1] tokens,
 * as the reference does.  BERT_EINVAL, BERT_ERANGE: see bert_tokenize().
 */
bert_status bert__truncate(const bert_tokenizer *tokenizer, const bert_tokenize_options *options,
                           bool pair, const size_t n[2], struct bert__windows out[2],
                           bert_error *err);

/* Tokens [*begin, *end) are window i. */
static inline void bert__window(const struct bert__windows *w, size_t i, size_t *begin, size_t *end)
{
    if (w->length == 0 && w->n > 0) { /* cut to nothing: the one further window is all of it */
        *begin = 0;
        *end = i == 0 ? 0 : w->n;
    } else if (w->left) {
        *end = w->n - i * w->step;
        *begin = *end > w->length ? *end - w->length : 0;
    } else {
        *begin = i * w->step;
        *end = w->n - *begin > w->length ? *begin + w->length : w->n;
    }
}

#endif
