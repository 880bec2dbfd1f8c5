/* SPDX-License-Identifier: MIT */
#include "examples/bert/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

/* ---- Options ---------------------------------------------------------------- */

static bool has_prompt(const bert_model *model, const char *name)
{
    for (uint32_t i = 0; i < bert_model_prompt_count(model); i++) {
        if (strcmp(bert_model_prompt_name(model, i), name) == 0)
            return true;
    }
    return false;
}

void vectors_use_prompt(struct vectors *vectors, const bert_model *model, const char *name)
{
    if (has_prompt(model, name)) {
        vectors->options.prompt = NULL;
        vectors->options.prompt_name = name;
    } else {
        vectors->prompt = (bert_text){"", 0}; /* keeps the default prompt away */
        vectors->options.prompt = &vectors->prompt;
        vectors->options.prompt_name = NULL;
    }
}

/* The reference knows the names query and document, empty, in every model. */
static bert_status set_prompt(struct vectors *vectors, const struct options *options,
                              const bert_model *model, bert_error *error)
{
    const char *name = options->prompt_name;

    if (options->prompt != NULL) {
        vectors->prompt = (bert_text){options->prompt, strlen(options->prompt)};
        vectors->options.prompt = &vectors->prompt;
        return BERT_OK;
    }
    if (name == NULL && options->role != BERT_ROLE_NONE)
        vectors_use_prompt(vectors, model, options->role == BERT_ROLE_QUERY ? "query" : "document");
    if (name == NULL)
        return BERT_OK;
    if (!has_prompt(model, name) && strcmp(name, "query") != 0 && strcmp(name, "document") != 0) {
        error_set(error, BERT_EINVAL,
                  bert_model_prompt_count(model) == 0
                      ? "the model has no prompt '%s', nor any other"
                      : "the model has no prompt '%s'; `bert info` lists those that it has",
                  name);
        return BERT_EINVAL;
    }
    vectors_use_prompt(vectors, model, name);
    return BERT_OK;
}

bert_status vectors_options(struct vectors *vectors, const struct options *options,
                            const bert_model *model, bert_error *error)
{
    bert_embed_options *o = &vectors->options;

    *o = (bert_embed_options)BERT_EMBED_OPTIONS_INIT;
    o->pooling = options->pooling == POOLING_NONE ? BERT_POOLING_MODEL : (uint32_t)options->pooling;
    o->normalize = (uint32_t)options->normalize;
    o->dimensions = number_or_zero(options->dimensions);
    o->overlong = options->windows ? BERT_OVERLONG_WINDOWS : overlong_of(options);
    o->max_length = number_or_zero(options->max_length);
    o->stride = number_or_zero(options->stride);
    return set_prompt(vectors, options, model, error);
}

static int check_windows(const struct options *options, const struct runtime *runtime)
{
    uint32_t limit = runtime_limit(runtime, options);
    uint32_t specials = bert_tokenizer_special_count(runtime->tokenizer, 0);

    if (options->stride >= 0 && !options->windows)
        return usage_error(options->command, "--stride is only for --windows");
    if (options->windows && options->truncation_given)
        return usage_error(options->command, "--windows and --truncation exclude each other");
    if (options->windows && (limit <= specials || options->stride >= (int64_t)(limit - specials)))
        return usage_error(options->command,
                           "--stride: %lld is not under the %lld tokens that a window holds",
                           (long long)(options->stride > 0 ? options->stride : 0),
                           limit > specials ? (long long)(limit - specials) : 0LL);
    return 0;
}

static int check_options(struct vectors *vectors, struct job *job)
{
    const struct options *options = job->options;
    bert_error error;
    int rc = check_windows(options, &job->runtime);

    if (rc != 0)
        return rc;
    if (vectors_options(vectors, options, job->runtime.model, &error) != BERT_OK)
        return usage_error(options->command, "--prompt-name: %s", error.message);
    if (bert_embed_size(job->runtime.model, &vectors->options, &vectors->dim, &error) != BERT_OK)
        return usage_error(options->command, "%s [%s]", error.message,
                           bert_status_name(error.code));
    return 0;
}

int vectors_prepare(struct vectors *vectors, struct job *job)
{
    int rc = runtime_need_tokenizer(&job->runtime);

    if (rc == 0)
        rc = check_options(vectors, job);
    if (rc == 0)
        rc = runtime_make_session(&job->runtime, job->options,
                                  bert_model_max_length(job->runtime.model));
    return rc;
}

int vectors_load(struct vectors *vectors, struct job *job)
{
    uint32_t flags = job->options->outputs != NULL ? 0 : (uint32_t)BERT_MODEL_NO_HEAD;
    int rc = runtime_load_model(&job->runtime, job->options, flags);

    return rc == 0 ? vectors_prepare(vectors, job) : rc;
}

/* ---- Embedding -------------------------------------------------------------- */

bert_status check_finite(const float *values, size_t n, bert_error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            error_set(error, BERT_ENONFINITE, "the result has NaN or infinity at %zu", i);
            return BERT_ENONFINITE;
        }
    }
    return BERT_OK;
}

/* The library numbers the texts of its call; the record's number is said elsewhere. */
static void set_error(struct vector_report *report, const bert_error *error)
{
    static const char number[] = "text 0: ";
    size_t skip = strncmp(error->message, number, sizeof number - 1) == 0 ? sizeof number - 1 : 0;

    report->report.status = error->code;
    report->error = get_memory(1, sizeof *report->error);
    error_set(report->error, error->code, "%s", error->message + skip);
}

/* One text alone; a second time without a report, which then gives the message. */
static bool embed_one(const struct vectors *vectors, struct job *job, bert_text text, float *out,
                      struct vector_report *report)
{
    bert_session *session = job->runtime.session;
    bert_embed_report *plain = &report->report;
    bert_error error;
    bert_status status =
        bert_embed(session, &text, 1, &vectors->options, out, vectors->dim, plain, &error);

    if (status == BERT_OK && plain->status == BERT_OK)
        return true;
    if (status == BERT_OK
        && bert_embed(session, &text, 1, &vectors->options, out, vectors->dim, NULL, &error)
               == BERT_OK)
        error_set(&error, plain->status, "the text could not be embedded");
    if (error.code == BERT_ECANCELED && interrupt_signal() != 0)
        return false;
    memset(out, 0, vectors->dim * sizeof *out);
    set_error(report, &error);
    return true;
}

static void check_row(const struct vectors *vectors, float *row, struct vector_report *report)
{
    bert_error error;

    if (report->error == NULL && check_finite(row, vectors->dim, &error) != BERT_OK) {
        memset(row, 0, vectors->dim * sizeof *row);
        set_error(report, &error);
    }
}

bool vectors_embed(const struct vectors *vectors, struct job *job, const bert_text *texts, size_t n,
                   float *out, struct vector_report *reports)
{
    bert_embed_report *plain = get_memory(n, sizeof *plain);
    bert_status status = bert_embed(job->runtime.session, texts, n, &vectors->options, out,
                                    n * vectors->dim, plain, NULL);
    bool done = !(status == BERT_ECANCELED && interrupt_signal() != 0);

    for (size_t i = 0; i < n && done; i++) {
        reports[i].report = plain[i];
        /* A call that failed as a whole is tried again text by text. */
        if (status != BERT_OK || plain[i].status != BERT_OK)
            done = embed_one(vectors, job, texts[i], out + i * vectors->dim, &reports[i]);
        if (done)
            check_row(vectors, out + i * vectors->dim, &reports[i]);
    }
    free(plain);
    return done;
}

void vector_reports_free(struct vector_report *reports, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(reports[i].error);
    free(reports);
}

void text_list_make(struct text_list *list, const struct batch *batch, bool pairs)
{
    size_t most = batch->count * (pairs ? 2 : 1);

    list->texts = get_memory(most, sizeof *list->texts);
    list->owner = get_memory(most, sizeof *list->owner);
    list->count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct record *record = &batch->records[i];

        if (record->error != NULL)
            continue;
        list->owner[list->count] = i;
        list->texts[list->count++] = record->text;
        if (pairs) {
            list->owner[list->count] = i;
            list->texts[list->count++] = record->pair;
        }
    }
}

void text_list_free(struct text_list *list)
{
    free(list->texts);
    free(list->owner);
}
