/* SPDX-License-Identifier: MIT */
/* golden.h - golden inputs: texts, and what a model answered, whatever its task. */
#ifndef BERT_LIB_API_GOLDEN_H
#define BERT_LIB_API_GOLDEN_H

#include <bert/manifest.h>
#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/json_text.h"

#define BERT__GOLDEN_FORMAT "libbert golden inputs"
enum { BERT__GOLDEN_VERSION = 1, BERT__GOLDEN_PRECISIONS = 3 };

/* One of a text's scores, and what it is of: a label, a place, a token for a mask. */
struct bert__golden_item {
    bert_text label;
    uint64_t start, end;
    uint64_t mask, id;
    double score;
};

/* A vector, or items. */
struct bert__golden_answer {
    const float *vector;
    size_t width;
    struct bert__golden_item *items;
    size_t n;
};

struct bert__golden_tolerance {
    double difference, cosine;
};

struct bert__golden {
    uint32_t task;      /* a bert_golden_task but AUTO */
    uint32_t precision; /* a bert_precision: FP32, BF16 or INT8 */
    struct bert__golden_tolerance tolerances[BERT__GOLDEN_PRECISIONS];
    const bert_text *texts, *pairs; /* pairs NULL: none */
    size_t n;
    struct bert__golden_answer *answers;
};

enum bert__golden_fields {
    BERT__GOLDEN_LABEL = 1, /* an item has a label, */
    BERT__GOLDEN_PLACE = 2, /* a place in the text, */
    BERT__GOLDEN_TOKEN = 4, /* a mask and a token's id */
    BERT__GOLDEN_VECTOR = 8 /* no items, a vector */
};
enum bert__golden_pairs { BERT__PAIR_NONE, BERT__PAIR_MAY, BERT__PAIR_MUST };

struct bert__golden_task {
    const char *name;
    uint32_t fields; /* bert__golden_fields */
    enum bert__golden_pairs pairs;
    bool by_key; /* items are found by what they are of; else they are compared in their order */
    /* Answers to the texts; `wide`: more items than are stored, so that what is stored is found. */
    bert_status (*run)(bert_session *session, const struct bert__golden *golden, bool wide,
                       struct bert__golden_answer *answers, struct bert__arena *arena,
                       bert_error *err);
};

/* By a bert_golden_task but AUTO; NULL past the end. */
const struct bert__golden_task *bert__golden_task(uint32_t task);

/* All answers, in the arena; labels are the model's. */
bert_status bert__golden_run(bert_session *session, const struct bert__golden *golden, bool wide,
                             struct bert__golden_answer **out, struct bert__arena *arena,
                             bert_error *err);

/* "fp32", "bf16", "int8", by the place of their tolerances. */
const char *bert__golden_precision(uint32_t place);
void bert__golden_describe(struct bert__json_text *text, const struct bert__golden *golden);
/* All in the arena. */
bert_status bert__golden_read(struct bert__golden *out, struct bert__arena *arena, const char *path,
                              bert_error *err);

/* How far an answer is from the expected one. */
struct bert__golden_distance {
    double difference, cosine;
    const char *what; /* not NULL: something else than numbers differs */
};
void bert__golden_compare(struct bert__golden_distance *out, uint32_t task,
                          const struct bert__golden_answer *want,
                          const struct bert__golden_answer *got,
                          const struct bert__golden_tolerance *tolerance);

#endif
