/* SPDX-License-Identifier: MIT */
/* embed_terms.c - bert_embed_all(): weights of terms, by a fill-mask head or by a lexical matrix.
 */
#include <string.h>

#include "lib/api/embed_all.h"
#include "lib/base/error.h"
#include "lib/head/scores.h"
#include "lib/head/terms.h"

enum { PART_BYTES = 4 << 20 /* of logits: never those of all tokens at once */ };

/* ---- Which head --------------------------------------------------------------------------- */

/* Tokens that FlagEmbedding leaves out. */
static void use_lexical(struct bert__embed_all *job)
{
    static const enum bert__named unused[] = {BERT__NAMED_CLS, BERT__NAMED_EOS, BERT__NAMED_PAD,
                                              BERT__NAMED_UNK};

    job->terms.width = job->run.session->model->config.vocab_size;
    for (size_t i = 0; i < 4; i++)
        job->terms.unused[i] = bert__tokenizer_named(job->run.tokenizer, unused[i]);
}

bert_status bert__embed_terms_find(struct bert__embed_all *job, bert_error *err)
{
    const bert_model *model = job->run.session->model;
    const bert_error *pickle = &model->token_heads.lexical_missing;
    bert_status st;

    if (model->token_heads.lexical.matrix != NULL) {
        use_lexical(job);
        return BERT_OK;
    }
    if (model->modules.splade.refusal != NULL)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s", model->modules.splade.refusal);
    st = bert__task_head_find(&job->terms.head, &model->heads, &model->config, BERT__TASK_FILL,
                              &model->heads_missing, err);
    if (st == BERT_OK)
        job->terms.width = job->terms.head->decoder.n_out;
    else if (pickle->code != BERT_OK)
        return bert__fail(err, pickle->code, "%s", pickle->message);
    return st;
}

/* ---- Memory --------------------------------------------------------------------------------- */

bert_status bert__embed_terms_reserve(struct bert__embed_all *job, bert_error *err)
{
    struct bert__terms_job *t = &job->terms;
    bert_session *s = job->run.session;
    uint32_t columns = t->head != NULL ? t->width : 1;

    if (t->max_active > t->width)
        t->max_active = t->width;
    t->part = PART_BYTES / (uint32_t)sizeof(float) / columns + 1;
    if (t->part > s->max_tokens)
        t->part = s->max_tokens;
    t->logits = bert__alloc_items(s->alloc, t->part, columns * sizeof *t->logits);
    t->row = bert__alloc_items(s->alloc, t->width, sizeof *t->row);
    t->best = bert__alloc_items(s->alloc, t->max_active, sizeof *t->best);
    t->kept = bert__alloc_items(s->alloc, t->max_active, sizeof *t->kept);
    if (t->logits == NULL || t->row == NULL || t->best == NULL || t->kept == NULL)
        return bert__alloc_fail(s->alloc, "the term weights' rows", err);
    return BERT_OK;
}

void bert__embed_terms_free(struct bert__embed_all *job)
{
    struct bert__alloc *alloc = job->run.session->alloc;

    bert__alloc_free(alloc, job->terms.logits);
    bert__alloc_free(alloc, job->terms.row);
    bert__alloc_free(alloc, job->terms.best);
    bert__alloc_free(alloc, job->terms.kept);
}

/* ---- Terms of each text --------------------------------------------------------------------- */

static bert_status put(struct bert__embed_all *job, size_t owner, bert_error *err)
{
    struct bert__terms_job *t = &job->terms;
    uint32_t n;
    bert_term *terms;

    if (t->head != NULL)
        bert__terms_finish(&job->run.session->model->modules.splade, t->width, t->row);
    if (t->max_active > 0)
        bert__terms_keep(t->row, t->width, t->max_active, t->best, t->kept);
    n = bert__terms_count(t->row, t->width);
    if (n == 0)
        return BERT_OK; /* an empty text, of which only special tokens are left */
    terms = bert__records_add(&job->out->records, owner, n);
    if (terms == NULL)
        return bert__fail_nomem(err, "the result");
    for (uint32_t i = 0, k = 0; k < n; i++) {
        if (t->row[i] > 0)
            terms[k++] = (bert_term){(int32_t)i, t->row[i]};
    }
    return BERT_OK;
}

/* Logits of the k tokens from `hidden` on. */
static bert_status run_head(struct bert__embed_all *job, const float *hidden, uint32_t k,
                            bert_error *err)
{
    bert_session *s = job->run.session;
    struct bert__exec_head layers;

    if (job->terms.head == NULL)
        return bert__exec_linear(s->exec, &s->model->token_heads.lexical, BERT__ACT_NONE, hidden, k,
                                 job->terms.logits, NULL, err);
    layers = bert__task_head_layers(job->terms.head);
    return bert__exec_head(s->exec, &layers, &s->watch, hidden, k, job->terms.logits, err);
}

static void add(struct bert__embed_all *job, const int32_t *ids, uint32_t k)
{
    struct bert__terms_job *t = &job->terms;
    const bert_model *model = job->run.session->model;

    if (t->head != NULL)
        bert__terms_add(bert__model_kernels(model), &model->modules.splade, t->logits, k, t->width,
                        t->row);
    else
        bert__terms_add_lexical(t->logits, ids, k, t->unused, 4, t->row);
}

/* The tokens in parts. */
bert_status bert__embed_terms(struct bert__embed_all *job, const struct bert__batch *batch,
                              uint32_t sequence, bert_error *err)
{
    struct bert__terms_job *t = &job->terms;
    bert_session *s = job->run.session;
    size_t owner = s->texts.owner[sequence], hidden = s->model->config.hidden_size;
    uint32_t columns = t->head != NULL ? t->width : 1, end = batch->offsets[sequence + 1];

    memset(t->row, 0, t->width * sizeof *t->row);
    for (uint32_t at = batch->offsets[sequence], k; at < end; at += k) {
        bert_status st;

        k = end - at < t->part ? end - at : t->part;
        st = run_head(job, job->hidden + at * hidden, k, err);
        if (st != BERT_OK)
            return st;
        if (!bert__finite(t->logits, (size_t)k * columns))
            return bert__records_fail_nonfinite(&job->out->records, owner, err);
        add(job, batch->ids + at, k);
    }
    return put(job, owner, err);
}
