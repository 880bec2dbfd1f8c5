/* SPDX-License-Identifier: MIT */
/* cached.c - words through the caller's cache. */
#include "tokenizer/cached.h"

/* Append the tokens of a kept word. */
static bool replay(struct bert__work *work, const struct bert__cached_word *c, size_t i)
{
    struct bert__word w = work->words.items[i];
    uint32_t begin = w.begin;

    for (unsigned k = 0; k < c->n; k++) {
        uint32_t end = k + 1 < c->n ? w.begin + c->ends[k] : w.end;

        if (!bert__token_add(work, c->ids[k], begin, end, i))
            return false;
        begin = end;
    }
    return true;
}

/* Keep the word whose tokens are the last n of the work, where they fit side by side. */
static void keep(struct bert__cached_word *c, const uint64_t key[3], const struct bert__work *work,
                 struct bert__word w, size_t n)
{
    const struct bert__token *t;

    if (n == 0 || n > BERT__CACHE_TOKENS)
        return;
    t = work->tokens.items + (work->tokens.n - n);
    if (t[n - 1].end != w.end)
        return;
    for (size_t k = 0; k + 1 < n; k++) {
        if (t[k].end != t[k + 1].begin)
            return;
    }
    memcpy(c->key, key, sizeof c->key);
    c->size = (uint8_t)(w.end - w.begin);
    c->n = (uint8_t)n;
    for (size_t k = 0; k < n; k++) {
        c->ids[k] = t[k].id;
        if (k + 1 < n)
            c->ends[k] = (uint8_t)(t[k].end - w.begin);
    }
}

bool bert__cached_words(const void *model, struct bert__work *work, bert__word_fn *run)
{
    struct bert__model_scratch *x = &work->model;

    if (!bert__cache_own(x, model))
        return false;
    for (size_t i = 0; i < work->words.n; i++) {
        struct bert__word w = work->words.items[i];
        size_t size = w.end - w.begin, before = work->tokens.n;
        struct bert__cached_word *c;
        uint64_t key[3];

        if (size - 1 >= BERT__CACHE_BYTES) { /* or empty */
            if (!run(model, work, i))
                return false;
            continue;
        }
        bert__cache_key(work->piece.bytes + w.begin, size, key);
        c = bert__cache_at(x, key, size);
        if (bert__cache_is(c, key, size)) {
            if (!replay(work, c, i))
                return false;
            continue;
        }
        if (!run(model, work, i))
            return false;
        keep(c, key, work, w, work->tokens.n - before);
    }
    return true;
}
