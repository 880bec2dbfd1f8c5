/* SPDX-License-Identifier: MIT */
/*
 * unigram.c - the best way through a word, piece by piece.
 *
 * For every position the best sum of scores of pieces that lead there, from left to right;
 * a later way wins only if it is strictly better.  Sums are doubles, added in the same order
 * as the reference adds them, so that ties fall alike.
 */
#include "tokenizer/unigram.h"

#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/cached.h"
#include "tokenizer/lattice.h"

enum {
    WINDOW = 4096, /* of the lattice */
    SOME = 512,    /* the same, where the first tokens may be enough */
    ROOM = 2 * WINDOW
};

/* ---- Output ------------------------------------------------------------------ */

struct output {
    const struct bert__unigram *model;
    struct bert__work *work;
    uint32_t word;
    uint32_t begin;       /* of the word in the piece */
    uint32_t unknown, at; /* unknown characters that wait to be fused: [unknown, at) */
};

/* Unknown characters side by side are one token; its bytes, where all have tokens. */
static bool flush(struct output *o)
{
    const struct bert__unigram *m = o->model;
    uint32_t begin = o->unknown, size = o->at - begin;
    const char *s = o->work->piece.bytes + begin;
    const struct bert__vocab_entry *e;
    bool known = m->byte_fallback;

    if (size == 0)
        return true;
    o->unknown = o->at;
    e = bert__vocab_find(m->vocab, s, size); /* fused they may be a piece */
    if (e != NULL)
        return bert__token_add(o->work, e->id, begin, begin + size, o->word);
    for (uint32_t i = 0; known && i < size; i++)
        known = m->fallback[(unsigned char)s[i]] >= 0;
    if (!known)
        return bert__token_add(o->work, m->unk_id, begin, begin + size, o->word);
    for (uint32_t i = 0; i < size; i++) {
        s = o->work->piece.bytes + begin;
        if (!bert__token_add(o->work, m->fallback[(unsigned char)s[i]], begin, begin + size,
                             o->word))
            return false;
    }
    return true;
}

static bool add(struct output *o, int32_t id, uint32_t begin, uint32_t end)
{
    if (id == o->model->unk_id) {
        o->at = o->begin + end;
        return true;
    }
    if (!flush(o))
        return false;
    o->unknown = o->at = o->begin + end;
    return bert__token_add(o->work, id, o->begin + begin, o->begin + end, o->word);
}

/* Hand out the best way to p, a position in the word. */
static bool hand_out(struct output *o, struct bert__lattice *l, uint32_t p)
{
    uint32_t at = l->base, next = bert__lattice_turn(l, at, p);

    while (at < p) {
        const struct bert__lattice_node *node = bert__lattice_at(l, next);

        if (!add(o, node->id, at, next))
            return false;
        at = next;
        next = node->next;
    }
    return true;
}

/* ---- The lattice --------------------------------------------------------------- */

/* A way from `from` by a piece, if it is the first or better; without a branch, which would often
 * guess wrong. */
static inline void offer(struct bert__lattice_node *node, double score, uint32_t from, int32_t id)
{
    uint64_t link = bert__lattice_link(from, id), kept = node->link;
    double old = node->score; /* not a number: none yet */

    node->link = kept ^ ((kept ^ link) & ((uint64_t)(score <= old) - 1));
    node->score = old > score ? old : score;
}

/* The pieces that begin at s, of the last n bytes, and are longer than what was walked. */
static void extend_far(const struct bert__unigram *m, const char *s, uint32_t n, uint32_t v,
                       uint32_t at, struct bert__lattice_node *nodes)
{
    const struct bert__unigram_trie *t = &m->trie;
    double till = nodes[0].score;
    uint32_t i = BERT__UNIGRAM_DEPTH + 1;

    for (;; i++) {
        const struct bert__unigram_node *node = &t->nodes[v];

        if (node->id >= 0)
            offer(&nodes[i], node->score + till, at, node->id);
        if (i == n || !bert__unigram_child(t, v, (uint8_t)s[i], &v))
            break;
    }
}

/* Offer the pieces of a lane, which begin at position `at`, to the nodes from there on. */
static void extend(const struct bert__unigram *m, const struct bert__unigram_lane *lane,
                   uint32_t at, struct bert__lattice_node *nodes)
{
    double till = nodes[0].score;

    for (uint32_t sizes = lane->sizes; sizes != 0; sizes &= sizes - 1) {
        uint32_t size = (uint32_t)__builtin_ctz(sizes);
        const struct bert__unigram_node *node = &m->trie.nodes[lane->way[size]];

        offer(&nodes[size], node->score + till, at, node->id);
    }
    if (!(lane->sizes >> lane->one & 1))
        offer(&nodes[lane->one], m->unk_score + till, at, m->unk_id);
}

static uint32_t least(uint32_t a, uint64_t b)
{
    return b < a ? (uint32_t)b : a;
}

static bool is_enough(const struct output *o)
{
    return o->work->wanted > 0 && o->work->tokens.n >= o->work->wanted;
}

/* Hand out what is settled of the ways to `at` and beyond. */
static bool settle(struct output *o, struct bert__lattice *l, uint32_t at)
{
    uint32_t p = bert__lattice_settled(l, at, l->cleared);

    if (!hand_out(o, l, p))
        return false;
    bert__lattice_move(l, p);
    return true;
}

static bool best_way(const struct bert__unigram *m, struct output *o, const char *s, uint32_t n)
{
    struct bert__unigram_lane lanes[BERT__UNIGRAM_LANES];
    struct bert__lattice l;
    uint32_t asked = 0;

    if (!bert__lattice_init(&l, &o->work->model, o->work->wanted > 0 ? SOME : WINDOW))
        return false;
    for (uint32_t at = 0; at < n;) {
        uint32_t count = bert__unigram_walk(&m->trie, s + at, n - at, lanes), base = at;

        if (at - asked >= WINDOW) {
            if (!bert__work_goes_on(o->work))
                return false;
            asked = at;
        }
        if (bert__lattice_is_full(&l, at)) {
            if (!settle(o, &l, at))
                return false;
            if (is_enough(o))
                return true;
        }
        if (!bert__lattice_reach(&l, least(n, (uint64_t)at + lanes[count - 1].at + m->longest)))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            at = base + lanes[i].at;
            extend(m, &lanes[i], at, bert__lattice_at(&l, at));
            if (lanes[i].v != BERT__TRIE_NONE)
                extend_far(m, s + at, n - at, lanes[i].v, at, bert__lattice_at(&l, at));
        }
        at += lanes[count - 1].one;
    }
    return hand_out(o, &l, n) && flush(o);
}

/* ---- Words ------------------------------------------------------------------- */

static bool run_word(const void *model, struct bert__work *work, size_t i)
{
    struct bert__word w = work->words.items[i];
    struct output o = {model, work, (uint32_t)i, w.begin, w.begin, w.begin};

    return best_way(model, &o, work->piece.bytes + w.begin, w.end - w.begin);
}

bool bert__unigram_run(const struct bert__unigram *m, struct bert__work *work)
{
    return bert__cached_words(m, work, run_word);
}

bool bert__unigram_reserve(const struct bert__unigram *m, struct bert__model_scratch *x)
{
    return bert__cache_own(x, m)
           && bert__reserve(x->alloc, &x->lattice, &x->lattice_cap, ROOM, sizeof *x->lattice);
}

size_t bert__unigram_least(void)
{
    return BERT__CACHE_WORDS * sizeof(struct bert__cached_word)
           + ROOM * sizeof(struct bert__lattice_node);
}

/* ---- Tables ------------------------------------------------------------------ */

/* Of pieces of one text the last is the one that is found. */
static bool is_last(const struct bert__vocab *v, const struct bert__vocab_entry *e)
{
    return !v->repeated || bert__vocab_find(v, e->data, e->size) == e;
}

bert_status bert__unigram_build(struct bert__unigram *m, bert_error *err)
{
    const struct bert__vocab *v = m->vocab;
    struct bert__trie_key *keys = bert__alloc_items(m->alloc, v->n, sizeof *keys);
    uint32_t n = 0;
    bool done = false;

    for (uint32_t i = 0; keys != NULL && i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        m->longest = e->size > m->longest ? e->size : m->longest;
        if (e->size > 0 && is_last(v, e))
            keys[n++] = (struct bert__trie_key){e->data, e->size, e->id, {0}};
    }
    if (keys != NULL)
        done = bert__unigram_trie_build(&m->trie, m->alloc, keys, n, m->scores);
    bert__alloc_free(m->alloc, keys);
    bert__alloc_free(m->alloc, m->scores); /* they are in the trie */
    m->scores = NULL;
    return done ? BERT_OK : bert__alloc_fail(m->alloc, "the pieces of a tokenizer", err);
}

void bert__unigram_init(struct bert__unigram *m, struct bert__alloc *alloc,
                        const struct bert__vocab *vocab, double *scores, int32_t unk_id,
                        bool byte_fallback)
{
    double lowest = scores[0];

    *m = (struct bert__unigram){.alloc = alloc,
                                .vocab = vocab,
                                .scores = scores,
                                .unk_id = unk_id,
                                .longest = 4, /* an unknown character */
                                .byte_fallback = byte_fallback};
    for (uint32_t i = 1; i < vocab->n; i++)
        lowest = scores[i] < lowest ? scores[i] : lowest;
    m->unk_score = lowest - 10;
    for (unsigned c = 0; c < 256; c++) {
        const struct bert__vocab_entry *e;
        char name[8];

        snprintf(name, sizeof name, "<0x%02X>", c);
        e = byte_fallback ? bert__vocab_find(vocab, name, strlen(name)) : NULL;
        m->fallback[c] = e != NULL ? e->id : -1;
    }
}

void bert__unigram_free(struct bert__unigram *m)
{
    if (m->alloc == NULL)
        return;
    bert__unigram_trie_free(&m->trie);
    bert__alloc_free(m->alloc, m->scores);
    *m = (struct bert__unigram){0};
}
