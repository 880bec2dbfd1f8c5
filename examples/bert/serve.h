/* SPDX-License-Identifier: MIT */
/*
 * serve.h - bert serve --stdio: requests as JSON Lines, through the engine, answers as JSON Lines.
 *
 * serve_read.c makes a call of a line, serve_task.c a request of the engine of a call,
 * serve_write.c a line of a job that has ended; serve_loop.c waits for whatever comes next.
 */
#ifndef SERVE_H
#define SERVE_H

#include "examples/bert/input.h"
#include "examples/bert/json_in.h"
#include "examples/bert/options.h"
#include "examples/bert/output.h"
#include "examples/bert/vectors.h"

/* Bytes of a line at most: what a text may be (the engine's queue has 64 MiB of them), escaped. */
enum { SERVE_LINE = 256 << 20 };

/* What a line asks for. */
enum call_kind { CALL_TASK, CALL_CANCEL, CALL_MODELS };

struct call;

/* A task that lines can name. */
struct serve_task {
    const char *name;
    uint32_t task;                 /* a bert_task */
    const struct command *command; /* whose options it takes, */
    const char *options;           /* these of them, joined by '|' */
    /* Keys of the texts, one or a list of them; NULL: there is none. */
    const char *text, *texts;
    const char *pair, *pairs;
    bool pair_needed, common_pair; /* common: one that all texts have */
    const char *query;
    /* Fill the request's options from the call's; *own is to be freed once it was submitted. */
    bert_status (*prepare)(struct call *call, const bert_model *model, bert_request *request,
                           void **own, bert_error *error);
    const struct reading *reading; /* NULL: in serve_write.c by the task */
};

/* A request and what its answer needs; from the line until the answer is written. */
struct call {
    struct call *previous, *next; /* of those that are pending */
    enum call_kind kind;
    struct json_line json; /* the texts and strings below point into it */
    bert_text id;          /* as it was written; data NULL: none */
    char *own_id;          /* where id points, unless into json */
    const struct json_t *id_value;
    uint64_t line; /* from 1 */
    const struct serve_task *task;
    const char *model; /* NULL: the default */
    bert_text *texts, *pairs;
    size_t n;
    bool list; /* there were "texts": so there are "results" */
    bert_text query;
    bert_span *spans;
    size_t n_spans;
    struct options options;
    uint32_t priority;
    uint64_t timeout_ns;
    bert_job *job;
};

struct server {
    const struct options *options;
    bert_engine *engine;
    struct input input;
    struct output output;
    const char **names; /* of the models */
    size_t n_names;
    struct call pending; /* head of a ring */
    size_t n_pending;
    struct call *held; /* waits for room in the queue */
    uint64_t lines, failed;
    bool ended; /* the input */
    bool gone;  /* the reader of the output */
};

const struct serve_task *serve_task_find(const char *name, size_t size);

/* Make a call of a line; NULL and an error: `*call` holds what is known of it even so, at least the
 * line's number. */
bool call_read(struct call **call, bert_text line, uint64_t number, bert_error *error);
void call_free(struct call *call);
/* Is it of this id? */
bool call_has_id(const struct call *call, const struct json_t *id);

/* BERT_EBUSY: the queue is full. */
bert_status call_submit(struct call *call, bert_engine *engine, bert_error *error);

/* The line of a call whose job has ended; false: it says an error. */
bool write_answer(struct output *out, const struct call *call);
void write_error(struct output *out, const struct call *call, const bert_error *error);
void write_models(struct output *out, const struct call *call, struct server *server);

/* Until the input has ended and all is answered, a signal came, or the output is gone. */
void serve_loop(struct server *server);

#endif
