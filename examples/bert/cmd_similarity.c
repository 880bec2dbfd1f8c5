/* SPDX-License-Identifier: MIT */
/* cmd_similarity.c - bert similarity: how close are two texts? */
#include <inttypes.h>
#include <stdlib.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/kinds.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/vectors.h"

#define FIELD(name) offsetof(struct options, name)

struct similarity {
    struct vectors vectors;
    struct kinds kinds;
};

static void put_score(struct job *job, uint64_t index, float score)
{
    struct output *out = &job->output;

    if (!job->options->json) {
        output_format(out, "%.6f\n", (double)score);
        return;
    }
    output_format(out, "{\"index\": %" PRIu64 ", \"score\": ", index);
    json_put_float(out, score);
    output_text(out, "}\n");
}

static void compare(struct job *job, const struct similarity *similarity, uint64_t index,
                    const float *values, const struct vector_report *reports)
{
    size_t dim = similarity->vectors.dim;
    const bert_error *failed = reports[0].error != NULL ? reports[0].error : reports[1].error;
    bert_error error;
    float score;

    if (failed == NULL
        && (bert_similarity(similarity->kinds.function, values, values + dim, dim, &score, &error)
                != BERT_OK
            || check_finite(&score, 1, &error) != BERT_OK))
        failed = &error;
    if (failed != NULL)
        job_fail(job, index, failed);
    else
        put_score(job, index, score);
}

static void compare_vectors(struct job *job, struct batch *batch,
                            const struct similarity *similarity)
{
    const struct vectors *vectors = &similarity->vectors;
    struct text_list list;
    struct vector_report *reports;
    float *values;
    size_t next = 0;

    text_list_make(&list, batch, true);
    reports = get_memory(list.count, sizeof *reports);
    values = get_memory(list.count, vectors->dim * sizeof *values);
    if (vectors_embed(vectors, job, list.texts, list.count, values, reports)) {
        for (size_t i = 0; i < batch->count; i++) {
            const struct record *record = &batch->records[i];

            if (record->error != NULL) {
                job_fail(job, record->index, record->error);
                continue;
            }
            compare(job, similarity, record->index, values + next * vectors->dim, reports + next);
            next += 2;
        }
    }
    vector_reports_free(reports, list.count);
    text_list_free(&list);
    free(values);
}

/* ---- Other embeddings ---------------------------------------------------------------- */

/* The first text is the query of the second where that matters. */
static void compare_kinds(struct job *job, const struct kinds *kinds, const struct record *record)
{
    bool roles = kinds->options.outputs == BERT_EMBEDDING_MULTI;
    bert_session *session = job->runtime.session;
    bert_embeddings *a = NULL, *b = NULL;
    bert_error error;
    float score = 0;
    bert_status status = kinds_embed(kinds, session, record->text,
                                     roles ? BERT_ROLE_QUERY : BERT_ROLE_NONE, &a, &error);

    if (status == BERT_OK)
        status = kinds_embed(kinds, session, record->pair,
                             roles ? BERT_ROLE_DOCUMENT : BERT_ROLE_NONE, &b, &error);
    if (status == BERT_OK)
        status = kinds_compare(kinds, a, 0, b, 0, &score, &error);
    if (status == BERT_OK)
        put_score(job, record->index, score);
    else if (status != BERT_ECANCELED || interrupt_signal() == 0)
        job_fail(job, record->index, &error);
    bert_embeddings_free(a);
    bert_embeddings_free(b);
}

static void compare_batch(struct job *job, struct batch *batch, void *context)
{
    const struct similarity *similarity = context;

    if (similarity->kinds.options.outputs == BERT_EMBEDDING_DENSE) {
        compare_vectors(job, batch, similarity);
        return;
    }
    for (size_t i = 0; i < batch->count && !job_stopped(job); i++) {
        const struct record *record = &batch->records[i];

        if (record->error != NULL)
            job_fail(job, record->index, record->error);
        else
            compare_kinds(job, &similarity->kinds, record);
    }
}

static int load(struct job *job, void *context)
{
    struct similarity *similarity = context;
    int rc = vectors_load(&similarity->vectors, job);

    return rc == 0 ? kinds_load_one(&similarity->kinds, &similarity->vectors, job) : rc;
}

static int run(const struct options *options)
{
    struct similarity similarity = {0};
    struct job job;

    if (options->pooling == POOLING_NONE)
        return usage_error("similarity", "--pooling none gives no vector to compare");
    if (!options->jsonl && options->n_texts != 0 && options->n_texts != 2)
        return usage_error("similarity", "two texts are needed, %zu given", options->n_texts);
    if (job_open(&job, options, load, &similarity) == 0)
        job_run_pairs(&job, compare_batch, &similarity);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "prompt", OPTION_STRING, FIELD(prompt), 0, 0, NULL, "TEXT",
     "put TEXT before every text (default: the model's default prompt)"},
    {0, "prompt-name", OPTION_STRING, FIELD(prompt_name), 0, 0, NULL, "NAME",
     "put one of the model's prompts before every text"},
    {0, "outputs", OPTION_STRING, FIELD(outputs), 0, 0, NULL, "KIND",
     "compare by dense (one vector), sparse (weights of terms) or multi (vectors\n"
     "of tokens); (default: what the model was saved for)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {options_model,   options_input, options_output,
                                                  options_pooling, rows,          options_records,
                                                  options_general, NULL};

const struct command command_similarity = {
    .name = "similarity",
    .summary = "how close two texts are",
    .synopsis = "[options] [A B]",
    .about = "Print how close two texts are, by the model's similarity function (cosine, dot,\n"
             "euclidean or manhattan; the latter two as negative distances): larger is closer.\n"
             "With a ColBERT model A is the query and B the document, compared by MaxSim.\n"
             "Without arguments each line of the input is a pair, A<TAB>B; with --jsonl\n"
             "  {\"text\": \"...\", \"pair\": \"...\"}\n"
             "With --json each line of the output is {\"index\": 0, \"score\": 0.81}.",
    .examples = "  bert similarity -m DIR 'a cat on a mat' 'a kitten lies on the rug'\n"
                "  bert similarity -m DIR --json -i pairs.tsv\n",
    .groups = groups,
    .run = run,
};
