/* SPDX-License-Identifier: MIT */
/*
 * bpe_merge.c - merging: of all pairs in a word the one of the lowest rank, of equal ones the
 * leftmost, becomes one symbol, until none is left that merges.
 *
 * Short words look through all their pairs each time.  Longer ones keep the pairs in a heap,
 * n log n, a window at a time: two tokens side by side are right if merging their text alone
 * gives the two (until a merge crosses their border, what happens on either side doesn't
 * hang on what stands further away), so a run of tokens is right if each pair in it is.  The
 * next window therefore begins at a token of this one; if it gives that token again, all pairs
 * up to there have been seen, and what stands before it is done.  If it doesn't, the window grows.
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
static bool unknown(const struct bert__bpe *m, struct bert__bpe_source *src, uint32_t size,
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
static bool read_char(const struct bert__bpe *m, struct bert__bpe_source *src,
                      struct bert__model_scratch *x)
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

bool bert__bpe_read(const struct bert__bpe *m, struct bert__bpe_source *src,
                    struct bert__model_scratch *x, size_t want)
{
    while (x->n_symbols < want && src->at < src->size) {
        if (!read_char(m, src, x))
            return false;
    }
    if (src->at == src->size && src->unknown > 0) {
        if (!push(x, m->options.unk_id, src->unknown))
            return false;
        src->unknown = 0;
    }
    return true;
}

/* ---- Short ------------------------------------------------------------------- */

size_t bert__bpe_merge_short(const struct bert__bpe *m, struct bert__bpe_symbol *s, size_t n)
{
    uint32_t ranks[BERT__BPE_SHORT];

    for (size_t i = 0; i + 1 < n; i++) {
        const struct bert__bpe_pair *p = bert__bpe_find(m, s[i].id, s[i + 1].id);

        ranks[i] = p != NULL ? p->rank : UINT32_MAX;
    }
    while (n > 1) {
        const struct bert__bpe_pair *p;
        size_t best = 0;

        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == UINT32_MAX)
            break;
        s[best].id = m->into[ranks[best]];
        s[best].size += s[best + 1].size;
        n--;
        for (size_t i = best + 1; i < n; i++) {
            s[i] = s[i + 1];
            ranks[i - 1] = ranks[i];
        }
        if (best > 0) {
            p = bert__bpe_find(m, s[best - 1].id, s[best].id);
            ranks[best - 1] = p != NULL ? p->rank : UINT32_MAX;
        }
        if (best + 1 < n) {
            p = bert__bpe_find(m, s[best].id, s[best + 1].id);
            ranks[best] = p != NULL ? p->rank : UINT32_MAX;
        }
    }
    return n;
}

/* ---- A window ---------------------------------------------------------------- */

static bool heap_push(struct bert__model_scratch *x, uint64_t key)
{
    size_t i = x->n_heap;

    if (i == x->heap_cap
        && !bert__reserve(x->alloc, &x->heap, &x->heap_cap, i + 1, sizeof *x->heap))
        return false;
    x->n_heap++;
    for (; i > 0 && x->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        x->heap[i] = x->heap[(i - 1) / 2];
    x->heap[i] = key;
    return true;
}

static void sift_down(uint64_t *heap, size_t n, size_t i, uint64_t key)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && heap[child + 1] < heap[child];
        if (heap[child] >= key)
            break;
        heap[i] = heap[child];
    }
    heap[i] = key;
}

static uint64_t heap_pop(struct bert__model_scratch *x)
{
    uint64_t top = x->heap[0];

    if (--x->n_heap > 0)
        sift_down(x->heap, x->n_heap, 0, x->heap[x->n_heap]);
    return top;
}

/* The pair of node i and the one behind it, if it merges. */
static bool heap_add(const struct bert__bpe *m, struct bert__model_scratch *x, size_t n, uint32_t i)
{
    const struct bert__bpe_pair *p;

    if (x->nodes[i].next >= n)
        return true;
    p = bert__bpe_find(m, x->nodes[i].id, x->nodes[x->nodes[i].next].id);
    return p == NULL || heap_push(x, (uint64_t)p->rank << 32 | i);
}

/* One step; false: no memory.  A pair that has changed since it was queued is passed over,
 * unless it comes to the same token: so does the reference (model->stale). */
static bool step(const struct bert__bpe *m, struct bert__model_scratch *x, size_t n, uint64_t top)
{
    struct bert__bpe_node *nodes = x->nodes;
    uint32_t i = (uint32_t)top, next = nodes[i].next, behind;
    const struct bert__bpe_pair *p;

    if (nodes[i].id < 0 || next >= n)
        return true;
    p = bert__bpe_find(m, nodes[i].id, nodes[next].id);
    if (p == NULL || p->into != m->into[top >> 32])
        return true;
    behind = nodes[next].next;
    nodes[i].id = p->into;
    nodes[i].next = behind;
    nodes[next].id = -1;
    if (behind < n)
        nodes[behind].previous = i;
    if (nodes[i].previous != UINT32_MAX && !heap_add(m, x, n, nodes[i].previous))
        return false;
    return heap_add(m, x, n, i);
}

/* Merge n symbols from `first` on; their tokens in `out`. */
static bool merge_window(const struct bert__bpe *m, struct bert__model_scratch *x, size_t first,
                         size_t n, struct bert__bpe_parts *out)
{
    out->n = 0;
    x->n_heap = 0;
    if (!bert__reserve(x->alloc, &x->nodes, &x->nodes_cap, n, sizeof *x->nodes))
        return false;
    for (size_t i = 0; i < n; i++)
        x->nodes[i] =
            (struct bert__bpe_node){x->symbols[first + i].id, (uint32_t)i - 1, (uint32_t)i + 1};
    for (size_t i = 0; i < n; i++) {
        if (!heap_add(m, x, n, (uint32_t)i))
            return false;
    }
    while (x->n_heap > 0) {
        if (!step(m, x, n, heap_pop(x)))
            return false;
    }
    for (uint32_t i = 0; i < n; i = x->nodes[i].next) {
        if (!bert__reserve(x->alloc, &out->items, &out->cap, out->n + 1, sizeof *out->items))
            return false;
        out->items[out->n++] = (struct bert__bpe_part){x->nodes[i].id, (uint32_t)(first + i)};
    }
    return true;
}

/* ---- Windows ----------------------------------------------------------------- */

struct windows {
    const struct bert__bpe *model;
    struct bert__bpe_source *source;
    struct bert__model_scratch *x;
    bert__bpe_emit *emit;
    void *to;
    struct bert__bpe_parts *now, *then; /* tokens of this window and of the next */
    size_t size;                        /* symbols of a window */
};

/* Hand out the first n tokens of the window, which ends at symbol `end`. */
static bool hand_out(const struct windows *w, size_t n, size_t end)
{
    const struct bert__bpe_part *t = w->now->items;

    for (size_t i = 0; i < n; i++) {
        size_t to = i + 1 < w->now->n ? t[i + 1].first : end, bytes = 0;

        for (size_t k = t[i].first; k < to; k++)
            bytes += w->x->symbols[k].size;
        if (!w->emit(w->to, t[i].id, bytes))
            return false;
    }
    return true;
}

/* The token at which the next window shall begin: about three quarters through; 0: none. */
static size_t choose(const struct windows *w)
{
    size_t lo = 0, hi = w->now->n, at = w->size / 4 * 3;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (w->now->items[mid].first <= at)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void swap_windows(struct windows *w, size_t first)
{
    struct bert__bpe_parts *done = w->now;
    struct bert__model_scratch *x = w->x;

    w->now = w->then;
    w->then = done;
    x->n_symbols -= first;
    memmove(x->symbols, x->symbols + first, x->n_symbols * sizeof *x->symbols);
    for (size_t i = 0; i < w->now->n; i++)
        w->now->items[i].first -= (uint32_t)first;
}

/* Try to go on from one of this window's tokens; *moved tells. */
static bool advance(struct windows *w, bool *moved)
{
    struct bert__model_scratch *x = w->x;
    size_t j = choose(w), first = w->now->items[j].first, n;
    const struct bert__bpe_part *a, *b;

    *moved = false;
    if (j == 0)
        return true;
    if (!bert__bpe_read(w->model, w->source, x, first + w->size))
        return false;
    n = x->n_symbols - first < w->size ? x->n_symbols - first : w->size;
    if (!merge_window(w->model, x, first, n, w->then))
        return false;
    a = &w->now->items[j];
    b = w->then->items;
    if (b[0].id != a[0].id || j + 1 >= w->now->n || w->then->n < 2 || b[1].first != a[1].first)
        return true;
    *moved = true;
    if (!hand_out(w, j, first))
        return false;
    swap_windows(w, first);
    return true;
}

bool bert__bpe_merge_long(const struct bert__bpe *m, struct bert__bpe_source *src,
                          struct bert__model_scratch *x, bert__bpe_emit *emit, void *to)
{
    struct windows w = {m, src, x, emit, to, &x->parts[0], &x->parts[1], BERT__BPE_WINDOW};
    bool moved = false;

    for (;;) {
        size_t n;

        if (!moved) {
            if (!bert__bpe_read(m, src, x, w.size))
                return false;
            n = x->n_symbols < w.size ? x->n_symbols : w.size;
            if (!merge_window(m, x, 0, n, w.now))
                return false;
        }
        n = x->n_symbols < w.size ? x->n_symbols : w.size;
        if (n == x->n_symbols && bert__bpe_at_end(src))
            return hand_out(&w, w.now->n, n);
        if (!advance(&w, &moved))
            return false;
        if (!moved && !bert__size_mul(w.size, 2, &w.size))
            return false;
    }
}
