/* SPDX-License-Identifier: MIT */
/* embed_all.c - embeddings of several kinds from one pass of the encoder. */
#include <bert/tasks.h>
#include <string.h>

#include "lib/api/embed_all.h"
#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/scores.h"

enum { ALL = BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE | BERT_EMBEDDING_MULTI };

/* ---- What a model has ------------------------------------------------------------------------ */

static uint32_t own_outputs(const bert_model *model)
{
    if (model->modules.multi.present)
        return BERT_EMBEDDING_MULTI;
    return model->modules.splade.present ? BERT_EMBEDDING_SPARSE : BERT_EMBEDDING_DENSE;
}

static bool has_terms(const bert_model *model)
{
    const struct bert__task_head *head;

    if (model->token_heads.lexical.matrix != NULL)
        return true;
    return model->modules.splade.refusal == NULL
           && bert__task_head_find(&head, &model->heads, &model->config, BERT__TASK_FILL,
                                   &model->heads_missing, NULL)
                  == BERT_OK;
}

uint32_t bert_model_embeddings(const bert_model *model)
{
    uint32_t kinds = BERT_EMBEDDING_DENSE;

    if (model->tokenizer == NULL)
        return 0;
    if (has_terms(model))
        kinds |= BERT_EMBEDDING_SPARSE;
    if (model->token_heads.vectors != NULL)
        kinds |= BERT_EMBEDDING_MULTI;
    return kinds;
}

const char *bert_model_embedding_similarity(const bert_model *model, bert_embedding kind)
{
    if ((uint32_t)kind == own_outputs(model))
        return model->modules.similarity;
    if (kind == BERT_EMBEDDING_MULTI)
        return model->token_heads.skip_first ? "meanmaxsim" : "maxsim";
    return kind == BERT_EMBEDDING_SPARSE ? "dot" : "cosine";
}

/* ---- Options ---------------------------------------------------------------------------- */

/* The prompt that the role names, or none. */
static void choose_prompt(const bert_model *model, bert_embed_all_options *o, const bert_text *none)
{
    const char *name = o->role == BERT_ROLE_QUERY ? "query" : "document";

    if (o->role == BERT_ROLE_NONE || o->prompt != NULL || o->prompt_name != NULL)
        return;
    for (uint32_t i = 0; i < model->modules.n_prompts; i++) {
        if (strcmp(model->modules.prompts[i].name, name) == 0)
            o->prompt_name = name;
    }
    if (o->prompt_name == NULL)
        o->prompt = none;
}

static bert_status read_dense(struct bert__embed_all *job, const bert_embed_all_options *o,
                              bert_error *err)
{
    bert_embed_options dense = BERT_EMBED_OPTIONS_INIT;
    bert_status st;

    dense.pooling = o->pooling;
    dense.normalize = o->normalize;
    dense.dimensions = o->dimensions;
    dense.overlong = o->overlong;
    dense.prompt = o->prompt;
    dense.prompt_name = o->prompt_name;
    st = bert__embed_request_read(&job->request, job->run.session->model, &dense, err);
    job->request.session = job->run.session;
    job->texts.overlong = o->overlong;
    job->texts.prompt = &job->request.prompt;
    job->texts.count_prompt =
        (job->outputs & BERT_EMBEDDING_DENSE) != 0 && !job->request.pooling.include_prompt;
    return st;
}

/* Lengths by role: of a query that is widened, those of its text. */
static bert_status read_length(struct bert__embed_all *job, const bert_embed_all_options *o,
                               bert_error *err)
{
    const bert_model *model = job->run.session->model;
    const struct bert__multi_plan *plan = &model->multi;
    uint32_t limit = plan->limits[o->role];
    uint32_t special = bert_tokenizer_special_count(model->tokenizer, 0);

    if (o->max_length > 0 && o->max_length < limit)
        limit = o->max_length;
    job->texts.max_length = job->request.max_length = limit;
    if (limit < special)
        return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %lu",
                          (unsigned long)limit, (unsigned long)special);
    if (o->role != BERT_ROLE_QUERY || plan->widen_to == 0
        || (job->outputs & BERT_EMBEDDING_MULTI) == 0)
        return BERT_OK;
    if (job->outputs != BERT_EMBEDDING_MULTI)
        return bert__fail(err, BERT_EINVAL,
                          "queries of this model are widened by masks for their tokens' vectors; "
                          "ask for its other embeddings in another call");
    job->texts.widen_to = plan->widen_to;
    job->texts.widen_id = plan->widen_id;
    job->run.packer.widens = !plan->attend;
    return BERT_OK;
}

static bert_status find_heads(struct bert__embed_all *job, const bert_embed_all_options *o,
                              bert_error *err)
{
    bert_status st = BERT_OK;

    if (job->outputs & BERT_EMBEDDING_SPARSE)
        st = bert__embed_terms_find(job, err);
    if (st == BERT_OK && (job->outputs & BERT_EMBEDDING_MULTI))
        st = bert__embed_vectors_find(job, o->normalize, o->role, err);
    return st;
}

static bert_status read_options(struct bert__embed_all *job, const bert_embed_all_options *options,
                                bert_error *err)
{
    static const bert_text none = {"", 0};
    const bert_model *model = job->run.session->model;
    bert_embed_all_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_embed_all_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.reserved, 1, "bert_embed_all_options.reserved", err);
    if (st == BERT_OK)
        st = bert__options_enum(o.role, BERT__ROLES, "bert_embed_all_options.role", err);
    if (st != BERT_OK)
        return st;
    if ((o.outputs & ~(uint32_t)ALL) != 0)
        return bert__fail(err, BERT_EINVAL,
                          "outputs 0x%lx is no combination of bert_embedding bits",
                          (unsigned long)o.outputs);
    job->outputs = o.outputs != 0 ? o.outputs : own_outputs(model);
    job->terms.max_active = o.max_active != 0 ? o.max_active : model->modules.splade.max_active;
    st = bert_model_tokenizer(model, &job->run.tokenizer, err);
    choose_prompt(model, &o, &none);
    if (st == BERT_OK)
        st = read_dense(job, &o, err);
    if (st == BERT_OK)
        st = bert__task_texts_check(&job->texts, err);
    if (st == BERT_OK)
        st = read_length(job, &o, err);
    return st == BERT_OK ? find_heads(job, &o, err) : st;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* What heads on tokens need. */
static bert_status reserve(struct bert__embed_all *job, bert_error *err)
{
    bert_session *s = job->run.session;
    bert_status st = BERT_OK;

    if (job->outputs == BERT_EMBEDDING_DENSE)
        return BERT_OK;
    job->hidden = bert__alloc_items(s->alloc, s->max_tokens,
                                    s->model->config.hidden_size * sizeof *job->hidden);
    if (job->hidden == NULL)
        return bert__alloc_fail(s->alloc, "the hidden states", err);
    if (job->outputs & BERT_EMBEDDING_SPARSE)
        st = bert__embed_terms_reserve(job, err);
    if (st == BERT_OK && (job->outputs & BERT_EMBEDDING_MULTI))
        st = bert__embed_vectors_reserve(job, err);
    return st;
}

static bert_status create_result(struct bert__embed_all *job, bert_error *err)
{
    bert_status st = bert__records_create(&job->out, sizeof *job->out, job->run.session,
                                          job->texts.n, sizeof(bert_term), err);
    bert_embeddings *r = job->out;
    size_t floats;
    bool ok = true;

    if (st != BERT_OK)
        return st;
    r->outputs = job->outputs;
    if (job->outputs & BERT_EMBEDDING_DENSE) {
        r->width = job->request.width;
        ok = bert__size_mul(job->texts.n, r->width, &floats);
        if (ok)
            r->dense = bert__alloc_array(r->records.alloc, floats, sizeof(float));
        ok = r->dense != NULL;
    }
    if (ok && (job->outputs & BERT_EMBEDDING_MULTI)) {
        r->size = job->run.session->model->token_heads.vectors->width;
        r->ranges = bert__alloc_array(r->records.alloc, job->texts.n, sizeof *r->ranges);
        ok = r->ranges != NULL;
    }
    return ok ? BERT_OK : bert__fail_nomem(err, "the result");
}

static void free_scratch(struct bert__embed_all *job)
{
    bert__alloc_free(job->run.session->alloc, job->hidden);
    bert__embed_terms_free(job);
    bert__embed_vectors_free(job);
}

/* ---- A vector of each text ----------------------------------------------------------------- */

static bert_status put_dense(struct bert__embed_all *job, const struct bert__batch *batch,
                             bert_error *err)
{
    const struct bert__text_scratch *t = &job->run.session->texts;
    float *rows;
    uint32_t width;
    bert_status st = bert__embed_finish(&job->request, batch->n_sequences, &rows, &width, err);

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        float *out = job->out->dense + t->owner[i] * job->out->width;

        bert__embed_row(&job->request, rows + (size_t)i * width, out);
        if (!bert__finite(out, job->out->width))
            st = bert__records_fail_nonfinite(&job->out->records, t->owner[i], err);
    }
    return st;
}

/* ---- The call ---------------------------------------------------------------------------------
 */

static bool is_wanted(const struct bert__embed_all *job, uint32_t sequence, uint32_t output)
{
    size_t owner = job->run.session->texts.owner[sequence];

    return (job->outputs & output) && job->out->records.list[owner].status == BERT_OK;
}

static bert_status run_tokens(struct bert__embed_all *job, const struct bert__batch *batch,
                              bert_error *err)
{
    bert_status st = BERT_OK;

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        if (is_wanted(job, i, BERT_EMBEDDING_SPARSE))
            st = bert__embed_terms(job, batch, i, err);
        if (st == BERT_OK && is_wanted(job, i, BERT_EMBEDDING_MULTI))
            st = bert__embed_vectors(job, batch, i, err);
    }
    return st;
}

static bert_status run_batch(void *context, const struct bert__batch *batch, bert_error *err)
{
    struct bert__embed_all *job = context;
    bert_session *s = job->run.session;
    const float *hidden;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    if (job->hidden != NULL)
        memcpy(job->hidden, hidden,
               (size_t)batch->n_tokens * s->model->config.hidden_size * sizeof *hidden);
    if (job->outputs & BERT_EMBEDDING_DENSE) {
        bert__embed_pool(&job->request, batch, hidden, s->texts.prompt_tokens);
        st = put_dense(job, batch, err);
    }
    if (st == BERT_OK && job->hidden != NULL)
        st = run_tokens(job, batch, err);
    bert__exec_finish(s->exec);
    return st;
}

static bert_status run(struct bert__embed_all *job, bert_error *err)
{
    bert_status st = reserve(job, err);

    if (st == BERT_OK)
        st = create_result(job, err);
    if (st == BERT_OK)
        st = bert__task_texts_run(&job->run, &job->texts, &job->out->records, err);
    free_scratch(job);
    return st;
}

bert_status bert_embed_all(bert_session *s, const bert_text *texts, size_t n,
                           const bert_embed_all_options *options, bert_embeddings **out,
                           bert_error *err)
{
    struct bert__embed_all job = {
        .run = {.session = s, .packer = {.session = s, .run = run_batch, .context = &job}},
        .texts = {.texts = texts, .n = n}};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = read_options(&job, options, err);
    if (st == BERT_OK)
        st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = run(&job, err);
    bert__session_leave(s);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_embeddings_free(job.out);
    return st;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

void bert_embeddings_free(bert_embeddings *r)
{
    if (r != NULL)
        r = bert__records_drop(&r->records);
    if (r == NULL)
        return;
    bert__alloc_free(r->records.alloc, r->dense);
    bert__alloc_free(r->records.alloc, r->vectors);
    bert__alloc_free(r->records.alloc, r->ranges);
    bert__records_free(&r->records);
}

bert_status bert__embeddings_slice(bert_embeddings **out, bert_embeddings *whole, size_t first,
                                   size_t n, bert_error *err)
{
    bert_status st = bert__records_slice(out, sizeof **out, &whole->records, first, n, err);

    if (st == BERT_OK && whole->dense != NULL)
        (*out)->dense += first * whole->width;
    if (st == BERT_OK && whole->ranges != NULL)
        (*out)->ranges += first;
    return st;
}

uint32_t bert_embeddings_outputs(const bert_embeddings *r)
{
    return r->outputs;
}

size_t bert_embeddings_size(const bert_embeddings *r)
{
    return r->records.n;
}

bert_status bert_embeddings_status(const bert_embeddings *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_embeddings_message(const bert_embeddings *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

uint32_t bert_embeddings_tokens(const bert_embeddings *r, size_t i)
{
    return i < r->records.n ? r->records.list[i].tokens : 0;
}

uint64_t bert_embeddings_truncated(const bert_embeddings *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}

const float *bert_embeddings_dense(const bert_embeddings *r, size_t i, size_t *size)
{
    bool there = r->dense != NULL && bert__records_status(&r->records, i) == BERT_OK;

    *size = there ? r->width : 0;
    return there ? r->dense + i * r->width : NULL;
}

const bert_term *bert_embeddings_terms(const bert_embeddings *r, size_t i, size_t *count)
{
    *count = bert__records_count(&r->records, i);
    return bert__records_items(&r->records, i);
}

const float *bert_embeddings_vectors(const bert_embeddings *r, size_t i, size_t *count,
                                     size_t *size)
{
    bool there = r->ranges != NULL && bert__records_status(&r->records, i) == BERT_OK
                 && r->ranges[i].count > 0;

    *count = there ? r->ranges[i].count : 0;
    *size = there ? r->size : 0;
    return there ? r->vectors + r->ranges[i].first * r->size : NULL;
}
