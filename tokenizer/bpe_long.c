/* SPDX-License-Identifier: MIT */
/*
 * bpe_long.c - the search of bpe_path.c through a long word, with the tokens at each position of
 * it near at hand.
 *
 * Where two tokens meet, all symbols that can merge are bytes of the word side by side, and what
 * they would make is a token of the bytes of both.  So for a window of positions all short tokens
 * that begin there are noted, each with the merge that makes it: that is read off one pass of the
 * trie.  Whether two tokens fit is then seen in a few cache lines, without a look at the tables of
 * the vocabulary.  A pair that isn't how its bytes' token is made needs no thought: it could stand
 * side by side only if a merge still further inside had been passed over, and that is looked at
 * too.
 */
#include "tokenizer/bpe_path.h"

enum {
    NEAR = 8,   /* bytes of two tokens, at most, that are near at hand */
    ROWS = 128, /* positions of the window, a power of two */
    BATCH = 32, /* that are read at a time: they don't wait for one another */
    ASK_STEPS = 4096,
    ASK_WORDS = 256 /* of the bits that mark ends */
};

/* A token at a position, as its branch has it. */
struct choice {
    uint32_t size; /* 0: none */
    int32_t id;
    int32_t first, last; /* ranks of the merges that take its first and its last symbol */
};

/* Element i % ROWS is of position i. */
struct window {
    uint32_t path[ROWS][NEAR];   /* branches of what begins here, by bytes less one; 0: none */
    struct choice longest[ROWS]; /* of NEAR bytes at most */
    /* What merges across this position: two symbols at that rank; others, a bit for the bytes that
     * the left one of them has. */
    int32_t pair[ROWS];
    uint8_t across[ROWS];
};

struct search {
    const struct bert__bpe *model;
    struct window *window;
    uint64_t *dead; /* a bit for each position: no way leads from there to the end */
    uint64_t *ends; /* and: a token of the way so far ends there */
    const char *s;  /* the word */
    uint32_t n;
    uint32_t low, high; /* positions that the window holds */
    bool stopped;       /* see bert__work_goes_on() */
};

/* ---- The window ---------------------------------------------------------------- */

static const struct bert__bpe_branch *near(const struct search *p, uint32_t at, uint32_t size)
{
    return &p->model->branches[p->window->path[at % ROWS][size - 1]];
}

static struct choice choose(const struct bert__bpe_branch *b, uint32_t size)
{
    return (struct choice){size, b->id, b->first_rank, b->last_rank};
}

static void forget(struct window *w, uint32_t at)
{
    w->pair[at % ROWS] = BERT__BPE_NEVER;
    w->across[at % ROWS] = 0;
}

/* Note the merge that makes the token at `at`, if one does, where its parts meet. */
static void note(struct window *w, uint32_t at, const struct bert__bpe_branch *b)
{
    uint32_t border = (at + b->left) % ROWS;

    if ((uint32_t)b->rank >= BERT__BPE_NEVER)
        return;
    if (b->first_rank == b->rank && b->last_rank == b->rank)
        w->pair[border] = b->rank;
    else
        w->across[border] |= (uint8_t)(1u << b->left);
}

static void fill_row(const struct search *p, uint32_t at)
{
    const struct bert__bpe *m = p->model;
    const unsigned char *s = (const unsigned char *)p->s + at;
    struct window *w = p->window;
    uint32_t *path = w->path[at % ROWS];
    uint32_t v = m->root[s[0]], n = 1, most = p->n - at, size;
    const struct bert__bpe_branch *b = &m->branches[v], *longest = b;

    memset(path, 0, NEAR * sizeof *path);
    forget(w, at + NEAR - 1);
    path[0] = v;
    size = b->id >= 0;
    v = most > 1 ? m->two[s[0] << 8 | s[1]] : 0;
    while (v > 0) {
        b = &m->branches[v];
        path[n] = v;
        note(w, at, b);
        n++;
        if (b->id >= 0) {
            longest = b;
            size = n;
        }
        if (n == most || n == NEAR)
            break;
        v = bert__bpe_child(m, v, s[n]);
    }
    w->longest[at % ROWS] = choose(longest, size);
}

/* An empty window at a position. */
static void start(struct search *p, uint32_t at)
{
    p->low = p->high = at;
    for (uint32_t i = 0; i < NEAR; i++)
        forget(p->window, at + i);
}

/* Have the window hold `at`, and what is left of it before. */
static void reach(struct search *p, uint32_t at)
{
    uint32_t end = p->n - at < BATCH ? p->n : at + BATCH, i;

    if (at < p->low) {
        start(p, at < ROWS / 2 ? 0 : at - ROWS / 2);
    } else if (at > p->high) { /* tokens are long: the next one may begin far away too */
        start(p, at);
        end = at + 1;
    }
    for (i = p->high; i < end; i++)
        fill_row(p, i);
    p->high = end;
    if (end - p->low > ROWS - NEAR)
        p->low = end - (ROWS - NEAR);
}

/* The longest token at `at`.  What is not near is read where it is asked for, not at each position:
 * of a long run of dots each one begins a long token. */
static struct choice longest(struct search *p, uint32_t at)
{
    const struct bert__bpe *m = p->model;
    const unsigned char *s = (const unsigned char *)p->s + at;
    uint32_t v, n = NEAR;
    struct choice c;

    if (at < p->low || at >= p->high)
        reach(p, at);
    c = p->window->longest[at % ROWS];
    v = p->window->path[at % ROWS][NEAR - 1];
    while (v > 0 && n < p->n - at && (v = bert__bpe_child(m, v, s[n])) > 0) {
        n++;
        if (m->branches[v].id >= 0)
            c = choose(&m->branches[v], n);
    }
    return c;
}

/* The longest token at `at` that is shorter than c. */
static struct choice shorter(struct search *p, uint32_t at, struct choice c)
{
    const struct bert__bpe *m = p->model;

    if (at < p->low || at >= p->high)
        reach(p, at);
    if (c.size > NEAR) {
        c.id = m->made[c.id].shorter;
        c.size = c.id >= 0 ? m->made[c.id].size : 0;
    } else {
        c.size = near(p, at, c.size)->shorter;
    }
    return c.size - 1 < NEAR ? choose(near(p, at, c.size), c.size) : c;
}

/* ---- Two tokens side by side ---------------------------------------------------- */

/* As bert__bpe_fit(), of the token of `left` bytes before `at` and that of `right` bytes. */
static bool fit_near(const struct search *p, uint32_t at, uint32_t left, uint32_t right)
{
    const struct bert__bpe_branch *x, *y, *both = near(p, at - left, left + right);

    if (both->left == left)
        return false;
    for (;;) {
        int32_t undo, until;

        x = near(p, at - left, left);
        y = near(p, at, right);
        undo = -(int32_t)(x->rank > y->rank);
        until = y->rank + ((x->rank - 1 - y->rank) & undo);
        if (undo == 0 && until == BERT__BPE_SYMBOL)
            return true;
        left -= x->left & (uint32_t)undo;
        right += (y->left - right) & ~(uint32_t)undo;
        both = near(p, at - left, left + right);
        if (both->left == left && both->rank <= until)
            return false;
    }
}

/* Does c at `at` fit behind the token `before` of `left` bytes? */
static bool fit(const struct search *p, struct choice before, uint32_t at, struct choice c)
{
    int32_t pair;

    if (before.size + c.size > NEAR || at - before.size < p->low)
        return bert__bpe_fit(p->model, before.id, c.id);
    pair = p->window->pair[at % ROWS];
    if ((pair < before.last) & (pair <= c.first))
        return false;
    return (p->window->across[at % ROWS] & ((2u << before.size) - 1)) == 0
           || fit_near(p, at, before.size, c.size);
}

/* ---- Searching ------------------------------------------------------------------ */

static bool has(const uint64_t *bits, uint32_t at)
{
    return bits[at / 64] >> at % 64 & 1;
}

static void add(uint64_t *bits, uint32_t at)
{
    bits[at / 64] |= (uint64_t)1 << at % 64;
}

static void drop(uint64_t *bits, uint32_t at)
{
    bits[at / 64] &= ~((uint64_t)1 << at % 64);
}

/* The last of the bits before `at`, which is over 0, or 0. */
static uint32_t last_before(const uint64_t *bits, uint32_t at)
{
    uint32_t i = --at / 64;
    uint64_t eight = bits[i] & ~(uint64_t)0 >> (63 - at % 64);

    while (eight == 0 && i > 0)
        eight = bits[--i];
    return eight == 0 ? 0 : i * 64 + 63 - (uint32_t)__builtin_clzll(eight);
}

/* The branch of the token of `size` bytes that there is at `at`. */
static const struct bert__bpe_branch *token_at(const struct search *p, uint32_t at, uint32_t size)
{
    const struct bert__bpe *m = p->model;
    const unsigned char *s = (const unsigned char *)p->s + at;
    uint32_t v = size == 1 ? m->root[s[0]] : m->two[s[0] << 8 | s[1]];

    for (uint32_t n = 2; n < size; n++)
        v = bert__bpe_child(m, v, s[n]);
    return &m->branches[v];
}

/* The token of the way so far that ends at `at`. */
static struct choice step_back(const struct search *p, uint32_t at)
{
    uint32_t begin;

    if (at == 0)
        return (struct choice){0};
    begin = last_before(p->ends, at);
    return choose(token_at(p, begin, at - begin), at - begin);
}

/* Find the way, which p->ends marks.  False: there is none, or the work is stopped. */
static bool search(struct search *p, struct bert__work *work)
{
    uint32_t at = 0, steps = 0;
    struct choice before = {0}, c = longest(p, 0);

    for (;;) {
        if (++steps % ASK_STEPS == 0 && !bert__work_goes_on(work)) {
            p->stopped = true;
            return false;
        }
        while (c.size > 0
               && (has(p->dead, at + c.size) || (before.size > 0 && !fit(p, before, at, c))))
            c = shorter(p, at, c);
        if (c.size > 0) {
            before = c;
            at += c.size;
            if (at == p->n)
                return true;
            add(p->ends, at);
            c = longest(p, at);
        } else {
            if (at == 0)
                return false;
            add(p->dead, at);
            drop(p->ends, at);
            at -= before.size;
            c = shorter(p, at, before);
            before = step_back(p, at);
        }
    }
}

static bool hand_out(const struct search *p, struct bert__work *work, uint32_t begin, size_t word)
{
    uint32_t from = 0, words = p->n / 64 + 1;

    p->ends[p->n / 64] |= (uint64_t)1 << p->n % 64;
    for (uint32_t i = 0; i < words; i++) {
        if (i % ASK_WORDS == 0 && !bert__work_goes_on(work))
            return false;
        for (uint64_t left = p->ends[i]; left != 0; left &= left - 1) {
            uint32_t to = i * 64 + (uint32_t)__builtin_ctzll(left);

            if (!bert__token_add(work, token_at(p, from, to - from)->id, begin + from, begin + to,
                                 word)
                || !bert__tokens_pass(work))
                return false;
            from = to;
        }
    }
    return true;
}

bool bert__bpe_long(const struct bert__bpe *m, struct bert__work *work, uint32_t begin,
                    uint32_t end, size_t word, bool *found)
{
    struct bert__model_scratch *x = &work->model;
    size_t n = (size_t)(end - begin) / 64 + 1;
    struct window window;
    struct search p = {
        .model = m, .window = &window, .s = work->piece.bytes + begin, .n = end - begin};

    if (!bert__reserve(x->alloc, &x->dead, &x->dead_cap, 2 * n, sizeof *x->dead))
        return false;
    memset(x->dead, 0, 2 * n * sizeof *x->dead);
    p.dead = x->dead;
    p.ends = x->dead + n;
    start(&p, 0);
    *found = search(&p, work);
    return !p.stopped && (!*found || hand_out(&p, work, begin, word));
}
