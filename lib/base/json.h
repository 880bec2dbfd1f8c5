/* SPDX-License-Identifier: MIT */
/*
 * json.h - a strict JSON reader (RFC 8259) for files nobody vouches for.
 *
 * Own code rather than a library, since each of these is needed: memory from
 * the object's allocator (the libraries have one process-wide hook), NUL and
 * any other character in keys, numbers independent of the locale, bounded
 * depth, and vocabularies of 10^6 entries in little more than their own size.
 *
 * UTF-8 is checked; a UTF-8 byte order mark at the start is skipped; lone
 * surrogate escapes are refused; duplicate keys of an object are refused;
 * nothing may follow the value but white space; depth is at most 256.
 * Errors name file, line and column.
 */
#ifndef BERT_LIB_BASE_JSON_H
#define BERT_LIB_BASE_JSON_H

#include <stdbool.h>

#include "lib/base/arena.h"

enum bert__json_type {
    BERT__JSON_NULL,
    BERT__JSON_FALSE,
    BERT__JSON_TRUE,
    BERT__JSON_NUMBER,
    BERT__JSON_STRING,
    BERT__JSON_ARRAY,
    BERT__JSON_OBJECT
};

/* A value; lives in the arena it was parsed into. */
struct bert__json {
    enum bert__json_type type;
    bool is_integer; /* number without '.', 'e', that fits int64 */
    union {
        struct {
            union {
                int64_t integer; /* when is_integer */
                double number;   /* when `spelt` is NULL too; never NaN */
            };
            /* As the file spells it; what follows is no part of a number.  NULL: it comes from no
             * JSON, or is a file's only value. */
            const char *spelt;
        };
        bert_text string;
        struct {
            const struct bert__json *items;
            size_t count;
        } array;
        struct {
            const struct bert__json_member *members; /* in file order */
            size_t count;
        } object;
    } u;
};

struct bert__json_member {
    bert_text key;
    struct bert__json value;
};

/* Parse size bytes.  `file` is the path for messages.  Strings without escapes
 * may point into `data`, which must outlive the arena's values. */
bert_status bert__json_parse(struct bert__arena *arena, const char *file, const char *data,
                             size_t size, const struct bert__json **out, bert_error *err);

/* The double nearest to a number; never NaN, may be infinite (1e999). */
double bert__json_number(const struct bert__json *value);

/* Member of an object by name; NULL if `object` is NULL, no object, or lacks it. */
const struct bert__json *bert__json_get(const struct bert__json *object, const char *key);
/* As above; a JSON null counts as absent. */
const struct bert__json *bert__json_find(const struct bert__json *object, const char *key);
bool bert__json_is(const struct bert__json *value, enum bert__json_type type); /* NULL: false */
bool bert__json_equals(const struct bert__json *value, const char *string);
/* "null", "a boolean", "a number", ... for messages. */
const char *bert__json_type_name(const struct bert__json *value);

/*
 * Typed members.  An absent or null member leaves *out alone and is BERT_OK;
 * one of another type or outside the range is BERT_EFORMAT, naming file, key and value.
 */
bert_status bert__json_read_u32(const struct bert__json *object, const char *file, const char *key,
                                uint32_t min, uint32_t max, uint32_t *out, bert_error *err);
bert_status bert__json_read_bool(const struct bert__json *object, const char *file, const char *key,
                                 bool *out, bert_error *err);
bert_status bert__json_read_double(const struct bert__json *object, const char *file,
                                   const char *key, double *out, bert_error *err);
bert_status bert__json_read_string(const struct bert__json *object, const char *file,
                                   const char *key, bert_text *out, bert_error *err);
/* A member that must be an array or object when present; *out NULL when absent. */
bert_status bert__json_read_container(const struct bert__json *object, const char *file,
                                      const char *key, enum bert__json_type type,
                                      const struct bert__json **out, bert_error *err);

#endif
