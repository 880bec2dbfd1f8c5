/* SPDX-License-Identifier: MIT */
/*
 * embed_windows.c - a text over the limit: windows with stride are pooled one by
 * one, averaged by their numbers of tokens, and then go through the later modules.
 */
#include <string.h>

#include "lib/api/embed.h"
#include "lib/api/packer.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

struct windows {
    struct bert__embed_windows list;
    double *sum; /* [pooled_width] */
    uint64_t tokens;
};

bert_status bert__embed_join(struct bert__alloc *alloc, bert_text prompt, bert_text *text,
                             char **joined, bert_error *err)
{
    size_t size;

    *joined = NULL;
    if (prompt.size == 0)
        return BERT_OK;
    if (bert__size_add(prompt.size, text->size, &size))
        *joined = bert__alloc(alloc, size);
    if (*joined == NULL)
        return bert__alloc_fail(alloc, "the prompt and the text", err);
    memcpy(*joined, prompt.data, prompt.size);
    if (text->size > 0)
        memcpy(*joined + prompt.size, text->data, text->size);
    *text = (bert_text){*joined, size};
    return BERT_OK;
}

const bert_encoding *bert__embed_window(const struct bert__embed_windows *w, size_t i)
{
    return i == 0 ? w->first : bert_encoding_overflow(w->first, i - 1);
}

bert_status bert__embed_fill(const struct bert__embed_windows *w, size_t *next, size_t count,
                             struct bert__batch *batch, bert_error *err)
{
    bert_session *s = w->request->session;
    struct bert__text_scratch *e = &s->texts;

    e->offsets[0] = 0;
    for (; *next < count && batch->n_sequences < s->max_sequences; (*next)++) {
        const bert_encoding *enc = bert__embed_window(w, *next);
        uint32_t n = (uint32_t)bert_encoding_size(enc); /* at most max_length */
        bert_status st;

        if (n > s->max_tokens)
            return bert__fail(err, BERT_ERANGE,
                              "a window has %lu tokens; the session holds max_tokens = %lu",
                              (unsigned long)n, (unsigned long)s->max_tokens);
        if (batch->n_tokens + n > s->max_tokens)
            break;
        st = bert__session_check_ids(s, bert_encoding_ids(enc), n, err);
        if (st != BERT_OK)
            return st;
        memcpy(e->ids + batch->n_tokens, bert_encoding_ids(enc), n * sizeof *e->ids);
        memcpy(e->type_ids + batch->n_tokens, bert_encoding_type_ids(enc), n * sizeof *e->type_ids);
        st = bert__fit_types(s->model, false, e->type_ids + batch->n_tokens, n, err);
        if (st != BERT_OK)
            return st;
        e->prompt_tokens[batch->n_sequences] = *next == 0 ? w->prompt_tokens : 0;
        batch->n_tokens += n;
        e->offsets[++batch->n_sequences] = batch->n_tokens;
    }
    return BERT_OK;
}

static void add_rows(struct windows *w, const struct bert__batch *batch)
{
    uint32_t width = w->list.request->pooled_width;

    for (uint32_t i = 0; i < batch->n_sequences; i++) {
        const float *row = w->list.request->session->texts.rows + (size_t)i * width;
        uint32_t n = batch->offsets[i + 1] - batch->offsets[i];

        for (uint32_t j = 0; j < width; j++)
            w->sum[j] += (double)row[j] * n;
        w->tokens += n;
    }
}

/* Run one batch of windows; the last one's row also goes through the later stages. */
static bert_status run(struct windows *w, const struct bert__batch *batch, bool last, float *out,
                       bert_error *err)
{
    const struct bert__embed_request *r = w->list.request;
    bert_session *s = r->session;
    const float *hidden;
    float *row;
    uint32_t row_width;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    bert__embed_pool(r, batch, hidden, s->texts.prompt_tokens);
    add_rows(w, batch);
    if (last) {
        for (uint32_t j = 0; j < r->pooled_width; j++)
            s->texts.rows[j] = (float)(w->sum[j] / (double)w->tokens);
        st = bert__embed_finish(r, 1, &row, &row_width, err);
        if (st == BERT_OK)
            bert__embed_row(r, row, out);
    }
    bert__exec_finish(s->exec);
    return st;
}

static bert_status run_all(struct windows *w, float *out, bert_error *err)
{
    struct bert__text_scratch *e = &w->list.request->session->texts;
    size_t count = 1 + bert_encoding_overflow_count(w->list.first), next = 0;

    while (next < count) {
        struct bert__batch batch = {e->ids, e->type_ids, e->offsets, 0, 0, NULL};
        bert_status st = bert__embed_fill(&w->list, &next, count, &batch, err);

        if (st == BERT_OK)
            st = run(w, &batch, next == count, out, err);
        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

/* Tokens of the prompt, as the pooling is to leave them out. */
static bert_status count_prompt(struct bert__embed_windows *w, bert_error *err)
{
    const struct bert__embed_request *r = w->request;
    struct bert__text_scratch *e = &r->session->texts;
    uint32_t n;
    uint64_t truncated;

    if (r->pooling.include_prompt || r->prompt.size == 0)
        return BERT_OK;
    return bert__tokenize_ids(r->tokenizer, e->tokens, r->prompt, (bert_text){NULL, 0},
                              r->max_length, BERT_TRUNCATE_RIGHT, e->ids, e->type_ids, &n,
                              &truncated, &w->prompt_tokens, err);
}

bert_status bert__embed_windows(const struct bert__embed_request *r, bert_text text, float *out,
                                bert_embed_report *report, bert_error *err)
{
    struct bert__alloc *alloc = r->session->alloc;
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    struct windows w = {.list = {.request = r}};
    bert_encoding *first = NULL;
    char *joined;
    bert_status st = bert__embed_join(alloc, r->prompt, &text, &joined, err);

    if (st != BERT_OK)
        return st;
    o.max_length = r->max_length;
    o.stride = r->stride;
    o.overflow = 1;
    st = count_prompt(&w.list, err);
    if (st == BERT_OK)
        st = bert__tokenize(r->tokenizer, &r->session->watch, text, NULL, &o, &first, err);
    w.list.first = first;
    if (st == BERT_OK) {
        w.sum = bert__alloc_array(alloc, r->pooled_width, sizeof *w.sum);
        st = w.sum == NULL ? bert__alloc_fail(alloc, "the windows' sum", err)
                           : run_all(&w, out, err);
    }
    if (st == BERT_OK) {
        report->tokens = w.tokens < UINT32_MAX ? (uint32_t)w.tokens : UINT32_MAX;
        report->truncated = 0;
    }
    bert_encoding_free(first);
    bert__alloc_free(alloc, w.sum);
    bert__alloc_free(alloc, joined);
    return st;
}
