/* SPDX-License-Identifier: MIT */
/* cmd_search.c - bert search: the records closest to a query. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/best.h"
#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/kinds.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/vectors.h"

#define FIELD(name) offsetof(struct options, name)

struct search {
    struct vectors vectors; /* for the records */
    float *query;           /* [dim] */
    struct kinds kinds;     /* where they are no vectors: */
    struct task task;
    bert_embeddings *result; /* of the query */
    struct best best;
};

/* ---- Records -------------------------------------------------------------------- */

static void score_record(struct job *job, struct search *search, const struct record *record,
                         const float *values, const struct vector_report *report)
{
    bert_error error;
    float score;

    if (report->error != NULL)
        job_fail(job, record->index, report->error);
    else if (bert_similarity(search->kinds.function, search->query, values, search->vectors.dim,
                             &score, &error)
                 != BERT_OK
             || check_finite(&score, 1, &error) != BERT_OK)
        job_fail(job, record->index, &error);
    else
        best_offer(&search->best, record, score);
}

static void search_batch(struct job *job, struct batch *batch, void *context)
{
    struct search *search = context;
    struct text_list list;
    struct vector_report *reports;
    float *values;
    size_t next = 0;

    text_list_make(&list, batch, false);
    reports = get_memory(list.count, sizeof *reports);
    values = get_memory(list.count, search->vectors.dim * sizeof *values);
    if (vectors_embed(&search->vectors, job, list.texts, list.count, values, reports)) {
        for (size_t i = 0; i < batch->count; i++) {
            const struct record *record = &batch->records[i];

            if (record->error != NULL) {
                job_fail(job, record->index, record->error);
                continue;
            }
            score_record(job, search, record, values + next * search->vectors.dim, &reports[next]);
            next++;
        }
    }
    vector_reports_free(reports, list.count);
    text_list_free(&list);
    free(values);
}

/* ---- Records of other embeddings ------------------------------------------------------ */

static bert_status embed_records(void *context, bert_session *session, const bert_text *texts,
                                 const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    const struct search *search = context;
    bert_embed_all_options o = search->kinds.options;

    o.role = BERT_ROLE_DOCUMENT;
    return search->kinds.task.run(&o, session, texts, pairs, n, result, error);
}

static void offer(struct job *job, void *context, const struct record *record, const void *result,
                  size_t i)
{
    struct search *search = context;
    bert_error error;
    float score;

    if (kinds_compare(&search->kinds, search->result, 0, result, i, &score, &error) == BERT_OK)
        best_offer(&search->best, record, score);
    else
        job_fail(job, record->index, &error);
}

static int embed_query_kind(struct job *job, struct search *search)
{
    bert_text query = {job->options->query, strlen(job->options->query)};
    bert_error error;
    bert_status status = kinds_embed(&search->kinds, job->runtime.session, query, BERT_ROLE_QUERY,
                                     &search->result, &error);

    search->task = search->kinds.task;
    search->task.context = search;
    search->task.run = embed_records;
    search->task.put = offer;
    if (status == BERT_OK)
        return 0;
    if (status == BERT_ECANCELED && interrupt_signal() != 0)
        return 128 + interrupt_signal();
    message("query: %s [%s]", error.message, bert_status_name(status));
    return EXIT_FAILED;
}

/* ---- The command ------------------------------------------------------------------- */

static int embed_query(struct job *job, struct search *search)
{
    struct vectors vectors = search->vectors;
    bert_text query = {job->options->query, strlen(job->options->query)};
    struct vector_report report = {0};
    int rc = 0;

    vectors_use_prompt(&vectors, job->runtime.model, "query");
    search->query = get_memory(vectors.dim, sizeof *search->query);
    if (!vectors_embed(&vectors, job, &query, 1, search->query, &report))
        return 128 + interrupt_signal();
    if (report.error != NULL) {
        message("query: %s [%s]", report.error->message, bert_status_name(report.error->code));
        rc = EXIT_FAILED;
    }
    free(report.error);
    return rc;
}

static int load(struct job *job, void *context)
{
    struct search *search = context;
    int rc = vectors_load(&search->vectors, job);

    if (rc == 0)
        rc = kinds_load_one(&search->kinds, &search->vectors, job);
    if (rc != 0)
        return rc;
    if (search->kinds.options.outputs != BERT_EMBEDDING_DENSE)
        return embed_query_kind(job, search);
    rc = embed_query(job, search);
    vectors_use_prompt(&search->vectors, job->runtime.model, "document");
    return rc;
}

static int run(const struct options *options)
{
    struct search search = {0};
    struct job job;
    enum record_form form = options->jsonl ? FORM_JSON_TEXT : FORM_TEXT;
    int rc;

    if (options->query == NULL)
        return usage_error("search", "--query is missing");
    if (options->pooling == POOLING_NONE)
        return usage_error("search", "--pooling none gives no vector to compare");
    search.best.top = options->top > 0 ? (size_t)options->top : 10;
    if (job_open(&job, options, load, &search) == 0) {
        if (search.result != NULL)
            job_run(&job, form, task_batch, &search.task);
        else
            job_run(&job, form, search_batch, &search);
        if (!job_stopped(&job))
            best_put(&search.best, &job);
    }
    rc = job_close(&job);
    best_free(&search.best);
    bert_embeddings_free(search.result);
    free(search.query);
    return rc;
}

static const struct option_row rows[] = {
    {0, "query", OPTION_STRING, FIELD(query), 0, 0, NULL, "TEXT", "what to look for; needed"},
    {0, "top", OPTION_NUMBER, FIELD(top), 1, INT32_MAX, NULL, "K",
     "print the best K records (default: 10)"},
    {0, "outputs", OPTION_STRING, FIELD(outputs), 0, 0, NULL, "KIND",
     "compare by dense (one vector), sparse (weights of terms) or multi (vectors\n"
     "of tokens); (default: what the model was saved for)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {rows,
                                                  options_model,
                                                  options_input,
                                                  options_output,
                                                  options_pooling,
                                                  options_records,
                                                  options_general,
                                                  NULL};

const struct command command_search = {
    .name = "search",
    .summary = "the records closest to a query",
    .synopsis = "--query TEXT [options] [TEXT...]",
    .about =
        "Print the records whose meaning is closest to the query, best first: score, TAB,\n"
        "text; with --json {\"index\": 41, \"score\": 0.62, \"text\": \"...\"} where index counts\n"
        "records from 0.  The model's prompts named query and document are used; a ColBERT\n"
        "model compares vectors of tokens by MaxSim, a SPLADE model weights of terms.  Only the\n"
        "best K texts are kept in memory.",
    .examples = "  bert search -m DIR --query 'how do I reset my password' -i faq.txt\n"
                "  bert search -m DIR --query cats --top 3 --json < texts.txt\n",
    .groups = groups,
    .run = run,
};
