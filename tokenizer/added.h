/* SPDX-License-Identifier: MIT */
/* added.h - tokens found in the text before, or instead of, the model. */
#ifndef BERT_TOKENIZER_ADDED_H
#define BERT_TOKENIZER_ADDED_H

#include <stdbool.h>

#include "lib/base/arena.h"
#include "tokenizer/vocab.h"

struct bert__added_token {
    bert_text content; /* as the file spells it */
    bert_text pattern; /* what is looked for: normalised where `normalized` */
    int32_t id;
    bool single_word; /* only between characters that are no letters */
    bool lstrip;      /* takes the white space before it */
    bool rstrip;      /* and after it */
    bool normalized;  /* looked for in normalised text */
    bool special;     /* left out by decode */
};

/* Patterns to look for, sorted; the leftmost match wins, then the longest, then the lowest id. */
struct bert__matcher {
    const struct bert__added_token **sorted;
    uint32_t n;
    uint8_t starts[256]; /* may a pattern begin with this byte? */
    int only_start;      /* the one byte with which all begin; -1: several */
    /* A token that normalises to nothing is found between any two characters, where no other
     * is; it can be NULL. */
    const struct bert__added_token *empty;
};

static inline bool bert__matcher_finds(const struct bert__matcher *m)
{
    return m->n > 0 || m->empty != NULL;
}

struct bert__added {
    struct bert__alloc *alloc;
    struct bert__added_token *tokens;
    uint32_t n, cap;
    struct bert__vocab names;        /* content to index in `tokens` */
    uint32_t *by_id;                 /* index + 1; 0: not an added token */
    uint32_t n_ids;                  /* entries of by_id */
    int32_t next_id;                 /* for contents that the model lacks */
    struct bert__matcher raw;        /* in the source text */
    struct bert__matcher normalized; /* in normalised text */
};

/* Room for n tokens whose contents have text_bytes together, on top of a model's
 * vocabulary.  Memory from the allocator; false: none. */
bool bert__added_init(struct bert__added *added, struct bert__alloc *alloc, uint32_t n,
                      size_t text_bytes, const struct bert__vocab *model);
void bert__added_free(struct bert__added *added);

/*
 * Add a token as the reference does: its id is that of its content in the added
 * tokens or the model, else the next free one (the file's own `id` has no say).  A
 * token of the same id is replaced.  `token->content` and `token->pattern` must live
 * on; `token->id` is set.
 */
void bert__added_add(struct bert__added *added, struct bert__added_token *token,
                     const struct bert__vocab *model);

/* Build both matchers; call once all are added.  Memory from the arena. */
bert_status bert__added_prepare(struct bert__added *added, struct bert__arena *arena,
                                bert_error *err);

static inline const struct bert__added_token *bert__added_by_id(const struct bert__added *added,
                                                                int32_t id)
{
    if (id < 0 || (uint32_t)id >= added->n_ids || added->by_id[id] == 0)
        return NULL;
    return &added->tokens[added->by_id[id] - 1];
}

/* NULL if there is none. */
const struct bert__added_token *bert__added_by_content(const struct bert__added *added,
                                                       bert_text content);

/* Cutting a text at its added tokens. */
struct bert__splitter {
    const struct bert__matcher *matcher;
    const char *text;
    size_t size;
    size_t limit;                          /* only what begins before it is looked for */
    size_t done;                           /* everything before was handed out */
    size_t search;                         /* where the next match is looked for, */
    size_t last;                           /* and the last one ended; SIZE_MAX: none yet */
    size_t spaces_begin, spaces_end;       /* white space that was skipped last */
    const struct bert__added_token *token; /* found, to be handed out next: */
    size_t begin, end;
};

struct bert__split {
    const struct bert__added_token *token; /* NULL: plain text */
    size_t begin, end;
    bool open; /* plain text that may go on: none was looked for behind the limit */
};

void bert__splitter_init(struct bert__splitter *splitter, const struct bert__matcher *matcher,
                         const char *text, size_t size);
/* The next part; false at the end.  Only an open one may be empty; it comes again, with more of the
 * text, after bert__splitter_look_on(). */
bool bert__splitter_next(struct bert__splitter *splitter, struct bert__split *out);
/* Everything before `done` was taken; look at `bytes` from there on. */
void bert__splitter_look_on(struct bert__splitter *splitter, size_t done, size_t bytes);

#endif
