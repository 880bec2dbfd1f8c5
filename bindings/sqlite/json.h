/* SPDX-License-Identifier: MIT */
/*
 * json.h - the texts of a JSON array or object, strictly (RFC 8259).  SQLite's own json_each() ends
 * a string at \u0000, may be left out of a build, and is subject to the program's authorizer.
 */
#ifndef BERT_BINDINGS_SQLITE_JSON_H
#define BERT_BINDINGS_SQLITE_JSON_H

#include "bindings/sqlite/sql.h"

enum bert__sql_json_type { BERT__SQL_JSON_NULL, BERT__SQL_JSON_NUMBER, BERT__SQL_JSON_STRING };

struct bert__sql_item {
    const char *text;
    const char *key; /* NULL in an array */
    uint32_t size;
    uint32_t key_size;
    enum bert__sql_json_type type;
};

struct bert__sql_items {
    struct bert__sql_item *items;
    size_t count;
    char *bytes; /* what they point into */
};

/*
 * Read the items.  Strings are unescaped, a lone surrogate is U+FFFD; numbers are as they are
 * spelt; true, false, arrays and objects are refused as items.  `what` is for the message.
 */
int bert__sql_items_read(struct bert__sql_items *out, bert_text json, const char *function,
                         const char *what, struct bert__sql_error *error);
void bert__sql_items_free(struct bert__sql_items *items);

#endif /* BERT_BINDINGS_SQLITE_JSON_H */
