/* SPDX-License-Identifier: MIT */
/* task.c - the head of a task among those that a model has. */
#include "lib/head/task.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"

static const struct task {
    const char *name; /* of its head, for messages */
    bool by_token;
    enum bert__head_output outputs[2];
} tasks[] = {
    [BERT__TASK_CLASSIFY] = {"text-classification", false, {BERT__HEAD_LABELS, BERT__HEAD_LABELS}},
    [BERT__TASK_TAG] = {"token-classification", true, {BERT__HEAD_LABELS, BERT__HEAD_LABELS}},
    [BERT__TASK_ANSWER] = {"question-answering", true, {BERT__HEAD_SPAN, BERT__HEAD_SPAN}},
    [BERT__TASK_FILL] = {"fill-mask", true, {BERT__HEAD_VOCABULARY, BERT__HEAD_PREDICTION}},
    [BERT__TASK_NEXT] = {"next-sentence", false, {BERT__HEAD_NEXT, BERT__HEAD_RELATION}},
    [BERT__TASK_CHOICE] = {"multiple-choice", false, {BERT__HEAD_CHOICE, BERT__HEAD_CHOICE}},
};

static bool answers(const struct bert__head_row *row, const struct task *task)
{
    bool by_token = row->input == BERT__HEAD_TOKENS && !row->mean_of_logits;

    return by_token == task->by_token
           && (row->output == task->outputs[0] || row->output == task->outputs[1]);
}

/* ---- There is none ------------------------------------------------------------------ */

static const struct bert__head_row *row_of(const struct bert__arch *arch, const struct task *task)
{
    for (const struct bert__head_row *row = arch->heads; row != NULL && row->architecture != NULL;
         row++) {
        if (answers(row, task))
            return row;
    }
    return NULL;
}

/* The head that has this tensor, of another task. */
static const struct bert__task_head *user_of(const struct bert__task_heads *heads,
                                             const char *decoder)
{
    for (uint32_t i = 0; i < heads->n; i++) {
        if (strcmp(heads->items[i].row->decoder, decoder) == 0)
            return &heads->items[i];
    }
    return NULL;
}

/* The file has the row's first layer, but config.json doesn't say what for. */
static bool is_unnamed(const struct bert__task_heads *heads, const struct bert__arch *arch,
                       const struct bert__head_row *row)
{
    size_t i = (size_t)(row - arch->heads);

    return i < 64 && (heads->unnamed >> i & 1) != 0;
}

static bert_status not_looked_for(const struct bert__config *config, const struct task *task,
                                  const struct bert__head_row *row, const char *tensors,
                                  bert_error *err)
{
    const struct bert__json *list = bert__json_find(config->json, "architectures");

    return bert__fail(err, BERT_EUNSUPPORTED,
                      "%s: this model has no %s head: tensors %s are not looked for, since %s; "
                      "name %s there if it has one",
                      config->path, task->name, tensors,
                      list == NULL ? "there is no \"architectures\""
                                   : "\"architectures\" names no such head",
                      row->architecture);
}

static bert_status no_head(const struct bert__task_heads *heads, const struct bert__config *config,
                           const struct task *task, const bert_error *missing, bert_error *err)
{
    const struct bert__head_row *row = row_of(config->arch, task);
    const struct bert__task_head *user;
    char tensors[256];

    if (row == NULL)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: this model has no %s head: the family %s has none", config->path,
                          task->name, config->arch->model_type);
    snprintf(tensors, sizeof tensors, "%s%s%s.*", row->dense != NULL ? row->dense : "",
             row->dense != NULL ? ".*, " : "", row->decoder);
    user = user_of(heads, row->decoder);
    if (user != NULL)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: this model has no %s head: tensors %s are those of its %s head (%s)",
                          config->path, task->name, tensors, user->row->task,
                          user->row->architecture);
    if (is_unnamed(heads, config->arch, row))
        return not_looked_for(config, task, row, tensors, err);
    if (missing->code != BERT_OK)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: this model has no %s head (tensors %s): %s",
                          config->path, task->name, tensors, missing->message);
    return bert__fail(err, BERT_EUNSUPPORTED,
                      "%s: this model has no %s head: tensors %s are absent", config->path,
                      task->name, tensors);
}

bert_status bert__task_head_find(const struct bert__task_head **out,
                                 const struct bert__task_heads *heads,
                                 const struct bert__config *config, enum bert__task kind,
                                 const bert_error *missing, bert_error *err)
{
    const struct task *task = &tasks[kind];

    *out = NULL;
    for (uint32_t i = 0; i < heads->n_all && *out == NULL; i++) {
        if (answers(heads->items[i].row, task))
            *out = &heads->items[i];
    }
    return *out != NULL ? BERT_OK : no_head(heads, config, task, missing, err);
}
