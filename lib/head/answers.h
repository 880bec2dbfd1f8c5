/* SPDX-License-Identifier: MIT */
/* answers.h - the spans of all windows of a context as answers: equal ones are one. */
#ifndef BERT_LIB_HEAD_ANSWERS_H
#define BERT_LIB_HEAD_ANSWERS_H

#include <stdbool.h>

#include "lib/base/alloc.h"

struct bert__answer {
    bert_span at; /* of the one that was seen first, in bytes of the context */
    double score; /* sum over all of them */
    bool null;    /* there is none */
};

struct bert__answers {
    struct bert__alloc *alloc;
    struct bert__answer *list; /* in the order in which they were seen */
    size_t n, cap;
    size_t *slots; /* [mask + 1]: 1 + index; 0: free */
    size_t mask;
    float null; /* least score of the null answer of all windows */
};

/* Nothing is taken yet. */
void bert__answers_init(struct bert__answers *answers, struct bert__alloc *alloc);
void bert__answers_free(struct bert__answers *answers);

/* One more span, in the order of windows and scores; texts are equal under lower-casing. */
bert_status bert__answers_add(struct bert__answers *answers, bert_text context, bert_span at,
                              float score, bert_error *err);
/* Put the best first; of equal scores the one seen first.  With the null answer, which then goes
 * behind those of its score. */
bert_status bert__answers_sort(struct bert__answers *answers, bool null, bert_error *err);

#endif
