/* SPDX-License-Identifier: MIT */
/* cmd_calibrate.c - bert calibrate: what texts make of the layers' inputs, for int8. */
#include "examples/bert/commands.h"
#include "examples/bert/lines.h"
#include "examples/bert/message.h"
#include "examples/bert/runtime.h"

static int calibrate(struct runtime *runtime, const struct options *options,
                     const struct lines *texts, const char *file)
{
    bert_calibrate_options o = BERT_CALIBRATE_OPTIONS_INIT;
    bert_error error;

    o.percentile = options->percentile > 0 ? options->percentile : 0;
    o.outlier_ratio = options->outlier_ratio > 0 ? options->outlier_ratio : 0;
    if (options->outliers >= 0)
        o.max_outliers = options->outliers > 0 ? (uint32_t)options->outliers : UINT32_MAX;
    o.max_length = options->max_length > 0 ? (uint32_t)options->max_length : 0;
    if (bert_calibrate(runtime->session, texts->list, texts->n, &o, file, &error) == BERT_OK)
        return EXIT_ANSWERED;
    if (error.code != BERT_EIO)
        return runtime_failed(&error);
    message_error(&error);
    return EXIT_FAILED;
}

static int measure(const struct options *options, const char *file)
{
    struct runtime runtime = {0};
    struct lines texts; /* the library runs them twice */
    int rc = lines_read(&texts, options->input, true);

    if (rc == 0)
        rc = runtime_load_model(&runtime, options, BERT_MODEL_NO_HEAD);
    if (rc == 0)
        rc = runtime_need_tokenizer(&runtime);
    if (rc == 0)
        rc = runtime_make_session(&runtime, options, bert_model_max_length(runtime.model));
    if (rc == 0)
        rc = calibrate(&runtime, options, &texts, file);
    runtime_close(&runtime);
    lines_free(&texts);
    return rc;
}

static int run(const struct options *options)
{
    struct options own = *options;

    if (options->n_texts < 1 || options->n_texts > 2)
        return usage_error("calibrate", "a model and a file are needed, %zu arguments given",
                           options->n_texts);
    if (options->percentile > 100)
        return usage_error("calibrate", "--percentile is at most 100");
    if (options->outlier_ratio >= 0 && options->outlier_ratio <= 1)
        return usage_error("calibrate", "--outlier-ratio is to be above 1");
    if (options->n_texts == 2)
        own.model = options->texts[0];
    return measure(&own, options->texts[options->n_texts - 1]);
}

#define FIELD(name) offsetof(struct options, name)

static const struct option_row own[] = {
    {'i', "input", OPTION_STRING, FIELD(input), 0, 0, NULL, "FILE",
     "texts like those to come, one a line; a few hundred are plenty\n"
     "(default: standard input)"},
    {0, "percentile", OPTION_REAL, FIELD(percentile), 0, 0, NULL, "P",
     "clip what is above this percentile of a layer's inputs (default:\n"
     "100, nothing)"},
    {0, "outliers", OPTION_NUMBER, FIELD(outliers), 0, 256, NULL, "N",
     "columns of a layer's inputs that stay in fp32, at most (default: 16)"},
    {0, "outlier-ratio", OPTION_REAL, FIELD(outlier_ratio), 0, 0, NULL, "R",
     "those whose largest value is R times the median column's (default: 4)"},
    {0, "max-length", OPTION_NUMBER, FIELD(max_length), 1, INT32_MAX, NULL, "N",
     "tokens of one text at most (default: the model's limit)"},
    {0},
};

static const struct option_row *const groups[] = {own, options_model, options_general, NULL};

const struct command command_calibrate = {
    .name = "calibrate",
    .summary = "measure a model's layers on texts, for a closer int8",
    .synopsis = "[options] [MODEL] FILE",
    .about =
        "Run texts through a model and write what was seen of its layers' inputs: the columns\n"
        "that are far larger than the rest, and with --percentile where to clip.  With\n"
        "--precision int8 --calibration FILE every command keeps those columns in fp32.  int8\n"
        "needs no calibration; it comes closer to fp32 with one, and is a little slower.",
    .examples = "  bert calibrate DIR int8.json -i texts.txt\n"
                "  bert embed -m DIR --precision int8 --calibration int8.json 'a cat'\n",
    .groups = groups,
    .run = run,
};
