/* SPDX-License-Identifier: MIT */
/* forward.c - raw model outputs, kept for the caller. */
#include <string.h>

#include "lib/api/outputs.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

enum { ALL_OUTPUTS = (BERT_OUTPUT_SOP_LOGITS << 1) - 1 };

/* A forward in progress: where the taps write. */
struct forward {
    bert_outputs *out;
    const struct bert__batch *batch;
    float **probs; /* [sequences]: the current layer's */
};

/* ---- Memory -------------------------------------------------------------------- */

bert_status bert__outputs_create(bert_outputs **out, const bert_session *s, uint32_t which,
                                 const uint32_t *offsets, uint32_t n_sequences, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(bert__alloc_host(s->alloc), 0);
    bert_outputs *o = NULL;

    *out = NULL;
    if (alloc == NULL)
        return bert__fail_nomem(err, "the outputs");
    o = bert__alloc_array(alloc, 1, sizeof *o);
    if (o == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the outputs");
    }
    o->alloc = alloc;
    o->which = which;
    o->n_sequences = n_sequences;
    o->hidden = s->model->config.hidden_size;
    o->layers = s->model->config.depth;
    o->heads = s->model->config.heads;
    o->landmarks = s->model->config.landmarks;
    o->offsets = bert__alloc_array(alloc, (size_t)n_sequences + 1, sizeof *o->offsets);
    if (o->offsets == NULL) {
        bert_outputs_free(o);
        return bert__fail_nomem(err, "the outputs");
    }
    if (n_sequences > 0)
        memcpy(o->offsets, offsets, ((size_t)n_sequences + 1) * sizeof *o->offsets);
    *out = o;
    return BERT_OK;
}

/* a * b * c floats, zeroed; NULL if they don't fit. */
static float *floats(struct bert__alloc *alloc, size_t a, size_t b, size_t c)
{
    size_t n;

    if (!bert__size_mul(a, b, &n) || !bert__size_mul(n, c, &n))
        return NULL;
    return bert__alloc_array(alloc, n, sizeof(float));
}

/* Keys of a sequence of n tokens, in its attentions. */
static size_t seen(const bert_outputs *o, size_t n)
{
    return o->landmarks > 0 ? o->landmarks : n;
}

/* Floats of all attentions, and where each sequence's start. */
static bool place_attentions(bert_outputs *o, size_t *total)
{
    *total = 0;
    for (uint32_t i = 0; i < o->n_sequences; i++) {
        size_t n = o->offsets[i + 1] - o->offsets[i], one;

        o->attention_at[i] = *total;
        if (!bert__size_mul(n, seen(o, n), &one) || !bert__size_mul(one, o->heads, &one)
            || !bert__size_mul(one, o->layers, &one) || !bert__size_add(*total, one, total))
            return false;
    }
    return true;
}

static bert_status reserve(bert_outputs *o, bert_error *err)
{
    size_t tokens = o->offsets[o->n_sequences], attentions;

    if (o->which & BERT_OUTPUT_LAST_HIDDEN_STATE) {
        o->last = floats(o->alloc, tokens, o->hidden, 1);
        if (o->last == NULL)
            return bert__fail_nomem(err, "last_hidden_state");
    }
    if (o->which & BERT_OUTPUT_POOLER) {
        o->pooler = floats(o->alloc, o->n_sequences, o->hidden, 1);
        if (o->pooler == NULL)
            return bert__fail_nomem(err, "pooler_output");
    }
    if (o->which & BERT_OUTPUT_HIDDEN_STATES) {
        o->states = floats(o->alloc, tokens, o->hidden, (size_t)o->layers + 1);
        if (o->states == NULL)
            return bert__fail_nomem(err, "hidden_states");
    }
    if (o->which & BERT_OUTPUT_ATTENTIONS) {
        o->attention_at = bert__alloc_array(o->alloc, o->n_sequences, sizeof *o->attention_at);
        if (o->attention_at != NULL && place_attentions(o, &attentions))
            o->attentions = floats(o->alloc, attentions, 1, 1);
        if (o->attentions == NULL)
            return bert__fail_nomem(err, "attentions");
    }
    return BERT_OK;
}

void bert_outputs_free(bert_outputs *o)
{
    struct bert__alloc *alloc;

    if (o == NULL)
        return;
    alloc = o->alloc;
    bert__alloc_free(alloc, o->offsets);
    bert__alloc_free(alloc, o->last);
    bert__alloc_free(alloc, o->pooler);
    bert__alloc_free(alloc, o->states);
    bert__alloc_free(alloc, o->attention_at);
    bert__alloc_free(alloc, o->attentions);
    bert__logits_free(o);
    bert__alloc_free(alloc, o);
    bert__alloc_destroy(alloc);
}

/* ---- Taps ----------------------------------------------------------------------- */

/* Each sequence keeps its states together: [layers + 1][tokens][hidden]. */
static void keep_state(void *context, uint32_t i, uint32_t first, uint32_t n_tokens,
                       const float *rows)
{
    struct forward *f = context;
    bert_outputs *o = f->out;

    for (uint32_t seq = 0; seq < o->n_sequences; seq++) {
        size_t at = (size_t)o->offsets[seq] * o->hidden;
        size_t n = (size_t)o->offsets[seq + 1] * o->hidden - at;

        if (o->offsets[seq] < first || o->offsets[seq] - first >= n_tokens)
            continue;
        memcpy(o->states + at * (o->layers + 1) + i * n, rows + (at - (size_t)first * o->hidden),
               n * sizeof *rows);
    }
}

static float *const *attention_places(void *context, uint32_t layer, uint32_t first)
{
    struct forward *f = context;
    bert_outputs *o = f->out;

    for (uint32_t seq = 0; seq < o->n_sequences; seq++) {
        size_t n = o->offsets[seq + 1] - o->offsets[seq];

        f->probs[seq] = o->attentions + o->attention_at[seq] + layer * (o->heads * n * seen(o, n));
    }
    return f->probs + first;
}

static bert_status run(bert_session *s, struct forward *f, bert_error *err)
{
    bert_outputs *o = f->out;
    struct bert__tap tap = {
        .context = f,
        .state = o->states != NULL ? keep_state : NULL,
        .probs = o->attentions != NULL ? attention_places : NULL,
    };
    const float *hidden;
    bert_status st = bert__exec_run(s->exec, f->batch, &s->watch, &tap, &hidden, err);

    if (st != BERT_OK)
        return st;
    if (o->last != NULL)
        memcpy(o->last, hidden, (size_t)f->batch->n_tokens * o->hidden * sizeof *hidden);
    if (o->pooler != NULL)
        st = bert__exec_pooler(s->exec, o->pooler, err);
    if (st == BERT_OK)
        st = bert__logits_run(o, s, f->batch, hidden, err);
    bert__exec_finish(s->exec);
    return st;
}

bert_status bert__forward(bert_session *s, uint32_t outputs, const struct bert__batch *batch,
                          bert_outputs **out, bert_error *err)
{
    struct forward f = {.batch = batch};
    bert_status st = bert__exec_check(s->exec, batch, err);

    *out = NULL;
    if (st == BERT_OK)
        st = bert__outputs_create(&f.out, s, outputs, batch->offsets, batch->n_sequences, err);
    if (st != BERT_OK)
        return st;
    st = reserve(f.out, err);
    if (st == BERT_OK && !bert__logits_reserve(f.out, s->model))
        st = bert__fail_nomem(err, "logits");
    if (st == BERT_OK && (outputs & BERT_OUTPUT_ATTENTIONS)) {
        f.probs = bert__alloc_array(f.out->alloc, batch->n_sequences, sizeof *f.probs);
        if (f.probs == NULL)
            st = bert__fail_nomem(err, "attentions");
    }
    if (st == BERT_OK)
        st = run(s, &f, err);
    bert__alloc_free(f.out->alloc, f.probs);
    if (st != BERT_OK) {
        bert_outputs_free(f.out);
        return st;
    }
    *out = f.out;
    return BERT_OK;
}

/* ---- The public calls ------------------------------------------------------------- */

static bert_status check_outputs(const bert_session *s, uint32_t outputs, bert_error *err)
{
    const bert_model *model = s->model;
    uint32_t lacking;

    if (outputs == 0 || (outputs & ~(uint32_t)ALL_OUTPUTS) != 0)
        return bert__fail(err, BERT_EINVAL, "outputs 0x%lx is no combination of bert_output bits",
                          (unsigned long)outputs);
    lacking = outputs & ~bert_model_outputs(model);
    if (lacking & BERT_OUTPUT_POOLER)
        return bert__fail(
            err, BERT_EUNSUPPORTED, "this model has no pooler: tensors %s.* are absent",
            model->network->names->pooler != NULL ? model->network->names->pooler : "of one");
    if (lacking != 0)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s",
                          model->heads_missing.code != BERT_OK
                              ? model->heads_missing.message
                              : "this model has no task head that gives these outputs");
    return BERT_OK;
}

bert_status bert_forward(bert_session *s, uint32_t outputs, const int32_t *ids,
                         const int32_t *type_ids, const uint32_t *offsets, uint32_t n_sequences,
                         bert_outputs **out, bert_error *err)
{
    struct bert__batch batch = {ids, type_ids, offsets, n_sequences, 0, NULL};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL || (n_sequences > 0 && (ids == NULL || offsets == NULL)))
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          s == NULL     ? "session"
                          : ids == NULL ? "ids"
                                        : "offsets");
    st = check_outputs(s, outputs, err);
    if (st != BERT_OK)
        return st;
    if (n_sequences == 0)
        return bert__outputs_create(out, s, outputs, NULL, 0, err);
    batch.n_tokens = offsets[n_sequences];
    st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = bert__forward(s, outputs, &batch, out, err);
    bert__session_leave(s);
    return st;
}

static const float *shaped(const float *data, uint32_t out_shape[4], uint32_t *out_rank,
                           uint32_t rank, const uint32_t *shape)
{
    if (out_shape != NULL)
        memcpy(out_shape, shape, rank * sizeof *shape);
    if (out_rank != NULL)
        *out_rank = rank;
    return data;
}

static const float *logits(const bert_outputs *o, bert_output which, uint32_t seq,
                           uint32_t shape[4], uint32_t *rank)
{
    uint32_t own_shape[2], own_rank = 0;
    const float *values = bert__logits_get(o, (uint32_t)which, seq, own_shape, &own_rank);

    return values != NULL ? shaped(values, shape, rank, own_rank, own_shape) : NULL;
}

const float *bert_outputs_get(const bert_outputs *o, bert_output which, uint32_t seq,
                              uint32_t shape[4], uint32_t *rank)
{
    size_t first;
    uint32_t n;

    if (o == NULL || seq >= o->n_sequences || (o->which & which) == 0)
        return NULL;
    first = (size_t)o->offsets[seq] * o->hidden;
    n = o->offsets[seq + 1] - o->offsets[seq];
    switch (which) {
    case BERT_OUTPUT_LAST_HIDDEN_STATE:
        return shaped(o->last + first, shape, rank, 2, (const uint32_t[]){n, o->hidden});
    case BERT_OUTPUT_POOLER:
        return shaped(o->pooler + (size_t)seq * o->hidden, shape, rank, 1, &o->hidden);
    case BERT_OUTPUT_HIDDEN_STATES:
        return shaped(o->states + first * (o->layers + 1), shape, rank, 3,
                      (const uint32_t[]){o->layers + 1, n, o->hidden});
    case BERT_OUTPUT_ATTENTIONS:
        return shaped(o->attentions + o->attention_at[seq], shape, rank, 4,
                      (const uint32_t[]){o->layers, o->heads, n, (uint32_t)seen(o, n)});
    case BERT_OUTPUT_LOGITS:
    case BERT_OUTPUT_START_LOGITS:
    case BERT_OUTPUT_END_LOGITS:
    case BERT_OUTPUT_PREDICTION_LOGITS:
    case BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS:
    case BERT_OUTPUT_SOP_LOGITS:
        return logits(o, which, seq, shape, rank);
    }
    return NULL;
}
