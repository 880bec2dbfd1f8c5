/* SPDX-License-Identifier: MIT */
/* json_text.h - JSON that is written, piece by piece. */
#ifndef BERT_LIB_BASE_JSON_TEXT_H
#define BERT_LIB_BASE_JSON_TEXT_H

#include <stdbool.h>

#include "lib/base/alloc.h"

/* JSON text that grows; after a failure it stays as it was, and `failed` says so. */
struct bert__json_text {
    struct bert__alloc *alloc;
    char *data;
    size_t size, capacity;
    bool failed;
};

/* printf format, but no floating point, which has the locale's decimal point; a JSON string,
 * quoted, which is UTF-8; and a finite number, to 9 digits: a float comes back as it was. */
void bert__json_add(struct bert__json_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bert__json_add_string(struct bert__json_text *text, const char *string);
void bert__json_add_text(struct bert__json_text *text, const char *data, size_t size);
void bert__json_add_number(struct bert__json_text *text, double number);

/* That number by itself, NUL-terminated. */
enum { BERT__JSON_NUMBER_SIZE = 32 };
void bert__json_number_text(char out[BERT__JSON_NUMBER_SIZE], double number);

#endif
