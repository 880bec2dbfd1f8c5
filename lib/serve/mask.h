/* SPDX-License-Identifier: MIT */
/* mask.h - finding what identifies people by its form, and writing tags in its place. */
#ifndef BERT_LIB_SERVE_MASK_H
#define BERT_LIB_SERVE_MASK_H

#include <bert/privacy.h>
#include <stdbool.h>

#include "lib/base/siphash.h"

/* The options, checked. */
struct bert__mask_how {
    uint32_t kinds;
    bool keyed;
    uint64_t key[2];
};

enum { BERT__MASK_KINDS = 6 };

/* A text on its way through the finders: each sees the gaps that those before it left. */
struct bert__mask_layer {
    uint32_t kind;
    size_t lo;              /* the gap's start */
    bool has;               /* is there something at its end? */
    bert_mask_span pending; /* that */
};

struct bert__masker {
    bert_text text;
    size_t layers;
    struct bert__mask_layer layer[BERT__MASK_KINDS];
};

void bert__mask_start(struct bert__masker *m, bert_text text, uint32_t kinds);
/* The next span; false at the end. */
bool bert__mask_next(struct bert__masker *m, bert_mask_span *out);

/* What is to be masked beside: entities first to last of a list in the order of the text. */
struct bert__mask_entities {
    const bert_entity *list;
    size_t n;
    const char *const *labels; /* n_labels 0: all */
    size_t n_labels;
};

/* A record's, whose labels are set already: BERT_EINVAL where there is no such record or it is not
 * of this text; its own status where it has no entities because of that. */
bert_status bert__mask_entities_read(struct bert__mask_entities *out, const bert_entities *entities,
                                     size_t record, bert_text text, bert_error *err);

/* Write the text with tags to out, as far as it has room; the bytes there are.  `entities`, whose
 * places lie in the text, may be NULL. */
size_t bert__mask_write(bert_text text, const struct bert__mask_how *how,
                        const struct bert__mask_entities *entities, char *out, size_t capacity);

/* A pseudonym of 16 letters for a value of a kind (0: an entity), equal where bert/privacy.h says
 * that values are. */
void bert__mask_pseudonym(char out[16], const uint64_t key[2], uint32_t kind, bert_text value);

#endif
