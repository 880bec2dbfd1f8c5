/* SPDX-License-Identifier: MIT */
/* explain.c - bert/explain.h: the attentions of one pass, mixed back to the tokens. */
#include <bert/explain.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/tapped.h"
#include "lib/api/task_texts.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/rollout.h"

struct bert_explanation {
    struct bert__alloc *alloc;
    bert_relevance *list;
    size_t n;
    uint64_t truncated;
};

struct job {
    bert_session *session;
    bert_explain_options options;
    bert_encoding *encoding;
    size_t n;          /* tokens */
    float *heads;      /* [heads][n][n] of the current layer, where the taps write */
    float *means;      /* [layers][n][n] */
    uint32_t layers;   /* whose mean is taken */
    double *shares[2]; /* [n] each */
    bert_explanation *out;
};

/* ---- Options ----------------------------------------------------------------------------- */

static uint32_t target_of_head(const struct bert__head_row *row)
{
    if (row->input == BERT__HEAD_MEAN || row->mean_of_logits)
        return BERT_ROLLOUT_MEAN;
    return row->input == BERT__HEAD_LAST ? BERT_ROLLOUT_LAST : BERT_ROLLOUT_FIRST;
}

static uint32_t target_of_pooling(const struct bert__module *pooling)
{
    if (pooling->n_modes != 1)
        return BERT_ROLLOUT_FIRST;
    switch (pooling->modes[0]) {
    case BERT__POOL_MEAN:
    case BERT__POOL_MEAN_SQRT_LEN:
        return BERT_ROLLOUT_MEAN;
    case BERT__POOL_LAST:
        return BERT_ROLLOUT_LAST;
    default:
        return BERT_ROLLOUT_FIRST;
    }
}

static uint32_t own_target(const bert_model *model)
{
    if (model->heads.n > 0)
        return target_of_head(model->heads.items[0].row);
    return target_of_pooling(&model->modules.modules[0]);
}

static bert_status read_options(struct job *job, bool pair, const bert_explain_options *options,
                                bert_error *err)
{
    bert_explain_options *o = &job->options;
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_explain_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o->reserved, 1, "bert_explain_options.reserved", err);
    if (st == BERT_OK)
        st = bert__options_enum(o->target, BERT_ROLLOUT_MEAN + 1, "bert_explain_options.target",
                                err);
    if (st == BERT_OK)
        st = bert__options_enum(o->overlong, BERT_OVERLONG_WINDOWS, "bert_explain_options.overlong",
                                err);
    if (st != BERT_OK)
        return st;
    if (job->session->model->config.landmarks > 0)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "attentions of landmarks can't be mixed back to the tokens");
    if (o->target == BERT_ROLLOUT_AUTO)
        o->target = own_target(job->session->model);
    return bert__task_length(job->session->model, o->max_length, pair, &o->max_length, err);
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static bert_status check_tokens(const struct job *job, bert_error *err)
{
    size_t cut = bert_encoding_truncated(job->encoding);

    if (cut > 0 && job->options.overlong == BERT_OVERLONG_ERROR)
        return bert__fail(err, BERT_ERANGE, "the text has %zu tokens, %zu over the limit of %lu",
                          job->n + cut, cut, (unsigned long)job->options.max_length);
    if (job->n == 0)
        return bert__fail(err, BERT_EINVAL, "the text has no tokens");
    return BERT_OK;
}

static bert_status tokenize(struct job *job, const bert_tokenizer *tokenizer, bert_text text,
                            const bert_text *pair, bert_error *err)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_status st;

    o.max_length = job->options.max_length;
    o.side =
        job->options.overlong == BERT_OVERLONG_CUT_LEFT ? BERT_TRUNCATE_LEFT : BERT_TRUNCATE_RIGHT;
    st = bert__tokenize(tokenizer, &job->session->watch, text, pair, &o, &job->encoding, err);
    if (st != BERT_OK)
        return st;
    job->n = bert_encoding_size(job->encoding);
    return check_tokens(job, err);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static bert_status reserve(struct job *job, bert_error *err)
{
    const struct bert__config *c = &job->session->model->config;
    struct bert__alloc *alloc = job->session->alloc;
    size_t square;

    if (bert__size_mul(job->n, job->n, &square)
        && bert__size_mul(square, sizeof *job->heads, &square)) {
        job->heads = bert__alloc_items(alloc, c->heads, square);
        job->means = bert__alloc_items(alloc, c->depth, square);
    }
    for (int i = 0; i < 2; i++)
        job->shares[i] = bert__alloc_array(alloc, job->n, sizeof *job->shares[i]);
    if (job->heads == NULL || job->means == NULL || job->shares[0] == NULL
        || job->shares[1] == NULL)
        return bert__alloc_fail(alloc, "the attentions", err);
    return BERT_OK;
}

static bert_status create_result(struct job *job, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(bert__alloc_host(job->session->alloc), 0);
    bert_explanation *r = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *r) : NULL;

    if (r == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the result");
    }
    job->out = r;
    r->alloc = alloc;
    r->list = bert__alloc_array(alloc, job->n, sizeof *r->list);
    r->n = job->n;
    r->truncated = bert_encoding_truncated(job->encoding);
    return r->list != NULL ? BERT_OK : bert__fail_nomem(err, "the result");
}

static void release(struct job *job)
{
    struct bert__alloc *alloc = job->session->alloc;

    bert_encoding_free(job->encoding);
    bert__alloc_free(alloc, job->heads);
    bert__alloc_free(alloc, job->means);
    bert__alloc_free(alloc, job->shares[0]);
    bert__alloc_free(alloc, job->shares[1]);
}

/* ---- The pass ----------------------------------------------------------------------------------
 */

static void take_mean(struct job *job)
{
    size_t n = job->n;

    bert__rollout_mean(job->heads, job->session->model->config.heads, n,
                       job->means + job->layers * n * n);
    job->layers++;
}

/* A layer begins: the one before it has written its attentions. */
static float *const *begin_layer(void *context, uint32_t layer, uint32_t first)
{
    struct job *job = context;

    (void)first; /* there is one sequence only */
    if (layer > 0)
        take_mean(job);
    return &job->heads;
}

static bert_status encode(struct job *job, const bert_tokenizer *tokenizer, bert_error *err)
{
    struct bert__tap tap = {.context = job, .probs = begin_layer};
    bert_status st = bert__tapped_run(job->session, tokenizer, job->encoding, &tap, err);

    if (st == BERT_OK)
        take_mean(job);
    return st;
}

/* ---- The way back -----------------------------------------------------------------------------
 */

static void start(const struct job *job, double *shares)
{
    for (size_t i = 0; i < job->n; i++)
        shares[i] = job->options.target == BERT_ROLLOUT_MEAN ? 1 / (double)job->n : 0;
    if (job->options.target != BERT_ROLLOUT_MEAN)
        shares[job->options.target == BERT_ROLLOUT_LAST ? job->n - 1 : 0] = 1;
}

static bert_status put_scores(struct job *job, const double *shares, bert_error *err)
{
    const bert_span *spans = bert_encoding_offsets(job->encoding);
    const int32_t *ids = bert_encoding_ids(job->encoding);
    const int8_t *sequences = bert_encoding_sequence_ids(job->encoding);
    double total = 0;

    for (size_t i = 0; i < job->n; i++) {
        job->out->list[i] = (bert_relevance){spans[i], (float)shares[i], ids[i], sequences[i]};
        total += shares[i];
    }
    return total > 0.5 && total < 1.5 /* NaN is neither */
               ? BERT_OK
               : bert__fail(err, BERT_ENONFINITE, "the model gives NaN or infinity for this text");
}

static bert_status roll_out(struct job *job, bert_error *err)
{
    size_t square = job->n * job->n;
    int at = 0;

    start(job, job->shares[0]);
    for (uint32_t i = job->layers; i-- > 0; at = 1 - at)
        bert__rollout_step(job->means + i * square, job->n, job->shares[at], job->shares[1 - at]);
    return put_scores(job, job->shares[at], err);
}

/* ---- The call ----------------------------------------------------------------------------------
 */

static bert_status run(struct job *job, const bert_tokenizer *tokenizer, bert_text text,
                       const bert_text *pair, bert_error *err)
{
    bert_status st = tokenize(job, tokenizer, text, pair, err);

    if (st == BERT_OK)
        st = reserve(job, err);
    if (st == BERT_OK)
        st = create_result(job, err);
    if (st == BERT_OK)
        st = encode(job, tokenizer, err);
    return st == BERT_OK ? roll_out(job, err) : st;
}

bert_status bert_explain(bert_session *s, bert_text text, const bert_text *pair,
                         const bert_explain_options *options, bert_explanation **out,
                         bert_error *err)
{
    struct job job = {.session = s};
    const bert_tokenizer *tokenizer;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    if (pair != NULL && pair->size == 0)
        pair = NULL;
    st = bert_model_tokenizer(s->model, &tokenizer, err);
    if (st == BERT_OK)
        st = read_options(&job, pair != NULL, options, err);
    if (st == BERT_OK)
        st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = run(&job, tokenizer, text, pair, err);
    release(&job);
    bert__session_leave(s);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_explanation_free(job.out);
    return st;
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

void bert_explanation_free(bert_explanation *r)
{
    struct bert__alloc *alloc;

    if (r == NULL)
        return;
    alloc = r->alloc;
    bert__alloc_free(alloc, r->list);
    bert__alloc_free(alloc, r);
    bert__alloc_destroy(alloc);
}

size_t bert_explanation_count(const bert_explanation *r)
{
    return r->n;
}

const bert_relevance *bert_explanation_list(const bert_explanation *r)
{
    return r->list;
}

uint64_t bert_explanation_truncated(const bert_explanation *r)
{
    return r->truncated;
}
