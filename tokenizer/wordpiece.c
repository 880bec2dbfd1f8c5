/* SPDX-License-Identifier: MIT */
/*
 * wordpiece.c - matching words against the vocabulary.
 *
 * A word is its longest prefix in the vocabulary, then the longest continuation, and
 * so on; if one is missing, the whole word is unknown.  Most words are one token: a
 * look-up by hash.  For the others there are two tries, of first tokens and of
 * continuations, whose nodes know what to do when no child fits ("Fast WordPiece
 * Tokenization", Song et al. 2021): the tokens that the bytes so far come to (pops),
 * and the node of the continuation trie that stands for the bytes left over (fail).
 * So no byte is read twice, whatever the vocabulary and the word.
 */
#include "tokenizer/wordpiece.h"

#include "tokenizer/wordpiece_trie.h"

/* Tokens of pops that end at cell `last`, written so that the last stands at t[n - 1]. */
static void write_pops(const struct bert__wordpiece *m, uint32_t last, uint32_t n,
                       struct bert__token *t)
{
    while (n-- > 0) {
        t[n].id = m->pops[last].id;
        t[n].end = m->pops[last].size;
        last = m->pops[last].previous;
    }
}

/* Append the tokens of node v; they begin at *at. */
static bool emit(const struct bert__wordpiece *m, struct bert__work *work, uint32_t v, uint32_t *at,
                 uint32_t word)
{
    const struct bert__wp_node *node = &m->nodes[v];
    struct bert__tokens *out = &work->tokens;
    struct bert__token *t;

    if (!bert__reserve(work->alloc, &out->items, &out->cap, out->n + node->n_pops, sizeof *t))
        return false;
    t = out->items + out->n;
    write_pops(m, node->pops, node->n_pops, t);
    for (uint32_t i = 0; i < node->n_pops; i++) {
        t[i].word = word;
        t[i].begin = *at;
        *at += t[i].end; /* until here its length */
        t[i].end = *at;
    }
    out->n += node->n_pops;
    return true;
}

enum match { MATCHED, UNKNOWN, NO_MEMORY };

/* Go on from v by what is left over of it. */
static enum match fail(const struct bert__wordpiece *m, struct bert__work *work, uint32_t *v,
                       uint32_t *at, uint32_t word)
{
    uint32_t next = m->nodes[*v].fail;

    if (next == BERT__WP_NONE)
        return UNKNOWN;
    if (!emit(m, work, *v, at, word))
        return NO_MEMORY;
    *v = next;
    return MATCHED;
}

static enum match match(const struct bert__wordpiece *m, struct bert__work *work, uint32_t word)
{
    const struct bert__word *w = &work->words.items[word];
    const char *s = work->piece.bytes;
    uint32_t v = BERT__WP_FIRST, at = w->begin, child;
    enum match r;

    for (uint32_t i = w->begin; i < w->end; i++) {
        while ((child = bert__wp_child(m, v, (uint8_t)s[i])) == BERT__WP_NONE) {
            r = fail(m, work, &v, &at, word);
            if (r != MATCHED)
                return r;
        }
        v = child;
    }
    while (v != BERT__WP_NEXT) {
        r = fail(m, work, &v, &at, word);
        if (r != MATCHED)
            return r;
    }
    return MATCHED;
}

/* More than m->max_chars code points? */
static bool too_long(const struct bert__wordpiece *m, const char *s, size_t size)
{
    uint64_t chars = 0;

    if (size <= m->max_chars)
        return false;
    for (size_t i = 0; i < size; i++)
        chars += (s[i] & 0xC0) != 0x80;
    return chars > m->max_chars;
}

static bool run_word(const struct bert__wordpiece *m, struct bert__work *work, uint32_t word)
{
    struct bert__word w = work->words.items[word];
    const char *s = work->piece.bytes + w.begin;
    const struct bert__vocab_entry *whole;
    size_t before = work->tokens.n;
    enum match r = UNKNOWN;

    if (!too_long(m, s, w.end - w.begin)) {
        whole = bert__vocab_find(m->vocab, s, w.end - w.begin);
        if (whole != NULL)
            return bert__token_add(work, whole->id, w.begin, w.end, word);
        r = match(m, work, word);
    }
    if (r == MATCHED)
        return true;
    if (r == NO_MEMORY)
        return false;
    work->tokens.n = before;
    return bert__token_add(work, m->unk_id, w.begin, w.end, word);
}

bool bert__wordpiece_run(const struct bert__wordpiece *m, struct bert__work *work)
{
    for (size_t i = 0; i < work->words.n; i++) {
        if (!run_word(m, work, (uint32_t)i))
            return false;
    }
    return true;
}
