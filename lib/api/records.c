/* SPDX-License-Identifier: MIT */
/* records.c - the core of every task's result. */
#include "lib/api/records.h"

#include <string.h>

#include "lib/api/slices.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

bert_status bert__records_create(void *out, size_t size, const bert_session *s, size_t n,
                                 size_t item_size, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(bert__alloc_host(s->alloc), 0);
    struct bert__records *r = NULL;

    if (alloc != NULL)
        r = bert__alloc_array(alloc, 1, size);
    if (r == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the result");
    }
    r->alloc = alloc;
    atomic_init(&r->users, 1);
    r->n = n;
    r->item_size = item_size;
    r->list = bert__alloc_array(alloc, n, sizeof *r->list);
    if (r->list == NULL) {
        bert__records_free(r);
        return bert__fail_nomem(err, "the result");
    }
    memcpy(out, &r, sizeof r);
    return BERT_OK;
}

bert_status bert__records_slice(void *out, size_t size, struct bert__records *whole, size_t first,
                                size_t n, bert_error *err)
{
    struct bert__records *r = bert__alloc_array(whole->alloc, 1, size);

    if (r == NULL)
        return bert__fail_nomem(err, "a part of the result");
    memcpy(r + 1, whole + 1, size - sizeof *r);
    atomic_fetch_add(&whole->users, 1);
    r->whole = whole;
    r->alloc = whole->alloc;
    r->list = whole->list + first;
    r->n = n;
    r->items = whole->items;
    r->item_size = whole->item_size;
    memcpy(out, &r, sizeof r);
    return BERT_OK;
}

void *bert__records_drop(struct bert__records *r)
{
    struct bert__records *whole = r->whole != NULL ? r->whole : r;

    if (r != whole)
        bert__alloc_free(whole->alloc, r);
    return atomic_fetch_sub(&whole->users, 1) == 1 ? whole : NULL;
}

void bert__records_free(struct bert__records *r)
{
    struct bert__alloc *alloc;

    if (r == NULL)
        return;
    alloc = r->alloc;
    for (size_t i = 0; r->list != NULL && i < r->n; i++)
        bert__alloc_free(alloc, r->list[i].message);
    bert__alloc_free(alloc, r->list);
    bert__alloc_free(alloc, r->items);
    bert__alloc_free(alloc, r);
    bert__alloc_destroy(alloc);
}

static bool reserve(struct bert__records *r, size_t more)
{
    size_t need, cap, bytes;
    void *items;

    if (!bert__size_add(r->n_items, more, &need))
        return false;
    if (need <= r->cap)
        return true;
    if (!bert__size_mul(need, 2, &cap) || !bert__size_mul(cap, r->item_size, &bytes))
        return false;
    items = bert__alloc_grow(r->alloc, r->items, bytes);
    if (items == NULL)
        return false;
    r->items = items;
    r->cap = cap;
    return true;
}

void *bert__records_add(struct bert__records *r, size_t i, size_t count)
{
    struct bert__record *record = &r->list[i];
    char *items;

    if (!reserve(r, count))
        return NULL;
    if (record->count == 0)
        record->first = r->n_items;
    items = (char *)r->items + r->n_items * r->item_size;
    memset(items, 0, count * r->item_size);
    record->count += count;
    r->n_items += count;
    return items;
}

void *bert__records_item(const struct bert__records *r, size_t i, size_t k)
{
    return (char *)r->items + (r->list[i].first + k) * r->item_size;
}

bert_status bert__records_fail(struct bert__records *r, size_t i, const bert_error *why,
                               bert_error *err)
{
    struct bert__record *record = &r->list[i];

    record->count = 0;
    record->status = why->code;
    record->message = bert__alloc_string(r->alloc, why->message, strlen(why->message));
    return record->message != NULL ? BERT_OK : bert__fail_nomem(err, "the result");
}

bert_status bert__records_fail_nonfinite(struct bert__records *r, size_t i, bert_error *err)
{
    bert_error why;

    bert__fail(&why, BERT_ENONFINITE, "the model gives NaN or infinity for this text");
    return bert__records_fail(r, i, &why, err);
}

size_t bert__result_bytes(const void *result)
{
    const struct bert__records *r = result; /* which every such result begins with */

    return (size_t)bert__alloc_used(r->alloc);
}

/* ---- Reading ----------------------------------------------------------------------- */

bert_status bert__records_status(const struct bert__records *r, size_t i)
{
    return i < r->n ? r->list[i].status : BERT_EINVAL;
}

const char *bert__records_message(const struct bert__records *r, size_t i)
{
    return i < r->n && r->list[i].message != NULL ? r->list[i].message : "";
}

size_t bert__records_count(const struct bert__records *r, size_t i)
{
    return i < r->n ? r->list[i].count : 0;
}

const void *bert__records_items(const struct bert__records *r, size_t i)
{
    return bert__records_count(r, i) > 0 ? bert__records_item(r, i, 0) : NULL;
}

uint64_t bert__records_truncated(const struct bert__records *r, size_t i)
{
    return i < r->n ? r->list[i].truncated : 0;
}
