/* SPDX-License-Identifier: MIT */
/*
 * postprocess.h - post-processors: which tokens go around one text or two, what types they
 * have, which offsets lose their spaces.
 *
 * Whatever the file chains is worked out when it is loaded, into one layout for each of: a
 * single text or a pair, with special tokens or without.
 */
#ifndef BERT_TOKENIZER_POSTPROCESS_H
#define BERT_TOKENIZER_POSTPROCESS_H

#include <stdbool.h>

#include "lib/base/arena.h"

enum bert__part_kind { BERT__PART_SPECIAL = -1, BERT__PART_FIRST = 0, BERT__PART_SECOND = 1 };

struct bert__special {
    int32_t id;
    bert_text text;
};

/* Offsets lose the spaces that their tokens begin and end with. */
struct bert__trim {
    bool prefix_space; /* the first space of the first token is none of the text's */
    bool inner;        /* a special token comes first: the text's first is no first token */
};

/* One part of a layout. */
struct bert__part {
    enum bert__part_kind kind;
    bool masked;          /* special tokens: by special_tokens_mask */
    uint32_t text;        /* which of the layout's texts it goes with */
    int32_t type_id;      /* in the first window of that text */
    int32_t further_type; /* in the further ones */
    const struct bert__special *tokens;
    uint32_t n_tokens;
    const struct bert__trim *trims; /* of a text, in their order */
    uint32_t n_trims;
};

/* Parts [begin, end) are sequence `id`; later ranges of an id replace earlier ones. */
struct bert__range {
    uint32_t id;
    uint32_t begin, end;
    uint32_t text;       /* which of the layout's texts it goes with */
    bool first, further; /* in the first window of that text; in further ones */
};

struct bert__layout {
    const struct bert__part *parts;
    const struct bert__range *ranges;
    uint32_t n_parts;
    uint32_t n_ranges;
    uint32_t n_special;   /* tokens of the special parts */
    uint32_t n_sequences; /* parts that are texts */
};

struct bert__postprocessor {
    struct bert__layout layouts[2][2]; /* [pair][special tokens] */
    bool trims;                        /* some layout trims */
};

enum { BERT__MAX_TEXTS = 8, BERT__MAX_RANGES = 64 }; /* of a layout */

/* ---- What files chain ------------------------------------------------------ */

enum bert__post_kind {
    BERT__POST_BERT,
    BERT__POST_ROBERTA,
    BERT__POST_TEMPLATE,
    BERT__POST_BYTE_LEVEL
};

/* Of TemplateProcessing: kind, type_id and tokens of its parts count. */
struct bert__template {
    const struct bert__part *parts;
    uint32_t n_parts;
};

struct bert__post_step {
    enum bert__post_kind kind;
    struct bert__special cls, sep;     /* Bert, Roberta */
    bool trim_offsets, prefix_space;   /* Roberta, ByteLevel */
    struct bert__template template[2]; /* [pair] */
};

/*
 * Work out the layouts of n steps; `present` false: there is no post-processor at all, which
 * is not the same as none in a chain.  The layouts' memory is `arena`'s, `scratch` may go
 * afterwards.  `path` is for messages.
 */
bert_status bert__post_compile(struct bert__postprocessor *out, const struct bert__post_step *steps,
                               uint32_t n, bool present, struct bert__arena *arena,
                               struct bert__arena *scratch, const char *path, bert_error *err);

#endif
