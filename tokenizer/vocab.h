/* SPDX-License-Identifier: MIT */
/* vocab.h - tokens by text and by id. */
#ifndef BERT_TOKENIZER_VOCAB_H
#define BERT_TOKENIZER_VOCAB_H

#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

enum {
    BERT__VOCAB_MAX_TOKENS = 1 << 28,
    BERT__VOCAB_AHEAD = 16 /* tokens to expect; a power of two */
};

struct bert__vocab_entry {
    const char *data;
    uint32_t size;
    int32_t id;
};

struct bert__vocab_slot {
    uint32_t tag;   /* upper half of the hash */
    uint32_t entry; /* index + 1; 0: free */
};

struct bert__vocab {
    struct bert__alloc *alloc;
    struct bert__vocab_entry *entries; /* in the order of the file */
    uint32_t n;
    uint32_t cap;
    char *text; /* of all tokens */
    size_t text_used, text_cap;
    struct bert__vocab_slot *slots;
    uint64_t mask;
    uint64_t seed;
    uint32_t *by_id; /* entry index + 1; 0: no such id */
    uint32_t n_ids;  /* largest id + 1 */
    bool repeated;   /* some text has several ids */
};

/* Room for n tokens of text_bytes together; false: no memory. */
bool bert__vocab_init(struct bert__vocab *vocab, struct bert__alloc *alloc, uint32_t n,
                      size_t text_bytes);
void bert__vocab_free(struct bert__vocab *vocab);

/* Add a token (there must be room).  One that is there already gets the new id. */
void bert__vocab_add(struct bert__vocab *vocab, bert_text text, int32_t id);

/* A token that is added soon: where its slot lies is fetched meanwhile.  Returns its hash. */
static inline uint64_t bert__vocab_expect(const struct bert__vocab *v, bert_text text)
{
    uint64_t h = bert__hash(text.data, text.size, v->seed);

    __builtin_prefetch(&v->slots[h & v->mask], 1);
    return h;
}

/* bert__vocab_add() of a token that was expected, with its hash. */
void bert__vocab_add_expected(struct bert__vocab *vocab, bert_text text, uint64_t hash, int32_t id);
/* The same, but the old id stays: its text is found under the new one, and both have it. */
void bert__vocab_add_again(struct bert__vocab *vocab, bert_text text, uint64_t hash, int32_t id);

/* Index the ids.  BERT_EFORMAT, two tokens of one id; BERT_ELIMIT, ids far beyond the
 * number of tokens; BERT_ENOMEM.  `what` names file and field. */
bert_status bert__vocab_finish(struct bert__vocab *vocab, const char *what, bert_error *err);

/* Entry of a token, or NULL. */
static inline const struct bert__vocab_entry *bert__vocab_find(const struct bert__vocab *v,
                                                               const char *data, size_t size)
{
    uint64_t h = bert__hash(data, size, v->seed);
    uint32_t tag = (uint32_t)(h >> 32);

    for (uint64_t i = h & v->mask; v->slots[i].entry != 0; i = (i + 1) & v->mask) {
        const struct bert__vocab_entry *e;

        if (v->slots[i].tag != tag)
            continue;
        e = &v->entries[v->slots[i].entry - 1];
        if (e->size == size && (size == 0 || memcmp(e->data, data, size) == 0))
            return e;
    }
    return NULL;
}

/* Entry of an id, or NULL. */
static inline const struct bert__vocab_entry *bert__vocab_at(const struct bert__vocab *v,
                                                             int32_t id)
{
    if (id < 0 || (uint32_t)id >= v->n_ids || v->by_id[id] == 0)
        return NULL;
    return &v->entries[v->by_id[id] - 1];
}

#endif
