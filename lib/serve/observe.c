/* SPDX-License-Identifier: MIT */
/* observe.c - what answered requests are like, for detectors of drift and for samples. */
#include <bert/drift.h>
#include <bert/privacy.h>
#include <math.h>

#include "lib/api/session.h"
#include "lib/base/error.h"
#include "lib/serve/drift.h"
#include "lib/serve/sampling.h"

/* ---- One text ------------------------------------------------------------------------- */

static void see_tokens(const bert_job *job, size_t i, bert_observation *o)
{
    bert_tokenize_options options = BERT_TOKENIZE_OPTIONS_INIT;
    const bert_tokenizer *tokenizer;
    bert_encoding *encoding;
    int32_t unknown;

    options.max_length = bert_model_max_length(job->served->model);
    if (bert_model_tokenizer(job->served->model, &tokenizer, NULL) != BERT_OK
        || bert_tokenize(tokenizer, job->request.texts[i], NULL, &options, &encoding, NULL)
               != BERT_OK)
        return;
    unknown = bert__tokenizer_named(tokenizer, BERT__NAMED_UNK);
    o->tokens = (uint32_t)bert_encoding_size(encoding);
    for (uint32_t k = 0; k < o->tokens; k++)
        o->unknown += bert_encoding_ids(encoding)[k] == unknown;
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

/* Its versions, and requests by their options, may have vectors of other sizes than the profile. */
static void see_vector(const struct bert__answer *a, size_t i, const bert_drift *drift,
                       bert_observation *o)
{
    if (a->reports[i].status == BERT_OK && a->width == bert__drift_dimensions(drift))
        o->embedding = a->vectors + i * a->width;
}

static void see_answer(const bert_job *job, size_t i, const bert_drift *drift, bert_observation *o)
{
    const struct bert__answer *a = job->answer;

    if (job->request.task == BERT_TASK_EMBED) {
        see_vector(a, i, drift, o);
    } else if (job->request.task == BERT_TASK_CLASSIFY) {
        see_labels(job, i, o);
    } else if (job->request.task == BERT_TASK_RERANK
               && bert_rankings_status(a->result, i) == BERT_OK) {
        o->score = bert_rankings_score(a->result, i);
        o->has |= BERT_OBSERVED_SCORE;
    }
}

static void see_answers(bert_drift *drift, const bert_job *job)
{
    for (size_t i = 0; i < job->request.n; i++) {
        bert_observation o = BERT_OBSERVATION_INIT;

        see_tokens(job, i, &o);
        see_answer(job, i, drift, &o);
        bert_drift_add(drift, &o, NULL);
    }
}

void bert__observe(bert_engine *e, const struct bert__look *look, const bert_job *job)
{
    if (job->error.code != BERT_OK || job->sampling != NULL)
        return;
    if (look->drift != NULL)
        see_answers(look->drift, job);
    for (size_t i = 0; look->sampling != NULL && !job->aside && i < job->request.n; i++)
        bert__sampling_offer(e, look->sampling, job->request.texts[i]);
}

void bert__observe_cached(bert_engine *e, const bert_job *job)
{
    struct bert__look look;

    if (atomic_load_explicit(&e->observers, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&e->lock);
    bert__look_begin(e, &look, job->served);
    pthread_mutex_unlock(&e->lock);
    bert__observe(e, &look, job);
    pthread_mutex_lock(&e->lock);
    bert__look_end(e, &look);
    pthread_mutex_unlock(&e->lock);
}

/* ---- Who looks ---------------------------------------------------------------------------- */

void bert__look_begin(bert_engine *e, struct bert__look *look, const struct bert__served *served)
{
    const struct bert__name *name;

    *look = (struct bert__look){NULL, NULL, NULL};
    if (atomic_load(&e->observers) == 0)
        return;
    name = bert__name_find(e, served->name);
    look->drift = name != NULL ? name->drift : NULL;
    look->sampling = e->sampling;
    if (look->drift == NULL && look->sampling == NULL)
        return;
    look->next = e->looks;
    e->looks = look;
}

void bert__look_end(bert_engine *e, struct bert__look *look)
{
    struct bert__look **link = &e->looks;

    if (look->drift == NULL && look->sampling == NULL)
        return;
    while (*link != look)
        link = &(*link)->next;
    *link = look->next;
    pthread_cond_broadcast(&e->idle);
}

bool bert__look_at(const bert_engine *e, const void *observer)
{
    const struct bert__look *look = e->looks;

    while (look != NULL && look->drift != observer && look->sampling != observer)
        look = look->next;
    return look != NULL;
}

void bert__observers_count(bert_engine *e, const void *old, const void *new)
{
    if (new != NULL && old == NULL)
        atomic_fetch_add(&e->observers, 1);
    if (new == NULL && old != NULL)
        atomic_fetch_sub(&e->observers, 1);
}

/* ---- Detectors ---------------------------------------------------------------------- */

static bool look_at_drift(struct bert__name *n, bert_drift_values *v)
{
    *v = (bert_drift_values)BERT_DRIFT_VALUES_INIT;
    if (n->drift == NULL || bert_drift_get(n->drift, v, NULL) != BERT_OK)
        return false;
    n->windows[1] = v->windows;
    n->alarms[1] = v->windows_fired;
    return true;
}

void bert__drift_leave(bert_engine *e, struct bert__name *n)
{
    if (n->drift == NULL)
        return;
    e->past_windows += n->windows[1] - n->windows[0];
    e->past_alarms += n->alarms[1] - n->alarms[0];
    n->drift = NULL;
    bert__observers_count(e, n, NULL);
}

static void set_drift(bert_engine *e, struct bert__name *n, bert_drift *drift)
{
    bert_drift_values v;

    look_at_drift(n, &v);
    bert__drift_leave(e, n);
    n->drift = drift;
    bert__observers_count(e, NULL, drift);
    look_at_drift(n, &v);
    n->windows[0] = n->windows[1];
    n->alarms[0] = n->alarms[1];
}

bert_status bert_engine_watch(bert_engine *e, const char *name, bert_drift *drift, bert_error *err)
{
    struct bert__name *n;
    bert_drift *old;
    bert_status st = bert__name_lock(e, name, &n, err);

    if (st != BERT_OK)
        return st;
    old = n->drift;
    if (old != drift)
        set_drift(e, n, drift);
    while (old != NULL && old != drift && bert__look_at(e, old))
        pthread_cond_wait(&e->idle, &e->lock);
    pthread_mutex_unlock(&e->lock);
    return BERT_OK;
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

/* A sampler that is cleared, or another, begins anew; the counter doesn't. */
void bert__count_samples(bert_engine *e)
{
    bert_sampler_state state = BERT_SAMPLER_STATE_INIT;

    if (e->sampling == NULL)
        return;
    bert_sampler_counts(bert__sampling_sampler(e->sampling), &state);
    if (state.entries < e->last_samples)
        e->past_samples += e->last_samples;
    e->last_samples = state.entries;
    bert__gauge_set(&e->counters.sampled_texts, e->past_samples + e->last_samples);
}

void bert__observe_counts(bert_engine *e)
{
    uint64_t windows = e->past_windows, alarms = e->past_alarms;
    bert_drift_values first = BERT_DRIFT_VALUES_INIT;
    bool shown = false;

    for (struct bert__name *n = e->names; n != NULL; n = n->next) {
        bert_drift_values v;

        if (!look_at_drift(n, &v))
            continue;
        windows += n->windows[1] - n->windows[0];
        alarms += n->alarms[1] - n->alarms[0];
        if (!shown)
            first = v;
        shown = true;
    }
    show(&e->counters, &first); /* without any nothing is known */
    bert__gauge_set(&e->counters.drift_windows, windows);
    bert__gauge_set(&e->counters.drift_alarms, alarms);
    bert__count_samples(e);
}
