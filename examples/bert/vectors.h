/* SPDX-License-Identifier: MIT */
/* vectors.h - texts to vectors, for the commands that embed. */
#ifndef VECTORS_H
#define VECTORS_H

#include "examples/bert/job.h"

struct vectors {
    bert_embed_options options;
    bert_text prompt; /* where options.prompt points */
    size_t dim;       /* floats in one vector */
};

/* What became of one text. */
struct vector_report {
    bert_embed_report report;
    bert_error *error; /* owned; NULL unless report.status is not BERT_OK */
};

/* Load the model and a session for it, and check the options against it: 0 or an exit
 * code after a message. */
int vectors_load(struct vectors *vectors, struct job *job);
/* The same of a model that is loaded already. */
int vectors_prepare(struct vectors *vectors, struct job *job);

/* The options alone: BERT_EINVAL for a prompt that the model doesn't have. */
bert_status vectors_options(struct vectors *vectors, const struct options *options,
                            const bert_model *model, bert_error *error);

/* Use the prompt of this name, or none at all if the model doesn't have it. */
void vectors_use_prompt(struct vectors *vectors, const bert_model *model, const char *name);

/*
 * Embed n texts into out [n][dim].  A text that fails has a row of zeros and an error
 * in its report.  False: canceled, there is no answer.
 */
bool vectors_embed(const struct vectors *vectors, struct job *job, const bert_text *texts, size_t n,
                   float *out, struct vector_report *reports);
void vector_reports_free(struct vector_report *reports, size_t n);

/* Texts of the records without an error; `each` per record, text first, then pair. */
struct text_list {
    bert_text *texts;
    size_t *owner; /* place of the record in the batch */
    size_t count;
};
void text_list_make(struct text_list *list, const struct batch *batch, bool pairs);
void text_list_free(struct text_list *list);

/* BERT_OK if all n are finite, else BERT_ENONFINITE. */
bert_status check_finite(const float *values, size_t n, bert_error *error);

#endif
