/* SPDX-License-Identifier: MIT */
/* bert_info(): JSON. */
#include "bindings/sqlite/functions.h"

static const char *precision_name(bert_precision precision)
{
    switch (precision) {
    case BERT_PRECISION_BF16:
        return "bf16";
    case BERT_PRECISION_INT8:
        return "int8";
    default:
        return "fp32";
    }
}

static void put_string(sqlite3_str *out, const char *text)
{
    sqlite3_str_appendchar(out, 1, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20)
            sqlite3_str_appendf(out, "\\u%04x", (unsigned)*c);
        else if (*c == '"' || *c == '\\')
            sqlite3_str_appendf(out, "\\%c", *c);
        else
            sqlite3_str_appendchar(out, 1, *c);
    }
    sqlite3_str_appendchar(out, 1, '"');
}

static void put_model(sqlite3_str *out, const struct bert__sql_name *name)
{
    const bert_model *model = name->model->model;

    sqlite3_str_appendall(out, "{\"name\":");
    put_string(out, name->name);
    sqlite3_str_appendall(out, ",\"path\":");
    put_string(out, name->model->path);
    sqlite3_str_appendall(out, ",\"task\":");
    put_string(out, bert_model_task(model));
    sqlite3_str_appendall(out, ",\"architecture\":");
    put_string(out, bert_model_architecture(model));
    sqlite3_str_appendf(out, ",\"dimensions\":%u,\"max_length\":%u,\"similarity\":",
                        bert_model_embedding_size(model), bert_model_max_length(model));
    put_string(out, bert_model_similarity(model));
    sqlite3_str_appendf(out, ",\"precision\":\"%s\",\"cpu\":\"%s\",\"threads\":%u,\"names\":%llu",
                        precision_name(bert_model_precision(model)), bert_model_cpu(model),
                        name->threads, (unsigned long long)bert__sql_model_names(name->model));
    sqlite3_str_appendf(out, ",\"parameters\":%llu,\"bytes\":%llu,\"labels\":[",
                        (unsigned long long)bert_model_parameters(model),
                        (unsigned long long)bert_model_bytes(model));
    for (uint32_t i = 0; i < bert_model_label_count(model); i++) {
        if (i > 0)
            sqlite3_str_appendchar(out, 1, ',');
        put_string(out, bert_model_label(model, i));
    }
    sqlite3_str_appendall(out, "]}");
}

/* The models of the connection, latest first. */
static void put_all(sqlite3_str *out, const struct bert__sql_connection *connection)
{
    sqlite3_str_appendf(out, "{\"version\":\"%s\",\"loaded\":%llu,\"models\":[", bert_version(),
                        (unsigned long long)bert__sql_models_count());
    for (const struct bert__sql_name *n = connection->names; n != NULL; n = n->next) {
        if (n != connection->names)
            sqlite3_str_appendchar(out, 1, ',');
        put_model(out, n);
    }
    sqlite3_str_appendall(out, "]}");
}

static void result_json(sqlite3_context *context, sqlite3_str *out)
{
    int rc = sqlite3_str_errcode(out);
    char *text = sqlite3_str_finish(out);

    if (rc != SQLITE_OK || text == NULL) {
        sqlite3_free(text);
        if (rc == SQLITE_TOOBIG)
            sqlite3_result_error_toobig(context);
        else
            sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text(context, text, -1, sqlite3_free);
}

void bert__sql_info(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct bert__sql_connection *connection = sqlite3_user_data(context);
    struct bert__sql_error error = {SQLITE_OK, NULL};
    const struct bert__sql_name *name = NULL;
    char wanted[BERT__SQL_NAME_MAX + 1];
    sqlite3_str *out;

    if (n > 0) {
        if (bert__sql_name_read(values[0], "bert_info", wanted, &error) == SQLITE_OK
            && (name = bert__sql_name_find(connection, wanted)) == NULL)
            bert__sql_fail(&error, "bert_info: no model '%s' in this connection", wanted);
        if (error.code != SQLITE_OK) {
            bert__sql_result_error(context, &error);
            return;
        }
    }
    out = sqlite3_str_new(connection->db);
    if (name != NULL)
        put_model(out, name);
    else
        put_all(out, connection);
    result_json(context, out);
}
