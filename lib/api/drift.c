/* SPDX-License-Identifier: MIT */
/* drift.c - bert/drift.h: arguments and options; the work is lib/serve's. */
#include <bert/drift.h>
#include <math.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/fpenv.h"
#include "lib/base/utf8.h"
#include "lib/serve/drift.h"

enum { WINDOW = 200, SAMPLE = 4096, DIRECTIONS = 8, REPLICATES = 4000, STEPS = 4, CALM = 3 };
#define FALSE_ALARMS 0.0025

static bert_status is_null(const char *what, bert_error *err)
{
    return bert__fail(err, BERT_EINVAL, "%s is NULL", what);
}

/* ---- The profile --------------------------------------------------------------------------------
 */

static bert_status in_range(uint32_t value, uint32_t low, uint32_t high, const char *field,
                            bert_error *err)
{
    if (value >= low && value <= high)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL,
                      "bert_profile_options.%s is %lu; it is to be from %lu to %lu", field,
                      (unsigned long)value, (unsigned long)low, (unsigned long)high);
}

static bert_status check_model(const char *model, bert_error *err)
{
    size_t size = strlen(model), length = 0;

    if (size > BERT__MODEL_BYTES)
        return bert__fail(err, BERT_EINVAL, "bert_profile_options.model has %zu bytes; at most %d",
                          size, BERT__MODEL_BYTES);
    for (size_t i = 0; i < size; i += length)
        if (bert__utf8_next(model + i, size - i, &length) == BERT__UTF8_BAD)
            return bert__fail(err, BERT_EINVAL, "bert_profile_options.model is not UTF-8");
    return BERT_OK;
}

static void set_defaults(bert_profile_options *o)
{
    if (o->window == 0)
        o->window = WINDOW;
    if (o->sample == 0 && o->window <= BERT__WINDOW_MOST)
        o->sample =
            o->window * BERT__SAMPLE_WINDOWS > SAMPLE ? o->window * BERT__SAMPLE_WINDOWS : SAMPLE;
    if (o->directions == 0)
        o->directions = o->dimensions < DIRECTIONS ? o->dimensions : DIRECTIONS;
    if (o->replicates == 0)
        o->replicates = REPLICATES;
    if (o->model == NULL)
        o->model = "";
}

static bert_status read_profile_options(bert_profile_options *o, const bert_profile_options *given,
                                        bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, given, "bert_profile_options", err);
    uint32_t most;

    if (st != BERT_OK)
        return st;
    set_defaults(o);
    st = in_range(o->dimensions, 0, BERT__DIMENSIONS_MOST, "dimensions", err);
    if (st == BERT_OK)
        st = in_range(o->labels, 0, BERT__LABELS_MOST, "labels", err);
    if (st == BERT_OK)
        st = in_range(o->window, BERT__WINDOW_LEAST, BERT__WINDOW_MOST, "window", err);
    if (st == BERT_OK)
        st =
            in_range(o->sample, o->window * BERT__SAMPLE_WINDOWS, BERT__SAMPLE_MOST, "sample", err);
    most = o->dimensions < BERT__DIRECTIONS_MOST ? o->dimensions : BERT__DIRECTIONS_MOST;
    if (st == BERT_OK)
        st = in_range(o->directions, 0, most, "directions", err);
    if (st == BERT_OK)
        st = in_range(o->replicates, BERT__REPLICATES_LEAST, BERT__REPLICATES_MOST, "replicates",
                      err);
    return st == BERT_OK ? check_model(o->model, err) : st;
}

bert_status bert_profile_create(bert_profile **out, const bert_profile_options *options,
                                bert_error *err)
{
    bert_profile_options o;
    bert_status st;

    if (out == NULL)
        return is_null("out", err);
    *out = NULL;
    st = read_profile_options(&o, options, err);
    return st == BERT_OK ? bert__profile_create(out, &o, err) : st;
}

static bert_status read_observation(bert_observation *o, const bert_observation *given,
                                    bert_error *err)
{
    bert_status st;

    if (given == NULL)
        return is_null("observation", err);
    st = bert__options_read(o, sizeof *o, given, "bert_observation", err);
    if (st == BERT_OK)
        st = bert__options_enum(o->reserved, 1, "bert_observation.reserved", err);
    return st;
}

bert_status bert_profile_add(bert_profile *profile, const bert_observation *observation,
                             bert_error *err)
{
    bert_observation o;
    struct bert__fpenv env;
    bert_status st;

    if (profile == NULL)
        return is_null("profile", err);
    st = read_observation(&o, observation, err);
    if (st != BERT_OK)
        return st;
    bert__fpenv_enter(&env);
    st = bert__profile_add(profile, &o, err);
    bert__fpenv_leave(&env);
    return st;
}

bert_status bert_profile_finish(bert_profile *profile, bert_error *err)
{
    struct bert__fpenv env;
    bert_status st;

    if (profile == NULL)
        return is_null("profile", err);
    bert__fpenv_enter(&env);
    st = bert__profile_finish(profile, err);
    bert__fpenv_leave(&env);
    return st;
}

static bert_status is_unfinished(bert_error *err)
{
    return bert__fail(err, BERT_EINVAL, "the profile isn't finished: bert_profile_finish()");
}

bert_status bert_profile_save(const bert_profile *profile, const char *path, bert_error *err)
{
    struct bert__fpenv env;
    bert_status st;

    if (profile == NULL || path == NULL)
        return is_null(profile == NULL ? "profile" : "path", err);
    if (!profile->finished)
        return is_unfinished(err);
    bert__fpenv_enter(&env);
    st = bert__profile_save(profile, path, err);
    bert__fpenv_leave(&env);
    return st;
}

bert_status bert_profile_load(bert_profile **out, const char *path, const bert_allocator *allocator,
                              uint64_t max_bytes, bert_error *err)
{
    struct bert__fpenv env;
    bert_status st;

    if (out == NULL || path == NULL)
        return is_null(out == NULL ? "out" : "path", err);
    *out = NULL;
    bert__fpenv_enter(&env);
    st = bert__profile_load(out, path, allocator, max_bytes, err);
    bert__fpenv_leave(&env);
    return st;
}

bert_profile *bert_profile_ref(bert_profile *profile)
{
    return bert__profile_ref(profile);
}

void bert_profile_unref(bert_profile *profile)
{
    if (profile != NULL)
        bert__profile_unref(profile);
}

const char *bert_profile_model(const bert_profile *profile)
{
    return profile->model;
}

uint32_t bert_profile_dimensions(const bert_profile *profile)
{
    return profile->dimensions;
}

uint32_t bert_profile_labels(const bert_profile *profile)
{
    return profile->labels;
}

uint32_t bert_profile_window(const bert_profile *profile)
{
    return profile->window;
}

uint64_t bert_profile_observations(const bert_profile *profile)
{
    return profile->observed;
}

uint64_t bert_profile_nonfinite(const bert_profile *profile)
{
    return profile->nonfinite;
}

const float *bert_profile_mean(const bert_profile *profile)
{
    return profile->finished && profile->dimensions > 0 ? profile->vector_mean : NULL;
}

const float *bert_profile_variance(const bert_profile *profile)
{
    return profile->finished && profile->dimensions > 0 ? profile->vector_variance : NULL;
}

/* ---- The detector
 * -------------------------------------------------------------------------------- */

const char *bert_drift_name(uint32_t statistic)
{
    return bert__statistic_name(statistic);
}

static bert_status read_drift_options(bert_drift_options *o, const bert_drift_options *given,
                                      const bert_profile *profile, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, given, "bert_drift_options", err);
    uint32_t window = profile->window;

    if (st != BERT_OK)
        return st;
    if (o->window != 0 && o->window != window)
        return bert__fail(err, BERT_EINVAL,
                          "bert_drift_options.window is %lu; the profile's thresholds are for %lu",
                          (unsigned long)o->window, (unsigned long)window);
    if (o->step > window)
        return bert__fail(err, BERT_EINVAL,
                          "bert_drift_options.step is %lu; it is at most the window, %lu",
                          (unsigned long)o->step, (unsigned long)window);
    if (o->n_thresholds > BERT_DRIFT_STATISTICS || (o->n_thresholds > 0 && o->thresholds == NULL))
        return bert__fail(err, BERT_EINVAL,
                          "bert_drift_options.n_thresholds is %lu; there are %d statistics%s",
                          (unsigned long)o->n_thresholds, BERT_DRIFT_STATISTICS,
                          o->thresholds == NULL ? ", and thresholds is NULL" : "");
    if (o->model != NULL && strcmp(o->model, profile->model) != 0)
        return bert__fail(err, BERT_EINVAL,
                          "bert_drift_options.model is \"%.255s\"; the profile is of \"%s\"",
                          o->model, profile->model);
    if (o->step == 0)
        o->step = window / STEPS;
    if (o->calm == 0)
        o->calm = CALM;
    if (o->false_alarms == 0)
        o->false_alarms = fmax(FALSE_ALARMS, 1 / ((double)profile->replicates + 1));
    return BERT_OK;
}

bert_status bert_drift_create(bert_drift **out, bert_profile *profile,
                              const bert_drift_options *options, bert_error *err)
{
    bert_drift_options o;
    bert_status st;

    if (out == NULL)
        return is_null("out", err);
    *out = NULL;
    if (profile == NULL)
        return is_null("profile", err);
    if (!profile->finished)
        return is_unfinished(err);
    st = read_drift_options(&o, options, profile, err);
    return st == BERT_OK ? bert__drift_create(out, profile, &o, err) : st;
}

void bert_drift_destroy(bert_drift *drift)
{
    if (drift != NULL)
        bert__drift_destroy(drift);
}

bert_status bert_drift_add(bert_drift *drift, const bert_observation *observation, bert_error *err)
{
    bert_drift_values turned;
    bert_observation o;
    struct bert__fpenv env;
    bert_status st;

    if (drift == NULL)
        return is_null("drift", err);
    st = read_observation(&o, observation, err);
    if (st != BERT_OK)
        return st;
    bert__fpenv_enter(&env);
    st = bert__drift_add(drift, &o, &turned, err);
    bert__fpenv_leave(&env);
    if (turned.size > 0)
        bert__drift_tell(drift, &turned);
    return st;
}

bert_status bert_drift_get(bert_drift *drift, bert_drift_values *values, bert_error *err)
{
    bert_drift_values now;

    if (drift == NULL || values == NULL)
        return is_null(drift == NULL ? "drift" : "values", err);
    bert__drift_get(drift, &now);
    return bert__options_write(values, &now, sizeof now, "bert_drift_values", err);
}

void bert_drift_reset(bert_drift *drift)
{
    bert__drift_reset(drift);
}
