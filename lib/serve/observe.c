/* SPDX-License-Identifier: MIT */
/* observe.c - what answered requests are like, for detectors of drift and for samples. */
#include <bert/drift.h>
#include <bert/privacy.h>
#include <math.h>

#include "lib/api/session.h"
#include "lib/base/error.h"
#include "lib/serve/engine_parts.h"

/* ---- One text ------------------------------------------------------------------------- */

static void see_tokens(const bert_session *session, const bert_job *job, size_t i,
                       bert_observation *o)
{
    bert_tokenize_options options = BERT_TOKENIZE_OPTIONS_INIT;
    const bert_tokenizer *tokenizer;
    bert_encoding *encoding;

    options.max_length = bert_model_max_length(job->served->model);
    if (bert_model_tokenizer(job->served->model, &tokenizer, NULL) != BERT_OK
        || bert_tokenize(tokenizer, job->request.texts[i], NULL, &options, &encoding, NULL)
               != BERT_OK)
        return;
    o->tokens = (uint32_t)bert_encoding_size(encoding);
    for (uint32_t k = 0; k < o->tokens; k++)
        o->unknown += bert_encoding_ids(encoding)[k] == session->unknown_id;
    o->has |= BERT_OBSERVED_TOKENS | BERT_OBSERVED_UNKNOWN;
    bert_encoding_free(encoding);
}

static void see_labels(const bert_job *job, size_t i, bert_observation *o)
{
    const bert_classifications *r = job->answer->result;
    const bert_label_score *list = bert_classifications_labels(r, i);
    size_t n = bert_classifications_count(r, i);
    double entropy = 0;

    if (n == 0)
        return;
    for (size_t k = 0; k < n; k++) {
        double p = (double)list[k].score;

        entropy -= p > 0 ? p * log(p) : 0;
    }
    o->label = list[0].id;
    o->confidence = list[0].score;
    o->entropy = (float)entropy;
    o->has |= BERT_OBSERVED_LABEL | BERT_OBSERVED_CONFIDENCE;
    if (n == bert_model_label_count(job->served->model))
        o->has |= BERT_OBSERVED_ENTROPY;
}

static void see_answer(const bert_job *job, size_t i, bert_observation *o)
{
    const struct bert__answer *a = job->answer;

    if (job->request.task == BERT_TASK_EMBED && a->reports[i].status == BERT_OK) {
        o->embedding = a->vectors + i * a->width;
    } else if (job->request.task == BERT_TASK_CLASSIFY) {
        see_labels(job, i, o);
    } else if (job->request.task == BERT_TASK_RERANK
               && bert_rankings_status(a->result, i) == BERT_OK) {
        o->score = bert_rankings_score(a->result, i);
        o->has |= BERT_OBSERVED_SCORE;
    }
}

void bert__observe(const struct bert__frame *f, const bert_session *session)
{
    for (size_t k = 0; k < f->n; k++) {
        const bert_job *job = f->jobs[k];

        for (size_t i = 0; job->error.code == BERT_OK && i < job->request.n; i++) {
            bert_observation o = BERT_OBSERVATION_INIT;

            if (f->sampler != NULL)
                bert_sampler_offer(f->sampler, job->request.texts[i], NULL);
            if (f->drift == NULL)
                continue;
            see_tokens(session, job, i, &o);
            see_answer(job, i, &o);
            bert_drift_add(f->drift, &o, NULL);
        }
    }
}

/* ---- Who looks ---------------------------------------------------------------------------- */

/* The lock is held: until no batch that runs has it. */
static void wait_for_batches(bert_engine *e, const void *old)
{
    bool used = old != NULL;

    while (used) {
        used = false;
        for (uint32_t i = 0; i < e->n_slots; i++) {
            for (uint32_t d = 0; d < BERT__DEPTHS; d++) {
                const struct bert__frame *f = &e->slots[i].frames[d];

                used |= f->n > 0 && (f->drift == old || f->sampler == old);
            }
        }
        if (used)
            pthread_cond_wait(&e->idle, &e->lock);
    }
}

bert_status bert_engine_watch(bert_engine *e, const char *name, bert_drift *drift, bert_error *err)
{
    struct bert__name *n;
    bert_drift *old;
    bert_status st = bert__name_lock(e, name, &n, err);

    if (st != BERT_OK)
        return st;
    old = n->drift;
    n->drift = drift;
    wait_for_batches(e, old);
    pthread_mutex_unlock(&e->lock);
    return BERT_OK;
}

bert_status bert_engine_sample(bert_engine *e, bert_sampler *sampler, bert_error *err)
{
    bert_sampler *old;
    bert_status st = bert__engine_check(e, err);

    if (st != BERT_OK)
        return st;
    pthread_mutex_lock(&e->lock);
    old = e->sampler;
    e->sampler = sampler;
    wait_for_batches(e, old);
    pthread_mutex_unlock(&e->lock);
    return st;
}

/* ---- For the snapshot ---------------------------------------------------------------------------
 */

static void show(struct bert__counters *c, const bert_drift_values *v)
{
    static const uint8_t known[] = {
        BERT_DRIFT_PSI_EMBEDDING, BERT_DRIFT_PSI_SCORE,   BERT_DRIFT_PSI_TOKENS,
        BERT_DRIFT_PSI_LABEL,     BERT_DRIFT_PSI_UNKNOWN, BERT_DRIFT_KS_EMBEDDING,
        BERT_DRIFT_KS_SCORE,      BERT_DRIFT_KS_TOKENS,   BERT_DRIFT_KS_UNKNOWN,
        BERT_DRIFT_COSINE,        BERT_DRIFT_MMD};
    _Atomic uint64_t *const measures[] = {
        &c->drift_psi_embedding,    &c->drift_psi_score,    &c->drift_psi_length,
        &c->drift_psi_label,        &c->drift_psi_unknown,  &c->drift_ks_embedding,
        &c->drift_ks_score,         &c->drift_ks_length,    &c->drift_ks_unknown,
        &c->drift_cosine_embedding, &c->drift_mmd_embedding};

    for (size_t i = 0; i < sizeof known; i++)
        bert__measure_set(measures[i], (v->known >> known[i] & 1) != 0 ? v->value[known[i]] : NAN);
}

void bert__observe_counts(bert_engine *e)
{
    uint64_t windows = 0, alarms = 0;
    bool shown = false;

    for (const struct bert__name *n = e->names; n != NULL; n = n->next) {
        bert_drift_values v = BERT_DRIFT_VALUES_INIT;

        if (n->drift == NULL || bert_drift_get(n->drift, &v, NULL) != BERT_OK)
            continue;
        windows += v.windows;
        alarms += v.windows_fired;
        if (!shown)
            show(&e->counters, &v);
        shown = true;
    }
    bert__gauge_set(&e->counters.drift_windows, windows);
    bert__gauge_set(&e->counters.drift_alarms, alarms);
    if (e->sampler != NULL) {
        bert_sampler_state state = BERT_SAMPLER_STATE_INIT;

        bert_sampler_counts(e->sampler, &state);
        bert__gauge_set(&e->counters.sampled_texts, state.entries);
    }
}
