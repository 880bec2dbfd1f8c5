/* SPDX-License-Identifier: MIT */
/*
 * work.h - the buffers that text passes through, stage by stage, a stretch at a time:
 *
 *   source bytes -> normalizer -> piece -> pre-tokenizer -> words -> model -> tokens
 *
 * They grow to the largest stretch seen and stay, so that nothing is allocated per
 * word.  Positions within a stretch are 32 bits; BERT__STRETCH_MAX keeps them so.
 */
#ifndef BERT_TOKENIZER_WORK_H
#define BERT_TOKENIZER_WORK_H

#include <stdbool.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/size.h"
#include "lib/base/watch.h"
#include "tokenizer/model_scratch.h"

/* Enough to keep the stages busy, and within the cache. */
enum { BERT__STRETCH = 4096, BERT__TOKENS_MANY = 1024 };

/* Largest stretch of source bytes: normalising makes at most 6 bytes of one. */
#define BERT__STRETCH_MAX ((size_t)1 << 29)

/* Room for `need` elements of `size` bytes in the array at *items (of *cap elements);
 * false, with nothing changed, if there is no memory. */
static inline bool bert__reserve(struct bert__alloc *alloc, void *items, size_t *cap, size_t need,
                                 size_t size)
{
    size_t bytes, count = *cap < 64 ? 64 : *cap;
    void *old, *bigger;

    if (need <= *cap)
        return true;
    while (count < need) {
        if (!bert__size_mul(count, 2, &count))
            return false;
    }
    if (!bert__size_mul(count, size, &bytes))
        return false;
    memcpy(&old, items, sizeof old);
    bigger = bert__alloc_grow(alloc, old, bytes);
    if (bigger == NULL)
        return false;
    memcpy(items, &bigger, sizeof bigger);
    *cap = count;
    return true;
}

/* A combining mark that waits for its place. */
struct bert__mark {
    uint32_t cp; /* bit 31: added by a decomposition */
    uint32_t from;
};

/* Text as a stage left it, for the next to read. */
struct bert__layer {
    char *bytes;
    uint32_t *from;
    size_t size;
    size_t cap;
    size_t from_cap;
};

/* Normalised text, well-formed UTF-8, and for each byte where its character began in
 * the source stretch. */
struct bert__piece {
    struct bert__alloc *alloc;
    bool want_from;            /* false: `from` is not kept (ids only) */
    bool continues;            /* the text began in a stretch before this one */
    bool continued;            /* and goes on in another */
    bool lags;                 /* set by a step: places are off from here to the end of the text */
    struct bert__watch *watch; /* may end a long stage; NULL: none */
    size_t ask_at;             /* from that place on of what a stage reads; usual stretches end
                                  before the first */
    char *bytes;
    uint32_t *from;
    size_t size;
    size_t cap;
    size_t from_cap;
    struct bert__layer in; /* what it was before the stage that runs */

    struct bert__mark *run; /* marks since the last starter */
    struct bert__mark *sorted;
    size_t n_run, run_cap, sorted_cap;
    size_t n_kept;      /* marks of the run that will stay */
    bool run_ordered;   /* already in canonical order */
    uint32_t last_from; /* origin of the last character before the run */
};

/* A word of the piece: [begin, end). */
struct bert__word {
    uint32_t begin;
    uint32_t end;
};

struct bert__words {
    struct bert__word *items;
    size_t n;
    size_t cap;
};

/* A token of the piece: [begin, end); `word` counts within the stretch. */
struct bert__token {
    int32_t id;
    uint32_t begin;
    uint32_t end;
    uint32_t word;
};

struct bert__tokens {
    struct bert__token *items;
    size_t n;
    size_t cap;
};

struct bert__work {
    struct bert__alloc *alloc;
    struct bert__piece piece;
    struct bert__layer whole; /* the piece, while parts of it are made pieces in turn */
    struct bert__words words;
    struct bert__words before; /* words as the last step left them */
    struct bert__tokens tokens;
    bool (*take)(void *taker); /* see bert__tokens_pass(); NULL: all tokens stay here */
    bool (*ask)(void *taker);  /* see bert__work_goes_on(); NULL: it does */
    void *taker;
    uint64_t wanted; /* as many tokens are enough, the rest of a long word may be left; 0: all */
    struct bert__model_scratch model;
};

void bert__work_init(struct bert__work *work, struct bert__alloc *alloc);
void bert__work_free(struct bert__work *work);
/* Bytes that the buffers hold. */
size_t bert__work_bytes(const struct bert__work *work);

/* For the loops of a stage, at place `at` of what it reads.  False: it is to end. */
static inline bool bert__piece_goes_on(struct bert__piece *piece, size_t at)
{
    if (at < piece->ask_at)
        return true;
    piece->ask_at = at + BERT__STRETCH;
    return bert__watch_goes_on(piece->watch);
}

/* Make what the piece holds its `in`, and the piece empty. */
void bert__piece_turn(struct bert__piece *piece);
/* Put it aside, in exchange for what is there. */
void bert__piece_set_aside(struct bert__piece *piece, struct bert__layer *aside);
/* After a stage that noted places in `in`: make them places in the source again. */
void bert__piece_trace(struct bert__piece *piece);

/* To be asked now and then within a long word.  False: it is to end, and `taker` knows why. */
static inline bool bert__work_goes_on(struct bert__work *work)
{
    return work->ask == NULL || work->ask(work->taker);
}

/* Tokens of a word so far, which are final, need not wait for the rest of it where they are many.
 * False: whoever takes them fails, and knows why. */
static inline bool bert__tokens_pass(struct bert__work *work)
{
    return work->tokens.n < BERT__TOKENS_MANY || work->take == NULL || work->take(work->taker);
}

/* Make room for `more` bytes of the piece. */
bool bert__piece_grow(struct bert__piece *piece, size_t more);

static inline bool bert__piece_room(struct bert__piece *piece, size_t more)
{
    if (piece->cap - piece->size >= more
        && (!piece->want_from || piece->from_cap - piece->size >= more))
        return true;
    return bert__piece_grow(piece, more);
}

/* Append bytes, with room for them, that came from `from`: all from one character, */
static inline void bert__piece_put(struct bert__piece *piece, const char *bytes, size_t n,
                                   size_t from)
{
    char *to = piece->bytes + piece->size;

    for (size_t i = 0; i < n; i++)
        to[i] = bytes[i];
    if (piece->want_from) {
        for (size_t i = 0; i < n; i++)
            piece->from[piece->size + i] = (uint32_t)from;
    }
    piece->size += n;
}

/* or each from its own place. */
static inline void bert__piece_copy(struct bert__piece *piece, const char *bytes, size_t n,
                                    size_t from)
{
    memcpy(piece->bytes + piece->size, bytes, n);
    if (piece->want_from) {
        for (size_t i = 0; i < n; i++)
            piece->from[piece->size + i] = (uint32_t)(from + i);
    }
    piece->size += n;
}

static inline bool bert__word_add(struct bert__work *work, size_t begin, size_t end)
{
    struct bert__words *w = &work->words;

    if (w->n == w->cap
        && !bert__reserve(work->alloc, &w->items, &w->cap, w->n + 1, sizeof *w->items))
        return false;
    w->items[w->n].begin = (uint32_t)begin;
    w->items[w->n++].end = (uint32_t)end;
    return true;
}

static inline bool bert__token_add(struct bert__work *work, int32_t id, size_t begin, size_t end,
                                   size_t word)
{
    struct bert__tokens *t = &work->tokens;

    if (t->n == t->cap
        && !bert__reserve(work->alloc, &t->items, &t->cap, t->n + 1, sizeof *t->items))
        return false;
    t->items[t->n++] = (struct bert__token){id, (uint32_t)begin, (uint32_t)end, (uint32_t)word};
    return true;
}

#endif
