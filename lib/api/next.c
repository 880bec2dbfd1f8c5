/* SPDX-License-Identifier: MIT */
/* next.c - bert/tasks.h, next sentence. */
#include <bert/tasks.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_texts.h"
#include "lib/base/error.h"
#include "lib/head/scores.h"

struct bert_nexts {
    struct bert__records records; /* items: bert_next */
};

static bert_status answer(void *context, const struct bert__task_logits *l, bert_error *err)
{
    struct bert__records *records = context;
    float scores[2];
    bert_next *item;

    if (!bert__finite(l->values, 2))
        return bert__records_fail_nonfinite(records, l->owner, err);
    item = bert__records_add(records, l->owner, 1);
    if (item == NULL)
        return bert__fail_nomem(err, "the result");
    bert__softmax(l->values, 2, scores);
    *item = (bert_next){scores[0], {l->values[0], l->values[1]}};
    return BERT_OK;
}

static bert_status run(struct bert__task_run *r, struct bert__task_texts *t,
                       const bert_next_options *options, bert_nexts **out, bert_error *err)
{
    bert_next_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_next_options", err);

    if (st != BERT_OK)
        return st;
    t->overlong = o.overlong;
    st = bert__task_texts_check(t, err);
    if (st == BERT_OK && t->n > 0 && t->pairs == NULL)
        st = bert__fail(err, BERT_EINVAL, "pairs is NULL");
    if (st == BERT_OK)
        st = bert__task_length(r->session->model, o.max_length, true, &t->max_length, err);
    if (st == BERT_OK)
        st = bert__records_create(out, sizeof **out, r->session, t->n, sizeof(bert_next), err);
    if (st != BERT_OK)
        return st;
    r->context = &(*out)->records;
    return bert__task_texts_run(r, t, &(*out)->records, err);
}

bert_status bert_next_sentence(bert_session *s, const bert_text *texts, const bert_text *pairs,
                               size_t n, const bert_next_options *options, bert_nexts **out,
                               bert_error *err)
{
    struct bert__task_run r = {.session = s, .task = BERT__TASK_NEXT, .done = answer};
    struct bert__task_texts t = {.texts = texts, .pairs = pairs, .drop_empty_pairs = true, .n = n};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = bert__task_run_begin(&r, err);
    if (st != BERT_OK)
        return st;
    st = run(&r, &t, options, out, err);
    bert__task_run_end(&r);
    if (st != BERT_OK) {
        bert_nexts_free(*out);
        *out = NULL;
    }
    return st;
}

/* ---- Reading ------------------------------------------------------------------------ */

void bert_nexts_free(bert_nexts *r)
{
    if (r != NULL)
        bert__records_free(bert__records_drop(&r->records));
}

bert_status bert__nexts_slice(bert_nexts **out, bert_nexts *whole, size_t first, size_t n,
                              bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_nexts_size(const bert_nexts *r)
{
    return r->records.n;
}

bert_status bert_nexts_status(const bert_nexts *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_nexts_message(const bert_nexts *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

const bert_next *bert_nexts_get(const bert_nexts *r, size_t i)
{
    return bert__records_items(&r->records, i);
}

uint64_t bert_nexts_truncated(const bert_nexts *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}
