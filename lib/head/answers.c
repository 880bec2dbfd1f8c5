/* SPDX-License-Identifier: MIT */
/* answers.c - the spans of all windows as answers. */
#include "lib/head/answers.h"

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/head/fold.h"

enum { FIRST_CAP = 16 };

void bert__answers_init(struct bert__answers *a, struct bert__alloc *alloc)
{
    *a = (struct bert__answers){.alloc = alloc, .null = 1};
}

void bert__answers_free(struct bert__answers *a)
{
    bert__alloc_free(a->alloc, a->list);
    bert__alloc_free(a->alloc, a->slots);
    bert__answers_init(a, a->alloc);
}

/* ---- A table by text ------------------------------------------------------------------- */

/* A span whose end lies before its start has no text. */
static bert_text text_of(bert_text context, bert_span at)
{
    size_t size = at.end > at.start ? at.end - at.start : 0;

    return (bert_text){size > 0 ? context.data + at.start : NULL, size};
}

/* Where an equal text is, or has its place. */
static size_t *find(const struct bert__answers *a, bert_text context, bert_text text)
{
    for (size_t i = (size_t)bert__fold_hash(text) & a->mask;; i = (i + 1) & a->mask) {
        size_t *slot = &a->slots[i];

        if (*slot == 0 || bert__fold_equal(text_of(context, a->list[*slot - 1].at), text))
            return slot;
    }
}

/* Room for one more, at most half of the slots in use. */
static bool grow(struct bert__answers *a, bert_text context)
{
    size_t cap = a->cap > 0 ? 2 * a->cap : FIRST_CAP, bytes, *slots;
    struct bert__answer *list;

    if (a->n < a->cap)
        return true;
    if (!bert__size_mul(cap, sizeof *list, &bytes))
        return false;
    list = bert__alloc_grow(a->alloc, a->list, bytes);
    if (list == NULL)
        return false;
    a->list = list;
    slots = bert__alloc_array(a->alloc, cap, 2 * sizeof *slots);
    if (slots == NULL)
        return false;
    bert__alloc_free(a->alloc, a->slots);
    a->slots = slots;
    a->mask = 2 * cap - 1;
    a->cap = cap;
    for (size_t i = 0; i < a->n; i++)
        *find(a, context, text_of(context, a->list[i].at)) = i + 1;
    return true;
}

bert_status bert__answers_add(struct bert__answers *a, bert_text context, bert_span at, float score,
                              bert_error *err)
{
    size_t *slot;

    if (!grow(a, context))
        return bert__alloc_fail(a->alloc, "the answers", err);
    slot = find(a, context, text_of(context, at));
    if (*slot == 0) {
        a->list[a->n] = (struct bert__answer){.at = at};
        *slot = ++a->n;
    }
    a->list[*slot - 1].score += (double)score;
    return BERT_OK;
}

/* ---- Order ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct bert__answer *x = a, *y = b;

    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    if (x->null != y->null)
        return x->null ? 1 : -1;
    return x < y ? -1 : x > y;
}

bert_status bert__answers_sort(struct bert__answers *a, bool null, bert_error *err)
{
    struct bert__answer none = {.score = (double)a->null, .null = true}, *to;
    size_t n = a->n + (null ? 1 : 0);
    void **sorted = bert__alloc_items(a->alloc, n, sizeof *sorted);

    to = bert__alloc_items(a->alloc, n, sizeof *to);
    if (sorted == NULL || to == NULL) {
        bert__alloc_free(a->alloc, sorted);
        bert__alloc_free(a->alloc, to);
        return bert__alloc_fail(a->alloc, "the answers", err);
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = i < a->n ? &a->list[i] : &none;
    bert__sort(sorted, n, compare);
    for (size_t i = 0; i < n; i++)
        to[i] = *(const struct bert__answer *)sorted[i];
    bert__alloc_free(a->alloc, sorted);
    bert__alloc_free(a->alloc, a->list);
    a->list = to;
    a->n = a->cap = n;
    return BERT_OK;
}
