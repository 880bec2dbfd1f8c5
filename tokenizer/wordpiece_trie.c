/* SPDX-License-Identifier: MIT */
/* wordpiece_trie.c - building the tries; linear in the bytes of the vocabulary. */
#include "tokenizer/wordpiece_trie.h"

#include "lib/base/error.h"

enum { SMALL = 12 }; /* up to here an insertion sort is quicker */

/* A string to be stored: a token, or what follows its prefix. */
struct key {
    const char *data;
    uint32_t size;
    int32_t id;
};

struct builder {
    struct bert__wordpiece *m;
    struct key *keys;
    uint32_t *order; /* indices of keys, sorted further with every level */
    uint32_t *spare;
    size_t n_keys;
    struct range {
        uint32_t lo, hi;
    } * ranges; /* part of `order` below each node */
    size_t nodes_cap, labels_cap, ranges_cap, pops_cap;
    uint32_t *list; /* cells of one list, first to last */
    size_t list_cap;
};

static bool add_node(struct builder *b, uint8_t label, uint32_t lo, uint32_t hi)
{
    struct bert__wordpiece *m = b->m;
    struct bert__alloc *alloc = m->alloc;
    size_t need = (size_t)m->n_nodes + 1;

    if (need >= BERT__WP_NONE
        || !bert__reserve(alloc, &m->nodes, &b->nodes_cap, need, sizeof *m->nodes)
        || !bert__reserve(alloc, &m->labels, &b->labels_cap, need, 1)
        || !bert__reserve(alloc, &b->ranges, &b->ranges_cap, need, sizeof *b->ranges))
        return false;
    m->nodes[m->n_nodes] = (struct bert__wp_node){0, BERT__WP_NONE, 0, 0, -1, 0};
    m->labels[m->n_nodes] = label;
    b->ranges[m->n_nodes].lo = lo;
    b->ranges[m->n_nodes++].hi = hi;
    return true;
}

static uint8_t byte_at(const struct builder *b, uint32_t k, uint32_t depth)
{
    return (uint8_t)b->keys[b->order[k]].data[depth];
}

/* Sort order[lo, hi) by the byte at depth; all are longer than that. */
static void sort_small(struct builder *b, uint32_t lo, uint32_t hi, uint32_t depth)
{
    for (uint32_t i = lo + 1; i < hi; i++) {
        uint32_t key = b->order[i], j = i;
        uint8_t c = byte_at(b, i, depth);

        for (; j > lo && byte_at(b, j - 1, depth) > c; j--)
            b->order[j] = b->order[j - 1];
        b->order[j] = key;
    }
}

static void sort_large(struct builder *b, uint32_t lo, uint32_t hi, uint32_t depth)
{
    uint32_t at[257] = {0};

    for (uint32_t i = lo; i < hi; i++)
        at[byte_at(b, i, depth) + 1]++;
    for (unsigned c = 1; c < 257; c++)
        at[c] += at[c - 1];
    for (uint32_t i = lo; i < hi; i++)
        b->spare[at[byte_at(b, i, depth)]++] = b->order[i];
    memcpy(b->order + lo, b->spare, (hi - lo) * sizeof *b->order);
}

/* The key that ends at this depth, if any, names the node; move it out of the range. */
static uint32_t take_end(struct builder *b, uint32_t v, uint32_t lo, uint32_t hi, uint32_t depth)
{
    for (uint32_t i = lo; i < hi; i++) {
        uint32_t k = b->order[i];

        if (b->keys[k].size == depth) {
            b->m->nodes[v].id = b->keys[k].id;
            b->order[i] = b->order[lo];
            b->order[lo] = k;
            return lo + 1;
        }
    }
    return lo;
}

static bool add_children(struct builder *b, uint32_t v, uint32_t depth)
{
    uint32_t hi = b->ranges[v].hi, lo = take_end(b, v, b->ranges[v].lo, hi, depth), from;

    if (hi - lo <= SMALL)
        sort_small(b, lo, hi, depth);
    else
        sort_large(b, lo, hi, depth);
    b->m->nodes[v].first = b->m->n_nodes;
    for (; lo < hi; lo = from) {
        uint8_t c = byte_at(b, lo, depth);

        for (from = lo + 1; from < hi && byte_at(b, from, depth) == c; from++)
            ;
        if (!add_node(b, c, lo, from))
            return false;
        b->m->nodes[v].n_children++;
    }
    return true;
}

/* Both tries, level by level: the nodes stand in the order of their depth. */
static bool add_levels(struct builder *b, uint32_t n_first)
{
    uint32_t v = 0, level_end;

    if (!add_node(b, 0, 0, n_first) || !add_node(b, 0, n_first, (uint32_t)b->n_keys))
        return false;
    for (uint32_t depth = 0; v < b->m->n_nodes; depth++) {
        for (level_end = b->m->n_nodes; v < level_end; v++) {
            if (!add_children(b, v, depth))
                return false;
        }
    }
    return true;
}

static void fill_roots(struct bert__wordpiece *m)
{
    for (uint32_t i = 0; i < 512; i++)
        m->roots[i] = BERT__WP_NONE;
    for (uint32_t v = BERT__WP_FIRST; v <= BERT__WP_NEXT; v++) {
        for (uint32_t i = 0; i < m->nodes[v].n_children; i++) {
            uint32_t child = m->nodes[v].first + i;

            m->roots[v * 256 + m->labels[child]] = child;
        }
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
    uint32_t u = 0, level_end = 2;

    for (uint32_t depth = 1; u < m->n_nodes; depth++) {
        uint32_t next_end = level_end;

        for (; u < level_end; u++) {
            for (uint32_t i = 0; i < m->nodes[u].n_children; i++) {
                if (!link_node(b, m->nodes[u].first + i, u, depth))
                    return false;
            }
            next_end += m->nodes[u].n_children;
        }
        level_end = next_end;
    }
    return true;
}

/* Room for about as many nodes as tokens have that share half of their text. */
static bool expect(struct builder *b)
{
    struct bert__wordpiece *m = b->m;
    size_t n = m->vocab->text_used / 2;

    return bert__reserve(m->alloc, &m->nodes, &b->nodes_cap, n, sizeof *m->nodes)
           && bert__reserve(m->alloc, &m->labels, &b->labels_cap, n, 1)
           && bert__reserve(m->alloc, &b->ranges, &b->ranges_cap, n, sizeof *b->ranges);
}

/* ---- All of it ------------------------------------------------------------ */

static bool collect(struct builder *b, bert_text prefix, uint32_t *n_first)
{
    const struct bert__vocab *v = b->m->vocab;
    struct bert__alloc *alloc = b->m->alloc;
    size_t n = 0;

    b->keys = bert__alloc_array(alloc, (size_t)v->n * 2, sizeof *b->keys);
    b->order = bert__alloc_array(alloc, (size_t)v->n * 2, sizeof *b->order);
    b->spare = bert__alloc_array(alloc, (size_t)v->n * 2, sizeof *b->spare);
    if (b->keys == NULL || b->order == NULL || b->spare == NULL)
        return false;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (e->size > 0)
            b->keys[n++] = (struct key){e->data, e->size, e->id};
    }
    *n_first = (uint32_t)n;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct bert__vocab_entry *e = &v->entries[i];

        if (e->size > prefix.size
            && (prefix.size == 0 || memcmp(e->data, prefix.data, prefix.size) == 0))
            b->keys[n++] =
                (struct key){e->data + prefix.size, e->size - (uint32_t)prefix.size, e->id};
    }
    b->n_keys = n;
    for (size_t i = 0; i < n; i++)
        b->order[i] = (uint32_t)i;
    return true;
}

bert_status bert__wordpiece_init(struct bert__wordpiece *m, struct bert__alloc *alloc,
                                 const struct bert__vocab *vocab, bert_text prefix, int32_t unk_id,
                                 uint64_t max_chars, bert_error *err)
{
    struct builder b = {0};
    uint32_t n_first;
    bool ok;

    *m = (struct bert__wordpiece){.alloc = alloc,
                                  .vocab = vocab,
                                  .unk_id = unk_id,
                                  .max_chars = max_chars,
                                  .prefixed = prefix.size > 0};
    b.m = m;
    m->roots = bert__alloc_array(alloc, 512, sizeof *m->roots);
    ok = m->roots != NULL && collect(&b, prefix, &n_first) && expect(&b) && add_levels(&b, n_first);
    if (ok) {
        fill_roots(m);
        ok = link_levels(&b);
    }
    bert__alloc_free(alloc, b.keys);
    bert__alloc_free(alloc, b.order);
    bert__alloc_free(alloc, b.spare);
    bert__alloc_free(alloc, b.ranges);
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
