/* SPDX-License-Identifier: MIT */
/* json_in.h - a line of input that is JSON. */
#ifndef JSON_IN_H
#define JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bert.h>

/* Of jansson, which only those who need it include. */
struct json_t;

struct json_line {
    struct json_t *value; /* owned; NULL: bad JSON */
    bert_text text;       /* what was read: the line, or `repaired` */
    char *repaired;       /* owned; NULL unless the line was ill-formed UTF-8 */
};

/* `first`: a byte order mark may come before it.  False: bad JSON, which the error tells; in any
 * case json_line_free() follows. */
bool json_line_read(struct json_line *out, bert_text line, bool first, bert_error *error);
void json_line_free(struct json_line *json);

/* A whole number from low to high; in a line with numbers beyond 64 bits all are reals. */
bool json_whole(const struct json_t *value, int64_t low, int64_t high, int64_t *out);
/* [[start, end], ...] in bytes, to be freed also after a failure. */
bool json_spans(const struct json_t *list, bert_span **spans, size_t *n, bert_error *error);

#endif
