/* SPDX-License-Identifier: MIT */
#include "examples/bert/runtime.h"

#include <stdio.h>
#include <string.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/message.h"

void runtime_log(void *context, bert_log_level level, const char *text)
{
    const struct options *options = context;

    if (level == BERT_LOG_WARNING ? !options->quiet : options->verbose + 1 >= (int)level)
        message("%s%s", level == BERT_LOG_WARNING ? "warning: " : "", text);
}

int runtime_failed(const bert_error *error)
{
    if (error->code == BERT_ECANCELED && interrupt_signal() != 0)
        return 128 + interrupt_signal();
    message_error(error);
    return EXIT_OPEN;
}

static int no_model(const struct options *options, const char *also)
{
    return usage_error(options->command, "no model: give --model DIR%s or set BERT_MODEL", also);
}

/* An unknown level is a usage error, as for every option with a fixed set of values. */
static int check_cpu(const struct options *options)
{
    char known[256] = "";
    const char *name;

    if (options->cpu == NULL || bert_cpu_available(options->cpu))
        return 0;
    for (uint32_t i = 0; (name = bert_cpu_name(i)) != NULL; i++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", name);
    }
    return usage_error(options->command, "--cpu: '%s' can't be used here; this machine has %s",
                       options->cpu, known);
}

int runtime_model_options(const struct options *options, bert_model_options *out)
{
    int rc = check_cpu(options);

    *out = (bert_model_options)BERT_MODEL_OPTIONS_INIT;
    out->precision = (uint32_t)options->precision;
    out->cpu = options->cpu;
    out->calibration = options->calibration;
    out->log = runtime_log;
    out->log_context = (void *)options;
    out->cancel = interrupt_cancel;
    out->threads = options->threads > 0 ? (uint32_t)options->threads : 0;
    out->flags = (options->read ? (uint32_t)BERT_MODEL_READ : 0)
                 | (options->verify ? (uint32_t)BERT_MODEL_VERIFY : 0)
                 | (options->repack ? (uint32_t)BERT_MODEL_REPACK : 0);
    return rc;
}

int runtime_load_model(struct runtime *runtime, const struct options *options, uint32_t flags)
{
    bert_model_options o;
    bert_error error;
    int rc;

    if (options->model == NULL)
        return no_model(options, "");
    rc = runtime_model_options(options, &o);
    if (rc != 0)
        return rc;
    o.flags |= flags;
    if (bert_model_load(&runtime->model, options->model, &o, &error) != BERT_OK)
        return runtime_failed(&error);
    return 0;
}

const char *runtime_precision(const bert_model *model)
{
    switch (bert_model_precision(model)) {
    case BERT_PRECISION_BF16:
        return "bf16";
    case BERT_PRECISION_INT8:
        return "int8";
    default:
        return "fp32";
    }
}

int runtime_need_tokenizer(struct runtime *runtime)
{
    bert_error error;

    if (bert_model_tokenizer(runtime->model, &runtime->tokenizer, &error) != BERT_OK)
        return runtime_failed(&error);
    return 0;
}

int runtime_load_tokenizer(struct runtime *runtime, const struct options *options)
{
    const char *path = options->tokenizer != NULL ? options->tokenizer : options->model;
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_error error;

    if (path == NULL)
        return no_model(options, " or --tokenizer FILE");
    o.log = runtime_log;
    o.log_context = (void *)options;
    if (bert_tokenizer_load(&runtime->own_tokenizer, path, &o, &error) != BERT_OK)
        return runtime_failed(&error);
    runtime->tokenizer = runtime->own_tokenizer;
    return 0;
}

/* The library's default, where --max-tokens isn't given. */
static uint32_t batch_tokens(const struct options *options, uint32_t longest)
{
    uint32_t tokens = options->max_tokens > 0 ? (uint32_t)options->max_tokens : 2048;

    return tokens > longest ? tokens : longest;
}

int runtime_make_session(struct runtime *runtime, const struct options *options, uint32_t longest)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_error error;

    o.max_tokens = batch_tokens(options, longest);
    o.threads = options->threads > 0 ? (uint32_t)options->threads : 0;
    o.cancel = interrupt_cancel;
    if (bert_session_create(&runtime->session, runtime->model, &o, &error) != BERT_OK)
        return runtime_failed(&error);
    interrupt_session(runtime->session);
    return 0;
}

void runtime_close(struct runtime *runtime)
{
    interrupt_session(NULL);
    bert_session_destroy(runtime->session);
    bert_model_unref(runtime->model);
    bert_tokenizer_unref(runtime->own_tokenizer);
    memset(runtime, 0, sizeof *runtime);
}

uint32_t runtime_limit(const struct runtime *runtime, const struct options *options)
{
    uint32_t limit = bert_model_max_length(runtime->model);

    return options->max_length >= 0 && options->max_length < limit ? (uint32_t)options->max_length
                                                                   : limit;
}
