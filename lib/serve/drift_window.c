/* SPDX-License-Identifier: MIT */
/* drift_window.c - a window of observations held against a profile. */
#include "lib/serve/drift_window.h"

#include <math.h>
#include <string.h>

/* A value that few observations have strays too much, and one that far fewer have than in the
 * profile (the host observes something else) can't be compared at all. */
#define LEAST_EXPECTED 10.0
#define LEAST_SHARE    0.8

/* ---- One observation ------------------------------------------------------------------------ */

static void read_field(struct bert__features *f, uint32_t field, float value)
{
    f->values[field] = value;
    if (!bert__all_usable(&value, 1))
        f->has &= ~(1u << field);
}

void bert__features_read(struct bert__features *f, const bert_observation *o, uint32_t dimensions,
                         uint32_t labels, uint32_t *nonfinite)
{
    memset(f, 0, sizeof *f);
    f->has = o->has & ((1u << BERT__FIELDS) - 1);
    read_field(f, BERT__SCORE, o->score);
    read_field(f, BERT__CONFIDENCE, o->confidence);
    read_field(f, BERT__ENTROPY, o->entropy);
    if (labels == 0)
        f->has &= ~(uint32_t)BERT_OBSERVED_LABEL;
    f->values[BERT__LABEL] = (float)(o->label < labels ? o->label : labels);
    f->values[BERT__TOKENS] = (float)o->tokens;
    if ((f->has & BERT_OBSERVED_TOKENS) == 0 || o->tokens == 0)
        f->has &= ~(uint32_t)BERT_OBSERVED_UNKNOWN;
    else
        f->values[BERT__UNKNOWN] = (float)o->unknown / (float)o->tokens;
    f->embedded = o->embedding != NULL && bert__all_usable(o->embedding, dimensions);
    *nonfinite = o->embedding != NULL && !f->embedded;
}

float bert__kernel(const bert_profile *p, const float *a, const float *b)
{
    return (float)exp(-(double)p->gamma * bert__square_distance(a, b, p->dimensions));
}

static void place_vector(struct bert__features *f, const bert_profile *p, const float *vector)
{
    double sum = 0;

    for (uint32_t i = 0; i < p->directions; i++) {
        const struct bert__bins *h = &p->histograms[BERT__FIELDS + i];
        const float *axis = p->axes + (size_t)i * p->dimensions;

        if (h->n_bins > 0)
            f->bins[BERT__FIELDS + i] = (uint16_t)bert__bin_of(
                h->edges, h->n_edges, (float)bert__dot(axis, vector, p->dimensions));
    }
    for (uint32_t i = 0; i < p->n_kernel; i++)
        sum += (double)bert__kernel(p, vector, p->kernel_rows + (size_t)i * p->dimensions);
    f->kernel = p->n_kernel > 0 ? (float)(sum / p->n_kernel) : 0;
}

void bert__features_place(struct bert__features *f, const bert_profile *p, const float *vector)
{
    for (uint32_t i = 0; i < BERT__BINNED; i++)
        f->bins[i] = BERT__NO_BIN;
    for (uint32_t i = 0; i < BERT__FIELDS; i++) {
        const struct bert__bins *h = &p->histograms[i];

        if (h->n_bins > 0 && (f->has & 1u << i) != 0)
            f->bins[i] = i == BERT__LABEL
                             ? (uint16_t)f->values[i]
                             : (uint16_t)bert__bin_of(h->edges, h->n_edges, f->values[i]);
    }
    if (f->embedded)
        place_vector(f, p, vector);
    for (uint32_t i = 0; i < BERT__PAIRS; i++)
        f->pairs[i] = -1;
}

/* ---- Scratch -------------------------------------------------------------------------------- */

bool bert__scratch_make(struct bert__scratch *s, const bert_profile *p, struct bert__alloc *alloc)
{
    s->counts = bert__alloc_items(alloc, p->n_counts, sizeof *s->counts);
    s->others = bert__alloc_items(alloc, p->n_counts, sizeof *s->others);
    s->mean = bert__alloc_items(alloc, p->dimensions, sizeof *s->mean);
    s->other_mean = bert__alloc_items(alloc, p->dimensions, sizeof *s->other_mean);
    return s->counts != NULL && s->others != NULL && s->mean != NULL && s->other_mean != NULL;
}

void bert__scratch_free(struct bert__scratch *s, struct bert__alloc *alloc)
{
    bert__alloc_free(alloc, s->counts);
    bert__alloc_free(alloc, s->others);
    bert__alloc_free(alloc, s->mean);
    bert__alloc_free(alloc, s->other_mean);
}

/* ---- Histograms ----------------------------------------------------------------------------- */

static void count(const bert_profile *p, const struct bert__window *w, struct bert__scratch *s)
{
    memset(s->counts, 0, p->n_counts * sizeof *s->counts);
    for (uint32_t i = 0; i < w->n; i++) {
        const struct bert__features *f = &w->rows[w->order[i]];

        for (uint32_t h = 0; h < BERT__BINNED; h++)
            if (f->bins[h] != BERT__NO_BIN)
                s->counts[p->histograms[h].first + f->bins[h]]++;
    }
    for (uint32_t i = 0; i < p->n_counts; i++)
        s->others[i] = p->counts[i] - (w->own ? s->counts[i] : 0);
}

/* Can n values of a window be compared with `base` of the profile's? */
static bool comparable(const bert_profile *p, const struct bert__window *w, uint64_t n,
                       uint32_t base)
{
    double expected = p->n_base > 0 ? (double)w->n * base / p->n_base : 0;

    return expected >= LEAST_EXPECTED && (double)n >= LEAST_SHARE * expected;
}

static void set(struct bert__comparison *out, uint32_t statistic, double value)
{
    if ((out->known & 1u << statistic) == 0 || value > out->value[statistic])
        out->value[statistic] = value;
    out->known |= 1u << statistic;
}

static void compare_histograms(const bert_profile *p, const struct bert__window *w,
                               const struct bert__scratch *s, struct bert__comparison *out)
{
    for (uint32_t i = 0; i < BERT__BINNED; i++) {
        const struct bert__bins *h = &p->histograms[i];
        const uint32_t *a = s->counts + h->first, *b = s->others + h->first;
        uint32_t place = i < BERT__FIELDS ? i : BERT__FIELDS;

        if (h->n_bins == 0 || !comparable(p, w, bert__total(a, h->n_bins), h->n))
            continue;
        set(out, BERT_DRIFT_PSI_SCORE + place, bert__psi(a, b, h->n_bins));
        set(out, BERT_DRIFT_KS_SCORE + place,
            i == BERT__LABEL ? bert__variation(a, b, h->n_bins) : bert__ks(a, b, h->n_bins));
    }
}

/* ---- Embeddings ----------------------------------------------------------------------------- */

static void compare_means(const bert_profile *p, const struct bert__window *w,
                          struct bert__scratch *s, uint32_t embedded, struct bert__comparison *out)
{
    double others = (double)p->embedded - (w->own ? embedded : 0);

    memset(s->mean, 0, p->dimensions * sizeof *s->mean);
    for (uint32_t i = 0; i < w->n; i++) {
        const float *vector = w->vectors + (size_t)w->order[i] * p->dimensions;

        for (uint32_t j = 0; w->rows[w->order[i]].embedded && j < p->dimensions; j++)
            s->mean[j] += (double)vector[j];
    }
    for (uint32_t j = 0; j < p->dimensions; j++) {
        s->other_mean[j] = (double)p->vector_mean[j];
        if (w->own)
            s->other_mean[j] = (s->other_mean[j] * (double)p->embedded - s->mean[j]) / others;
    }
    set(out, BERT_DRIFT_COSINE, bert__cosine_gap(s->mean, s->other_mean, p->dimensions));
}

static void compare_kernels(const bert_profile *p, const struct bert__window *w, uint32_t embedded,
                            struct bert__comparison *out)
{
    double across = 0, within = 0;
    uint32_t pairs = 0;

    for (uint32_t i = 0; i < w->n; i++) {
        const struct bert__features *f = &w->rows[w->order[i]];

        across += f->embedded ? (double)f->kernel : 0;
        for (uint32_t k = 0; k < BERT__PAIRS && k < i; k++)
            if (f->pairs[k] >= 0) {
                within += (double)f->pairs[k];
                pairs++;
            }
    }
    if (pairs > 0)
        set(out, BERT_DRIFT_MMD, (double)p->self + within / pairs - 2 * across / embedded);
}

static void compare_embeddings(const bert_profile *p, const struct bert__window *w,
                               struct bert__scratch *s, struct bert__comparison *out)
{
    uint32_t embedded = 0;

    for (uint32_t i = 0; i < w->n; i++)
        embedded += w->rows[w->order[i]].embedded;
    if (!comparable(p, w, embedded, p->n_base_embedded))
        return;
    compare_means(p, w, s, embedded, out);
    if (p->n_kernel > 0)
        compare_kernels(p, w, embedded, out);
}

/* ---- All ------------------------------------------------------------------------------------ */

static void average(const struct bert__window *w, struct bert__comparison *out)
{
    for (uint32_t field = 0; field < BERT__FIELDS; field++) {
        double sum = 0;
        uint32_t n = 0;

        for (uint32_t i = 0; i < w->n; i++)
            if ((w->rows[w->order[i]].has & 1u << field) != 0) {
                sum += (double)w->rows[w->order[i]].values[field];
                n++;
            }
        if (n == 0 || field == BERT__LABEL)
            continue;
        out->means |= 1u << field;
        out->mean[field] = sum / n;
    }
}

void bert__window_compare(const bert_profile *p, const struct bert__window *w,
                          struct bert__scratch *s, struct bert__comparison *out)
{
    memset(out, 0, sizeof *out);
    count(p, w, s);
    compare_histograms(p, w, s, out);
    compare_embeddings(p, w, s, out);
    average(w, out);
}
