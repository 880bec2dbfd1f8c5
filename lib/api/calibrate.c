/* SPDX-License-Identifier: MIT */
/* calibrate.c - bert/calibrate.h: what texts make of the layers' inputs, measured and written. */
#include <bert/calibrate.h>
#include <math.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/tapped.h"
#include "lib/api/task_texts.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/base/json_text.h"
#include "lib/base/out_file.h"
#include "lib/base/sort.h"
#include "lib/model/calibration.h"

/* Magnitudes are counted by their exponent and three bits of their fraction: to one part in 8. */
enum { BIN_SHIFT = 20, BINS = 0x7f800000 >> BIN_SHIFT };

#define RATIO_DEFAULT    4.0
#define OUTLIERS_DEFAULT 16
#define OUTLIERS_NONE    UINT32_MAX

struct layer {
    const struct bert__linear *linear;
    float *largest; /* magnitude of each input */
    uint64_t *bins; /* [BINS] of magnitudes but outliers' */
    uint32_t outliers[BERT__OUTLIERS_MOST], n_outliers;
};

struct job {
    bert_session *session;
    bert_calibrate_options options;
    const bert_tokenizer *tokenizer;
    struct layer *layers;
    uint32_t n_layers;
    bool count; /* the second pass: the first looks for outliers */
    bool nonfinite;
    bert_error *err;
};

/* ---- Options ----------------------------------------------------------------------------- */

static bert_status read_options(struct job *job, const bert_calibrate_options *options)
{
    bert_calibrate_options *o = &job->options;
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_calibrate_options", job->err);

    if (st != BERT_OK)
        return st;
    if (o->percentile == 0)
        o->percentile = 100;
    if (o->outlier_ratio == 0)
        o->outlier_ratio = RATIO_DEFAULT;
    if (o->max_outliers == 0)
        o->max_outliers = OUTLIERS_DEFAULT;
    if (o->max_outliers == OUTLIERS_NONE)
        o->max_outliers = 0;
    if (!(o->percentile > 0 && o->percentile <= 100))
        return bert__fail(job->err, BERT_EINVAL,
                          "bert_calibrate_options.percentile is %g; it is to be above 0 and at "
                          "most 100",
                          o->percentile);
    if (!(o->outlier_ratio > 1) || isinf(o->outlier_ratio))
        return bert__fail(job->err, BERT_EINVAL,
                          "bert_calibrate_options.outlier_ratio is %g; it is to be above 1",
                          o->outlier_ratio);
    if (o->max_outliers > BERT__OUTLIERS_MOST)
        return bert__fail(job->err, BERT_EINVAL,
                          "bert_calibrate_options.max_outliers is %lu; at most %d",
                          (unsigned long)o->max_outliers, BERT__OUTLIERS_MOST);
    return bert__task_length(job->session->model, o->max_length, false, &o->max_length, job->err);
}

/* ---- Layers ------------------------------------------------------------------------------- */

static struct layer *layer_of(const struct job *job, const struct bert__linear *linear)
{
    for (uint32_t i = 0; i < job->n_layers; i++)
        if (job->layers[i].linear == linear)
            return &job->layers[i];
    return NULL;
}

/* A layer that many steps share is one; those made of several weights' products have no name. */
static bert_status list_layers(struct job *job)
{
    const struct bert__plan *plan = &job->session->model->network->plan;
    struct bert__alloc *alloc = job->session->alloc;

    job->layers = bert__alloc_array(alloc, plan->n_steps, sizeof *job->layers);
    if (job->layers == NULL)
        return bert__alloc_fail(alloc, "the calibration", job->err);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const struct bert__linear *linear = plan->steps[i].linear;
        struct layer *layer = &job->layers[job->n_layers];

        if (plan->steps[i].kind != BERT__STEP_LINEAR || linear->name == NULL
            || layer_of(job, linear) != NULL)
            continue;
        layer->linear = linear;
        layer->largest = bert__alloc_array(alloc, linear->n_in, sizeof *layer->largest);
        layer->bins = bert__alloc_array(alloc, BINS, sizeof *layer->bins);
        job->n_layers++;
        if (layer->largest == NULL || layer->bins == NULL)
            return bert__alloc_fail(alloc, "the calibration", job->err);
    }
    return BERT_OK;
}

static void free_layers(struct job *job)
{
    struct bert__alloc *alloc = job->session->alloc;

    for (uint32_t i = 0; i < job->n_layers; i++) {
        bert__alloc_free(alloc, job->layers[i].largest);
        bert__alloc_free(alloc, job->layers[i].bins);
    }
    bert__alloc_free(alloc, job->layers);
}

/* ---- Measuring ---------------------------------------------------------------------------- */

static uint32_t bin_of(float magnitude)
{
    uint32_t bits;

    memcpy(&bits, &magnitude, sizeof bits);
    return bits >> BIN_SHIFT;
}

/* What all magnitudes of a bin are below. */
static float bin_end(uint32_t bin)
{
    uint32_t bits = (bin + 1) << BIN_SHIFT;
    float end;

    memcpy(&end, &bits, sizeof end);
    return end;
}

static bool is_outlier(const struct layer *layer, uint32_t column)
{
    for (uint32_t i = 0; i < layer->n_outliers; i++)
        if (layer->outliers[i] == column)
            return true;
    return false;
}

static void see(void *context, const struct bert__linear *linear, const float *rows, uint32_t n,
                size_t ld)
{
    struct job *job = context;
    struct layer *layer = layer_of(job, linear);

    for (uint32_t j = 0; layer != NULL && j < linear->n_in; j++) {
        if (job->count && is_outlier(layer, j))
            continue;
        for (uint32_t i = 0; i < n; i++) {
            float magnitude = fabsf(rows[i * ld + j]);

            if (!isfinite(magnitude))
                job->nonfinite = true;
            else if (job->count)
                layer->bins[bin_of(magnitude)]++;
            else if (magnitude > layer->largest[j])
                layer->largest[j] = magnitude;
        }
    }
}

static bert_status run_text(struct job *job, bert_text text, size_t index)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    struct bert__tap tap = {.context = job, .input = see};
    bert_encoding *encoding;
    bert_status st;

    o.max_length = job->options.max_length;
    st = bert__tokenize(job->tokenizer, &job->session->watch, text, NULL, &o, &encoding, job->err);
    if (st != BERT_OK)
        return st;
    if (bert_encoding_size(encoding) > 0)
        st = bert__tapped_run(job->session, job->tokenizer, encoding, &tap, job->err);
    bert_encoding_free(encoding);
    if (st == BERT_OK && job->nonfinite)
        return bert__fail(job->err, BERT_ENONFINITE,
                          "text %zu: the model gives NaN or infinity for it", index);
    return st;
}

static bert_status run_texts(struct job *job, const bert_text *texts, size_t n)
{
    bert_status st = BERT_OK;

    for (size_t i = 0; i < n && st == BERT_OK; i++)
        st = run_text(job, texts[i], i);
    return st;
}

/* ---- Findings ------------------------------------------------------------------------------ */

/* Of equal ones the first counts as the larger. */
static int by_value(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return *x != *y ? (*x > *y) - (*x < *y) : (x < y) - (x > y);
}

static int by_place(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return (x > y) - (x < y);
}

/* Of columns in ascending order: the largest of those above the threshold. */
static void choose_outliers(struct layer *layer, float **sorted,
                            const bert_calibrate_options *options)
{
    uint32_t n = layer->linear->n_in, first = n;
    float threshold = *sorted[n / 2] * (float)options->outlier_ratio;

    while (n - first < options->max_outliers && first > 1 && *sorted[first - 1] > threshold)
        first--;
    layer->n_outliers = n - first;
    bert__sort((void **)(sorted + first), layer->n_outliers, by_place);
    for (uint32_t i = 0; i < layer->n_outliers; i++)
        layer->outliers[i] = (uint32_t)(sorted[first + i] - layer->largest);
}

static bert_status find_outliers(struct job *job)
{
    struct bert__alloc *alloc = job->session->alloc;

    for (uint32_t i = 0; i < job->n_layers; i++) {
        struct layer *layer = &job->layers[i];
        uint32_t n = layer->linear->n_in;
        float **sorted = bert__alloc_items(alloc, n, sizeof(float *));

        if (sorted == NULL)
            return bert__alloc_fail(alloc, "the calibration", job->err);
        for (uint32_t j = 0; j < n; j++)
            sorted[j] = &layer->largest[j];
        bert__sort((void **)sorted, n, by_value);
        choose_outliers(layer, sorted, &job->options);
        bert__alloc_free(alloc, sorted);
    }
    return BERT_OK;
}

/* The end of the bin in which the percentile lies; INFINITY where nothing is above it. */
static float clip_of(const struct layer *layer, double percentile)
{
    uint64_t all = 0, seen = 0;
    uint32_t last = 0;

    for (uint32_t i = 0; i < BINS; i++) {
        all += layer->bins[i];
        last = layer->bins[i] > 0 ? i : last;
    }
    for (uint32_t i = 0; i < last; i++) {
        seen += layer->bins[i];
        if ((double)seen >= (double)all * percentile / 100)
            return bin_end(i);
    }
    return INFINITY;
}

/* ---- The file ------------------------------------------------------------------------------- */

static void describe(struct bert__json_text *text, const struct layer *layer, double percentile)
{
    float clip = clip_of(layer, percentile);

    bert__json_add(text, "{\"layer\": ");
    bert__json_add_string(text, layer->linear->name);
    bert__json_add(text, ", \"inputs\": %lu", (unsigned long)layer->linear->n_in);
    if (!isinf(clip)) {
        bert__json_add(text, ", \"clip\": ");
        bert__json_add_number(text, (double)clip);
    }
    bert__json_add(text, ", \"outliers\": [");
    for (uint32_t i = 0; i < layer->n_outliers; i++)
        bert__json_add(text, "%s%lu", i > 0 ? ", " : "", (unsigned long)layer->outliers[i]);
    bert__json_add(text, "]}");
}

static bert_status write_file(struct job *job, size_t texts, const char *path)
{
    struct bert__alloc *alloc = job->session->alloc;
    struct bert__json_text text = {.alloc = alloc};
    bert_status st;

    bert__json_add(&text,
                   "{\"format\": \"%s\", \"version\": %d, \"created_by\": \"%s\",\n"
                   "\"texts\": %zu, \"percentile\": ",
                   BERT__CALIBRATION_FORMAT, BERT__CALIBRATION_VERSION, bert_version(), texts);
    bert__json_add_number(&text, job->options.percentile);
    bert__json_add(&text, ", \"outlier_ratio\": ");
    bert__json_add_number(&text, job->options.outlier_ratio);
    bert__json_add(&text, ", \"layers\": [");
    for (uint32_t i = 0; i < job->n_layers; i++) {
        bert__json_add(&text, i > 0 ? ",\n" : "\n");
        describe(&text, &job->layers[i], job->options.percentile);
    }
    bert__json_add(&text, "]}\n");
    st = text.failed ? bert__alloc_fail(alloc, "the calibration", job->err)
                     : bert__out_file_put(alloc, path, text.data, text.size, job->err);
    bert__alloc_free(alloc, text.data);
    return st;
}

/* ---- The call ------------------------------------------------------------------------------- */

static bert_status run(struct job *job, const bert_text *texts, size_t n, const char *path)
{
    bert_status st = list_layers(job);

    if (st == BERT_OK)
        st = run_texts(job, texts, n);
    if (st == BERT_OK)
        st = find_outliers(job);
    job->count = true;
    if (st == BERT_OK)
        st = run_texts(job, texts, n);
    return st == BERT_OK ? write_file(job, n, path) : st;
}

bert_status bert_calibrate(bert_session *s, const bert_text *texts, size_t n,
                           const bert_calibrate_options *options, const char *path, bert_error *err)
{
    struct job job = {.session = s, .err = err};
    bert_status st;

    if (s == NULL || path == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "path");
    if (texts == NULL || n == 0)
        return bert__fail(err, BERT_EINVAL, "there are no texts to calibrate by");
    st = bert_model_tokenizer(s->model, &job.tokenizer, err);
    if (st == BERT_OK)
        st = read_options(&job, options);
    if (st == BERT_OK)
        st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    st = run(&job, texts, n, path);
    free_layers(&job);
    bert__session_leave(s);
    return st;
}
