/* SPDX-License-Identifier: MIT */
/* postprocess.h - templates: where special tokens go around one text or two. */
#ifndef BERT_TOKENIZER_POSTPROCESS_H
#define BERT_TOKENIZER_POSTPROCESS_H

#include <stdbool.h>

#include <bert/base.h>

enum bert__part_kind { BERT__PART_SPECIAL = -1, BERT__PART_FIRST = 0, BERT__PART_SECOND = 1 };

struct bert__special {
    int32_t id;
    bert_text text;
};

/* One part of a template. */
struct bert__part {
    enum bert__part_kind kind;
    int32_t type_id;
    const struct bert__special *tokens; /* of a special part */
    uint32_t n_tokens;
};

struct bert__template {
    const struct bert__part *parts;
    uint32_t n_parts;
    uint32_t n_special;   /* tokens of the special parts */
    uint32_t n_sequences; /* parts that are no special ones */
};

struct bert__postprocessor {
    bool present; /* false: the texts alone, one after the other */
    struct bert__template single;
    struct bert__template pair;
};

#endif
