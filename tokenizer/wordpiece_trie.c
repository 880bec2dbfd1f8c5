/* SPDX-License-Identifier: MIT */
/* wordpiece_trie.c - building the tries; linear in the bytes of the vocabulary. */
#include "tokenizer/wordpiece_trie.h"

#include "lib/base/error.h"

struct builder {
    struct bert__wordpiece *m;
    struct bert__trie_key *keys; /* tokens, then what follows the prefix of those that have it */
    size_t n_keys;
    struct bert__trie_levels levels;
    size_t pops_cap;
    uint32_t *list; /* cells of one list, first to last */
    size_t list_cap;
};

/* The nodes of what the key doesn't share with the one before. */
static void add_key(struct builder *b, uint32_t root, const struct bert__trie_key *k)
{
    struct bert__wordpiece *m = b->m;
    uint32_t v = root, *next = b->levels.next;

    for (size_t depth = k->shared; depth < k->size; depth++) {
        v = next[depth + 1]++;
        m->labels[v] = (uint8_t)k->data[depth];
        m->nodes[v] = (struct bert__wp_node){next[depth + 2], BERT__WP_NONE, 0, 0, -1};
    }
    m->nodes[v].id = k->id;
}

/* Both tries, level by level: the nodes stand in the order of their depth. */
static bool add_keys(struct builder *b, size_t n_first)
{
    struct bert__wordpiece *m = b->m;
    uint32_t n;

    if (!bert__trie_levels_init(&b->levels, m->alloc, b->keys, b->n_keys, 2))
        return false;
    n = m->n_nodes = b->levels.n_nodes;
    m->nodes = bert__alloc_items(m->alloc, (size_t)n + 1, sizeof *m->nodes);
    m->labels = bert__alloc_items(m->alloc, (size_t)n + BERT__TRIE_AHEAD, 1);
    if (m->nodes == NULL || m->labels == NULL)
        return false;
    memset(m->labels + n, 0, BERT__TRIE_AHEAD);
    m->nodes[n] = (struct bert__wp_node){n, BERT__WP_NONE, 0, 0, -1};
    for (uint32_t root = BERT__WP_FIRST; root <= BERT__WP_NEXT; root++) {
        m->labels[root] = 0;
        m->nodes[root] = (struct bert__wp_node){b->levels.next[1], BERT__WP_NONE, 0, 0, -1};
        for (size_t i = root == BERT__WP_FIRST ? 0 : n_first;
             i < (root == BERT__WP_FIRST ? n_first : b->n_keys); i++)
            add_key(b, root, &b->keys[i]);
    }
    return true;
}

static void fill_roots(struct bert__wordpiece *m)
{
    for (uint32_t i = 0; i < 512; i++)
        m->roots[i] = BERT__WP_NONE;
    for (uint32_t v = BERT__WP_FIRST; v <= BERT__WP_NEXT; v++) {
        for (uint32_t child = m->nodes[v].first; child < m->nodes[v + 1].first; child++)
            m->roots[v * 256 + m->labels[child]] = child;
    }
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

/* What to do where node v, child of u at this depth, has no child that fits. */
static bool link_node(struct builder *b, uint32_t v, uint32_t u, uint32_t depth)
{
    struct bert__wordpiece *m = b->m;
    struct bert__wp_node *node = &m->nodes[v];
    uint32_t z, child = BERT__WP_NONE;

    if (node->id >= 0) {
        node->fail = BERT__WP_NEXT;
        return add_pop(b, node->id, depth, node);
    }
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

static bool link_levels(struct builder *b)
{
    struct bert__wordpiece *m = b->m;
    uint32_t v = 2;

    for (uint32_t u = 0, depth = 0; u < m->n_nodes; u++) {
        while (u >= b->levels.next[depth])
            depth++;
        for (; v < m->nodes[u + 1].first; v++) {
            if (!link_node(b, v, u, depth + 1))
                return false;
        }
    }
    return true;
}

/* ---- All of it ------------------------------------------------------------ */

static bool continues(const struct bert__vocab_entry *e, bert_text prefix)
{
    return e->size > prefix.size
           && (prefix.size == 0 || memcmp(e->data, prefix.data, prefix.size) == 0);
}

static bool collect(struct builder *b, bert_text prefix, size_t *n_first)
{
    const struct bert__vocab *v = b->m->vocab;
    size_t n = 0;

    for (uint32_t i = 0; i < v->n; i++)
        n += (size_t)continues(&v->entries[i], prefix) + 1;
    b->keys = bert__alloc_items(b->m->alloc, n, sizeof *b->keys);
    if (b->keys == NULL)
        return false;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (e->size > 0)
            b->keys[b->n_keys++] = (struct bert__trie_key){e->data, e->size, e->id, {0}};
    }
    *n_first = b->n_keys;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (continues(e, prefix))
            b->keys[b->n_keys++] = (struct bert__trie_key){
                e->data + prefix.size, e->size - (uint32_t)prefix.size, e->id, {0}};
    }
    return bert__trie_keys_sort(b->m->alloc, b->keys, (uint32_t)*n_first)
           && bert__trie_keys_sort(b->m->alloc, b->keys + *n_first,
                                   (uint32_t)(b->n_keys - *n_first));
}

bert_status bert__wordpiece_init(struct bert__wordpiece *m, struct bert__alloc *alloc,
                                 const struct bert__vocab *vocab, bert_text prefix, int32_t unk_id,
                                 uint64_t max_chars, bert_error *err)
{
    struct builder b = {0};
    size_t n_first;
    bool ok;

    *m = (struct bert__wordpiece){.alloc = alloc,
                                  .vocab = vocab,
                                  .unk_id = unk_id,
                                  .max_chars = max_chars,
                                  .prefixed = prefix.size > 0};
    b.m = m;
    m->roots = bert__alloc_array(alloc, 512, sizeof *m->roots);
    ok = m->roots != NULL && collect(&b, prefix, &n_first) && add_keys(&b, n_first);
    if (ok) {
        fill_roots(m);
        ok = link_levels(&b);
    }
    bert__alloc_free(alloc, b.keys);
    bert__trie_levels_free(&b.levels);
    bert__alloc_free(alloc, b.list);
    return ok ? BERT_OK : bert__alloc_fail(alloc, "WordPiece vocabulary", err);
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
