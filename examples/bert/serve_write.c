/* SPDX-License-Identifier: MIT */
/* serve_write.c - the lines that `bert serve --stdio` answers. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"
#include "examples/bert/serve.h"

static void put_id(struct output *out, const struct call *call)
{
    output_text(out, "{\"id\": ");
    if (call->id.data != NULL)
        output_write(out, call->id.data, call->id.size);
    else
        output_format(out, "null, \"line\": %" PRIu64, call->line);
}

static void put_error(struct output *out, const bert_error *error)
{
    output_format(out,
                  "\"error\": {\"code\": \"%s\", \"message\": ", bert_status_name(error->code));
    json_put_string(out, error->message, strlen(error->message));
    output_text(out, "}");
}

void write_error(struct output *out, const struct call *call, const bert_error *error)
{
    put_id(out, call);
    output_text(out, ", ");
    put_error(out, error);
    output_text(out, "}\n");
}

/* ---- One text of a job -------------------------------------------------------------------- */

static bert_status embed_status(const bert_job *job, size_t i, bert_error *error)
{
    size_t n, width;
    const float *vectors = bert_job_vectors(job, &n, &width);
    bert_status status = bert_job_reports(job)[i].status;

    if (status == BERT_OK)
        return check_finite(vectors + i * width, width, error);
    error_set(error, status, "%s", bert_job_report_message(job, i));
    return status;
}

static const float *token_vectors(const bert_job *job, uint32_t *shape, uint32_t *rank)
{
    return bert_outputs_get(bert_job_outputs(job), BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, rank);
}

static const void *result_of(const bert_job *job, uint32_t task)
{
    switch (task) {
    case BERT_TASK_EMBED_ALL:
        return bert_job_embeddings(job);
    case BERT_TASK_CLASSIFY:
        return bert_job_classifications(job);
    case BERT_TASK_TAG:
        return bert_job_entities(job);
    case BERT_TASK_ANSWER:
        return bert_job_answers(job);
    case BERT_TASK_NEXT:
        return bert_job_nexts(job);
    case BERT_TASK_FILL:
        return bert_job_fills(job);
    default:
        return bert_job_choices(job);
    }
}

static bert_status status_of(const struct call *call, size_t i, bert_error *error)
{
    const bert_job *job = call->job;
    uint32_t shape[4], rank;
    const char *why = "";
    bert_status status = BERT_OK;

    if (call->task->task == BERT_TASK_EMBED)
        return embed_status(job, i, error);
    if (call->task->task == BERT_TASK_EMBED_TOKENS) {
        const float *values = token_vectors(job, shape, &rank);

        return check_finite(values, (size_t)shape[0] * shape[1], error);
    }
    if (call->task->task == BERT_TASK_RERANK) {
        status = bert_rankings_status(bert_job_rankings(job), i);
        why = bert_rankings_message(bert_job_rankings(job), i);
    } else if (call->task->reading != NULL) {
        status = call->task->reading->status(result_of(job, call->task->task), i, &why);
    }
    if (status != BERT_OK)
        error_set(error, status, "%s", why);
    return status;
}

static void put_vector(struct output *out, const bert_job *job, size_t i)
{
    size_t n, width;
    const float *vectors = bert_job_vectors(job, &n, &width);
    const uint32_t shape[1] = {(uint32_t)width};

    embed_members(out, vectors + i * width, shape, 1, &bert_job_reports(job)[i]);
}

static void put_tokens(struct output *out, const bert_job *job)
{
    uint32_t shape[4], rank;
    const float *values = token_vectors(job, shape, &rank);

    embed_members(out, values, shape, rank, bert_job_reports(job));
}

static void put_rank(struct output *out, const struct call *call, size_t i)
{
    rank_members(out, i, bert_rankings_score(bert_job_rankings(call->job), i), call->texts[i].data,
                 call->texts[i].size);
}

static void put_members(struct output *out, const struct call *call, size_t i)
{
    struct record record = {0};

    if (i < call->n)
        record.text = call->texts[i];
    if (call->pairs != NULL)
        record.pair = call->pairs[i];
    record.choices = call->texts;
    record.n_choices = call->n;
    switch (call->task->task) {
    case BERT_TASK_EMBED:
        put_vector(out, call->job, i);
        break;
    case BERT_TASK_EMBED_TOKENS:
        put_tokens(out, call->job);
        break;
    case BERT_TASK_EMBED_CHUNKS:
        parts_members(out, bert_job_chunks(call->job));
        break;
    case BERT_TASK_EXPLAIN:
        explain_members(out, &record, bert_job_explanation(call->job));
        break;
    case BERT_TASK_RERANK:
        put_rank(out, call, i);
        break;
    default:
        call->task->reading->members(out, &call->options, &record,
                                     result_of(call->job, call->task->task), i);
    }
}

/* ---- Lists -------------------------------------------------------------------------------- */

static bool put_results(struct output *out, const struct call *call)
{
    bool good = true;

    for (size_t i = 0; i < call->n; i++) {
        bert_error error;

        output_text(out, i > 0 ? ", {" : "{");
        if (status_of(call, i, &error) == BERT_OK) {
            put_members(out, call, i);
        } else {
            put_error(out, &error);
            good = false;
        }
        output_text(out, "}");
    }
    return good;
}

/* Best first; behind them what has no score. */
static bool put_ranking(struct output *out, const struct call *call)
{
    const bert_rankings *result = bert_job_rankings(call->job);
    const bert_ranked *best = bert_rankings_best(result);
    bool first = true, good = true;

    for (size_t k = 0; k < bert_rankings_count(result); k++) {
        output_text(out, first ? "{" : ", {");
        put_rank(out, call, best[k].index);
        output_text(out, "}");
        first = false;
    }
    for (size_t i = 0; i < call->n; i++) {
        bert_error error;

        if (status_of(call, i, &error) == BERT_OK)
            continue;
        output_format(out, "%s{\"index\": %zu, ", first ? "" : ", ", i);
        put_error(out, &error);
        output_text(out, "}");
        first = good = false;
    }
    return good;
}

bool write_answer(struct output *out, const struct call *call)
{
    bert_error error;
    bool good = true;

    if (bert_job_status(call->job, &error) != BERT_OK
        || (!call->list && status_of(call, 0, &error) != BERT_OK)) {
        write_error(out, call, &error);
        return false;
    }
    put_id(out, call);
    output_text(out, call->list ? ", \"results\": [" : ", ");
    if (!call->list)
        put_members(out, call, 0);
    else if (call->task->task == BERT_TASK_RERANK)
        good = put_ranking(out, call);
    else
        good = put_results(out, call);
    output_text(out, call->list ? "]}\n" : "}\n");
    return good;
}

/* ---- Models --------------------------------------------------------------------------------- */

static void put_model(struct output *out, const char *name, const bert_model *model,
                      uint64_t version)
{
    output_text(out, "{\"name\": ");
    json_put_string(out, name, strlen(name));
    output_format(out, ", \"version\": %" PRIu64 ", \"task\": \"%s\", \"precision\": \"%s\"",
                  version, bert_model_task(model), runtime_precision(model));
    output_format(out, ", \"max_length\": %" PRIu32 ", \"hidden_size\": %" PRIu32 "}",
                  bert_model_max_length(model), bert_model_hidden_size(model));
}

void write_models(struct output *out, const struct call *call, struct server *server)
{
    bool first = true;

    output_text(out, "{\"id\": ");
    if (call->id.data != NULL)
        output_write(out, call->id.data, call->id.size);
    output_text(out, call->id.data != NULL ? ", \"models\": [" : "null, \"models\": [");
    for (size_t i = 0; i < server->n_names; i++) {
        bert_model *model;
        uint64_t version;

        if (bert_engine_model(server->engine, server->names[i], &model, &version, NULL) != BERT_OK)
            continue;
        output_text(out, first ? "" : ", ");
        put_model(out, server->names[i], model, version);
        bert_model_unref(model);
        first = false;
    }
    output_text(out, "]}\n");
}
