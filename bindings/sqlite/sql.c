/* SPDX-License-Identifier: MIT */
#include "bindings/sqlite/sql.h"

static int without_message(struct bert__sql_error *error, int code)
{
    sqlite3_free(error->message);
    error->message = NULL;
    error->code = code;
    return code;
}

static int fail(struct bert__sql_error *error, const char *format, va_list arguments)
{
    without_message(error, SQLITE_ERROR);
    error->message = sqlite3_vmprintf(format, arguments);
    if (error->message == NULL)
        error->code = SQLITE_NOMEM;
    return error->code;
}

int bert__sql_fail(struct bert__sql_error *error, const char *format, ...)
{
    va_list arguments;
    int code;

    va_start(arguments, format);
    code = fail(error, format, arguments);
    va_end(arguments);
    return code;
}

int bert__sql_fail_status(struct bert__sql_error *error, bert_status status, const char *format,
                          ...)
{
    va_list arguments;
    int code;

    if (status == BERT_ENOMEM)
        return without_message(error, SQLITE_NOMEM);
    if (status == BERT_ECANCELED)
        return without_message(error, SQLITE_INTERRUPT);
    va_start(arguments, format);
    code = fail(error, format, arguments);
    va_end(arguments);
    return code;
}

int bert__sql_no_memory(struct bert__sql_error *error)
{
    return without_message(error, SQLITE_NOMEM);
}

void bert__sql_result_error(sqlite3_context *context, struct bert__sql_error *error)
{
    if (error->code == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
    } else {
        if (error->message != NULL)
            sqlite3_result_error(context, error->message, -1);
        sqlite3_result_error_code(context, error->code);
    }
    sqlite3_free(error->message);
    error->message = NULL;
    error->code = SQLITE_OK;
}

int bert__sql_text(sqlite3_value *value, const char *function, const char *what, bert_text *out,
                   bool *null, struct bert__sql_error *error)
{
    int type = sqlite3_value_type(value);

    out->data = NULL;
    out->size = 0;
    *null = type == SQLITE_NULL;
    if (*null)
        return SQLITE_OK;
    if (type == SQLITE_BLOB)
        return bert__sql_fail(error, "%s: the %s is a BLOB of %d bytes, not text", function, what,
                              sqlite3_value_bytes(value));
    /* The order matters: the first call converts. */
    out->data = (const char *)sqlite3_value_text(value);
    out->size = (size_t)sqlite3_value_bytes(value);
    return out->data != NULL ? SQLITE_OK : bert__sql_no_memory(error);
}
