/* SPDX-License-Identifier: MIT */
/*
 * wordpiece_trie.c - building the tries; linear in the bytes of the vocabulary.
 *
 * The failure links of both lead into the trie of continuations.  So that is made first and
 * linked level by level; a node of the other can then be linked as it is made.
 */
#include "tokenizer/wordpiece_trie.h"

#include "lib/base/error.h"

struct builder {
    struct bert__wordpiece *m;
    struct bert__trie_key
        *keys;               /* what follows the prefix of those tokens that have it, then all */
    uint32_t n_next, n_keys; /* the former, and all */
    struct bert__trie_levels levels;
    uint32_t *path; /* nodes of the key before, by depth */
    size_t pops_cap;
    uint32_t *list; /* cells of one list, first to last */
    size_t list_cap;
};

/* ---- Keys ----------------------------------------------------------------- */

static bool begins(const char *data, size_t size, bert_text prefix)
{
    return size >= prefix.size
           && (prefix.size == 0
               || (*data == *prefix.data && memcmp(data, prefix.data, prefix.size) == 0));
}

/* What follows the prefix, of the sorted tokens that have it: they stand side by side, in the
 * order that this has too. */
static void add_continuations(struct builder *b, bert_text prefix)
{
    const struct bert__trie_key *k = b->keys + b->n_next, *end = b->keys + b->n_keys;
    uint32_t size = (uint32_t)prefix.size, n = 0;

    while (k < end && !begins(k->data, k->size, prefix))
        k++;
    for (; k < end && begins(k->data, k->size, prefix); k++) {
        if (k->size == size)
            continue;
        b->keys[n] = (struct bert__trie_key){k->data + size, k->size - size, k->id, {0}};
        b->keys[n].shared = n > 0 ? k->shared - size : 0;
        n++;
    }
}

static bool collect(struct builder *b)
{
    const struct bert__vocab *v = b->m->vocab;
    bert_text prefix = b->m->prefix;

    for (uint32_t i = 0; i < v->n; i++)
        b->n_next += v->entries[i].size > prefix.size
                     && begins(v->entries[i].data, v->entries[i].size, prefix);
    b->keys = bert__alloc_items(b->m->alloc, (size_t)b->n_next + v->n, sizeof *b->keys);
    if (b->keys == NULL)
        return false;
    b->n_keys = b->n_next;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (e->size > 0)
            b->keys[b->n_keys++] = (struct bert__trie_key){e->data, e->size, e->id, {0}};
    }
    if (!bert__trie_keys_sort(b->m->alloc, b->keys + b->n_next, b->n_keys - b->n_next))
        return false;
    add_continuations(b, prefix);
    return true;
}

/* ---- Failure links -------------------------------------------------------- */

static bool add_pop(struct builder *b, int32_t id, uint32_t size, struct bert__wp_node *node)
{
    struct bert__wordpiece *m = b->m;

    if (m->n_pops == UINT32_MAX
        || !bert__reserve(m->alloc, &m->pops, &b->pops_cap, (size_t)m->n_pops + 1, sizeof *m->pops))
        return false;
    m->pops[m->n_pops] = (struct bert__wp_pop){id, size, node->pops};
    node->pops = m->n_pops++;
    node->n_pops++;
    return true;
}

/* Append z's tokens to the node's. */
static bool add_pops_of(struct builder *b, uint32_t z, struct bert__wp_node *node)
{
    uint32_t n = b->m->nodes[z].n_pops, cell = b->m->nodes[z].pops;

    if (!bert__reserve(b->m->alloc, &b->list, &b->list_cap, n, sizeof *b->list))
        return false;
    for (uint32_t i = n; i-- > 0; cell = b->m->pops[cell].previous)
        b->list[i] = cell;
    for (uint32_t i = 0; i < n; i++) {
        struct bert__wp_pop p = b->m->pops[b->list[i]];

        if (!add_pop(b, p.id, p.size, node))
            return false;
    }
    return true;
}

/* What to do where node v, child of u, at which no token ends, has no child that fits. */
static bool link_node(struct builder *b, uint32_t v, uint32_t u)
{
    struct bert__wordpiece *m = b->m;
    struct bert__wp_node *node = &m->nodes[v];
    uint32_t z, child = BERT__WP_NONE;

    node->pops = m->nodes[u].pops;
    node->n_pops = m->nodes[u].n_pops;
    for (z = m->nodes[u].fail; z != BERT__WP_NONE; z = m->nodes[z].fail) {
        child = bert__wp_child(m, z, m->labels[v]);
        if (child != BERT__WP_NONE)
            break;
        if (!add_pops_of(b, z, node))
            return false;
    }
    node->fail = child;
    return true;
}

/* Those of the continuations, where only these are there. */
static bool link_levels(struct builder *b)
{
    struct bert__wordpiece *m = b->m;
    uint32_t lo = BERT__WP_NEXT, hi = lo + 1;

    for (uint32_t depth = 1; lo < hi; depth++) {
        for (uint32_t u = lo; u < hi; u++) {
            for (uint32_t v = m->nodes[u].first; v < m->nodes[u + 1].first; v++) {
                if (m->nodes[v].fail == BERT__WP_NONE && !link_node(b, v, u))
                    return false;
            }
        }
        lo = m->nodes[lo].first;
        hi = b->levels.next[depth];
    }
    return true;
}

/* ---- Nodes ---------------------------------------------------------------- */

static void fill_root(struct bert__wordpiece *m, uint32_t root)
{
    uint32_t *children = m->roots + root * 256;

    for (uint32_t c = 0; c < 256; c++)
        children[c] = BERT__WP_NONE;
    for (uint32_t v = m->nodes[root].first; v < m->nodes[root + 1].first; v++)
        children[m->labels[v]] = v;
}

/* The nodes of what key i doesn't share with the one before; its token is cell i. */
static bool add_key(struct builder *b, uint32_t i, bool link)
{
    struct bert__wordpiece *m = b->m;
    const struct bert__trie_key *k = &b->keys[i];
    uint32_t depth = (uint32_t)k->shared, v = b->path[depth], *next = b->levels.next;

    while (depth < k->size) {
        uint32_t u = v;

        v = next[depth + 1]++;
        m->labels[v] = (uint8_t)k->data[depth];
        m->nodes[v] = (struct bert__wp_node){next[depth + 2], BERT__WP_NONE, 0, 0};
        b->path[++depth] = v;
        if (link && depth < k->size && !link_node(b, v, u))
            return false;
    }
    m->nodes[v].fail = BERT__WP_NEXT;
    m->nodes[v].pops = i;
    m->nodes[v].n_pops = 1;
    m->pops[i] = (struct bert__wp_pop){k->id, k->size, 0};
    return true;
}

static bool add_keys(struct builder *b, uint32_t root, uint32_t from, uint32_t to)
{
    struct bert__wordpiece *m = b->m;

    m->labels[root] = 0;
    m->nodes[root] = (struct bert__wp_node){b->levels.next[1], BERT__WP_NONE, 0, 0};
    b->path[0] = root;
    for (uint32_t i = from; i < to; i++) {
        if (!add_key(b, i, root == BERT__WP_FIRST))
            return false;
    }
    return true;
}

static bool make_room(struct builder *b)
{
    struct bert__wordpiece *m = b->m;
    uint32_t n = m->n_nodes = b->levels.n_nodes;

    m->nodes = bert__alloc_items(m->alloc, (size_t)n + 1, sizeof *m->nodes);
    m->labels = bert__alloc_items(m->alloc, (size_t)n + BERT__TRIE_AHEAD, 1);
    m->roots = bert__alloc_items(m->alloc, 512, sizeof *m->roots);
    b->path = bert__alloc_items(m->alloc, (size_t)b->levels.longest + 1, sizeof *b->path);
    m->n_pops = b->n_keys;
    return m->nodes != NULL && m->labels != NULL && m->roots != NULL && b->path != NULL
           && bert__reserve(m->alloc, &m->pops, &b->pops_cap, /* mostly an eighth is added */
                            (size_t)b->n_keys + b->n_keys / 8, sizeof *m->pops);
}

/* The first node of each level that isn't there yet tells where the children of the last end. */
static void close_levels(struct builder *b)
{
    struct bert__wordpiece *m = b->m;
    const uint32_t *next = b->levels.next;

    m->nodes[BERT__WP_FIRST].first = next[1];
    for (uint32_t depth = 1; depth <= b->levels.longest; depth++)
        m->nodes[next[depth]].first = next[depth + 1];
}

/* Both tries, level by level: the nodes stand in the order of their depth. */
static bool add_all(struct builder *b)
{
    struct bert__wordpiece *m = b->m;

    if (!bert__trie_levels_init(&b->levels, m->alloc, b->keys, b->n_keys, 2) || !make_room(b))
        return false;
    memset(m->labels + m->n_nodes, 0, BERT__TRIE_AHEAD);
    m->nodes[m->n_nodes] = (struct bert__wp_node){m->n_nodes, BERT__WP_NONE, 0, 0};
    if (!add_keys(b, BERT__WP_NEXT, 0, b->n_next))
        return false;
    close_levels(b);
    fill_root(m, BERT__WP_NEXT);
    if (!link_levels(b) || !add_keys(b, BERT__WP_FIRST, b->n_next, b->n_keys))
        return false;
    fill_root(m, BERT__WP_FIRST);
    return true;
}

/* ---- All of it ------------------------------------------------------------ */

void bert__wordpiece_init(struct bert__wordpiece *m, struct bert__alloc *alloc,
                          const struct bert__vocab *vocab, bert_text prefix, int32_t unk_id,
                          uint64_t max_chars)
{
    *m = (struct bert__wordpiece){
        .alloc = alloc, .vocab = vocab, .unk_id = unk_id, .max_chars = max_chars, .prefix = prefix};
}

bert_status bert__wordpiece_build(struct bert__wordpiece *m, bert_error *err)
{
    struct builder b = {.m = m};
    bool ok;

    ok = collect(&b) && add_all(&b);
    bert__alloc_free(m->alloc, b.keys);
    bert__trie_levels_free(&b.levels);
    bert__alloc_free(m->alloc, b.path);
    bert__alloc_free(m->alloc, b.list);
    return ok ? BERT_OK : bert__alloc_fail(m->alloc, "WordPiece vocabulary", err);
}

void bert__wordpiece_free(struct bert__wordpiece *m)
{
    if (m->alloc == NULL)
        return;
    bert__alloc_free(m->alloc, m->nodes);
    bert__alloc_free(m->alloc, m->labels);
    bert__alloc_free(m->alloc, m->pops);
    bert__alloc_free(m->alloc, m->roots);
    *m = (struct bert__wordpiece){0};
}
