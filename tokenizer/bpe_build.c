/* SPDX-License-Identifier: MIT */
/* bpe_build.c - the tables of BPE from a vocabulary and its merges. */
#include <stdio.h>

#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/bpe_path.h"

struct builder {
    struct bert__bpe *m;
    const char *what;
    bert_error *err;
    char *text; /* of the token that a merge makes */
    size_t text_cap;
};

static bert_status no_memory(const struct builder *b)
{
    return bert__alloc_fail(b->m->alloc, b->what, b->err);
}

/* ---- Bytes ------------------------------------------------------------------- */

/* The bytes that a token of the byte alphabet stands for; false if it holds anything else. */
static bool to_raw(const struct bert__vocab_entry *e, char *out, size_t *n)
{
    size_t len;

    *n = 0;
    for (size_t i = 0; i < e->size; i += len) {
        int byte = bert__alphabet_to_byte(bert__utf8_next(e->data + i, e->size - i, &len));

        if (byte < 0)
            return false;
        out[(*n)++] = (char)byte;
    }
    return true;
}

static bert_status build_raw(struct builder *b)
{
    const struct bert__vocab *v = b->m->vocab;
    size_t longest = 0;

    if (!bert__vocab_init(&b->m->raw, b->m->alloc, v->n, v->text_used))
        return no_memory(b);
    for (uint32_t i = 0; i < v->n; i++)
        longest = v->entries[i].size > longest ? v->entries[i].size : longest;
    if (!bert__reserve(b->m->alloc, &b->text, &b->text_cap, longest, 1))
        return no_memory(b);
    for (uint32_t i = 0; i < v->n; i++) {
        size_t n;

        if (to_raw(&v->entries[i], b->text, &n))
            bert__vocab_add(&b->m->raw, (bert_text){b->text, n}, v->entries[i].id);
    }
    b->m->words = &b->m->raw;
    return BERT_OK;
}

static void build_single(struct bert__bpe *m)
{
    unsigned n = m->options.byte_level ? 256 : 128;

    for (unsigned place = 0; place < 4; place++) {
        for (unsigned c = 0; c < n; c++) {
            char byte = (char)c;

            m->single[place][c] = bert__bpe_character(m, &byte, 1, place);
            if (m->options.byte_level && m->single[place][c] < 0)
                m->odd = true;
        }
    }
}

static void build_fallback(struct bert__bpe *m)
{
    for (unsigned c = 0; c < 256; c++) {
        char name[8];
        const struct bert__vocab_entry *e;

        snprintf(name, sizeof name, "<0x%02X>", c);
        e = m->options.byte_fallback ? bert__vocab_find(m->vocab, name, strlen(name)) : NULL;
        m->fallback[c] = e != NULL ? e->id : -1;
    }
}

/* ---- Merges ------------------------------------------------------------------ */

static bert_status find(const struct builder *b, size_t i, bert_text token, int32_t *id)
{
    const struct bert__vocab_entry *e = NULL;
    char name[84];

    if (token.size <= UINT32_MAX)
        e = bert__vocab_find(b->m->vocab, token.data, token.size);
    if (e == NULL)
        return bert__fail(b->err, BERT_EFORMAT,
                          "%s: merge %zu: token \"%s\" is not in the vocabulary", b->what, i + 1,
                          bert__printable(name, token.data, token.size));
    *id = e->id;
    return BERT_OK;
}

/* The text that both make: the prefix of the second goes. */
static bert_status join(struct builder *b, size_t i, const struct bert__bpe_merge *merge,
                        bert_text *out)
{
    size_t cut = b->m->options.prefix.size, size;

    if (merge->right.size < cut
        || (merge->right.size > cut && ((unsigned char)merge->right.data[cut] & 0xC0) == 0x80))
        return bert__fail(b->err, BERT_EFORMAT,
                          "%s: merge %zu: the second token doesn't begin with the prefix", b->what,
                          i + 1);
    if (!bert__size_add(merge->left.size, merge->right.size - cut, &size)
        || !bert__reserve(b->m->alloc, &b->text, &b->text_cap, size, 1))
        return no_memory(b);
    if (merge->left.size > 0)
        memcpy(b->text, merge->left.data, merge->left.size);
    if (merge->right.size > cut)
        memcpy(b->text + merge->left.size, merge->right.data + cut, merge->right.size - cut);
    *out = (bert_text){b->text, size};
    return BERT_OK;
}

/* A pair that is listed twice has the last rank. */
static void add_pair(struct bert__bpe *m, int32_t left, int32_t right, int32_t rank, int32_t into)
{
    int32_t known = bert__bpe_rank(m, left, right);
    uint64_t h = bert__bpe_hash(m, left, right), i = h & m->mask;

    while (m->slots[i].rank != known)
        i = (i + 1) & m->mask;
    m->slots[i] = (struct bert__bpe_slot){(uint32_t)(h >> 32), rank};
    m->filter[h >> 38 & m->filter_mask] |= (uint64_t)1 << (h >> 32 & 63);
    m->pairs[rank] = (struct bert__bpe_pair){left, right, into};
}

static bert_status add_merge(struct builder *b, size_t i, const struct bert__bpe_merge *merge)
{
    bert_text text;
    int32_t left, right, into;
    bert_status status = find(b, i, merge->left, &left);

    if (status == BERT_OK)
        status = find(b, i, merge->right, &right);
    if (status == BERT_OK)
        status = join(b, i, merge, &text);
    if (status == BERT_OK)
        status = find(b, i, text, &into);
    if (status == BERT_OK)
        add_pair(b->m, left, right, (int32_t)i, into);
    return status;
}

static bert_status build_pairs(struct builder *b, size_t n)
{
    struct bert__bpe *m = b->m;
    size_t slots = 16;

    if (n > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(b->err, BERT_ELIMIT, "%s: %zu merges", b->what, n);
    while (slots < n * 2)
        slots *= 2;
    m->pairs = bert__alloc_items(m->alloc, n, sizeof *m->pairs);
    m->slots = bert__alloc_items(m->alloc, slots, sizeof *m->slots);
    m->filter_mask = slots / 8 - 1; /* eight bits a slot: at least sixteen a pair */
    m->filter = bert__alloc_array(m->alloc, slots / 8, sizeof *m->filter);
    if (m->pairs == NULL || m->slots == NULL || m->filter == NULL)
        return no_memory(b);
    for (size_t i = 0; i < slots; i++)
        m->slots[i].rank = BERT__BPE_NEVER;
    m->mask = slots - 1;
    m->seed = bert__mix((uint64_t)(uintptr_t)m->slots, UINT64_C(0x9E3779B97F4A7C15));
    return BERT_OK;
}

/* ---- Whole words --------------------------------------------------------------- */

/* Does merging the entry's text come to the entry? */
static bool is_whole(const struct bert__bpe *m, const struct bert__vocab_entry *e,
                     struct bert__model_scratch *x, bool *ok)
{
    if (m->made != NULL)
        return m->made[e->id].rank != BERT__BPE_NEVER;
    if (e->size == 0 || e->size > 4 * BERT__BPE_SHORT)
        return false;
    *ok = bert__bpe_read(m, e->data, e->size, x);
    return *ok && x->n_symbols <= BERT__BPE_SHORT
           && bert__bpe_merge_short(m, x->symbols, x->n_symbols) == 1 && x->symbols[0].id == e->id
           && x->symbols[0].size == e->size;
}

static bert_status build_whole(struct builder *b)
{
    struct bert__bpe *m = b->m;
    struct bert__model_scratch x = {.alloc = m->alloc};
    bool ok = true;

    m->whole = bert__alloc_array(m->alloc, m->words->n, 1);
    if (m->whole == NULL)
        return no_memory(b);
    if (m->affix || (m->odd && m->made == NULL))
        return BERT_OK;
    for (uint32_t i = 0; i < m->words->n && ok; i++)
        m->whole[i] = is_whole(m, &m->words->entries[i], &x, &ok);
    bert__model_scratch_free(&x);
    return ok ? BERT_OK : no_memory(b);
}

bert_status bert__bpe_init(struct bert__bpe *m, struct bert__alloc *alloc,
                           const struct bert__vocab *vocab, const struct bert__bpe_options *options,
                           struct bert__bpe_merge (*next)(const void *list, size_t i),
                           const void *list, size_t n, const char *what, bert_error *err)
{
    struct builder b = {.m = m, .what = what, .err = err};
    bert_status status = BERT_OK;

    *m = (struct bert__bpe){.alloc = alloc, .vocab = vocab, .words = vocab, .options = *options};
    m->affix = options->prefix.size > 0 || options->suffix.size > 0;
    if (options->byte_level)
        status = build_raw(&b);
    if (status == BERT_OK)
        status = build_pairs(&b, n);
    for (size_t i = 0; status == BERT_OK && i < n; i++) {
        struct bert__bpe_merge merge = next(list, i);

        status = bert__alloc_goes_on_at(alloc, i) ? add_merge(&b, i, &merge) : no_memory(&b);
    }
    if (status == BERT_OK) {
        build_single(m);
        build_fallback(m);
        status = bert__bpe_path_init(m, n) ? build_whole(&b) : no_memory(&b);
    }
    bert__alloc_free(alloc, b.text);
    return status;
}

void bert__bpe_free(struct bert__bpe *m)
{
    if (m->alloc == NULL)
        return;
    bert__vocab_free(&m->raw);
    bert__bpe_path_free(m);
    bert__alloc_free(m->alloc, m->whole);
    bert__alloc_free(m->alloc, m->pairs);
    bert__alloc_free(m->alloc, m->slots);
    bert__alloc_free(m->alloc, m->filter);
    *m = (struct bert__bpe){0};
}
