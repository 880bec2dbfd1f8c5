/* SPDX-License-Identifier: MIT */
/* bpe.c - words to tokens: by the cache, by look-up or search where merging comes to the same, or
 * by merging. */
#include "tokenizer/bpe.h"

#include "tokenizer/bpe_merge.h"
#include "tokenizer/bpe_path.h"
#include "tokenizer/cached.h"

enum { AHEAD = 16 /* bytes for each token that is wanted, from where on a word is long */ };

/* Where the tokens of a word go. */
struct output {
    const struct bert__bpe *model;
    struct bert__work *work;
    uint32_t word;
    uint32_t begin, end; /* of the word */
    uint64_t at;         /* bytes of the word that the tokens so far stand for */
    uint32_t byte;       /* at byte level, with gaps: the byte that holds position `passed` of */
    uint64_t passed;     /* the word's spelling */
};

/* ---- Positions --------------------------------------------------------------- */

/*
 * The reference counts a token's place in the word's spelling in the byte alphabet, where
 * most bytes that are no ASCII letters take two.  That only shows when some byte has no
 * symbol: then the tokens behind it stand too early.  Here the byte that holds position `at`
 * of the spelling; positions come in order.
 */
static uint32_t byte_at(struct output *o, uint64_t at)
{
    const unsigned char *s = (const unsigned char *)o->work->piece.bytes + o->begin;
    uint32_t size = o->end - o->begin;

    while (o->byte + 1 < size) {
        unsigned width = s[o->byte] > 0x20 && s[o->byte] < 0x7F ? 1 : 2;

        if (at < o->passed + width)
            break;
        o->passed += width;
        o->byte++;
    }
    return o->begin + o->byte;
}

/* A prefix or suffix that falls back to bytes stands for text that isn't there: the reference
 * points behind the word, here that is its end. */
static uint32_t clamp(const struct output *o, uint64_t at)
{
    return at < o->end - o->begin ? o->begin + (uint32_t)at : o->end;
}

static bool emit(void *to, int32_t id, size_t bytes)
{
    struct output *o = to;
    uint64_t begin = o->at, end = begin + bytes;
    uint32_t first, last;

    o->at = end;
    if (o->model->odd) {
        first = byte_at(o, begin);
        last = byte_at(o, end - 1) + 1;
    } else {
        first = clamp(o, begin);
        last = clamp(o, end);
        if (first == last)
            first--; /* no word is empty */
    }
    return bert__token_add(o->work, id, first, last, o->word);
}

/* ---- Words ------------------------------------------------------------------- */

static bool merge_word(const struct bert__bpe *m, struct bert__work *work, struct output *o)
{
    struct bert__model_scratch *x = &work->model;
    size_t n;

    if (!bert__bpe_read(m, work->piece.bytes + o->begin, o->end - o->begin, x))
        return false;
    if (x->n_symbols > BERT__BPE_SHORT)
        return bert__bpe_merge_long(m, work, emit, o);
    n = bert__bpe_merge_short(m, x->symbols, x->n_symbols);
    for (size_t i = 0; i < n; i++) {
        if (!emit(o, x->symbols[i].id, x->symbols[i].size))
            return false;
    }
    return true;
}

/* The token that the word is as a whole, if a look-up can tell. */
static const struct bert__vocab_entry *look_up(const struct bert__bpe *m, const char *s, size_t n)
{
    const struct bert__vocab_entry *e = bert__vocab_find(m->words, s, n);

    if (e == NULL || m->options.ignore_merges || m->whole[e - m->words->entries])
        return e;
    return NULL;
}

/* Is a word so long that its first tokens are wanted for themselves? */
static bool is_long(const struct bert__work *work, struct bert__word w)
{
    return work->wanted > 0 && (w.end - w.begin) / AHEAD >= work->wanted;
}

static bool run_word(const void *model, struct bert__work *work, size_t i)
{
    const struct bert__bpe *m = model;
    struct bert__word w = work->words.items[i];
    const struct bert__vocab_entry *e = look_up(m, work->piece.bytes + w.begin, w.end - w.begin);
    struct output o = {m, work, (uint32_t)i, w.begin, w.end, 0, 0, 0};
    bool found = false;

    if (e != NULL)
        return bert__token_add(work, e->id, w.begin, w.end, i);
    if (w.begin == w.end)
        return true;
    if (m->made != NULL && is_long(work, w) && !bert__bpe_first(m, work, w.begin, w.end, i, &found))
        return false;
    if (found)
        return true;
    if (m->made != NULL && !bert__bpe_path(m, work, w.begin, w.end, i, &found))
        return false;
    return found || merge_word(m, work, &o);
}

bool bert__bpe_run(const struct bert__bpe *m, struct bert__work *work)
{
    return bert__cached_words(m, work, run_word);
}

/* Of each buffer, in powers of two, as bert__reserve() grows; a stretch of ordinary text holds no
 * longer words. */
enum {
    WORD = 1024,
    SYMBOLS = 4 * WORD, /* falling back to bytes makes up to four of one */
    RANKS = 2 * WORD,
    DEAD = 128
};

size_t bert__bpe_least(void)
{
    return BERT__CACHE_WORDS * sizeof(struct bert__cached_word)
           + SYMBOLS * sizeof(struct bert__bpe_symbol) + WORD * sizeof(struct bert__bpe_node)
           + RANKS * sizeof(int32_t) + DEAD * sizeof(uint64_t);
}

bool bert__bpe_reserve(const struct bert__bpe *m, struct bert__model_scratch *x)
{
    return bert__cache_own(x, m)
           && bert__reserve(x->alloc, &x->symbols, &x->symbols_cap, SYMBOLS, sizeof *x->symbols)
           && bert__reserve(x->alloc, &x->nodes, &x->nodes_cap, WORD, sizeof *x->nodes)
           && bert__reserve(x->alloc, &x->ranks, &x->ranks_cap, RANKS, sizeof *x->ranks)
           && bert__reserve(x->alloc, &x->dead, &x->dead_cap, DEAD, sizeof *x->dead);
}
