/* SPDX-License-Identifier: MIT */
/* cmd_profile.c - bert profile: what a corpus is like, and whether other texts are like it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"
#include "examples/bert/vectors.h"

struct profiling {
    struct vectors vectors; /* of a model that classifies: not used */
    bool classify;
    bert_tokenize_options tokenize;
    int32_t unknown; /* id; -1: the vocabulary has everything */
    char *name;      /* of the model */
    bert_profile *profile;
    bert_drift *drift; /* --check */
    uint64_t *records; /* of the last window, a ring */
    uint64_t n, windows;
};

/* ---- What windows are like ----------------------------------------------------------------------
 */

static void put_reals(struct output *out, const char *name, const bert_drift_values *v,
                      const double *reals)
{
    bool first = true;

    json_put_name(out, name);
    output_text(out, "{");
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++) {
        if ((v->known & 1u << i) == 0 || !isfinite(reals[i]))
            continue;
        output_format(out, "%s\"%s\": ", first ? "" : ", ", bert_drift_name(i));
        json_put_float(out, (float)reals[i]);
        first = false;
    }
    output_text(out, "}");
}

static void put_means(struct output *out, const bert_drift_values *v)
{
    const struct {
        uint32_t field;
        const char *name;
        double here, there;
    } means[] = {{BERT_OBSERVED_SCORE, "score", v->score, v->profile_score},
                 {BERT_OBSERVED_CONFIDENCE, "confidence", v->confidence, v->profile_confidence},
                 {BERT_OBSERVED_ENTROPY, "entropy", v->entropy, v->profile_entropy},
                 {BERT_OBSERVED_TOKENS, "tokens", v->tokens, v->profile_tokens},
                 {BERT_OBSERVED_UNKNOWN, "unknown", v->unknown, v->profile_unknown}};
    bool first = true;

    json_put_name(out, "means");
    output_text(out, "{");
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        if ((v->means & means[i].field) == 0)
            continue;
        output_format(out, "%s\"%s\": [", first ? "" : ", ", means[i].name);
        json_put_float(out, (float)means[i].here);
        output_text(out, ", ");
        json_put_float(out, (float)means[i].there);
        output_text(out, "]");
        first = false;
    }
    output_text(out, "}");
}

static void put_json(struct output *out, const bert_drift_values *v, uint64_t first, uint64_t last)
{
    bool more = false;

    output_format(out,
                  "{\"window\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64
                  ", \"drifting\": %s, \"fired\": [",
                  v->windows - 1, first, last, v->drifting ? "true" : "false");
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++)
        if ((v->fired & 1u << i) != 0) {
            output_format(out, "%s\"%s\"", more ? ", " : "", bert_drift_name(i));
            more = true;
        }
    output_text(out, "]");
    put_reals(out, "values", v, v->value);
    put_reals(out, "thresholds", v, v->threshold);
    put_means(out, v);
    output_text(out, "}\n");
}

static void put_line(struct output *out, const bert_drift_values *v, uint64_t first, uint64_t last)
{
    output_format(out, "%" PRIu64 "-%" PRIu64 "\t", first, last);
    if (v->fired == 0)
        output_text(out, "alike");
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++)
        if ((v->fired & 1u << i) != 0)
            output_format(out, "%s%s %.4g (%.4g)",
                          (v->fired & ((1u << i) - 1)) != 0 ? ", " : "drift: ", bert_drift_name(i),
                          v->value[i], v->threshold[i]);
    output_text(out, "\n");
}

static void put_window(struct job *job, struct profiling *p, const bert_drift_values *v)
{
    uint64_t first = p->records[p->n % v->window], last = p->records[(p->n - 1) % v->window];

    p->windows = v->windows;
    (job->options->json ? put_json : put_line)(&job->output, v, first, last);
}

/* ---- Observations -------------------------------------------------------------------------------
 */

static void count_tokens(struct job *job, const struct profiling *p, bert_text text,
                         bert_observation *o)
{
    bert_encoding *encoding = NULL;
    const int32_t *ids;

    if (bert_tokenize(job->runtime.tokenizer, text, NULL, &p->tokenize, &encoding, NULL) != BERT_OK)
        return;
    ids = bert_encoding_ids(encoding);
    o->tokens = (uint32_t)bert_encoding_size(encoding);
    o->has |= BERT_OBSERVED_TOKENS;
    if (p->unknown >= 0)
        o->has |= BERT_OBSERVED_UNKNOWN;
    for (uint32_t i = 0; i < o->tokens; i++)
        o->unknown += ids[i] == p->unknown;
    bert_encoding_free(encoding);
}

static void take(struct job *job, struct profiling *p, const struct record *record,
                 bert_observation *o)
{
    bert_drift_values values = BERT_DRIFT_VALUES_INIT;
    bert_error error;

    count_tokens(job, p, record->text, o);
    if (p->drift == NULL) {
        if (bert_profile_add(p->profile, o, &error) != BERT_OK)
            job_fail_aside(job, record->index, &error);
        return;
    }
    p->records[p->n++ % bert_profile_window(p->profile)] = record->index;
    if (bert_drift_add(p->drift, o, &error) != BERT_OK)
        job_fail_aside(job, record->index, &error);
    else if (bert_drift_get(p->drift, &values, NULL) == BERT_OK && values.windows > p->windows)
        put_window(job, p, &values);
}

static void embed(struct job *job, struct profiling *p, const struct batch *batch,
                  const struct text_list *list)
{
    struct vector_report *reports = get_memory(list->count, sizeof *reports);
    float *values = get_memory(list->count, p->vectors.dim * sizeof *values);

    if (vectors_embed(&p->vectors, job, list->texts, list->count, values, reports))
        for (size_t i = 0; i < list->count; i++) {
            const struct record *record = &batch->records[list->owner[i]];
            bert_observation o = BERT_OBSERVATION_INIT;

            o.embedding = values + i * p->vectors.dim;
            if (reports[i].error != NULL)
                job_fail_aside(job, record->index, reports[i].error);
            else
                take(job, p, record, &o);
        }
    vector_reports_free(reports, list->count);
    free(values);
}

/* Labels are best first.  Where they don't exclude each other there is no entropy of them. */
static void read_labels(const bert_label_score *labels, size_t n, bert_observation *o)
{
    double sum = 0, entropy = 0;

    for (size_t i = 0; i < n; i++) {
        double p = (double)labels[i].score;

        sum += p;
        entropy -= p > 0 ? p * log(p) : 0;
    }
    o->score = n > 1 ? labels[0].score - labels[1].score : labels[0].score;
    o->label = labels[0].id;
    o->has = BERT_OBSERVED_SCORE | BERT_OBSERVED_LABEL;
    if (n < 2 || !(fabs(sum - 1) < 1e-3) || labels[n - 1].score < 0)
        return;
    o->confidence = labels[0].score;
    o->entropy = (float)entropy;
    o->has |= BERT_OBSERVED_CONFIDENCE | BERT_OBSERVED_ENTROPY;
}

static void take_answers(struct job *job, struct profiling *p, const struct batch *batch,
                         const struct text_list *list, const bert_classifications *result)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct record *record = &batch->records[list->owner[i]];
        bert_status status = bert_classifications_status(result, i);
        bert_observation o = BERT_OBSERVATION_INIT;
        bert_error error;

        if (status == BERT_OK) {
            read_labels(bert_classifications_labels(result, i),
                        bert_classifications_count(result, i), &o);
            take(job, p, record, &o);
            continue;
        }
        error_set(&error, status, "%s", bert_classifications_message(result, i));
        job_fail_aside(job, record->index, &error);
    }
}

static void classify(struct job *job, struct profiling *p, const struct batch *batch,
                     const struct text_list *list)
{
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *result = NULL;
    bert_error error;

    o.max_length = number_or_zero(job->options->max_length);
    o.overlong = overlong_of(job->options);
    if (bert_classify(job->runtime.session, list->texts, NULL, list->count, &o, &result, &error)
        == BERT_OK)
        take_answers(job, p, batch, list, result);
    else if (error.code != BERT_ECANCELED || interrupt_signal() == 0) {
        message_error(&error);
        job->rc = EXIT_FAILED;
    }
    bert_classifications_free(result);
}

static void observe(struct job *job, struct batch *batch, void *context)
{
    struct profiling *p = context;
    struct text_list list;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->records[i].error != NULL)
            job_fail_aside(job, batch->records[i].index, batch->records[i].error);
    text_list_make(&list, batch, false);
    (p->classify ? classify : embed)(job, p, batch, &list);
    text_list_free(&list);
}

/* ---- Opening
 * ------------------------------------------------------------------------------------- */

/* The folder's or file's own name: what is before it differs from machine to machine. */
static char *name_of(const struct options *options)
{
    const char *from = options->name != NULL ? options->name : options->model;
    size_t size = strlen(from), start;

    while (options->name == NULL && size > 1 && from[size - 1] == '/')
        size--;
    for (start = size; options->name == NULL && start > 0 && from[start - 1] != '/';)
        start--;
    return copy_bytes(from + (options->name == NULL ? start : 0),
                      size - (options->name == NULL ? start : 0));
}

static int32_t unknown_id(const bert_tokenizer *tokenizer)
{
    int32_t id = bert_tokenizer_id(tokenizer, (bert_text){"[UNK]", 5});

    return id >= 0 ? id : bert_tokenizer_id(tokenizer, (bert_text){"<unk>", 5});
}

static uint32_t dimensions_of(const struct profiling *p)
{
    return p->classify ? 0 : (uint32_t)p->vectors.dim;
}

static uint32_t labels_of(const struct profiling *p, const struct job *job)
{
    return p->classify ? bert_model_label_count(job->runtime.model) : 0;
}

static int open_profile(struct profiling *p, const struct job *job)
{
    const struct options *options = job->options;
    bert_profile_options o = BERT_PROFILE_OPTIONS_INIT;
    bert_error error;

    o.dimensions = dimensions_of(p);
    o.labels = labels_of(p, job);
    o.window = number_or_zero(options->window);
    o.sample = number_or_zero(options->sample);
    o.seed = options->seed > 0 ? (uint64_t)options->seed : 0;
    o.model = p->name;
    if (bert_profile_create(&p->profile, &o, &error) == BERT_OK)
        return 0;
    return error.code == BERT_EINVAL
               ? usage_error("profile", "%s [%s]", error.message, bert_status_name(error.code))
               : runtime_failed(&error);
}

static int open_drift(struct profiling *p, const struct job *job)
{
    const struct options *options = job->options;
    bert_drift_options o = BERT_DRIFT_OPTIONS_INIT;
    bert_error error;

    if (bert_profile_load(&p->profile, options->check_file, NULL, 0, &error) != BERT_OK)
        return runtime_failed(&error);
    if (bert_profile_dimensions(p->profile) != dimensions_of(p)
        || bert_profile_labels(p->profile) != labels_of(p, job)) {
        message("%s: a profile of %" PRIu32 " dimensions and %" PRIu32
                " labels; the model has %" PRIu32 " and %" PRIu32,
                options->check_file, bert_profile_dimensions(p->profile),
                bert_profile_labels(p->profile), dimensions_of(p), labels_of(p, job));
        return EXIT_OPEN;
    }
    o.window = number_or_zero(options->window);
    o.step = number_or_zero(options->step);
    o.false_alarms = options->false_alarms > 0 ? options->false_alarms : 0;
    o.model = p->name;
    if (bert_drift_create(&p->drift, p->profile, &o, &error) != BERT_OK)
        return runtime_failed(&error);
    p->records = get_memory(bert_profile_window(p->profile), sizeof *p->records);
    return 0;
}

static int load(struct job *job, void *context)
{
    struct profiling *p = context;
    int rc = runtime_load_model(&job->runtime, job->options, 0);

    if (rc != 0)
        return rc;
    p->classify = strcmp(bert_model_task(job->runtime.model), "text-classification") == 0;
    if (p->classify) {
        rc = runtime_need_tokenizer(&job->runtime);
        if (rc == 0)
            rc = runtime_make_session(&job->runtime, job->options,
                                      bert_model_max_length(job->runtime.model));
    } else
        rc = vectors_prepare(&p->vectors, job);
    if (rc != 0)
        return rc;
    p->tokenize = (bert_tokenize_options)BERT_TOKENIZE_OPTIONS_INIT;
    p->tokenize.max_length = runtime_limit(&job->runtime, job->options);
    p->unknown = unknown_id(job->runtime.tokenizer);
    p->name = name_of(job->options);
    return job->options->check_file != NULL ? open_drift(p, job) : open_profile(p, job);
}

/* ---- The command
 * ----------------------------------------------------------------------------------- */

static int write_profile(struct profiling *p, const char *path)
{
    bert_error error;

    if (bert_profile_finish(p->profile, &error) != BERT_OK)
        return runtime_failed(&error);
    if (bert_profile_save(p->profile, path, &error) == BERT_OK)
        return 0;
    message_error(&error);
    return EXIT_FAILED;
}

static void sum_up(const struct job *job, struct profiling *p)
{
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;

    if (p->windows == 0 && !job->options->quiet)
        message("warning: %" PRIu64 " records make no window of %" PRIu32, p->n,
                bert_profile_window(p->profile));
    if (job->options->verbose > 0 && bert_drift_get(p->drift, &v, NULL) == BERT_OK)
        message("%" PRIu64 " windows, %" PRIu64 " with drift", v.windows, v.windows_fired);
}

static int run_job(const struct options *options, const char *path)
{
    struct profiling p = {.unknown = -1};
    struct job job;

    if (job_open(&job, options, load, &p) == 0) {
        job_run(&job, options->jsonl ? FORM_JSON_TEXT : FORM_TEXT, observe, &p);
        if (!job_stopped(&job) && path != NULL)
            job.rc = write_profile(&p, path);
        else if (!job_stopped(&job))
            sum_up(&job, &p);
    }
    bert_drift_destroy(p.drift);
    bert_profile_unref(p.profile);
    free(p.records);
    free(p.name);
    return job_close(&job);
}

static int run(const struct options *options)
{
    struct options own = *options;

    if (options->check_file != NULL && options->sample >= 0)
        return usage_error("profile", "--check and --sample exclude each other");
    if (options->check_file != NULL)
        return run_job(options, NULL);
    if (options->output == NULL)
        return usage_error("profile", "a profile needs a file: -o FILE");
    if (options->json || options->step >= 0 || options->false_alarms > 0)
        return usage_error("profile", "--json, --step and --false-alarms are for --check");
    own.output = NULL; /* the library writes it */
    return run_job(&own, options->output);
}

#define FIELD(name) offsetof(struct options, name)

static const struct option_row rows[] = {
    {0, "check", OPTION_STRING, FIELD(check_file), 0, 0, NULL, "FILE",
     "hold the texts against this profile, instead of making one"},
    {0, "window", OPTION_NUMBER, FIELD(window), 1, INT32_MAX, NULL, "N",
     "texts of a window, for which the thresholds are worked out; a profile\n"
     "takes at least 6 times as many (default: 200)"},
    {0, "step", OPTION_NUMBER, FIELD(step), 1, INT32_MAX, NULL, "N",
     "with --check: texts from one window to the next (default: a quarter of\n"
     "a window)"},
    {0, "false-alarms", OPTION_REAL, FIELD(false_alarms), 0, 0, NULL, "P",
     "with --check: share of windows like the profile's texts that may be\n"
     "called drift (default: 0.0025)"},
    {0, "sample", OPTION_NUMBER, FIELD(sample), 1, INT32_MAX, NULL, "N",
     "texts whose vectors are in memory at most, drawn from all (default:\n"
     "4096)"},
    {0, "seed", OPTION_NUMBER, FIELD(seed), 0, INT64_MAX, NULL, "N",
     "of all that is drawn (default: 0)"},
    {0, "name", OPTION_STRING, FIELD(name), 0, 0, NULL, "NAME",
     "the model's name in the profile, which --check compares (default: that\n"
     "of its directory)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    options_model,   rows, options_input, options_output, options_pooling, options_records,
    options_general, NULL};

const struct command command_profile = {
    .name = "profile",
    .summary = "what texts are like, and whether others still are",
    .synopsis = "[options] -o FILE | --check FILE [TEXT...]",
    .about =
        "Embed the texts, or classify them where the model is a text classifier, and write a\n"
        "profile of what came out: means, principal directions, histograms of scores, labels,\n"
        "tokens and unknown tokens, and thresholds for windows of texts.  No text is in it.\n"
        "With --check hold windows of other texts against it.  One line per window: first and\n"
        "last record, then \"alike\", or \"drift:\" and what is past its threshold (in brackets);\n"
        "with --json\n"
        "  {\"window\": 0, \"first\": 0, \"last\": 199, \"drifting\": true, \"fired\": [\"mmd\"],\n"
        "  \"values\": {\"mmd\": 0.031, ...}, \"thresholds\": {\"mmd\": 0.008, ...},\n"
        "  \"means\": {\"tokens\": [12.5, 14.1], ...}}\n"
        "where means are the window's and the profile's.  Drift doesn't change the exit status.",
    .examples = "  bert profile -m DIR -i corpus.txt -o profile.json\n"
                "  bert profile -m DIR --check profile.json -i today.txt\n",
    .groups = groups,
    .run = run,
};
