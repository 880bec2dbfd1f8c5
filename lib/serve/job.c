/* SPDX-License-Identifier: MIT */
/* job.c - copying a request. */
#include "lib/serve/job.h"

#include <stdlib.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/thread.h"

/* ---- Tasks --------------------------------------------------------------------------- */

static const struct bert__task_shape shapes[] = {
    [BERT_TASK_EMBED] = {"bert_embed_options", sizeof(bert_embed_options),
                         offsetof(bert_embed_options, prompt),
                         offsetof(bert_embed_options, prompt_name), .merges = true, .cut = true},
    [BERT_TASK_EMBED_ALL] = {"bert_embed_all_options", sizeof(bert_embed_all_options),
                             offsetof(bert_embed_all_options, prompt),
                             offsetof(bert_embed_all_options, prompt_name), .merges = true,
                             .cut = true},
    [BERT_TASK_EMBED_TOKENS] = {"bert_embed_options", sizeof(bert_embed_options),
                                offsetof(bert_embed_options, prompt),
                                offsetof(bert_embed_options, prompt_name), .one = true,
                                .cut = true},
    [BERT_TASK_EMBED_CHUNKS] = {"bert_chunk_options", sizeof(bert_chunk_options),
                                offsetof(bert_chunk_options, prompt),
                                offsetof(bert_chunk_options, prompt_name), .one = true},
    [BERT_TASK_CLASSIFY] = {"bert_classify_options", sizeof(bert_classify_options), .pairs = 1,
                            .merges = true, .cut = true},
    [BERT_TASK_RERANK] = {"bert_rerank_options", sizeof(bert_rerank_options), .query = true,
                          .cut = true},
    [BERT_TASK_TAG] = {"bert_tag_options", sizeof(bert_tag_options), .merges = true},
    [BERT_TASK_ANSWER] = {"bert_answer_options", sizeof(bert_answer_options), .pairs = 2,
                          .merges = true},
    [BERT_TASK_NEXT] = {"bert_next_options", sizeof(bert_next_options), .pairs = 2, .merges = true,
                        .cut = true},
    [BERT_TASK_FILL] = {"bert_fill_options", sizeof(bert_fill_options),
                        .targets = offsetof(bert_fill_options, targets),
                        .target_count = offsetof(bert_fill_options, n_targets), .merges = true,
                        .cut = true},
    [BERT_TASK_CHOOSE] = {"bert_choose_options", sizeof(bert_choose_options), .query = true,
                          .merges = true, .cut = true},
    [BERT_TASK_EXPLAIN] = {"bert_explain_options", sizeof(bert_explain_options), .pairs = 1,
                           .one = true, .cut = true},
};

const struct bert__task_shape *bert__task_shape(uint32_t task)
{
    if (task >= sizeof shapes / sizeof *shapes || shapes[task].name == NULL)
        return NULL;
    return &shapes[task];
}

/* ---- Checks -------------------------------------------------------------------------- */

static bert_status check_arrays(const bert_request *r, const struct bert__task_shape *shape,
                                bert_error *err)
{
    if (r->n > 0 && r->texts == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_request.texts is NULL, n is %zu", r->n);
    if (shape->one && r->n != 1)
        return bert__fail(err, BERT_EINVAL, "bert_request.n is %zu; this task takes one text",
                          r->n);
    if (r->pairs == NULL && shape->pairs == 2 && r->n > 0)
        return bert__fail(err, BERT_EINVAL, "bert_request.pairs is NULL");
    if (r->pairs != NULL && shape->pairs == 0)
        return bert__fail(err, BERT_EINVAL, "bert_request.pairs: this task takes none");
    if (r->spans == NULL && r->n_spans > 0)
        return bert__fail(err, BERT_EINVAL, "bert_request.spans is NULL, n_spans is %zu",
                          r->n_spans);
    if (r->spans != NULL && r->task != BERT_TASK_EMBED_CHUNKS)
        return bert__fail(err, BERT_EINVAL, "bert_request.spans: this task takes none");
    return BERT_OK;
}

bert_status bert__request_read(bert_request *out, const bert_request *request, bert_error *err)
{
    const struct bert__task_shape *shape;
    bert_status st;

    if (request == NULL)
        return bert__fail(err, BERT_EINVAL, "request is NULL");
    st = bert__options_read(out, sizeof *out, request, "bert_request", err);
    if (st != BERT_OK)
        return st;
    shape = bert__task_shape(out->task);
    if (shape == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_request.task is %lu, which is no bert_task",
                          (unsigned long)out->task);
    st = bert__options_enum(out->priority, BERT_PRIORITY_BULK + 1, "bert_request.priority", err);
    if (st == BERT_OK)
        st = bert__options_enum(out->notify, BERT_NOTIFY_QUEUE + 1, "bert_request.notify", err);
    if (st != BERT_OK)
        return st;
    if (out->notify == BERT_NOTIFY_CALLBACK && out->done == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_request.done is NULL");
    if (out->reserved != 0)
        return bert__fail(err, BERT_EINVAL, "bert_request.reserved is not 0");
    return check_arrays(out, shape, err);
}

/* ---- The copy ------------------------------------------------------------------------ */

/* Memory that is first measured (data NULL), then filled. */
struct block {
    char *data;
    size_t size;
    bool overflow;
};

static void *put(struct block *b, const void *data, size_t size)
{
    char *at = b->data != NULL ? b->data + b->size : NULL;
    size_t end;

    if (!bert__size_add(b->size, size, &end)) {
        b->overflow = true;
        return NULL;
    }
    if (at != NULL && data != NULL && size > 0)
        memcpy(at, data, size);
    b->size = end;
    return at;
}

static void align(struct block *b)
{
    size_t gap = (0 - b->size) & (sizeof(uint64_t) - 1);
    char *at = put(b, NULL, gap);

    if (at != NULL)
        memset(at, 0, gap);
}

static void *put_items(struct block *b, const void *items, size_t n, size_t size)
{
    size_t bytes;

    if (!bert__size_mul(n, size, &bytes)) {
        b->overflow = true;
        return NULL;
    }
    align(b);
    return put(b, items, bytes);
}

/* One without data but with a size stays so: it is for the call to say what is wrong with it. */
static char *put_bytes(struct block *b, bert_text text)
{
    return text.data != NULL ? put(b, text.data, text.size) : NULL;
}

static bert_text *put_texts(struct block *b, const bert_text *texts, size_t n)
{
    bert_text *copy;

    if (texts == NULL)
        return NULL;
    copy = put_items(b, texts, n, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        char *data = put_bytes(b, texts[i]);

        if (copy != NULL)
            copy[i].data = data;
    }
    return copy;
}

/* Options as the job has them: what they point to lies in the block. */
static void *put_options(struct block *b, const struct bert__task_shape *shape, const char *options)
{
    char *copy = put_items(b, options, 1, shape->size);

    if (shape->prompt != 0) {
        const bert_text *prompt;
        bert_text *own;

        memcpy(&prompt, options + shape->prompt, sizeof prompt);
        own = put_texts(b, prompt, 1);
        if (copy != NULL)
            memcpy(copy + shape->prompt, &own, sizeof own);
    }
    if (shape->prompt_name != 0) {
        const char *name;
        char *own = NULL;

        memcpy(&name, options + shape->prompt_name, sizeof name);
        if (name != NULL)
            own = put(b, name, strlen(name) + 1);
        if (copy != NULL)
            memcpy(copy + shape->prompt_name, &own, sizeof own);
    }
    if (shape->targets != 0) {
        const bert_text *targets;
        bert_text *own;
        uint32_t n;

        memcpy(&targets, options + shape->targets, sizeof targets);
        memcpy(&n, options + shape->target_count, sizeof n);
        own = put_texts(b, targets, n);
        if (copy != NULL)
            memcpy(copy + shape->targets, &own, sizeof own);
    }
    return copy;
}

/* ---- The key: task, model, and options by value -------------------------------------- */

static void key_text(struct block *b, const bert_text *text)
{
    uint64_t size = text != NULL ? text->size : UINT64_MAX;

    put(b, &size, sizeof size);
    if (text != NULL)
        put_bytes(b, *text);
}

static void *put_key(struct block *b, const bert_request *r, const struct bert__task_shape *shape,
                     const char *options, uint64_t model_key)
{
    static const void *const none = NULL;
    uint64_t head[3] = {model_key, r->task, r->pairs != NULL};
    char *key = put_items(b, head, 1, sizeof head), *fields = put(b, options, shape->size);

    if (shape->prompt != 0) {
        const bert_text *prompt;
        const char *name;
        bert_text view;

        memcpy(&prompt, options + shape->prompt, sizeof prompt);
        memcpy(&name, options + shape->prompt_name, sizeof name);
        view = (bert_text){name, name != NULL ? strlen(name) : 0};
        key_text(b, prompt);
        key_text(b, name != NULL ? &view : NULL);
        if (fields != NULL) {
            memcpy(fields + shape->prompt, &none, sizeof none);
            memcpy(fields + shape->prompt_name, &none, sizeof none);
        }
    }
    if (shape->targets != 0) {
        const bert_text *targets;
        uint32_t n;

        memcpy(&targets, options + shape->targets, sizeof targets);
        memcpy(&n, options + shape->target_count, sizeof n);
        for (uint32_t i = 0; targets != NULL && i < n; i++)
            key_text(b, &targets[i]);
        if (fields != NULL)
            memcpy(fields + shape->targets, &none, sizeof none);
    }
    return key;
}

/* ---- Together ------------------------------------------------------------------------ */

static void lay_out(bert_job *job, struct block *b, const bert_request *r,
                    const struct bert__task_shape *shape, const char *options, uint64_t model_key)
{
    bert_text *texts, *pairs, *query;
    void *spans, *own;
    size_t start;
    void *key;

    put(b, NULL, sizeof *job);
    texts = put_texts(b, r->texts, r->n);
    pairs = put_texts(b, r->pairs, r->n);
    query = put_texts(b, &r->query, 1);
    spans = r->spans != NULL ? put_items(b, r->spans, r->n_spans, sizeof *r->spans) : NULL;
    own = put_options(b, shape, options);
    align(b);
    start = b->size;
    key = put_key(b, r, shape, options, model_key);
    if (job == NULL)
        return;
    job->request = *r;
    job->request.model = NULL;
    job->request.texts = texts;
    job->request.pairs = pairs;
    job->request.query = *query;
    job->request.spans = spans;
    job->request.options = own;
    job->key = key;
    job->key_size = b->size - start;
}

static size_t text_bytes(const bert_request *r)
{
    size_t bytes = r->query.size;

    for (size_t i = 0; i < r->n; i++)
        bytes += r->texts[i].size + (r->pairs != NULL ? r->pairs[i].size : 0);
    return bytes;
}

bert_status bert__job_create(bert_job **out, struct bert__alloc *alloc, const bert_request *r,
                             uint64_t model_key, bert_error *err)
{
    const struct bert__task_shape *shape = bert__task_shape(r->task);
    _Alignas(8) char options[256];
    struct block size = {NULL, 0, false}, block;
    bert_job *job;
    bert_status st;

    *out = NULL;
    st = bert__options_read(options, shape->size, r->options, shape->name, err);
    if (st != BERT_OK)
        return st;
    memcpy(options, &shape->size, sizeof shape->size); /* one key, whatever the caller's version */
    lay_out(NULL, &size, r, shape, options, model_key);
    if (size.overflow)
        return bert__fail(err, BERT_ERANGE, "the request's texts don't fit into memory");
    job = bert__alloc(alloc, size.size);
    if (job == NULL)
        return bert__alloc_fail(alloc, "the request", err);
    memset(job, 0, offsetof(struct bert_job, error));
    job->error.code = BERT_OK;
    if (!bert__cond_init(&job->ended)) {
        bert__alloc_free(alloc, job);
        return bert__fail_nomem(err, "the request");
    }
    block = (struct block){(char *)job, 0, false};
    lay_out(job, &block, r, shape, options, model_key);
    atomic_init(&job->refs, 1);
    job->queued.bytes = text_bytes(&job->request);
    *out = job;
    return BERT_OK;
}

void bert__job_free(bert_job *job, struct bert__alloc *alloc)
{
    bert__answer_unref(job->answer);
    pthread_cond_destroy(&job->ended);
    bert__alloc_free(alloc, job);
}

/* ---- Reading ------------------------------------------------------------------------- */

uint64_t bert_job_id(const bert_job *job)
{
    return job->request.id;
}

void *bert_job_context(const bert_job *job)
{
    return job->request.context;
}

int bert_job_done(const bert_job *job)
{
    return atomic_load_explicit(&job->state, memory_order_acquire) == BERT__JOB_DONE;
}

bert_status bert_job_status(const bert_job *job, bert_error *err)
{
    if (job == NULL)
        return bert__fail(err, BERT_EINVAL, "job is NULL");
    if (!bert_job_done(job))
        return bert__fail(err, BERT_EBUSY, "the job has not ended");
    if (job->early == BERT_ECANCELED)
        return bert__fail(err, job->early, "the request was canceled");
    if (job->early == BERT_ETIMEDOUT)
        return bert__fail(err, job->early, "the request's time is up");
    if (job->early != BERT_OK)
        return bert__fail(err, job->early, "the request was refused");
    if (job->error.code != BERT_OK && err != NULL)
        *err = job->error;
    return job->error.code;
}

bert_status bert_job_describe(const bert_job *job, bert_job_info *info, bert_error *err)
{
    if (job == NULL || info == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", job == NULL ? "job" : "info");
    if (!bert_job_done(job))
        return bert__fail(err, BERT_EBUSY, "the job has not ended");
    return bert__options_write(info, &job->info, sizeof job->info, "bert_job_info", err);
}

static bool has(const bert_job *job, uint32_t task)
{
    return bert_job_done(job) && job->request.task == task && job->early == BERT_OK
           && job->error.code == BERT_OK;
}

const float *bert_job_vectors(const bert_job *job, size_t *n, size_t *width)
{
    bool there = has(job, BERT_TASK_EMBED);

    if (n != NULL)
        *n = there ? job->request.n : 0;
    if (width != NULL)
        *width = there ? job->answer->width : 0;
    return there ? job->answer->vectors : NULL;
}

const bert_embed_report *bert_job_reports(const bert_job *job)
{
    return has(job, BERT_TASK_EMBED) || has(job, BERT_TASK_EMBED_TOKENS) ? job->answer->reports
                                                                         : NULL;
}

const char *bert_job_report_message(const bert_job *job, size_t i)
{
    bool there = has(job, BERT_TASK_EMBED) && i < job->answer->n_messages
                 && job->answer->messages[i] != NULL;

    return there ? job->answer->messages[i] : "";
}

#define RESULT(name, type, task)                                                                   \
    const type *bert_job_##name(const bert_job *job)                                               \
    {                                                                                              \
        return has(job, task) ? job->answer->result : NULL;                                        \
    }

RESULT(outputs, bert_outputs, BERT_TASK_EMBED_TOKENS)
RESULT(embeddings, bert_embeddings, BERT_TASK_EMBED_ALL)
RESULT(chunks, bert_chunks, BERT_TASK_EMBED_CHUNKS)
RESULT(classifications, bert_classifications, BERT_TASK_CLASSIFY)
RESULT(rankings, bert_rankings, BERT_TASK_RERANK)
RESULT(entities, bert_entities, BERT_TASK_TAG)
RESULT(answers, bert_answers, BERT_TASK_ANSWER)
RESULT(nexts, bert_nexts, BERT_TASK_NEXT)
RESULT(fills, bert_fills, BERT_TASK_FILL)
RESULT(choices, bert_choices, BERT_TASK_CHOOSE)
RESULT(explanation, bert_explanation, BERT_TASK_EXPLAIN)
