/* SPDX-License-Identifier: MIT */
/* vocab.c - tokens by text and by id. */
#include "tokenizer/vocab.h"

#include "lib/base/error.h"
#include "lib/base/size.h"

/* An index by id costs memory for gaps too: at most this many ids a token, and some. */
enum { IDS_PER_TOKEN = 8, SPARE_IDS = 1 << 20 };

bool bert__vocab_init(struct bert__vocab *v, struct bert__alloc *alloc, uint32_t n,
                      size_t text_bytes)
{
    uint64_t slots = 16;

    memset(v, 0, sizeof *v);
    v->alloc = alloc;
    while (slots < (uint64_t)n * 2)
        slots *= 2;
    v->entries = bert__alloc_items(alloc, n, sizeof *v->entries);
    v->text = bert__alloc(alloc, text_bytes);
    v->slots = bert__alloc_array(alloc, (size_t)slots, sizeof *v->slots);
    v->cap = n;
    v->text_cap = text_bytes;
    v->mask = slots - 1;
    /* Where memory lies differs from run to run: nobody can prepare collisions. */
    v->seed = bert__mix((uint64_t)(uintptr_t)v->slots, UINT64_C(0x9E3779B97F4A7C15));
    return v->entries != NULL && v->text != NULL && v->slots != NULL;
}

void bert__vocab_free(struct bert__vocab *v)
{
    if (v->alloc == NULL)
        return;
    bert__alloc_free(v->alloc, v->entries);
    bert__alloc_free(v->alloc, v->text);
    bert__alloc_free(v->alloc, v->slots);
    bert__alloc_free(v->alloc, v->by_id);
    memset(v, 0, sizeof *v);
}

/* The slot of that text, or the free one where it belongs. */
static struct bert__vocab_slot *slot_of(const struct bert__vocab *v, bert_text text, uint64_t hash)
{
    uint64_t i = hash & v->mask;

    for (; v->slots[i].entry != 0; i = (i + 1) & v->mask) {
        const struct bert__vocab_entry *e = &v->entries[v->slots[i].entry - 1];

        if (v->slots[i].tag == (uint32_t)(hash >> 32) && e->size == text.size
            && (text.size == 0 || memcmp(e->data, text.data, text.size) == 0))
            break;
    }
    return &v->slots[i];
}

static void add_new(struct bert__vocab *v, struct bert__vocab_slot *slot, bert_text text,
                    uint64_t hash, int32_t id)
{
    struct bert__vocab_entry *e = &v->entries[v->n++];

    e->data = v->text + v->text_used;
    e->size = (uint32_t)text.size;
    e->id = id;
    if (text.size > 0)
        memcpy(v->text + v->text_used, text.data, text.size);
    v->text_used += text.size;
    slot->tag = (uint32_t)(hash >> 32);
    slot->entry = v->n;
}

void bert__vocab_add_expected(struct bert__vocab *v, bert_text text, uint64_t hash, int32_t id)
{
    struct bert__vocab_slot *slot = slot_of(v, text, hash);

    if (slot->entry != 0)
        v->entries[slot->entry - 1].id = id;
    else
        add_new(v, slot, text, hash, id);
}

void bert__vocab_add(struct bert__vocab *v, bert_text text, int32_t id)
{
    bert__vocab_add_expected(v, text, bert__hash(text.data, text.size, v->seed), id);
}

void bert__vocab_add_again(struct bert__vocab *v, bert_text text, uint64_t hash, int32_t id)
{
    struct bert__vocab_slot *slot = slot_of(v, text, hash);
    struct bert__vocab_entry *e;

    if (slot->entry == 0) {
        add_new(v, slot, text, hash, id);
        return;
    }
    e = &v->entries[v->n++];
    *e = v->entries[slot->entry - 1];
    e->id = id;
    v->repeated = true;
    slot->entry = v->n;
}

/* The largest id, checked against the number of tokens. */
static bert_status measure(struct bert__vocab *v, const char *what, bert_error *err)
{
    const struct bert__vocab_entry *top = NULL;

    for (uint32_t i = 0; i < v->n; i++) {
        if (top == NULL || v->entries[i].id > top->id)
            top = &v->entries[i];
    }
    v->n_ids = top == NULL ? 0 : (uint32_t)top->id + 1;
    if (v->n_ids > (uint64_t)v->n * IDS_PER_TOKEN + SPARE_IDS) {
        char name[84];

        return bert__fail(
            err, BERT_ELIMIT, "%s: id %ld of token \"%s\" is far beyond the number of tokens, %lu",
            what, (long)top->id, bert__printable(name, top->data, top->size), (unsigned long)v->n);
    }
    return BERT_OK;
}

bert_status bert__vocab_finish(struct bert__vocab *v, const char *what, bert_error *err)
{
    bert_status status = measure(v, what, err);

    if (status != BERT_OK)
        return status;
    v->by_id = bert__alloc_array(v->alloc, v->n_ids, sizeof *v->by_id);
    if (v->by_id == NULL)
        return bert__alloc_fail(v->alloc, "vocabulary", err);
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t *at = &v->by_id[v->entries[i].id];
        char a[84], b[84];

        if (*at != 0)
            return bert__fail(
                err, BERT_EFORMAT, "%s: tokens \"%s\" and \"%s\" have the same id %ld", what,
                bert__printable(a, v->entries[*at - 1].data, v->entries[*at - 1].size),
                bert__printable(b, v->entries[i].data, v->entries[i].size), (long)v->entries[i].id);
        *at = i + 1;
    }
    return BERT_OK;
}
