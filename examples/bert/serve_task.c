/* SPDX-License-Identifier: MIT */
/* serve_task.c - the tasks of `bert serve`, and their requests to the engine. */
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/kinds.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/serve.h"

/* ---- Options ---------------------------------------------------------------------------- */

#define PREPARE(name, type, make)                                                                  \
    static bert_status name(struct call *call, const bert_model *model, bert_request *request,     \
                            void **own, bert_error *error)                                         \
    {                                                                                              \
        type *o = get_memory(1, sizeof *o);                                                        \
                                                                                                   \
        (void)model;                                                                               \
        (void)error;                                                                               \
        *o = make(&call->options);                                                                 \
        request->options = *own = o;                                                               \
        return BERT_OK;                                                                            \
    }
PREPARE(classify, bert_classify_options, classify_options)
PREPARE(explain, bert_explain_options, explain_options)
PREPARE(tag, bert_tag_options, tag_options)
PREPARE(answer, bert_answer_options, answer_options)
PREPARE(next, bert_next_options, next_options)
PREPARE(choose, bert_choose_options, choose_options)

static bert_rerank_options rank_options(const struct options *options)
{
    bert_rerank_options o = rerank_options(options);

    o.top = number_or_zero(options->top);
    return o;
}
PREPARE(rerank, bert_rerank_options, rank_options)

/* The targets lie behind the options, so that one piece of memory has all. */
static bert_status fill(struct call *call, const bert_model *model, bert_request *request,
                        void **own, bert_error *error)
{
    bert_fill_options o = fill_options(&call->options);
    size_t bytes = o.n_targets * sizeof *o.targets;
    char *all = get_memory(1, sizeof o + bytes);

    (void)model;
    (void)error;
    if (bytes > 0) {
        memcpy(all + sizeof o, o.targets, bytes);
        free((bert_text *)o.targets);
        o.targets = (const bert_text *)(const void *)(all + sizeof o);
    }
    memcpy(all, &o, sizeof o);
    request->options = *own = all;
    return BERT_OK;
}

/* What the options of all that embeds have in common; `*own` holds them and their prompt. */
struct embedding {
    struct vectors vectors;
    bert_embed_all_options all;
    bert_chunk_options parts;
};

static struct embedding *common(struct call *call, const bert_model *model, void **own,
                                bert_error *error)
{
    struct embedding *e = get_memory(1, sizeof *e);

    *own = e;
    if (call->options.pooling == POOLING_NONE) {
        error_set(error, BERT_EINVAL, "options.pooling: a vector per token is the task \"tokens\"");
        return NULL;
    }
    return vectors_options(&e->vectors, &call->options, model, error) == BERT_OK ? e : NULL;
}

static bert_status embed(struct call *call, const bert_model *model, bert_request *request,
                         void **own, bert_error *error)
{
    struct embedding *e = common(call, model, own, error);

    if (e == NULL)
        return error->code;
    request->options = &e->vectors.options;
    return BERT_OK;
}

static bert_status embed_all(struct call *call, const bert_model *model, bert_request *request,
                             void **own, bert_error *error)
{
    struct embedding *e = common(call, model, own, error);
    uint32_t outputs;

    if (e == NULL || kinds_outputs(call->options.outputs, &outputs, error) != BERT_OK)
        return error->code;
    e->all = kinds_options(&call->options, &e->vectors.options, outputs);
    request->options = &e->all;
    return BERT_OK;
}

static bert_status chunks(struct call *call, const bert_model *model, bert_request *request,
                          void **own, bert_error *error)
{
    struct embedding *e = common(call, model, own, error);

    if (e == NULL)
        return error->code;
    e->parts = parts_options(&call->options, &e->vectors.options);
    request->options = &e->parts;
    return BERT_OK;
}

/* ---- The tasks -------------------------------------------------------------------------- */

#define EMBEDDING "pooling|normalize|dimensions|prompt|prompt-name|role|max-length|"
#define CUT       "max-length|truncation"

static const struct serve_task tasks[] = {
    {.name = "embed",
     .task = BERT_TASK_EMBED,
     .command = &command_embed,
     .options = EMBEDDING "truncation|windows|stride",
     .text = "text",
     .texts = "texts",
     .prepare = embed},
    {.name = "embed_all",
     .task = BERT_TASK_EMBED_ALL,
     .command = &command_embed,
     .options = EMBEDDING "truncation|outputs|max-active",
     .text = "text",
     .texts = "texts",
     .prepare = embed_all,
     .reading = &reading_kinds},
    {.name = "tokens",
     .task = BERT_TASK_EMBED_TOKENS,
     .command = &command_embed,
     .options = "prompt|prompt-name|role|" CUT,
     .text = "text",
     .prepare = embed},
    {.name = "chunks",
     .task = BERT_TASK_EMBED_CHUNKS,
     .command = &command_embed,
     .options = EMBEDDING "chunks|windows|stride",
     .text = "text",
     .prepare = chunks},
    {.name = "classify",
     .task = BERT_TASK_CLASSIFY,
     .command = &command_classify,
     .options = "function|top|" CUT,
     .text = "text",
     .texts = "texts",
     .pair = "pair",
     .pairs = "pairs",
     .prepare = classify,
     .reading = &reading_classify},
    {.name = "explain",
     .task = BERT_TASK_EXPLAIN,
     .command = &command_classify,
     .options = CUT,
     .text = "text",
     .pair = "pair",
     .prepare = explain},
    {.name = "rerank",
     .task = BERT_TASK_RERANK,
     .command = &command_rerank,
     .options = "raw|top|" CUT,
     .text = "text",
     .texts = "texts",
     .query = "query",
     .prepare = rerank},
    {.name = "tag",
     .task = BERT_TASK_TAG,
     .command = &command_tag,
     .options = "aggregate|stride|offsets|max-length",
     .text = "text",
     .texts = "texts",
     .prepare = tag,
     .reading = &reading_tag},
    {.name = "answer",
     .task = BERT_TASK_ANSWER,
     .command = &command_answer,
     .options = "top|no-null|max-answer|stride|offsets|max-length",
     .text = "text",
     .texts = "texts",
     .pair = "question",
     .pairs = "questions",
     .pair_needed = true,
     .common_pair = true,
     .prepare = answer,
     .reading = &reading_answer},
    {.name = "next",
     .task = BERT_TASK_NEXT,
     .command = &command_next,
     .options = CUT,
     .text = "text",
     .texts = "texts",
     .pair = "pair",
     .pairs = "pairs",
     .pair_needed = true,
     .prepare = next,
     .reading = &reading_next},
    {.name = "fill",
     .task = BERT_TASK_FILL,
     .command = &command_fill,
     .options = "top|targets|" CUT,
     .text = "text",
     .texts = "texts",
     .prepare = fill,
     .reading = &reading_fill},
    {.name = "choose",
     .task = BERT_TASK_CHOOSE,
     .command = &command_choose,
     .options = CUT,
     .texts = "choices",
     .query = "text",
     .prepare = choose,
     .reading = &reading_choose},
};

const struct serve_task *serve_task_find(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        if (strlen(tasks[i].name) == size && memcmp(tasks[i].name, name, size) == 0)
            return &tasks[i];
    }
    return NULL;
}

/* ---- The request ------------------------------------------------------------------------- */

static bert_status submit(struct call *call, bert_engine *engine, const bert_model *model,
                          bert_error *error)
{
    bert_request request = BERT_REQUEST_INIT;
    bool answers = call->task->task == BERT_TASK_ANSWER; /* the library's texts are questions */
    void *own = NULL;
    bert_status status;

    request.model = call->model;
    request.task = call->task->task;
    request.texts = answers ? call->pairs : call->texts;
    request.pairs = answers ? call->texts : call->pairs;
    request.n = call->n;
    request.query = call->query;
    request.spans = call->spans;
    request.n_spans = call->n_spans;
    request.priority = call->priority;
    request.timeout_ns = call->timeout_ns;
    request.notify = BERT_NOTIFY_QUEUE;
    request.context = call;
    status = call->task->prepare(call, model, &request, &own, error);
    if (status == BERT_OK)
        status = bert_engine_submit(engine, &request, &call->job, error);
    free(own);
    return status;
}

bert_status call_submit(struct call *call, bert_engine *engine, bert_error *error)
{
    const char *name = call->model != NULL ? call->model : "default";
    bert_model *model;
    bert_status status = bert_engine_model(engine, name, &model, NULL, error);

    if (status == BERT_OK)
        status = submit(call, engine, model, error);
    bert_model_unref(model);
    return status;
}
