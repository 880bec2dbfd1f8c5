/* SPDX-License-Identifier: MIT */
/* scratch.c - one caller's buffers. */
#include "tokenizer/scratch.h"

#include "lib/base/error.h"

enum {
    KEEP_BYTES = 4 << 20, /* larger buffers, of a huge text, don't stay */
    /* A stretch's share of each buffer, taken at once so that ordinary text needs no more:
     * powers of two, as bert__reserve() grows. */
    PIECE_BYTES = 8 * BERT__STRETCH, /* normalising makes at most 6 bytes of one */
    WORDS = BERT__STRETCH,
    TOKENS = 2 * BERT__STRETCH,
    MARKS = BERT__STRETCH,
    JOINED_BYTES = 4 * BERT__STRETCH,
    BOOKKEEPING = 1024 /* of the allocator, for all of these */
};

size_t bert__token_scratch_least(const bert_tokenizer *tok)
{
    return sizeof(struct bert__token_scratch) + 2 * PIECE_BYTES
           + 2 * WORDS * sizeof(struct bert__word) + TOKENS * sizeof(struct bert__token)
           + 2 * MARKS * sizeof(struct bert__mark) + JOINED_BYTES + BOOKKEEPING
           + (tok != NULL ? bert__token_model_least(&tok->model) : 0);
}

bool bert__token_scratch_reserve(struct bert__token_scratch *s, const bert_tokenizer *tok)
{
    struct bert__work *w = &s->work;
    struct bert__piece *p = &w->piece;

    s->reserved_for = tok;
    return bert__reserve(s->alloc, &p->bytes, &p->cap, PIECE_BYTES, 1)
           && bert__reserve(s->alloc, &p->in.bytes, &p->in.cap, PIECE_BYTES, 1)
           && bert__reserve(s->alloc, &w->words.items, &w->words.cap, WORDS, sizeof *w->words.items)
           && bert__reserve(s->alloc, &w->before.items, &w->before.cap, WORDS,
                            sizeof *w->before.items)
           && bert__reserve(s->alloc, &w->tokens.items, &w->tokens.cap, TOKENS,
                            sizeof *w->tokens.items)
           && bert__reserve(s->alloc, &p->run, &p->run_cap, MARKS, sizeof *p->run)
           && bert__reserve(s->alloc, &p->sorted, &p->sorted_cap, MARKS, sizeof *p->sorted)
           && bert__reserve(s->alloc, &s->joined, &s->joined_cap, JOINED_BYTES, 1)
           && bert__token_model_reserve(&tok->model, &w->model);
}

void bert__token_scratch_trim(struct bert__token_scratch *s)
{
    if (bert__token_scratch_bytes(s) <= KEEP_BYTES)
        return;
    bert__work_free(&s->work);
    bert__alloc_free(s->alloc, s->joined);
    s->joined = NULL;
    s->joined_cap = 0;
    if (s->reserved_for != NULL)
        bert__token_scratch_reserve(
            s, s->reserved_for); /* what this can't get is got when it is needed */
}

bert_status bert__token_scratch_create(struct bert__token_scratch **out, struct bert__alloc *alloc,
                                       bert_error *err)
{
    struct bert__token_scratch *s = bert__alloc_array(alloc, 1, sizeof *s);

    *out = s;
    if (s == NULL)
        return bert__alloc_fail(alloc, "tokenizer buffers", err);
    s->alloc = alloc;
    bert__work_init(&s->work, alloc);
    return BERT_OK;
}

void bert__token_scratch_watch(struct bert__token_scratch *s, struct bert__watch *watch)
{
    s->watch = watch;
}

static void free_sequence(struct bert__alloc *alloc, struct bert__sequence *s)
{
    bert__alloc_free(alloc, s->ids);
    bert__alloc_free(alloc, s->offsets);
    bert__alloc_free(alloc, s->words);
    bert__alloc_free(alloc, s->surfaces);
    bert__alloc_free(alloc, s->surface_text);
}

void bert__token_scratch_destroy(struct bert__token_scratch *s)
{
    if (s == NULL)
        return;
    bert__work_free(&s->work);
    free_sequence(s->alloc, &s->sequences[0]);
    free_sequence(s->alloc, &s->sequences[1]);
    bert__alloc_free(s->alloc, s->joined);
    bert__alloc_free(s->alloc, s);
}

size_t bert__token_scratch_bytes(const struct bert__token_scratch *s)
{
    size_t bytes = bert__work_bytes(&s->work) + s->joined_cap;

    for (int i = 0; i < 2; i++) {
        const struct bert__sequence *q = &s->sequences[i];

        bytes += q->ids_cap * sizeof *q->ids + q->offsets_cap * sizeof *q->offsets
                 + q->words_cap * sizeof *q->words + q->surfaces_cap * sizeof *q->surfaces
                 + q->surface_cap;
    }
    return bytes;
}

/* Where a thread looks first: stacks lie apart. */
static unsigned first_spare(void)
{
    char here = 0;
    uintptr_t at = (uintptr_t)&here;

    return (unsigned)(at >> 12 ^ at >> 20) % BERT__SPARES;
}

bert_status bert__tokenizer_take(const bert_tokenizer *tok, struct bert__token_scratch **out,
                                 bert_error *err)
{
    bert_tokenizer *t = (bert_tokenizer *)tok; /* `spares` is no part of what it is */
    unsigned first = first_spare();

    for (unsigned i = 0; i < BERT__SPARES; i++) {
        _Atomic(struct bert__token_scratch *) *spare = &t->spares[(first + i) % BERT__SPARES];

        if (atomic_load_explicit(spare, memory_order_relaxed) == NULL)
            continue;
        *out = atomic_exchange_explicit(spare, NULL, memory_order_acquire);
        if (*out != NULL)
            return BERT_OK;
    }
    return bert__token_scratch_create(out, tok->alloc, err);
}

void bert__tokenizer_give(const bert_tokenizer *tok, struct bert__token_scratch *s)
{
    bert_tokenizer *t = (bert_tokenizer *)tok;
    unsigned first = first_spare();

    for (unsigned i = 0; bert__token_scratch_bytes(s) <= KEEP_BYTES && i < BERT__SPARES; i++) {
        struct bert__token_scratch *none = NULL;

        if (atomic_compare_exchange_strong_explicit(&t->spares[(first + i) % BERT__SPARES], &none,
                                                    s, memory_order_release, memory_order_relaxed))
            return;
    }
    bert__token_scratch_destroy(s);
}
