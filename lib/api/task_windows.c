/* SPDX-License-Identifier: MIT */
/* task_windows.c - texts of any length through a task's run, in windows. */
#include "lib/api/task_windows.h"

#include <bert/tasks.h>

#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/head/scores.h"

enum { USUAL_STRIDE = 128 };

struct bert__windows_record {
    struct bert__windows_record *next;
    size_t index;
    bert_encoding *encoding; /* the first window, which has the others */
    size_t n, done;          /* windows; that came back */
};

static const bert_encoding *window_at(const struct bert__windows_record *r, size_t i)
{
    return i == 0 ? r->encoding : bert_encoding_overflow(r->encoding, i - 1);
}

/* ---- The queue ----------------------------------------------------------------------- */

static struct bert__windows_record *push(struct bert__task_windows *w, size_t index,
                                         bert_encoding *encoding)
{
    struct bert__windows_record *r = bert__alloc_array(w->run->session->alloc, 1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->index = index;
    r->encoding = encoding;
    r->n = 1 + bert_encoding_overflow_count(encoding);
    if (w->first == NULL)
        w->last = &w->first;
    *w->last = r;
    w->last = &r->next;
    return r;
}

static void pop(struct bert__task_windows *w)
{
    struct bert__windows_record *r = w->first;

    w->first = r->next;
    bert_encoding_free(r->encoding);
    bert__alloc_free(w->run->session->alloc, r);
}

void bert__task_windows_free(struct bert__task_windows *w)
{
    while (w->first != NULL)
        pop(w);
}

/* ---- Out ------------------------------------------------------------------------------ */

bert_status bert__task_windows_done(void *context, const struct bert__task_logits *l,
                                    bert_error *err)
{
    struct bert__task_windows *w = context;
    struct bert__windows_record *r = w->first; /* all of a record before the next one's */
    bert_status st = BERT_OK;

    if (w->records->list[r->index].status == BERT_OK) {
        if (bert__finite(l->values, (size_t)l->n * l->width))
            st = w->sink.window(w->sink.context, r->index, window_at(r, r->done), l->values, err);
        else
            st = bert__records_fail_nonfinite(w->records, r->index, err);
    }
    if (++r->done < r->n || st != BERT_OK)
        return st;
    st = w->sink.finish(w->sink.context, r->index, r->n, err);
    pop(w);
    return st;
}

/* ---- In ------------------------------------------------------------------------------- */

bert_status bert__task_windows_cut(struct bert__task_windows *w, uint32_t most, bool pair,
                                   uint32_t asked, bert_error *err)
{
    uint32_t special = bert_tokenizer_special_count(w->run->tokenizer, pair), half = most / 2;
    uint32_t stride = asked == BERT_STRIDE_NONE ? 0 : asked;

    if (asked == 0)
        stride = half < USUAL_STRIDE ? half : USUAL_STRIDE;
    if (most <= special)
        return bert__fail(err, BERT_EINVAL,
                          "max_length is %lu; the special tokens alone take %lu of it",
                          (unsigned long)most, (unsigned long)special);
    if (stride >= most - special)
        return bert__fail(err, BERT_EINVAL, "stride is %lu; windows have room for %lu tokens",
                          (unsigned long)stride, (unsigned long)(most - special));
    w->cut = (bert_tokenize_options)BERT_TOKENIZE_OPTIONS_INIT;
    w->cut.max_length = most;
    w->cut.stride = stride;
    w->cut.overflow = 1;
    w->cut.strategy = pair ? BERT_ONLY_SECOND : BERT_ONLY_FIRST;
    return BERT_OK;
}

static bert_status check_text(const bert_text *text, bert_error *err)
{
    if (text->data != NULL || text->size == 0)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "its data is NULL and its size is %zu", text->size);
}

/* Can all windows be run? */
static bert_status check_windows(const struct bert__task_windows *w, const bert_encoding *first,
                                 bert_error *err)
{
    const bert_session *s = w->run->session;
    size_t n = 1 + bert_encoding_overflow_count(first);

    for (size_t i = 0; i < n; i++) {
        const bert_encoding *e = i == 0 ? first : bert_encoding_overflow(first, i - 1);
        size_t size = bert_encoding_size(e);
        bert_status st;

        if (size == 0)
            return bert__fail(err, BERT_EINVAL, "the text has no tokens");
        if (size > s->max_tokens)
            return bert__fail(err, BERT_ERANGE,
                              "a window has %zu tokens; the session holds max_tokens = %lu", size,
                              (unsigned long)s->max_tokens);
        st = bert__session_check_ids(s, bert_encoding_ids(e), (uint32_t)size, err);
        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

static bert_status tokenize(const struct bert__task_windows *w, const bert_text *text,
                            const bert_text *context, bert_encoding **out, bert_error *err)
{
    bert_error why;
    bert_status st = check_text(text, err);

    if (st == BERT_OK && context != NULL)
        st = check_text(context, err);
    if (st != BERT_OK)
        return st;
    st = bert__tokenize(w->run->tokenizer, &w->run->session->watch, *text, context, &w->cut, out,
                        &why);
    if (st == BERT_ERANGE || st == BERT_EINVAL) /* the options were checked: it is the text */
        return bert__fail(err, BERT_ERANGE, "the question leaves no room for a window: %s",
                          why.message);
    if (st != BERT_OK)
        return bert__fail(err, st, "%s", why.message);
    return check_windows(w, *out, err);
}

static bert_status take(struct bert__task_windows *w, struct bert__windows_record *r,
                        bert_error *err)
{
    size_t n = r->n, index = r->index;
    bert_status st = BERT_OK;

    /* the record may go with its last window */
    for (size_t i = 0; i < n && st == BERT_OK; i++) {
        const bert_encoding *e = window_at(r, i);

        st = bert__task_run_take_ids(w->run, index, bert_encoding_ids(e), bert_encoding_type_ids(e),
                                     bert_encoding_size(e), err);
    }
    return st;
}

bert_status bert__task_windows_add(struct bert__task_windows *w, size_t i, const bert_text *text,
                                   const bert_text *context, bert_error *err)
{
    struct bert__windows_record *r;
    bert_encoding *encoding = NULL;
    bert_error why = {BERT_OK, ""};
    bert_status st = tokenize(w, text, context, &encoding, &why);

    if (st != BERT_OK) {
        bert_encoding_free(encoding);
        return bert__status_is_of_text(st) ? bert__records_fail(w->records, i, &why, err)
                                           : bert__fail(err, st, "text %zu: %s", i, why.message);
    }
    r = push(w, i, encoding);
    if (r == NULL) {
        bert_encoding_free(encoding);
        return bert__alloc_fail(w->run->session->alloc, "a text's windows", err);
    }
    return take(w, r, err);
}
