/* SPDX-License-Identifier: MIT */
/* embed.h - one call of bert_embed(), made from its options. */
#ifndef BERT_LIB_API_EMBED_H
#define BERT_LIB_API_EMBED_H

#include <bert/tasks.h>

#include "lib/api/session.h"

struct bert__embed_request {
    bert_session *session;
    const bert_tokenizer *tokenizer;
    struct bert__module pooling; /* the model's, or the one asked for */
    bool modules;                /* run the model's stages after the pooling */
    bool modules_normalize;      /* its Normalize too */
    bool normalize;              /* the row, at the very end */
    uint32_t pooled_width;       /* of a row after pooling */
    uint32_t width;              /* of a row of the result */
    uint32_t max_length;
    uint32_t overlong; /* a bert_overlong */
    uint32_t stride;
    bert_text prompt;
};

/* Check options against a model; `session` is left NULL. */
bert_status bert__embed_request_read(struct bert__embed_request *request, const bert_model *model,
                                     const bert_embed_options *options, bert_error *err);

/* Pool the batch that was just run into session->texts.rows. */
void bert__embed_pool(const struct bert__embed_request *request, const struct bert__batch *batch,
                      const float *hidden, const uint32_t *skip);

/* n pooled rows in session->texts.rows through the later stages; *rows are width
 * `*row_width` apart. */
bert_status bert__embed_finish(const struct bert__embed_request *request, uint32_t n, float **rows,
                               uint32_t *row_width, bert_error *err);

/* Cut a finished row to the request's width and normalise it where asked. */
void bert__embed_row(const struct bert__embed_request *request, const float *row, float *out);

/* A text that is read in windows. */
struct bert__embed_windows {
    const struct bert__embed_request *request;
    const bert_encoding *first; /* its overflow are the others */
    uint32_t prompt_tokens;     /* of the first window, that the pooling leaves out */
};

/* Prompt and text as one text; *joined is freed by the caller. */
bert_status bert__embed_join(struct bert__alloc *alloc, bert_text prompt, bert_text *text,
                             char **joined, bert_error *err);
/* Window i, from 0. */
const bert_encoding *bert__embed_window(const struct bert__embed_windows *windows, size_t i);
/* Put windows from `next` on, of `count`, into the session's batch, as many as fit. */
bert_status bert__embed_fill(const struct bert__embed_windows *windows, size_t *next, size_t count,
                             struct bert__batch *batch, bert_error *err);

/* One text that is longer than max_length, by windows. */
bert_status bert__embed_windows(const struct bert__embed_request *request, bert_text text,
                                float *out, bert_embed_report *report, bert_error *err);

#endif
