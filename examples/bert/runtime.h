/* SPDX-License-Identifier: MIT */
/* runtime.h - model, tokenizer and session, made as the options ask. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <bert.h>

#include "examples/bert/options.h"

struct runtime {
    bert_model *model;
    bert_session *session;
    const bert_tokenizer *tokenizer; /* of the model; NULL until asked for */
    bert_tokenizer *own_tokenizer;   /* loaded without a model */
};

/* Each returns 0, or the exit code after a message. */
int runtime_model_options(const struct options *options, bert_model_options *out);
int runtime_load_model(struct runtime *runtime, const struct options *options, uint32_t flags);
/* The model's tokenizer; a model without one is EXIT_OPEN. */
int runtime_need_tokenizer(struct runtime *runtime);
/* A tokenizer alone: --tokenizer, or that of --model. */
int runtime_load_tokenizer(struct runtime *runtime, const struct options *options);
/* `longest`: tokens of the longest single sequence to come. */
int runtime_make_session(struct runtime *runtime, const struct options *options, uint32_t longest);
void runtime_close(struct runtime *runtime);

/* The model's length limit, or --max-length where that is less. */
uint32_t runtime_limit(const struct runtime *runtime, const struct options *options);

/* A bert_log_fn whose context is struct options: warnings, with -v more. */
void runtime_log(void *options, bert_log_level level, const char *text);

/* "fp32", "bf16" or "int8". */
const char *runtime_precision(const bert_model *model);

/* Exit code of a failed opening, after its message. */
int runtime_failed(const bert_error *error);

#endif
