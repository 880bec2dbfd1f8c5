/* SPDX-License-Identifier: MIT */
/*
 * bpe_path.c - a word's tokens without merging.
 *
 * What merging comes to is the one sequence of tokens in which each token's text merges to that
 * token, and the text of each two side by side to those two: until a merge crosses the border
 * between two tokens, neither side can tell what stands behind it, so if none crosses any border of
 * two, none does in the whole.  There is just one such sequence for a text, and one for each
 * beginning of it.
 *
 * It is looked for by trying the longest token first, then shorter ones, and stepping back where
 * none fits.  Since a position is reached in one way only, one that was left behind needs no
 * second try: the time is that of looking up the tokens at each position once.  (The idea is that
 * of the "bpe" crate of GitHub's rust-gems; the code is not.)
 *
 * Whether two tokens fit is read off their edges: the merges that made them, undone from the last
 * to the first, show which symbols stood side by side at the border and until when.  That needs
 * every merge to come later than those that make its parts, as training gives them; where some
 * don't, there is no search.
 */
#include "tokenizer/bpe_path.h"

#include "tokenizer/bpe_merge.h"

enum { FEW = 64 /* positions of a word that fit a register */ };

/* ---- Two tokens side by side -------------------------------------------------- */

/* Does no merge cross the border of a and b before both are made? */
static bool edges_fit(const struct bert__bpe *m, int32_t a, int32_t b)
{
    for (;;) {
        const struct bert__bpe_made *x = &m->made[a], *y = &m->made[b];
        /* Of two equal merges the left one came first.  Which side it is has no pattern: all bits
         * or none, which the compiler doesn't make a branch. */
        int32_t left = -(int32_t)(x->rank > y->rank), until = y->rank;

        until += (x->rank - 1 - y->rank) & left;
        if (left == 0 && until == BERT__BPE_SYMBOL)
            return true;
        a += (x->right - a) & left;
        b += (y->left - b) & ~left;
        if (bert__bpe_rank(m, a, b) <= until)
            return false;
    }
}

bool bert__bpe_fit(const struct bert__bpe *m, int32_t a, int32_t b)
{
    return bert__bpe_rank(m, a, b) == BERT__BPE_NEVER && edges_fit(m, a, b);
}

/* ---- Searching ---------------------------------------------------------------- */

struct search {
    const struct bert__bpe *model;
    struct bert__work *work;
    const char *s;
    uint32_t begin, end;
    uint64_t *dead; /* positions from which no way leads to the end */
};

static bool is_dead(const struct search *p, uint32_t at)
{
    return p->dead[(at - p->begin) / 64] >> (at - p->begin) % 64 & 1;
}

static void bury(struct search *p, uint32_t at)
{
    p->dead[(at - p->begin) / 64] |= (uint64_t)1 << (at - p->begin) % 64;
}

/* The longest token at a position, or -1. */
static int32_t longest(const struct search *p, uint32_t at)
{
    const struct bert__bpe *m = p->model;
    uint32_t v = m->root[(unsigned char)p->s[at]];
    int32_t id = -1;

    while (v > 0) {
        id = m->branches[v].id >= 0 ? m->branches[v].id : id;
        if (++at == p->end)
            break;
        v = bert__bpe_child(m, v, (uint8_t)p->s[at]);
    }
    return id;
}

/* `id`, or the longest shorter one, that fits behind `before` and leads on; -1: none. */
static int32_t choose(const struct search *p, int32_t before, int32_t id, uint32_t at)
{
    const struct bert__bpe *m = p->model;

    while (id >= 0
           && (is_dead(p, at + m->made[id].size) || (before >= 0 && !bert__bpe_fit(m, before, id))))
        id = m->made[id].shorter;
    return id;
}

static bool search(struct search *p, size_t word, bool *found)
{
    const struct bert__bpe *m = p->model;
    struct bert__tokens *out = &p->work->tokens;
    size_t first = out->n;
    uint32_t at = p->begin;
    int32_t id = longest(p, at);

    for (;;) {
        id = choose(p, out->n > first ? out->items[out->n - 1].id : -1, id, at);
        if (id >= 0) {
            uint32_t next = at + m->made[id].size;

            if (!bert__token_add(p->work, id, at, next, word))
                return false;
            at = next;
            *found = at == p->end;
            if (*found)
                return true;
            id = longest(p, at);
        } else {
            *found = false;
            if (out->n == first)
                return true;
            bury(p, at);
            out->n--;
            at = out->items[out->n].begin;
            id = m->made[out->items[out->n].id].shorter;
        }
    }
}

bool bert__bpe_path(const struct bert__bpe *m, struct bert__work *work, uint32_t begin,
                    uint32_t end, size_t word, bool *found)
{
    uint64_t few = 0;
    struct search p = {m, work, work->piece.bytes, begin, end, &few};

    if (end - begin >= FEW)
        return bert__bpe_long(m, work, begin, end, word, found);
    return search(&p, word, found);
}

/* ---- Building ----------------------------------------------------------------- */

static uint32_t first_char(const struct bert__bpe *m, const struct bert__vocab_entry *e)
{
    unsigned char c = (unsigned char)e->data[0];

    if (m->options.byte_level || c < 0x80)
        return 1;
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static void find_symbols(struct bert__bpe *m)
{
    for (uint32_t i = 0; i < m->words->n; i++) {
        const struct bert__vocab_entry *e = &m->words->entries[i];
        struct bert__bpe_made *made = &m->made[e->id];

        made->size = e->size;
        if (e->size > 0 && e->size == first_char(m, e))
            made->rank = BERT__BPE_SYMBOL;
    }
}

static bool is_made(const struct bert__bpe *m, int32_t id)
{
    return m->made[id].rank != BERT__BPE_NEVER;
}

/* In the order of the ranks: a token's parts are there before it. */
static void find_made(struct bert__bpe *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct bert__bpe_pair *p = &m->pairs[i];
        struct bert__bpe_made *made = &m->made[p->into];

        if (!is_made(m, p->into) && is_made(m, p->left) && is_made(m, p->right)
            && bert__bpe_rank(m, p->left, p->right) == (int32_t)i
            && edges_fit(m, p->left, p->right)) {
            made->left = p->left;
            made->right = p->right;
            made->rank = (int32_t)i;
        }
    }
}

/* Does every merge come after those of its parts? */
static bool in_order(const struct bert__bpe *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct bert__bpe_pair *p = &m->pairs[i];

        if (is_made(m, p->left) && is_made(m, p->right)
            && bert__bpe_rank(m, p->left, p->right) == (int32_t)i
            && (m->made[p->left].rank > (int32_t)i || m->made[p->right].rank > (int32_t)i))
            return false;
    }
    return true;
}

/* For each token the longest other one that it begins with: its last ancestor in the trie. */
static bool link_shorter(struct bert__bpe *m, const struct bert__trie *t)
{
    int32_t *above = bert__alloc_items(m->alloc, t->n_nodes, sizeof *above);

    if (above == NULL)
        return false;
    above[0] = -1;
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        int32_t id = t->nodes[v].id;

        if (id >= 0)
            m->made[id].shorter = above[v];
        for (uint32_t c = t->nodes[v].first; c < t->nodes[v + 1].first; c++)
            above[c] = id >= 0 ? id : above[v];
    }
    bert__alloc_free(m->alloc, above);
    return true;
}

static struct bert__bpe_branch branch(const struct bert__bpe *m, const struct bert__trie_node *v)
{
    struct bert__bpe_branch b = {.first = v[0].first,
                                 .n = (uint16_t)(v[1].first - v[0].first),
                                 .id = v[0].id,
                                 .rank = BERT__BPE_NEVER,
                                 .first_rank = BERT__BPE_NEVER,
                                 .last_rank = BERT__BPE_NEVER};

    if (b.id >= 0) {
        const struct bert__bpe_made *made = &m->made[b.id];

        b.rank = made->rank;
        b.left = (uint8_t)(made->rank == BERT__BPE_SYMBOL ? made->size : m->made[made->left].size);
        if (made->shorter >= 0)
            b.shorter = (uint8_t)m->made[made->shorter].size;
        for (const struct bert__bpe_made *x = made; x->rank != BERT__BPE_SYMBOL;
             x = &m->made[x->left])
            b.first_rank = x->rank;
        for (const struct bert__bpe_made *x = made; x->rank != BERT__BPE_SYMBOL;
             x = &m->made[x->right])
            b.last_rank = x->rank;
    }
    return b;
}

/* From the trie, whose labels are taken over. */
static bool build_branches(struct bert__bpe *m, struct bert__trie *t)
{
    m->branches = bert__alloc_items(m->alloc, t->n_nodes, sizeof *m->branches);
    m->two = bert__alloc_array(m->alloc, 256 * 256, sizeof *m->two);
    if (m->branches == NULL || m->two == NULL)
        return false;
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        m->branches[v] = branch(m, &t->nodes[v]);
        for (uint32_t c = t->nodes[v].first; c < t->nodes[v + 1].first; c++)
            m->branches[v].below |= (uint32_t)1 << t->labels[c] % 32;
    }
    m->branches[0].n = 0;
    m->branches[0].below = 0; /* what is no child has none */
    for (uint32_t v = t->nodes[0].first; v < t->nodes[1].first; v++) {
        m->root[t->labels[v]] = v;
        for (uint32_t c = t->nodes[v].first; c < t->nodes[v + 1].first; c++)
            m->two[t->labels[v] << 8 | t->labels[c]] = c;
    }
    m->labels = t->labels;
    t->labels = NULL;
    return true;
}

static bool build_trie(struct bert__bpe *m)
{
    const struct bert__vocab *v = m->words;
    struct bert__trie trie = {0};
    struct bert__trie_key *keys = bert__alloc_items(m->alloc, v->n, sizeof *keys);
    uint32_t n = 0;
    bool done;

    if (keys == NULL)
        return false;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (is_made(m, e->id))
            keys[n++] = (struct bert__trie_key){e->data, e->size, e->id, {0}};
    }
    done = bert__trie_build(&trie, m->alloc, keys, n);
    bert__alloc_free(m->alloc, keys);
    done = done && link_shorter(m, &trie) && build_branches(m, &trie);
    bert__trie_free(&trie);
    return done;
}

/* A search takes the longest token's time at each position. */
static bool too_long(const struct bert__bpe *m)
{
    for (uint32_t i = 0; i < m->words->n; i++) {
        if (m->words->entries[i].size > BERT__BPE_LONGEST && is_made(m, m->words->entries[i].id))
            return true;
    }
    return false;
}

bool bert__bpe_path_init(struct bert__bpe *m, size_t n)
{
    if (m->affix)
        return true;
    m->made = bert__alloc_items(m->alloc, m->vocab->n_ids, sizeof *m->made);
    if (m->made == NULL)
        return false;
    for (uint32_t i = 0; i < m->vocab->n_ids; i++)
        m->made[i] = (struct bert__bpe_made){-1, -1, BERT__BPE_NEVER, -1, 0};
    find_symbols(m);
    find_made(m, n);
    if (in_order(m, n) && !too_long(m))
        return build_trie(m);
    bert__alloc_free(m->alloc, m->made);
    m->made = NULL;
    return true;
}

void bert__bpe_path_free(struct bert__bpe *m)
{
    bert__alloc_free(m->alloc, m->branches);
    bert__alloc_free(m->alloc, m->labels);
    bert__alloc_free(m->alloc, m->two);
    bert__alloc_free(m->alloc, m->made);
}
