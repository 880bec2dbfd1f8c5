/* SPDX-License-Identifier: MIT */
/* embed_vectors.c - bert_embed_all(): a vector of each token. */
#include <string.h>

#include "lib/api/embed_all.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/scores.h"

enum { PART_BYTES = 1 << 20 /* of rows on their way through the modules */ };

/* ---- What is asked ----------------------------------------------------------------------------
 */

static bool ends_normalized(const struct bert__embedder *e)
{
    return e->n_stages > 0 && e->stages[e->n_stages - 1].kind == BERT__MODULE_NORMALIZE;
}

bert_status bert__embed_vectors_find(struct bert__embed_all *job, uint32_t normalize, uint32_t role,
                                     bert_error *err)
{
    const bert_model *model = job->run.session->model;
    const struct bert__token_heads *heads = &model->token_heads;
    struct bert__vectors_job *v = &job->vectors;

    if (heads->vectors == NULL)
        return bert__fail(err, heads->vectors_missing.code,
                          "the model has no vectors of tokens (ColBERT): %s",
                          heads->vectors_missing.message);
    v->rule = &model->multi.rules[role];
    v->modules_normalize = normalize != BERT_NORMALIZE_OFF;
    v->normalize = normalize == BERT_NORMALIZE_ON && !ends_normalized(heads->vectors);
    return BERT_OK;
}

/* ---- Memory ------------------------------------------------------------------------------------
 */

bert_status bert__embed_vectors_reserve(struct bert__embed_all *job, bert_error *err)
{
    struct bert__vectors_job *v = &job->vectors;
    bert_session *s = job->run.session;
    size_t row = s->model->token_heads.vectors->max_width * sizeof(float);

    v->part = (uint32_t)(PART_BYTES / row) + 1;
    if (v->part > s->max_tokens)
        v->part = s->max_tokens;
    v->places = bert__alloc_items(s->alloc, s->max_tokens, sizeof *v->places);
    v->rows = bert__alloc_items(s->alloc, v->part, row);
    v->spare = bert__alloc_items(s->alloc, v->part, row);
    if (v->places == NULL || v->rows == NULL || v->spare == NULL)
        return bert__alloc_fail(s->alloc, "the tokens' vectors", err);
    return BERT_OK;
}

void bert__embed_vectors_free(struct bert__embed_all *job)
{
    struct bert__alloc *alloc = job->run.session->alloc;

    bert__alloc_free(alloc, job->vectors.places);
    bert__alloc_free(alloc, job->vectors.rows);
    bert__alloc_free(alloc, job->vectors.spare);
}

/* Room for n more in the result. */
static bool reserve(bert_embeddings *r, size_t n)
{
    size_t need, cap, bytes;
    float *vectors;

    if (!bert__size_add(r->n_vectors, n, &need))
        return false;
    if (need <= r->cap)
        return true;
    if (!bert__size_mul(need, 2, &cap) || !bert__size_mul(cap, r->size * sizeof(float), &bytes))
        return false;
    vectors = bert__alloc_grow(r->records.alloc, r->vectors, bytes);
    if (vectors == NULL)
        return false;
    r->vectors = vectors;
    r->cap = cap;
    return true;
}

/* ---- Vectors of each text
 * ------------------------------------------------------------------------ */

/* The k tokens at `places` through the modules, to the end of the result. */
static bert_status run_part(struct bert__embed_all *job, const float *hidden,
                            const uint32_t *places, uint32_t k, float *out, bert_error *err)
{
    const struct bert__vectors_job *v = &job->vectors;
    bert_session *s = job->run.session;
    const struct bert__embedder *e = s->model->token_heads.vectors;
    const struct bert__kernels *kernels = bert__model_kernels(s->model);
    size_t width = s->model->config.hidden_size;
    float *rows;
    bert_status st;

    for (uint32_t i = 0; i < k; i++)
        memcpy(v->rows + i * width, hidden + places[i] * width, width * sizeof *hidden);
    st = bert__embedder_finish(e, s->exec, kernels, v->modules_normalize, v->rows, v->spare, k,
                               &rows, err);
    if (st != BERT_OK)
        return st;
    memcpy(out, rows, (size_t)k * e->width * sizeof *out);
    for (uint32_t i = 0; v->normalize && i < k; i++)
        bert__normalize_row(kernels, out + (size_t)i * e->width, e->width);
    return BERT_OK;
}

bert_status bert__embed_vectors(struct bert__embed_all *job, const struct bert__batch *batch,
                                uint32_t sequence, bert_error *err)
{
    const struct bert__vectors_job *v = &job->vectors;
    bert_session *s = job->run.session;
    bert_embeddings *r = job->out;
    uint32_t first = batch->offsets[sequence], n = batch->offsets[sequence + 1] - first;
    uint32_t count = bert__vectors_select(v->rule, batch->ids + first, n, v->places);
    const float *hidden = job->hidden + (size_t)first * s->model->config.hidden_size;
    size_t owner = s->texts.owner[sequence];
    float *out;

    if (!reserve(r, count))
        return bert__fail_nomem(err, "the result");
    out = r->vectors + r->n_vectors * r->size;
    for (uint32_t done = 0, k; done < count; done += k) {
        bert_status st;

        k = count - done < v->part ? count - done : v->part;
        st = run_part(job, hidden, v->places + done, k, out + (size_t)done * r->size, err);
        if (st != BERT_OK)
            return st;
    }
    if (!bert__finite(out, (size_t)count * r->size))
        return bert__records_fail_nonfinite(&r->records, owner, err);
    r->ranges[owner] = (struct bert__vector_range){r->n_vectors, count};
    r->n_vectors += count;
    return BERT_OK;
}
