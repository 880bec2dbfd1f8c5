/* SPDX-License-Identifier: MIT */
/* bert_classify(), bert_entities(), bert_answer() and bert_tokens() as tables, of one text each. */
#include "bindings/sqlite/table.h"

/* A part of an argument, which stays where it was while its type does. */
static void part(struct bert__sql_cursor *cursor, sqlite3_context *context, int argument,
                 bert_span bytes)
{
    const char *text = (const char *)sqlite3_value_text(cursor->arguments[argument]);

    if (text == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, text + bytes.start, bytes.end - bytes.start,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* The columns start_char, end_char, start_byte, end_byte. */
static void ends(sqlite3_context *context, int which, bert_span chars, bert_span bytes)
{
    size_t value[4] = {chars.start, chars.end, bytes.start, bytes.end};

    sqlite3_result_int64(context, (sqlite3_int64)value[which]);
}

#define ENDS "start_char INTEGER, end_char INTEGER, start_byte INTEGER, end_byte INTEGER"

/* ---- bert_classify() ------------------------------------------------------------ */

static void close_labels(struct bert__sql_cursor *cursor)
{
    bert_classifications_free(cursor->result);
}

static int open_labels(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_classifications *result;
    bert_text text, pair = {NULL, 0};
    bert_status status;
    bert_error err;
    bool pairs =
        cursor->arguments[2] != NULL && sqlite3_value_type(cursor->arguments[2]) != SQLITE_NULL;
    int rc = bert__sql_cursor_text(cursor, 1, "text", &text, error);

    if (rc == SQLITE_OK && pairs)
        rc = bert__sql_cursor_text(cursor, 2, "second text", &pair, error);
    if (rc != SQLITE_OK)
        return rc;
    session = bert__sql_use_enter(&cursor->use, error);
    if (session == NULL)
        return error->code;
    status = bert_classify(session->session, &text, pairs ? &pair : NULL, 1, NULL, &result, &err);
    bert__sql_use_leave(&cursor->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    cursor->result = result;
    cursor->rows = bert_classifications_count(result, 0);
    status = bert_classifications_status(result, 0);
    return status == BERT_OK
               ? SQLITE_OK
               : bert__sql_use_fail_record(&cursor->use, status,
                                           bert_classifications_message(result, 0), error);
}

static int column_labels(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                         struct bert__sql_error *error)
{
    const bert_label_score *label = bert_classifications_labels(cursor->result, 0) + cursor->row;

    (void)error;
    if (column == 0)
        sqlite3_result_text(context, label->label, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_double(context, (double)label->score);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_classify_table = {
    .name = "bert_classify",
    .columns = "label TEXT, score REAL, model TEXT HIDDEN, text TEXT HIDDEN, pair TEXT HIDDEN",
    .n_columns = 2,
    .required = 2,
    .arguments = 3,
    .open = open_labels,
    .column = column_labels,
    .close = close_labels,
};

/* ---- bert_entities() -------------------------------------------------------------- */

static void close_entities(struct bert__sql_cursor *cursor)
{
    bert_entities_free(cursor->result);
}

static int open_entities(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_entities *result;
    bert_status status;
    bert_error err;
    bert_text text;
    int rc = bert__sql_cursor_text(cursor, 1, "text", &text, error);

    if (rc != SQLITE_OK)
        return rc;
    session = bert__sql_use_enter(&cursor->use, error);
    if (session == NULL)
        return error->code;
    status = bert_tag(session->session, &text, 1, NULL, &result, &err);
    bert__sql_use_leave(&cursor->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    cursor->result = result;
    cursor->rows = bert_entities_count(result, 0);
    status = bert_entities_status(result, 0);
    return status == BERT_OK ? SQLITE_OK
                             : bert__sql_use_fail_record(&cursor->use, status,
                                                         bert_entities_message(result, 0), error);
}

static int column_entities(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                           struct bert__sql_error *error)
{
    const bert_entity *entity = bert_entities_list(cursor->result, 0) + cursor->row;

    (void)error;
    if (column == 0)
        sqlite3_result_text(context, entity->label, -1, SQLITE_TRANSIENT);
    else if (column == 1)
        sqlite3_result_double(context, (double)entity->score);
    else if (column == 2)
        part(cursor, context, 1, entity->bytes);
    else
        ends(context, column - 3, entity->chars, entity->bytes);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_entities_table = {
    .name = "bert_entities",
    .columns = "label TEXT, score REAL, entity TEXT, " ENDS ", model TEXT HIDDEN, text TEXT HIDDEN",
    .n_columns = 7,
    .required = 2,
    .arguments = 2,
    .open = open_entities,
    .column = column_entities,
    .close = close_entities,
};

/* ---- bert_answer() ------------------------------------------------------------------ */

static void close_answers(struct bert__sql_cursor *cursor)
{
    bert_answers_free(cursor->result);
}

static int open_answers(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    bert_answer_options options = BERT_ANSWER_OPTIONS_INIT;
    struct bert__sql_session *session;
    bert_text question, context;
    bert_answers *result;
    bert_status status;
    bert_error err;
    int rc = bert__sql_cursor_text(cursor, 1, "question", &question, error);

    if (rc == SQLITE_OK)
        rc = bert__sql_cursor_text(cursor, 2, "context", &context, error);
    if (rc == SQLITE_OK)
        rc = bert__sql_cursor_top(cursor, 3, &options.top, error);
    if (rc != SQLITE_OK)
        return rc;
    session = bert__sql_use_enter(&cursor->use, error);
    if (session == NULL)
        return error->code;
    status = bert_answer(session->session, &question, &context, 1, &options, &result, &err);
    bert__sql_use_leave(&cursor->use, session);
    if (status != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    cursor->result = result;
    cursor->rows = bert_answers_count(result, 0);
    status = bert_answers_status(result, 0);
    return status == BERT_OK ? SQLITE_OK
                             : bert__sql_use_fail_record(&cursor->use, status,
                                                         bert_answers_message(result, 0), error);
}

/* That there is no answer is a row of NULLs with a score. */
static int column_answers(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                          struct bert__sql_error *error)
{
    const bert_answer_span *answer = bert_answers_list(cursor->result, 0) + cursor->row;

    (void)error;
    if (column == 1)
        sqlite3_result_double(context, (double)answer->score);
    else if (answer->is_null)
        sqlite3_result_null(context);
    else if (column == 0)
        part(cursor, context, 2, answer->bytes);
    else
        ends(context, column - 2, answer->chars, answer->bytes);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_answer_table = {
    .name = "bert_answer",
    .columns = "answer TEXT, score REAL, " ENDS ", model TEXT HIDDEN, question TEXT HIDDEN, "
               "context TEXT HIDDEN, top INTEGER HIDDEN",
    .n_columns = 6,
    .required = 3,
    .arguments = 4,
    .open = open_answers,
    .column = column_answers,
    .close = close_answers,
};

/* ---- bert_tokens() -------------------------------------------------------------------- */

/* One encoding counts characters, the other bytes. */
struct tokens {
    bert_encoding *chars;
    bert_encoding *bytes;
};

static void close_tokens(struct bert__sql_cursor *cursor)
{
    struct tokens *tokens = cursor->result;

    bert_encoding_free(tokens->chars);
    bert_encoding_free(tokens->bytes);
    sqlite3_free(tokens);
}

static bert_status tokenize(struct tokens *tokens, const bert_tokenizer *tokenizer, bert_text text,
                            sqlite3 *db, bert_error *err)
{
    bert_tokenize_options options = BERT_TOKENIZE_OPTIONS_INIT;
    struct bert__sql_watch watch;
    bert_status status;

    bert__sql_watch_begin(&watch, db);
    options.cancel = bert__sql_watch_ask;
    options.cancel_context = &watch;
    status = bert_tokenize(tokenizer, text, NULL, &options, &tokens->bytes, err);
    options.offset_unit = BERT_OFFSET_CHARS;
    if (status == BERT_OK)
        status = bert_tokenize(tokenizer, text, NULL, &options, &tokens->chars, err);
    bert__sql_watch_end(&watch);
    return status;
}

static int open_tokens(struct bert__sql_cursor *cursor, struct bert__sql_error *error)
{
    const bert_tokenizer *tokenizer;
    struct tokens *tokens;
    bert_error err;
    bert_text text;
    int rc = bert__sql_cursor_text(cursor, 1, "text", &text, error);

    if (rc != SQLITE_OK)
        return rc;
    tokens = sqlite3_malloc64(sizeof(*tokens));
    if (tokens == NULL)
        return bert__sql_no_memory(error);
    tokens->chars = tokens->bytes = NULL;
    cursor->result = tokens;
    if (bert_model_tokenizer(cursor->use.model->model, &tokenizer, &err) != BERT_OK
        || tokenize(tokens, tokenizer, text, cursor->use.db, &err) != BERT_OK)
        return bert__sql_use_fail(&cursor->use, &err, error);
    cursor->rows = bert_encoding_size(tokens->chars);
    return SQLITE_OK;
}

static int column_tokens(struct bert__sql_cursor *cursor, sqlite3_context *context, int column,
                         struct bert__sql_error *error)
{
    const struct tokens *tokens = cursor->result;
    size_t i = cursor->row;
    bert_text spelt = bert_encoding_token(tokens->chars, i);
    int special = bert_encoding_special_mask(tokens->chars)[i];

    (void)error;
    if (column == 0)
        sqlite3_result_int(context, bert_encoding_ids(tokens->chars)[i]);
    else if (column == 1)
        sqlite3_result_text64(context, spelt.data, spelt.size, SQLITE_TRANSIENT, SQLITE_UTF8);
    else if (column == 2)
        sqlite3_result_int(context, special);
    else if (!special)
        ends(context, column - 3, bert_encoding_offsets(tokens->chars)[i],
             bert_encoding_offsets(tokens->bytes)[i]);
    return SQLITE_OK;
}

const struct bert__sql_table bert__sql_tokens_table = {
    .name = "bert_tokens",
    .columns =
        "id INTEGER, token TEXT, special INTEGER, " ENDS ", model TEXT HIDDEN, text TEXT HIDDEN",
    .n_columns = 7,
    .required = 2,
    .arguments = 2,
    .open = open_tokens,
    .column = column_tokens,
    .close = close_tokens,
};
