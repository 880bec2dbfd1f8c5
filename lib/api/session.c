/* SPDX-License-Identifier: MIT */
/* session.c - making a session, and encoding ids with it. */
#include "lib/api/session.h"

#include <string.h>
#include <unistd.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"

enum {
    DEFAULT_TOKENS = 2048,
    MAX_THREADS = 1024,
    TEXTS_MARGIN = 4096 /* bookkeeping of the scratch's blocks, in estimates */
};

/* ---- Options ----------------------------------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Read options and fill in the defaults. */
static bert_status read_options(bert_session_options *o, const bert_session_options *src,
                                const bert_model *model, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, src, "bert_session_options", err);

    if (st != BERT_OK)
        return st;
    if (o->threads > MAX_THREADS)
        return bert__fail(err, BERT_EINVAL, "threads is %lu; at most %d", (unsigned long)o->threads,
                          MAX_THREADS);
    if (o->threads == 0)
        o->threads = bert__cpu_count();
    if (o->max_tokens == 0)
        o->max_tokens = larger(DEFAULT_TOKENS, model->config.max_positions);
    if (o->max_sequences == 0 || o->max_sequences > o->max_tokens)
        o->max_sequences = o->max_tokens; /* none is empty */
    return BERT_OK;
}

static struct bert__exec_options exec_options(const bert_model *model,
                                              const bert_session_options *o)
{
    return (struct bert__exec_options){
        .threads = o->threads,
        .max_tokens = o->max_tokens,
        .max_sequences = o->max_sequences,
        .head_width = larger(model->embedder->head_width,
                             larger(model->heads.head_width, model->token_heads.head_width))};
}

/* ---- Scratch of the tasks ------------------------------------------------------ */

static bool texts_bytes(const bert_model *model, const bert_session_options *o, size_t *out)
{
    size_t rows, tokens, sequences;
    size_t per_sequence = 3 * sizeof(uint32_t) + sizeof(size_t);

    return bert__size_mul(model->embedder->max_width, 2 * sizeof(float), &rows)
           && bert__size_add(rows, per_sequence, &per_sequence)
           && bert__size_mul(o->max_sequences, per_sequence, &sequences)
           && bert__size_add(o->max_tokens, model->longest, &tokens)
           && bert__size_mul(tokens, 2 * sizeof(int32_t), &tokens)
           && bert__size_add(tokens, sequences, out)
           && bert__size_add(*out, TEXTS_MARGIN + bert__token_scratch_least(model->tokenizer), out);
}

static bert_status create_texts(bert_session *s, bert_error *err)
{
    struct bert__text_scratch *e = &s->texts;
    size_t n = s->max_sequences, row = s->model->embedder->max_width * sizeof(float);
    size_t tokens = (size_t)s->max_tokens + s->model->longest;
    bert_status st;

    if (s->model->tokenizer == NULL)
        return BERT_OK;
    e->ids = bert__alloc_items(s->alloc, tokens, sizeof *e->ids);
    e->type_ids = bert__alloc_items(s->alloc, tokens, sizeof *e->type_ids);
    e->offsets = bert__alloc_items(s->alloc, n + 1, sizeof *e->offsets);
    e->prompt_tokens = bert__alloc_items(s->alloc, n, sizeof *e->prompt_tokens);
    e->attended = bert__alloc_items(s->alloc, n, sizeof *e->attended);
    e->owner = bert__alloc_items(s->alloc, n, sizeof *e->owner);
    e->rows = bert__alloc_items(s->alloc, n, row);
    e->spare = bert__alloc_items(s->alloc, n, row);
    if (e->ids == NULL || e->type_ids == NULL || e->offsets == NULL || e->prompt_tokens == NULL
        || e->attended == NULL || e->owner == NULL || e->rows == NULL || e->spare == NULL)
        return bert__alloc_fail(s->alloc, "the session's scratch", err);
    st = bert__token_scratch_create(&e->tokens, s->alloc, err);
    if (st == BERT_OK)
        bert__token_scratch_watch(e->tokens, &s->watch);
    if (st == BERT_OK && !bert__token_scratch_reserve(e->tokens, s->model->tokenizer))
        st = bert__alloc_fail(s->alloc, "the session's scratch", err);
    return st;
}

static void destroy_texts(bert_session *s)
{
    struct bert__text_scratch *e = &s->texts;

    bert__token_scratch_destroy(e->tokens);
    bert__alloc_free(s->alloc, e->ids);
    bert__alloc_free(s->alloc, e->type_ids);
    bert__alloc_free(s->alloc, e->offsets);
    bert__alloc_free(s->alloc, e->prompt_tokens);
    bert__alloc_free(s->alloc, e->attended);
    bert__alloc_free(s->alloc, e->owner);
    bert__alloc_free(s->alloc, e->rows);
    bert__alloc_free(s->alloc, e->spare);
}

/* ---- Life ---------------------------------------------------------------------- */

bert_status bert_session_estimate(const bert_model *model, const bert_session_options *options,
                                  uint64_t *out, bert_error *err)
{
    bert_session_options o;
    struct bert__exec_options eo;
    uint64_t exec;
    size_t texts = 0;
    bert_status st;

    if (model == NULL || out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", model == NULL ? "model" : "out");
    *out = 0;
    st = read_options(&o, options, model, err);
    if (st != BERT_OK)
        return st;
    eo = exec_options(model, &o);
    st = bert__exec_bytes(model->network, &eo, &exec, err);
    if (st != BERT_OK)
        return st;
    if (model->tokenizer != NULL && !texts_bytes(model, &o, &texts))
        return bert__fail(err, BERT_ERANGE, "max_sequences %lu needs more memory than there can be",
                          (unsigned long)o.max_sequences);
    *out = exec + texts + sizeof(bert_session);
    return BERT_OK;
}

static bert_status fill(bert_session *s, const bert_session_options *o, bert_error *err)
{
    struct bert__exec_options eo = exec_options(s->model, o);
    bert_status st;

    s->threads = o->threads;
    s->max_tokens = o->max_tokens;
    s->max_sequences = o->max_sequences;
    s->timeout_ns = o->timeout_ns;
    s->watch.cancel = o->cancel;
    s->watch.context = o->cancel_context;
    atomic_init(&s->watch.state, 0);
    s->unknown_id = s->model->tokenizer != NULL
                        ? bert__tokenizer_named(s->model->tokenizer, BERT__NAMED_UNK)
                        : -1;
    st = bert__exec_create(&s->exec, s->alloc, s->model->network, &eo, err);
    return st != BERT_OK ? st : create_texts(s, err);
}

bert_status bert_session_create(bert_session **out, bert_model *model,
                                const bert_session_options *options, bert_error *err)
{
    bert_session_options o;
    struct bert__alloc *alloc;
    bert_session *s;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (model == NULL)
        return bert__fail(err, BERT_EINVAL, "model is NULL");
    st = read_options(&o, options, model, err);
    if (st != BERT_OK)
        return st;
    alloc = bert__alloc_create(o.allocator, o.max_bytes);
    if (alloc == NULL)
        return bert__fail_nomem(err, "the session");
    bert__alloc_together(alloc, true);
    s = bert__alloc_array(alloc, 1, sizeof *s);
    if (s == NULL) {
        st = bert__alloc_fail(alloc, "the session", err);
        bert__alloc_destroy(alloc);
        return st;
    }
    s->alloc = alloc;
    s->model = bert_model_ref(model);
    st = fill(s, &o, err);
    bert__alloc_together(alloc, false);
    if (st != BERT_OK) {
        bert_session_destroy(s);
        return st;
    }
    *out = s;
    return BERT_OK;
}

void bert_session_destroy(bert_session *s)
{
    struct bert__alloc *alloc;

    if (s == NULL)
        return;
    alloc = s->alloc;
    destroy_texts(s);
    bert__exec_destroy(s->exec);
    bert_model_unref(s->model);
    bert__alloc_free(alloc, s);
    bert__alloc_destroy(alloc);
}

bert_model *bert_session_model(const bert_session *s)
{
    return s->model;
}

uint32_t bert_session_threads(const bert_session *s)
{
    return s->threads;
}

uint32_t bert_session_max_tokens(const bert_session *s)
{
    return s->max_tokens;
}

void bert_session_set_timeout(bert_session *s, uint64_t timeout_ns)
{
    s->timeout_ns = timeout_ns;
}

void bert_session_cancel(bert_session *s)
{
    if (s != NULL)
        bert__watch_cancel(&s->watch);
}

/* ---- Around a call --------------------------------------------------------------- */

static uint64_t deadline(uint64_t timeout_ns)
{
    uint64_t now;

    if (timeout_ns == 0)
        return 0;
    now = bert__sys()->now_ns();
    return timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

bert_status bert__session_enter(bert_session *s, bert_error *err)
{
    if (!bert__watch_enter(&s->watch, (uint32_t)getpid()))
        return bert__fail(err, BERT_EBUSY, "the session is in use by another call");
    s->watch.deadline_ns = deadline(s->timeout_ns);
    bert__fpenv_enter(&s->fpenv);
    return BERT_OK;
}

void bert__session_leave(bert_session *s)
{
    if (s->texts.tokens != NULL)
        bert__token_scratch_trim(s->texts.tokens);
    bert__fpenv_leave(&s->fpenv);
    bert__watch_leave(&s->watch);
}

bert_status bert__session_check_ids(const bert_session *s, const int32_t *ids, uint32_t n,
                                    bert_error *err)
{
    uint32_t known = s->model->config.vocab_size, only = s->model->config.only_length;

    if (only > 0 && n != only)
        return bert__fail(err, BERT_ERANGE,
                          "the text has %lu tokens; attention by landmarks takes %lu, no more and "
                          "no less",
                          (unsigned long)n, (unsigned long)only);
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (uint32_t)ids[i] >= known)
            return bert__fail(err, BERT_EINVAL,
                              "the tokenizer gives id %ld; the model's vocabulary has %lu",
                              (long)ids[i], (unsigned long)known);
    }
    return BERT_OK;
}

/* ---- Encoding ids ------------------------------------------------------------------ */

static bert_status encode(bert_session *s, const struct bert__batch *batch, float *out,
                          size_t out_size, bert_error *err)
{
    size_t width = s->model->config.hidden_size, need;
    const float *hidden;
    bert_status st = bert__exec_check(s->exec, batch, err);

    if (st != BERT_OK)
        return st;
    if (!bert__size_mul(batch->n_tokens, width, &need) || out_size < need)
        return bert__fail(err, BERT_ERANGE,
                          "out has room for %zu floats; %lu tokens of %zu need more", out_size,
                          (unsigned long)batch->n_tokens, width);
    st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);
    if (st == BERT_OK) {
        memcpy(out, hidden, need * sizeof *out);
        bert__exec_finish(s->exec);
    }
    return st;
}

bert_status bert_encode(bert_session *s, const int32_t *ids, const int32_t *type_ids,
                        const uint32_t *offsets, uint32_t n_sequences, float *out, size_t out_size,
                        bert_error *err)
{
    struct bert__batch batch = {ids, type_ids, offsets, n_sequences, 0, NULL};
    bert_status st;

    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    if (n_sequences == 0)
        return BERT_OK;
    if (ids == NULL || offsets == NULL || out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          ids == NULL       ? "ids"
                          : offsets == NULL ? "offsets"
                                            : "out");
    batch.n_tokens = offsets[n_sequences];
    st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = encode(s, &batch, out, out_size, err);
    bert__session_leave(s);
    return st;
}
