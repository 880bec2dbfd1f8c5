/* SPDX-License-Identifier: MIT */
/* profile.c - a profile's life, and the observations that it is made of. */
#include "lib/serve/profile.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/serve/drift_window.h"

const char *bert__field_name(uint32_t field)
{
    static const char *const names[BERT__FIELDS] = {"score", "confidence", "entropy",
                                                    "label", "tokens",     "unknown"};

    return names[field];
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void free_gathered(bert_profile *p)
{
    bert__alloc_free(p->alloc, p->mean);
    bert__alloc_free(p->alloc, p->squares);
    bert__alloc_free(p->alloc, p->rows);
    bert__alloc_free(p->alloc, p->vectors);
    p->mean = p->squares = NULL;
    p->rows = NULL;
    p->vectors = NULL;
}

static void free_fitted(bert_profile *p)
{
    bert__alloc_free(p->alloc, p->vector_mean);
    bert__alloc_free(p->alloc, p->vector_variance);
    bert__alloc_free(p->alloc, p->axes);
    bert__alloc_free(p->alloc, p->kernel_rows);
    bert__alloc_free(p->alloc, p->counts);
    bert__alloc_free(p->alloc, p->tail);
    p->vector_mean = p->vector_variance = p->axes = p->kernel_rows = p->tail = NULL;
    p->counts = NULL;
}

static void free_profile(bert_profile *p)
{
    struct bert__alloc *alloc = p->alloc;

    free_gathered(p);
    free_fitted(p);
    bert__alloc_free(alloc, p->model);
    bert__alloc_free(alloc, p);
    bert__alloc_destroy(alloc);
}

bert_profile *bert__profile_ref(bert_profile *p)
{
    atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
    return p;
}

void bert__profile_unref(bert_profile *p)
{
    if (atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) == 1)
        free_profile(p);
}

bert_profile *bert__profile_new(const bert_allocator *allocator, uint64_t max_bytes,
                                bert_text model, bert_status *status, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(allocator, max_bytes);
    bert_profile *p = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *p) : NULL;

    if (p != NULL) {
        p->alloc = alloc;
        atomic_init(&p->references, 1);
        p->model = bert__alloc_string(alloc, model.data, model.size);
    }
    *status = BERT_OK;
    if (p != NULL && p->model != NULL)
        return p;
    *status = alloc != NULL ? bert__alloc_fail(alloc, "the profile", err)
                            : bert__fail_nomem(err, "the profile");
    if (p != NULL)
        free_profile(p);
    else
        bert__alloc_destroy(alloc);
    return NULL;
}

static bool gather_memory(bert_profile *p)
{
    size_t floats;

    if (!bert__size_mul(p->sample, p->dimensions, &floats))
        return false;
    p->mean = bert__alloc_array(p->alloc, p->dimensions, sizeof *p->mean);
    p->squares = bert__alloc_array(p->alloc, p->dimensions, sizeof *p->squares);
    p->rows = bert__alloc_items(p->alloc, p->sample, sizeof *p->rows);
    p->vectors = bert__alloc_items(p->alloc, floats, sizeof *p->vectors);
    return p->mean != NULL && p->squares != NULL && p->rows != NULL && p->vectors != NULL;
}

bert_status bert__profile_create(bert_profile **out, const bert_profile_options *o, bert_error *err)
{
    bert_text model = {o->model, strlen(o->model)};
    bert_status status;
    bert_profile *p = bert__profile_new(o->allocator, o->max_bytes, model, &status, err);

    if (p == NULL)
        return status;
    p->dimensions = o->dimensions;
    p->labels = o->labels;
    p->window = o->window;
    p->sample = o->sample;
    p->directions = o->directions;
    p->replicates = o->replicates;
    p->seed = o->seed;
    p->random.state = o->seed;
    if (!gather_memory(p)) {
        status = bert__alloc_fail(p->alloc, "the profile's observations", err);
        free_profile(p);
        return status;
    }
    *out = p;
    return BERT_OK;
}

/* ---- Observations -----------------------------------------------------------------------------
 */

static void count_embedding(bert_profile *p, const float *vector)
{
    p->embedded++;
    for (uint32_t i = 0; i < p->dimensions; i++) {
        double off = (double)vector[i] - p->mean[i];

        p->mean[i] += off / (double)p->embedded;
        p->squares[i] += off * ((double)vector[i] - p->mean[i]);
    }
}

/* Each of all observations is in the sample with the same probability (Vitter's algorithm R). */
static void keep(bert_profile *p, const struct bert__features *f, const float *vector)
{
    uint64_t place = p->n_rows;

    if (p->n_rows < p->sample)
        p->n_rows++;
    else
        place = bert__random_below(&p->random, p->observed);
    if (place >= p->sample)
        return;
    p->rows[place] = *f;
    if (f->embedded)
        memcpy(p->vectors + (size_t)place * p->dimensions, vector, p->dimensions * sizeof *vector);
}

bert_status bert__profile_add(bert_profile *p, const bert_observation *o, bert_error *err)
{
    struct bert__features f;
    uint32_t nonfinite;

    if (p->finished)
        return bert__fail(err, BERT_EINVAL, "the profile is finished: nothing can be added to it");
    if (o->embedding != NULL && p->dimensions == 0)
        return bert__fail(err, BERT_EINVAL,
                          "bert_observation.embedding is given, but the profile has no dimensions");
    bert__features_read(&f, o, p->dimensions, p->labels, &nonfinite);
    p->observed++;
    p->nonfinite += nonfinite;
    for (uint32_t i = 0; i < BERT__FIELDS; i++)
        if ((f.has & 1u << i) != 0) {
            p->counted[i]++;
            p->sums[i] += (double)f.values[i];
        }
    if (f.embedded)
        count_embedding(p, o->embedding);
    keep(p, &f, o->embedding);
    return BERT_OK;
}

/* ---- Finishing --------------------------------------------------------------------------------
 */

static void swap_rows(bert_profile *p, size_t a, size_t b)
{
    struct bert__features row = p->rows[a];
    float *x = p->vectors + a * p->dimensions, *y = p->vectors + b * p->dimensions;

    p->rows[a] = p->rows[b];
    p->rows[b] = row;
    for (uint32_t i = 0; i < p->dimensions && a != b; i++) {
        float kept = x[i];

        x[i] = y[i];
        y[i] = kept;
    }
}

/* The sample's order is that of coming in: a corpus may be sorted by topics. */
static void shuffle(bert_profile *p)
{
    for (uint32_t i = p->n_rows; i > 1 && !p->shuffled; i--)
        swap_rows(p, i - 1, (size_t)bert__random_below(&p->random, i));
    p->shuffled = true;
}

static bool set_moments(bert_profile *p)
{
    double n = p->embedded > 0 ? (double)p->embedded : 1;

    for (uint32_t i = 0; i < BERT__FIELDS; i++)
        p->means[i] = p->counted[i] > 0 ? (float)(p->sums[i] / (double)p->counted[i]) : 0;
    p->vector_mean = bert__alloc_items(p->alloc, p->dimensions, sizeof(float));
    p->vector_variance = bert__alloc_items(p->alloc, p->dimensions, sizeof(float));
    if (p->vector_mean == NULL || p->vector_variance == NULL)
        return false;
    for (uint32_t i = 0; i < p->dimensions; i++) {
        p->vector_mean[i] = (float)p->mean[i];
        p->vector_variance[i] = (float)(p->squares[i] / n);
    }
    return true;
}

bool bert__profile_place_counts(bert_profile *p)
{
    p->n_counts = 0;
    for (uint32_t i = 0; i < BERT__BINNED; i++) {
        p->histograms[i].first = p->n_counts;
        p->n_counts += p->histograms[i].n_bins;
    }
    p->counts = bert__alloc_array(p->alloc, p->n_counts, sizeof *p->counts);
    return p->counts != NULL;
}

uint32_t bert__profile_tail_size(uint32_t replicates)
{
    return replicates / BERT__TAIL_PARTS + 1;
}

bert_status bert__profile_finish(bert_profile *p, bert_error *err)
{
    uint32_t n_frame = p->n_rows / 3 < 1024 ? p->n_rows / 3 : 1024;
    uint32_t directions = p->directions;
    struct bert__random random;
    bert_status st;

    if (p->finished)
        return bert__fail(err, BERT_EINVAL, "the profile is finished already");
    if (p->n_rows < BERT__SAMPLE_WINDOWS * p->window)
        return bert__fail(err, BERT_EINVAL,
                          "the profile has %lu observations; windows of %lu need %lu at least",
                          (unsigned long)p->n_rows, (unsigned long)p->window,
                          (unsigned long)(BERT__SAMPLE_WINDOWS * p->window));
    shuffle(p);
    random = p->random;
    st = set_moments(p) ? bert__profile_fit(p, n_frame, err)
                        : bert__alloc_fail(p->alloc, "the profile's moments", err);
    if (st == BERT_OK)
        st = bert__profile_thresholds(p, n_frame, err);
    if (st != BERT_OK) {
        free_fitted(p);
        p->directions = directions;
        p->random = random;
        return st;
    }
    for (uint32_t i = 0; i < BERT__FIELDS; i++)
        if (p->histograms[i].n_bins == 0)
            p->means[i] = 0;
    free_gathered(p);
    p->finished = true;
    return BERT_OK;
}
