/* SPDX-License-Identifier: MIT */
/*
 * entities.h - from logits of tokens to entities, as the reference's token-classification
 * pipeline makes them: tokens to words, words to groups, windows merged.
 */
#ifndef BERT_LIB_HEAD_ENTITIES_H
#define BERT_LIB_HEAD_ENTITIES_H

#include <bert/tasks.h>
#include <bert/tokenizer.h>
#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/base/watch.h"

struct bert__entity {
    const char *name; /* within a label of the tagger */
    uint32_t label;   /* of its first token or word */
    float score;
    size_t start, end; /* bytes of the text */
};

/* What a label's spelling means. */
struct bert__tag {
    const char *label;
    const char *tag;  /* without B- or I-: what joins */
    const char *name; /* what follows the first "-": what is shown of a group */
    bool begins;      /* B- */
};

/* How to tag; immutable once made. */
struct bert__tagger {
    struct bert__alloc *alloc;
    struct bert__tag *tags; /* [n_labels] */
    uint32_t n_labels;
    uint32_t aggregation; /* a bert_aggregation */
    const bert_tokenizer *tokenizer;
    bool prefixed;  /* its tokens that continue a word are spelt with a prefix */
    int32_t unk_id; /* never continues one; -1: none */
    double *sums;   /* [n_labels]: scratch */
    float *scores;  /* [n_labels]: scratch */
};

/* The labels are borrowed.  A tagger that failed can be freed. */
bert_status bert__tagger_init(struct bert__tagger *tagger, struct bert__alloc *alloc,
                              const char *const *labels, uint32_t n_labels, uint32_t aggregation,
                              bert_error *err);
void bert__tagger_free(struct bert__tagger *tagger);

/* Entities of one text. */
struct bert__entities {
    struct bert__alloc *alloc;
    struct bert__entity *list;
    size_t n, cap;
};

/* Add those of one window, in the order of its tokens, from finite logits [tokens][n_labels]. */
bert_status bert__entities_add(struct bert__entities *entities, struct bert__tagger *tagger,
                               bert_text text, const bert_encoding *window, const float *logits,
                               bert_error *err);
/* All windows were added, and there were several: of entities that overlap one stays.  The watch,
 * which was begun, may end it. */
bert_status bert__entities_merge(struct bert__entities *entities, bert_text text,
                                 struct bert__watch *watch, bert_error *err);
void bert__entities_free(struct bert__entities *entities);

#endif
