/* SPDX-License-Identifier: MIT */
/* json_in.h - a line of input that is JSON. */
#ifndef JSON_IN_H
#define JSON_IN_H

#include <jansson.h>
#include <stdbool.h>

#include <bert.h>

struct json_line {
    json_t *value;  /* owned; NULL: bad JSON */
    bert_text text; /* what was read: the line, or `repaired` */
    char *repaired; /* owned; NULL unless the line was ill-formed UTF-8 */
};

/* `first`: a byte order mark may come before it.  False: bad JSON, which the error tells; in any
 * case json_line_free() follows. */
bool json_line_read(struct json_line *out, bert_text line, bool first, bert_error *error);
void json_line_free(struct json_line *json);

#endif
