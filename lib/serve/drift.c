/* SPDX-License-Identifier: MIT */
/* drift.c - the last observations, a window of them, held against a profile. */
#include "lib/serve/drift.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/serve/drift_window.h"

struct bert_drift {
    struct bert__alloc *alloc;
    bert_profile *profile;
    uint32_t window, step, calm;
    bert_drift_fn callback;
    void *context;

    pthread_mutex_t lock;        /* of all that follows */
    struct bert__features *rows; /* [window], a ring */
    float *vectors;              /* [window][dimensions] */
    uint32_t *order;             /* of a whole window, from the oldest on */
    struct bert__scratch scratch;
    uint32_t at, filled; /* where the next goes, and how many there are */
    uint32_t since;      /* observations since the last comparison */
    uint32_t quiet;      /* windows in a row on which nothing fired */
    bert_drift_values values;
};

uint32_t bert__drift_dimensions(const bert_drift *drift)
{
    return drift->profile->dimensions;
}

const char *bert__statistic_name(uint32_t statistic)
{
    static const char *const names[BERT_DRIFT_STATISTICS] = {
        "psi_score",     "psi_confidence", "psi_entropy",   "psi_label",
        "psi_tokens",    "psi_unknown",    "psi_embedding", "ks_score",
        "ks_confidence", "ks_entropy",     "ks_label",      "ks_tokens",
        "ks_unknown",    "ks_embedding",   "cosine",        "mmd"};

    return statistic < BERT_DRIFT_STATISTICS ? names[statistic] : NULL;
}

/* ---- Life -------------------------------------------------------------------------------------
 */

/* The rank-th largest z of the replicates is passed by less than `rank` of them and one more. */
static bert_status set_thresholds(bert_drift *d, const bert_drift_options *o, bert_error *err)
{
    const bert_profile *p = d->profile;
    double rank = floor(o->false_alarms * ((double)p->replicates + 1) + 1e-9);
    double z;

    if (!(rank >= 1) || rank > (double)p->n_tail)
        return bert__fail(err, BERT_EINVAL,
                          "bert_drift_options.false_alarms is %g; with %lu replicates it is to be "
                          "from %g to %g",
                          o->false_alarms, (unsigned long)p->replicates,
                          1 / ((double)p->replicates + 1),
                          (double)p->n_tail / ((double)p->replicates + 1));
    /* less than 1 only where nothing ever strayed */
    z = fmax((double)p->tail[(uint32_t)rank - 1], 1);
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++) {
        double own = i < o->n_thresholds && o->thresholds != NULL ? o->thresholds[i] : 0;

        if (isnan(own))
            return bert__fail(err, BERT_EINVAL, "bert_drift_options.thresholds: that of %s is NaN",
                              bert__statistic_name(i));
        d->values.threshold[i] = own != 0 ? own
                                 : (p->known & 1u << i) != 0
                                     ? (double)p->middle[i] + z * (double)p->spread[i]
                                     : INFINITY;
    }
    return BERT_OK;
}

static void set_profile_means(bert_drift *d)
{
    const bert_profile *p = d->profile;

    d->values.window = p->window;
    d->values.profile_score = (double)p->means[BERT__SCORE];
    d->values.profile_confidence = (double)p->means[BERT__CONFIDENCE];
    d->values.profile_entropy = (double)p->means[BERT__ENTROPY];
    d->values.profile_tokens = (double)p->means[BERT__TOKENS];
    d->values.profile_unknown = (double)p->means[BERT__UNKNOWN];
}

static bool memory(bert_drift *d)
{
    const bert_profile *p = d->profile;

    d->rows = bert__alloc_items(d->alloc, d->window, sizeof *d->rows);
    d->vectors = bert__alloc_items(d->alloc, (size_t)d->window * p->dimensions, sizeof(float));
    d->order = bert__alloc_items(d->alloc, d->window, sizeof *d->order);
    return bert__scratch_make(&d->scratch, p, d->alloc) && d->rows != NULL && d->vectors != NULL
           && d->order != NULL;
}

static void free_memory(bert_drift *d)
{
    struct bert__alloc *alloc = d->alloc;

    bert__scratch_free(&d->scratch, alloc);
    bert__alloc_free(alloc, d->rows);
    bert__alloc_free(alloc, d->vectors);
    bert__alloc_free(alloc, d->order);
    bert__alloc_free(alloc, d);
    bert__alloc_destroy(alloc);
}

bert_status bert__drift_create(bert_drift **out, bert_profile *profile, const bert_drift_options *o,
                               bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(o->allocator, o->max_bytes);
    bert_drift *d = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *d) : NULL;
    bert_status st;

    if (d == NULL) {
        st = alloc != NULL ? bert__alloc_fail(alloc, "the detector", err)
                           : bert__fail_nomem(err, "the detector");
        bert__alloc_destroy(alloc);
        return st;
    }
    d->alloc = alloc;
    d->profile = profile;
    d->window = profile->window;
    d->step = d->since = o->step;
    d->calm = o->calm;
    d->callback = o->callback;
    d->context = o->context;
    st = set_thresholds(d, o, err);
    if (st == BERT_OK && !memory(d))
        st = bert__alloc_fail(alloc, "the detector's window", err);
    if (st == BERT_OK && pthread_mutex_init(&d->lock, NULL) != 0)
        st = bert__fail_nomem(err, "the detector's lock");
    if (st != BERT_OK) {
        free_memory(d);
        return st;
    }
    set_profile_means(d);
    bert__profile_ref(profile);
    *out = d;
    return BERT_OK;
}

void bert__drift_destroy(bert_drift *d)
{
    bert__profile_unref(d->profile);
    pthread_mutex_destroy(&d->lock);
    free_memory(d);
}

/* ---- Windows ------------------------------------------------------------------------------------
 */

static void set_values(bert_drift *d, const struct bert__comparison *c)
{
    bert_drift_values *v = &d->values;

    v->windows++;
    v->known = c->known;
    v->fired = 0;
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++) {
        v->value[i] = c->value[i];
        if ((c->known & 1u << i) != 0 && c->value[i] > v->threshold[i])
            v->fired |= 1u << i;
    }
    v->windows_fired += v->fired != 0;
    v->means = c->means;
    v->score = c->mean[BERT__SCORE];
    v->confidence = c->mean[BERT__CONFIDENCE];
    v->entropy = c->mean[BERT__ENTROPY];
    v->tokens = c->mean[BERT__TOKENS];
    v->unknown = c->mean[BERT__UNKNOWN];
}

/* Has a drift begun or ended? */
static bool turn(bert_drift *d)
{
    uint32_t before = d->values.drifting;

    d->quiet = d->values.fired != 0 ? 0 : d->quiet + 1;
    if (d->values.fired != 0)
        d->values.drifting = 1;
    else if (d->quiet >= d->calm)
        d->values.drifting = 0;
    return d->values.drifting != before;
}

static bool compare(bert_drift *d)
{
    struct bert__window w = {d->rows, d->vectors, d->order, d->window, false};
    struct bert__comparison c;

    for (uint32_t i = 0; i < d->window; i++)
        d->order[i] = (d->at + i) % d->window;
    bert__window_compare(d->profile, &w, &d->scratch, &c);
    d->since = 0;
    set_values(d, &c);
    return turn(d);
}

static float pair_with(const bert_drift *d, const float *vector, uint32_t back)
{
    uint32_t other = (d->at + d->window - back) % d->window;

    if (back > d->filled || !d->rows[other].embedded)
        return -1;
    return bert__kernel(d->profile, vector, d->vectors + (size_t)other * d->profile->dimensions);
}

static void put(bert_drift *d, const struct bert__features *f, const float *vector)
{
    struct bert__features *row = &d->rows[d->at];

    *row = *f;
    for (uint32_t k = 0; f->embedded && d->profile->n_kernel > 0 && k < BERT__PAIRS; k++)
        row->pairs[k] = pair_with(d, vector, k + 1);
    if (f->embedded)
        memcpy(d->vectors + (size_t)d->at * d->profile->dimensions, vector,
               d->profile->dimensions * sizeof *vector);
    d->at = (d->at + 1) % d->window;
    d->filled += d->filled < d->window;
    d->since += d->since < d->step;
}

bert_status bert__drift_add(bert_drift *d, const bert_observation *o, bert_drift_values *turned,
                            bert_error *err)
{
    struct bert__features f;
    uint32_t nonfinite;

    turned->size = 0;
    if (o->embedding != NULL && d->profile->dimensions == 0)
        return bert__fail(err, BERT_EINVAL,
                          "bert_observation.embedding is given, but the profile has no dimensions");
    bert__features_read(&f, o, d->profile->dimensions, d->profile->labels, &nonfinite);
    bert__features_place(&f, d->profile, o->embedding);
    pthread_mutex_lock(&d->lock);
    put(d, &f, o->embedding);
    d->values.observed++;
    d->values.nonfinite += nonfinite;
    if (d->filled == d->window && d->since >= d->step && compare(d)) {
        *turned = d->values;
        turned->size = sizeof *turned;
    }
    pthread_mutex_unlock(&d->lock);
    return BERT_OK;
}

void bert__drift_tell(const bert_drift *d, const bert_drift_values *turned)
{
    if (d->callback != NULL)
        d->callback(d->context, turned->drifting != 0, turned);
}

void bert__drift_get(bert_drift *d, bert_drift_values *values)
{
    pthread_mutex_lock(&d->lock);
    *values = d->values;
    pthread_mutex_unlock(&d->lock);
}

void bert__drift_reset(bert_drift *d)
{
    pthread_mutex_lock(&d->lock);
    d->at = d->filled = d->quiet = 0;
    d->since = d->step;
    d->values.drifting = d->values.fired = 0;
    pthread_mutex_unlock(&d->lock);
}
