/* SPDX-License-Identifier: MIT */
/* cmd_rerank.c - bert rerank: records ordered by how well they answer a query. */
#include <string.h>

#include "examples/bert/best.h"
#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

#define FIELD(name) offsetof(struct options, name)

struct rerank {
    bert_text query;
    bert_rerank_options options;
    struct best best;
};

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    const struct rerank *rerank = context;
    bert_rankings *found = NULL;
    bert_status status =
        bert_rerank(session, rerank->query, texts, n, &rerank->options, &found, error);

    (void)pairs;
    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_rankings_message(result, i);
    return bert_rankings_status(result, i);
}

static void free_result(void *result)
{
    bert_rankings_free(result);
}

/* Scores have no line of their own. */
static const struct reading reading = {status_of, NULL};

static void keep(struct job *job, void *context, const struct record *record, const void *result,
                 size_t i)
{
    struct rerank *rerank = context;

    (void)job;
    best_offer(&rerank->best, record, bert_rankings_score(result, i));
}

bert_rerank_options rerank_options(const struct options *options)
{
    bert_rerank_options o = BERT_RERANK_OPTIONS_INIT;

    o.raw = (uint32_t)options->raw;
    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    return o;
}

static int run(const struct options *options)
{
    struct rerank rerank = {.options = rerank_options(options)};
    struct task task = {&rerank, run_texts, &reading, keep, free_result};
    struct job job;
    int rc;

    if (options->query == NULL)
        return usage_error("rerank", "--query is missing");
    rerank.query = (bert_text){options->query, strlen(options->query)};
    rerank.best.top = number_or_zero(options->top);
    if (job_open(&job, options, task_load, &task) == 0) {
        job_run(&job, options->jsonl ? FORM_JSON_TEXT : FORM_TEXT, task_batch, &task);
        if (!job_stopped(&job))
            best_put(&rerank.best, &job);
    }
    rc = job_close(&job);
    best_free(&rerank.best);
    return rc;
}

static const struct option_row rows[] = {
    {0, "query", OPTION_STRING, FIELD(query), 0, 0, NULL, "TEXT",
     "what the records answer; needed"},
    {0, "raw", OPTION_FLAG, FIELD(raw), 1, 0, NULL, NULL,
     "scores are the model's logits (default: through its own activation)"},
    {0, "top", OPTION_NUMBER, FIELD(top), 1, INT32_MAX, NULL, "K",
     "print the best K records (default: all)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_rerank = {
    .name = "rerank",
    .summary = "records by how well they answer a query",
    .synopsis = "--query TEXT [options] [TEXT...]",
    .about = "Print the records in the order in which a cross-encoder, which reads each together\n"
             "with the query, ranks them: score, TAB, text; with --json\n"
             "  {\"index\": 41, \"score\": 0.97, \"text\": \"...\"}\n"
             "where index counts records from 0.  The score is the model's own (a probability,\n"
             "or a logit where the model says so).  With --top only the best K texts are kept in\n"
             "memory.",
    .examples = "  bert rerank -m DIR --query 'how do I reset my password' -i candidates.txt\n"
                "  bert rerank -m DIR --query cats --top 3 --json < texts.txt\n",
    .groups = groups,
    .run = run,
};
