/* SPDX-License-Identifier: MIT */
/*
 * bpe_merge.c - merging: of all pairs in a word the one of the lowest rank, of equal ones the
 * leftmost, becomes one symbol, until none is left that merges.
 *
 * Short words look through all their pairs each time.  Longer ones keep the least ranks in a
 * tree: n log n.  (A heap was slower: half of what it held was stale.)
 */
#include "tokenizer/bpe_merge.h"

/* ---- Symbols ----------------------------------------------------------------- */

size_t bert__byte_to_alphabet(unsigned byte, char out[2])
{
    unsigned cp = byte;

    if (byte <= 0x20)
        cp = 0x100 + byte;
    else if (byte >= 0x7F && byte <= 0xA0)
        cp = 0x121 + (byte - 0x7F);
    else if (byte == 0xAD)
        cp = 0x143;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    out[0] = (char)(0xC0 | cp >> 6);
    out[1] = (char)(0x80 | (cp & 0x3F));
    return 2;
}

int bert__alphabet_to_byte(uint32_t cp)
{
    if ((cp > 0x20 && cp < 0x7F) || (cp > 0xA0 && cp <= 0xFF && cp != 0xAD))
        return (int)cp;
    if (cp >= 0x100 && cp <= 0x120)
        return (int)(cp - 0x100);
    if (cp >= 0x121 && cp <= 0x142)
        return (int)(cp - 0x121 + 0x7F);
    return cp == 0x143 ? 0xAD : -1;
}

size_t bert__bpe_spell(const struct bert__bpe_options *o, const char *s, size_t size,
                       unsigned place, char *out)
{
    size_t n = 0;

    if (place & BERT__BPE_NEXT) {
        memcpy(out, o->prefix.data, o->prefix.size);
        n = o->prefix.size;
    }
    if (o->byte_level) {
        n += bert__byte_to_alphabet((unsigned char)s[0], out + n);
    } else {
        memcpy(out + n, s, size);
        n += size;
    }
    if (place & BERT__BPE_LAST) {
        memcpy(out + n, o->suffix.data, o->suffix.size);
        n += o->suffix.size;
    }
    return n;
}

int32_t bert__bpe_character(const struct bert__bpe *m, const char *s, size_t size, unsigned place)
{
    char text[2 * BERT__BPE_AFFIX + 4];
    const struct bert__vocab_entry *e =
        bert__vocab_find(m->vocab, text, bert__bpe_spell(&m->options, s, size, place, text));

    return e != NULL ? e->id : -1;
}

/* A word that is being read as symbols. */
struct source {
    const char *s;
    uint32_t size;
    uint32_t at;
    uint32_t unknown; /* bytes of unknown characters that wait for the next known one */
};

static bool push(struct bert__model_scratch *x, int32_t id, uint32_t size)
{
    if (x->n_symbols == x->symbols_cap
        && !bert__reserve(x->alloc, &x->symbols, &x->symbols_cap, x->n_symbols + 1,
                          sizeof *x->symbols))
        return false;
    x->symbols[x->n_symbols].id = id;
    x->symbols[x->n_symbols++].size = size;
    return true;
}

/* The bytes of a character that has no symbol, if all have tokens; *done tells. */
static bool fall_back(const struct bert__bpe *m, const char *s, size_t size, unsigned place,
                      struct bert__model_scratch *x, bool *done)
{
    char text[2 * BERT__BPE_AFFIX + 4];
    size_t n = bert__bpe_spell(&m->options, s, size, place, text);

    *done = false;
    for (size_t i = 0; i < n; i++) {
        if (m->fallback[(unsigned char)text[i]] < 0)
            return true;
    }
    *done = true;
    for (size_t i = 0; i < n; i++) {
        if (!push(x, m->fallback[(unsigned char)text[i]], 1))
            return false;
    }
    return true;
}

/* A character that nothing stands for; unknown ones wait, to be fused. */
static bool unknown(const struct bert__bpe *m, struct source *src, uint32_t size,
                    struct bert__model_scratch *x)
{
    if (m->options.unk_id < 0)
        return true;
    if (src->unknown > 0 && !m->options.fuse_unk) {
        if (!push(x, m->options.unk_id, src->unknown))
            return false;
        src->unknown = 0;
    }
    src->unknown += size;
    return true;
}

static uint32_t char_size(const struct bert__bpe *m, unsigned char c)
{
    if (c < 0x80 || m->options.byte_level)
        return 1;
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* One character; m->odd makes the size that of its spelling. */
static bool read_char(const struct bert__bpe *m, struct source *src, struct bert__model_scratch *x)
{
    const char *s = src->s + src->at;
    unsigned char c = (unsigned char)*s;
    uint32_t size = char_size(m, c);
    unsigned place =
        (src->at > 0 ? BERT__BPE_NEXT : 0u) | (src->at + size >= src->size ? BERT__BPE_LAST : 0u);
    int32_t id;
    bool done = false;

    id = c < 0x80 || m->options.byte_level ? m->single[place][c]
                                           : bert__bpe_character(m, s, size, place);
    src->at += size;
    if (m->odd)
        size = c > 0x20 && c < 0x7F ? 1 : 2;
    if (id >= 0) {
        uint32_t before = src->unknown;

        src->unknown = 0;
        return (before == 0 || push(x, m->options.unk_id, before)) && push(x, id, size);
    }
    if (m->options.byte_fallback && !fall_back(m, s, m->odd ? 1 : size, place, x, &done))
        return false;
    return done || unknown(m, src, size, x);
}

bool bert__bpe_read(const struct bert__bpe *m, const char *s, uint32_t size,
                    struct bert__model_scratch *x)
{
    struct source src = {s, size, 0, 0};

    x->n_symbols = 0;
    while (src.at < size) {
        if (!read_char(m, &src, x))
            return false;
    }
    return src.unknown == 0 || push(x, m->options.unk_id, src.unknown);
}

/* ---- Short ------------------------------------------------------------------- */

/* The place of the least of n > 0 numbers, of equal ones the first.  Four runs side by side,
 * since one would wait for each comparison. */
static size_t least_of(const int32_t *ranks, size_t n)
{
    int32_t low[4] = {ranks[0], ranks[0], ranks[0], ranks[0]}, least = ranks[0];
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++)
            low[k] = ranks[i + k] < low[k] ? ranks[i + k] : low[k];
    }
    for (; i < n; i++)
        least = ranks[i] < least ? ranks[i] : least;
    for (size_t k = 0; k < 4; k++)
        least = low[k] < least ? low[k] : least;
    for (i = 0; ranks[i] != least; i++)
        ;
    return i;
}

size_t bert__bpe_merge_short(const struct bert__bpe *m, struct bert__bpe_symbol *s, size_t n)
{
    int32_t ranks[BERT__BPE_SHORT];

    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = bert__bpe_rank(m, s[i].id, s[i + 1].id);
    while (n > 1) {
        size_t best = least_of(ranks, n - 1);

        if (ranks[best] == BERT__BPE_NEVER)
            break;
        s[best].id = m->pairs[ranks[best]].into;
        s[best].size += s[best + 1].size;
        n--;
        memmove(s + best + 1, s + best + 2, (n - best - 1) * sizeof *s);
        memmove(ranks + best, ranks + best + 1, (n - best - 1) * sizeof *ranks);
        if (best > 0)
            ranks[best - 1] = bert__bpe_rank(m, s[best - 1].id, s[best].id);
        if (best + 1 < n)
            ranks[best] = bert__bpe_rank(m, s[best].id, s[best + 1].id);
    }
    return n;
}

/* ---- Long ---------------------------------------------------------------- */

enum { FAN = 16, LEVELS = 8 /* 16^8 symbols */, ASK_STEPS = 4096 };

/* The least rank of every 16 pairs, of every 16 of those, and so on. */
struct tree {
    int32_t *levels[LEVELS];
    unsigned top; /* the level of at most FAN numbers */
};

static size_t padded(size_t n)
{
    return (n + FAN - 1) / FAN * FAN;
}

/* Four numbers in a register; the compilers know what the machine calls it. */
typedef int32_t four __attribute__((vector_size(16)));

static four less(four a, four b)
{
    four mask = a < b;

    return (a & mask) | (b & ~mask);
}

static int32_t least_of_fan(const int32_t *p)
{
    four v[FAN / 4];
    int32_t a, b;

    memcpy(v, p, sizeof v);
    v[0] = less(less(v[0], v[1]), less(v[2], v[3]));
    a = v[0][0] < v[0][1] ? v[0][0] : v[0][1];
    b = v[0][2] < v[0][3] ? v[0][2] : v[0][3];
    return a < b ? a : b;
}

/* Room for n pairs, none of which merges; false: no memory. */
static bool tree_init(struct tree *t, struct bert__model_scratch *x, size_t n)
{
    size_t total = 0, count = n, at = 0;

    do {
        count = padded(count);
        total += count;
        count /= FAN;
    } while (count > 1);
    if (!bert__reserve(x->alloc, &x->ranks, &x->ranks_cap, total, sizeof *x->ranks))
        return false;
    for (size_t i = 0; i < total; i++)
        x->ranks[i] = BERT__BPE_NEVER;
    t->top = 0;
    for (count = padded(n);; count = padded(count / FAN)) {
        t->levels[t->top] = x->ranks + at;
        at += count;
        if (count <= FAN)
            return true;
        t->top++;
    }
}

/* Level 0 is filled: the others from it. */
static void tree_build(struct tree *t, size_t n)
{
    size_t count = padded(n) / FAN;

    for (unsigned level = 1; level <= t->top; level++) {
        for (size_t i = 0; i < count; i++)
            t->levels[level][i] = least_of_fan(t->levels[level - 1] + i * FAN);
        count = padded(count) / FAN;
    }
}

static void tree_set(struct tree *t, size_t i, int32_t rank)
{
    int32_t old = t->levels[0][i];

    t->levels[0][i] = rank;
    for (unsigned level = 1; level <= t->top; level++) {
        int32_t *above = &t->levels[level][i / FAN], was = *above;

        if (rank > was && old > was)
            return; /* neither is the least */
        *above = rank < was ? rank : least_of_fan(t->levels[level - 1] + i / FAN * FAN);
        if (*above == was)
            return;
        old = was;
        rank = *above;
        i /= FAN;
    }
}

/* The first pair of the least rank, which is BERT__BPE_NEVER when none merges. */
static size_t tree_least(const struct tree *t, int32_t *rank)
{
    size_t i = 0;

    *rank = least_of_fan(t->levels[t->top]);
    for (unsigned level = t->top + 1; level-- > 0;) {
        const int32_t *p = t->levels[level] + i * FAN;
        size_t k = 0;

        while (p[k] != *rank)
            k++;
        i = i * FAN + k;
    }
    return i;
}

/* Rank of node i's symbol with the one behind it. */
static int32_t rank_at(const struct bert__bpe *m, const struct bert__bpe_node *nodes, size_t n,
                       size_t i)
{
    size_t next = nodes[i].next;

    return next < n ? bert__bpe_rank(m, nodes[i].id, nodes[next].id) : BERT__BPE_NEVER;
}

/* Merge node i with the one behind it. */
static void merge_at(const struct bert__bpe *m, struct bert__bpe_node *nodes, size_t n, size_t i,
                     int32_t into, struct tree *t)
{
    uint32_t next = nodes[i].next, behind = nodes[next].next, before = nodes[i].previous;

    nodes[i].id = into;
    nodes[i].next = behind;
    if (behind < n)
        nodes[behind].previous = (uint32_t)i;
    tree_set(t, next, BERT__BPE_NEVER);
    if (before != UINT32_MAX)
        tree_set(t, before, rank_at(m, nodes, n, before));
    tree_set(t, i, rank_at(m, nodes, n, i));
}

/* The tokens that are left of n symbols. */
static bool hand_out(const struct bert__model_scratch *x, size_t n, bert__bpe_emit *emit, void *to)
{
    for (size_t i = 0, next; i < n; i = next) {
        size_t bytes = 0;

        next = x->nodes[i].next;
        for (size_t k = i; k < next; k++)
            bytes += x->symbols[k].size;
        if (!emit(to, x->nodes[i].id, bytes))
            return false;
    }
    return true;
}

bool bert__bpe_merge_long(const struct bert__bpe *m, struct bert__work *work, bert__bpe_emit *emit,
                          void *to)
{
    struct bert__model_scratch *x = &work->model;
    struct tree t;
    size_t n = x->n_symbols, steps = 0;
    int32_t rank;

    if (n >= UINT32_MAX || !bert__reserve(x->alloc, &x->nodes, &x->nodes_cap, n, sizeof *x->nodes)
        || !tree_init(&t, x, n))
        return false;
    for (size_t i = 0; i < n; i++)
        x->nodes[i] = (struct bert__bpe_node){x->symbols[i].id, (uint32_t)i - 1, (uint32_t)i + 1};
    for (size_t i = 0; i < n; i++)
        t.levels[0][i] = rank_at(m, x->nodes, n, i);
    tree_build(&t, n);
    for (;;) {
        size_t i = tree_least(&t, &rank);

        if (rank == BERT__BPE_NEVER)
            break;
        if (++steps % ASK_STEPS == 0 && !bert__work_goes_on(work))
            return false;
        merge_at(m, x->nodes, n, i, m->pairs[rank].into, &t);
    }
    return hand_out(x, n, emit, to);
}
