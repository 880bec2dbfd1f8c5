/* SPDX-License-Identifier: MIT */
/* error.h - filling the caller's bert_error. */
#ifndef BERT_LIB_BASE_ERROR_H
#define BERT_LIB_BASE_ERROR_H

#include <bert/base.h>

/* Write code and message (printf format, cut to fit at a character's start,
 * control characters replaced) into err, which may be NULL; returns code, so
 * that `return bert__fail(err, ...)` ends a function. */
bert_status bert__fail(bert_error *err, bert_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " before the message of an error that is already there. */
bert_status bert__fail_prefix(bert_error *err, bert_status code, const char *prefix);

/* The one message for a failed allocation. */
bert_status bert__fail_nomem(bert_error *err, const char *what);

/* Bytes of a name from a file, made fit for a message: at most 80 bytes, control
 * characters and ill-formed UTF-8 as '?'.  `out` holds at least 84 bytes; returns out. */
const char *bert__printable(char out[84], const char *data, size_t size);

#endif
