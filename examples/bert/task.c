/* SPDX-License-Identifier: MIT */
#include "examples/bert/task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

/* ---- Options ------------------------------------------------------------------- */

uint32_t overlong_of(const struct options *options)
{
    switch (options->truncation) {
    case TRUNCATION_LEFT:
        return BERT_OVERLONG_CUT_LEFT;
    case TRUNCATION_NONE:
        return BERT_OVERLONG_ERROR;
    default:
        return BERT_OVERLONG_CUT_RIGHT;
    }
}

uint32_t stride_of(const struct options *options)
{
    return options->stride == 0 ? BERT_STRIDE_NONE : number_or_zero(options->stride);
}

uint32_t number_or_zero(int64_t value)
{
    return value > 0 ? (uint32_t)value : 0;
}

int task_load(struct job *job, void *context)
{
    const struct task *task = context;
    const struct options *options = job->options;
    void *result = NULL;
    bert_error error;
    int rc = runtime_load_model(&job->runtime, options, 0);

    if (rc == 0)
        rc =
            runtime_make_session(&job->runtime, options, bert_model_max_length(job->runtime.model));
    if (rc != 0)
        return rc;
    if (task->run(task->context, job->runtime.session, NULL, NULL, 0, &result, &error) != BERT_OK)
        return error.code == BERT_EINVAL ? usage_error(options->command, "%s [%s]", error.message,
                                                       bert_status_name(error.code))
                                         : runtime_failed(&error);
    task->free(result);
    return runtime_need_tokenizer(&job->runtime);
}

/* ---- Records ------------------------------------------------------------------- */

/* Records that follow one another and are alike: all pairs, or all single texts. */
struct group {
    const struct record *records;
    bert_text *texts, *pairs; /* pairs NULL: single texts */
    size_t n;
};

void task_put_json(struct job *job, const struct reading *reading, const struct record *record,
                   const void *result, size_t i)
{
    struct output *out = &job->output;

    output_format(out, "{\"index\": %" PRIu64 ", ", record->index);
    reading->members(out, job->options, record, result, i);
    output_text(out, "}\n");
}

static void put_group(struct job *job, const struct task *task, const struct group *group,
                      const void *result)
{
    for (size_t i = 0; i < group->n && !job_stopped(job); i++) {
        const char *why = "";
        bert_status status = task->reading->status(result, i, &why);
        bert_error error;

        if (status == BERT_OK) {
            task->put(job, task->context, &group->records[i], result, i);
            continue;
        }
        error_set(&error, status, "%s", why);
        job_fail(job, group->records[i].index, &error);
    }
}

static void run_group(struct job *job, const struct task *task, const struct group *group);

/* What failed as a whole is tried again one by one. */
static void run_singly(struct job *job, const struct task *task, const struct group *group)
{
    for (size_t i = 0; i < group->n && !job_stopped(job); i++) {
        struct group one = {group->records + i, group->texts + i,
                            group->pairs != NULL ? group->pairs + i : NULL, 1};

        run_group(job, task, &one);
    }
}

static void run_group(struct job *job, const struct task *task, const struct group *group)
{
    void *result = NULL;
    bert_error error;
    bert_status status = task->run(task->context, job->runtime.session, group->texts, group->pairs,
                                   group->n, &result, &error);

    if (status == BERT_ECANCELED && interrupt_signal() != 0)
        return;
    if (status == BERT_OK)
        put_group(job, task, group, result);
    else if (group->n > 1)
        run_singly(job, task, group);
    else
        job_fail(job, group->records[0].index, &error);
    task->free(result);
}

/* How many records from the first on are of its kind. */
static size_t alike(const struct record *records, size_t count)
{
    bool pair = records[0].pair.data != NULL;
    size_t n = 0;

    while (n < count && records[n].error == NULL && (records[n].pair.data != NULL) == pair)
        n++;
    return n;
}

static void run_alike(struct job *job, const struct task *task, const struct record *records,
                      size_t n)
{
    bool pair = records[0].pair.data != NULL;
    struct group group = {.records = records, .n = n};

    group.texts = get_memory(n, sizeof *group.texts);
    if (pair)
        group.pairs = get_memory(n, sizeof *group.pairs);
    for (size_t i = 0; i < n; i++) {
        group.texts[i] = records[i].text;
        if (pair)
            group.pairs[i] = records[i].pair;
    }
    run_group(job, task, &group);
    free(group.texts);
    free(group.pairs);
}

void task_batch(struct job *job, struct batch *batch, void *context)
{
    const struct task *task = context;

    for (size_t i = 0; i < batch->count && !job_stopped(job);) {
        const struct record *records = &batch->records[i];
        size_t n = alike(records, batch->count - i);

        if (n == 0) {
            job_fail(job, records[0].index, records[0].error);
            i++;
        } else {
            run_alike(job, task, records, n);
            i += n;
        }
    }
}
