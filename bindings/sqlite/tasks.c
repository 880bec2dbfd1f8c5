/* SPDX-License-Identifier: MIT */
/* Tasks whose answer is one value: bert_classify(), bert_rerank(), bert_answer(), bert_tokens(). */
#include "bindings/sqlite/functions.h"

/* The texts that come after the model's name; null: one is NULL, and so is the answer. */
struct input {
    struct bert__sql_use use;
    bert_text texts[2];
    bool null;
};

static int begin(struct input *in, sqlite3_context *context, const char *function,
                 const char *const what[2], int n, sqlite3_value **values,
                 struct bert__sql_error *error)
{
    int rc = bert__sql_use_begin(&in->use, sqlite3_user_data(context), function, values[0], error);

    in->null = false;
    for (int i = 1; rc == SQLITE_OK && i < n; i++) {
        bool null;

        rc = bert__sql_text(values[i], function, what[i - 1], &in->texts[i - 1], &null, error);
        in->null = in->null || null;
    }
    return rc;
}

static void end(struct input *in, sqlite3_context *context, int rc, struct bert__sql_error *error)
{
    if (rc != SQLITE_OK)
        bert__sql_result_error(context, error);
    bert__sql_use_end(&in->use);
}

static int classify(sqlite3_context *context, const struct input *in, bool pair,
                    struct bert__sql_error *error)
{
    bert_classify_options options = BERT_CLASSIFY_OPTIONS_INIT;
    struct bert__sql_session *session = bert__sql_use_enter(&in->use, error);
    bert_classifications *result = NULL;
    bert_status status;
    bert_error err;
    int rc = SQLITE_OK;

    if (session == NULL)
        return error->code;
    options.top = 1;
    status = bert_classify(session->session, in->texts, pair ? in->texts + 1 : NULL, 1, &options,
                           &result, &err);
    bert__sql_use_leave(&in->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&in->use, &err, error);
    status = bert_classifications_status(result, 0);
    if (status != BERT_OK)
        rc = bert__sql_use_fail_record(&in->use, status, bert_classifications_message(result, 0),
                                       error);
    else if (bert_classifications_count(result, 0) > 0)
        sqlite3_result_text(context, bert_classifications_labels(result, 0)->label, -1,
                            SQLITE_TRANSIENT);
    bert_classifications_free(result);
    return rc;
}

void bert__sql_classify(sqlite3_context *context, int n, sqlite3_value **values)
{
    static const char *const what[2] = {"text", "second text"};
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct input in;
    int rc = begin(&in, context, "bert_classify", what, n, values, &error);

    if (rc == SQLITE_OK && !in.null)
        rc = classify(context, &in, n > 2, &error);
    end(&in, context, rc, &error);
}

static int rerank(sqlite3_context *context, const struct input *in, struct bert__sql_error *error)
{
    struct bert__sql_session *session = bert__sql_use_enter(&in->use, error);
    bert_rankings *result = NULL;
    bert_status status;
    bert_error err;
    int rc = SQLITE_OK;

    if (session == NULL)
        return error->code;
    status = bert_rerank(session->session, in->texts[0], in->texts + 1, 1, NULL, &result, &err);
    bert__sql_use_leave(&in->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&in->use, &err, error);
    status = bert_rankings_status(result, 0);
    if (status != BERT_OK)
        rc = bert__sql_use_fail_record(&in->use, status, bert_rankings_message(result, 0), error);
    else
        sqlite3_result_double(context, (double)bert_rankings_score(result, 0));
    bert_rankings_free(result);
    return rc;
}

void bert__sql_rerank(sqlite3_context *context, int n, sqlite3_value **values)
{
    static const char *const what[2] = {"query", "text"};
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct input in;
    int rc = begin(&in, context, "bert_rerank", what, n, values, &error);

    if (rc == SQLITE_OK && !in.null)
        rc = rerank(context, &in, &error);
    end(&in, context, rc, &error);
}

static int answer(sqlite3_context *context, const struct input *in, struct bert__sql_error *error)
{
    struct bert__sql_session *session = bert__sql_use_enter(&in->use, error);
    const bert_answer_span *best;
    bert_answers *result = NULL;
    bert_status status;
    bert_error err;
    int rc = SQLITE_OK;

    if (session == NULL)
        return error->code;
    status = bert_answer(session->session, in->texts, in->texts + 1, 1, NULL, &result, &err);
    bert__sql_use_leave(&in->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&in->use, &err, error);
    status = bert_answers_status(result, 0);
    best = bert_answers_list(result, 0);
    if (status != BERT_OK)
        rc = bert__sql_use_fail_record(&in->use, status, bert_answers_message(result, 0), error);
    else if (best != NULL && !best->is_null)
        sqlite3_result_text64(context, in->texts[1].data + best->bytes.start,
                              best->bytes.end - best->bytes.start, SQLITE_TRANSIENT, SQLITE_UTF8);
    bert_answers_free(result);
    return rc;
}

void bert__sql_answer(sqlite3_context *context, int n, sqlite3_value **values)
{
    static const char *const what[2] = {"question", "context"};
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct input in;
    int rc = begin(&in, context, "bert_answer", what, n, values, &error);

    if (rc == SQLITE_OK && !in.null)
        rc = answer(context, &in, &error);
    end(&in, context, rc, &error);
}

static int count_tokens(sqlite3_context *context, const struct input *in,
                        struct bert__sql_error *error)
{
    bert_tokenize_options options = BERT_TOKENIZE_OPTIONS_INIT;
    const bert_tokenizer *tokenizer;
    struct bert__sql_watch watch;
    bert_status status;
    bert_error err;
    size_t count;

    bert__sql_watch_begin(&watch, in->use.db);
    options.cancel = bert__sql_watch_ask;
    options.cancel_context = &watch;
    status = bert_model_tokenizer(in->use.model->model, &tokenizer, &err);
    if (status == BERT_OK)
        status = bert_count_tokens(tokenizer, in->texts[0], NULL, &options, &count, &err);
    bert__sql_watch_end(&watch);
    if (status != BERT_OK)
        return bert__sql_use_fail(&in->use, &err, error);
    sqlite3_result_int64(context, (sqlite3_int64)count);
    return SQLITE_OK;
}

void bert__sql_count_tokens(sqlite3_context *context, int n, sqlite3_value **values)
{
    static const char *const what[2] = {"text", ""};
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct input in;
    int rc = begin(&in, context, "bert_tokens", what, n, values, &error);

    if (rc == SQLITE_OK && !in.null)
        rc = count_tokens(context, &in, &error);
    end(&in, context, rc, &error);
}
