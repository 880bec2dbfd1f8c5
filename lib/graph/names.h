/* SPDX-License-Identifier: MIT */
/* names.h - tensor names from a row's patterns. */
#ifndef BERT_LIB_GRAPH_NAMES_H
#define BERT_LIB_GRAPH_NAMES_H

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"

enum { BERT__NAME_BYTES = 256 };

static inline bert_status bert__name_check(int n, const char *what, bert_error *err)
{
    if (n >= 0 && n < BERT__NAME_BYTES)
        return BERT_OK;
    return bert__fail(err, BERT_EINTERNAL, "the tensor name %s is too long", what);
}

/* out = a b */
static inline bert_status bert__name_join(char out[BERT__NAME_BYTES], const char *a, const char *b,
                                          bert_error *err)
{
    return bert__name_check(snprintf(out, BERT__NAME_BYTES, "%s%s", a, b), b, err);
}

/* out = prefix pattern, with "%u" of the pattern replaced by the layer. */
static inline bert_status bert__name_layer(char out[BERT__NAME_BYTES], const char *prefix,
                                           const char *pattern, uint32_t layer, bert_error *err)
{
    const char *mark = strstr(pattern, "%u");

    if (mark == NULL)
        return bert__name_join(out, prefix, pattern, err);
    return bert__name_check(snprintf(out, BERT__NAME_BYTES, "%s%.*s%lu%s", prefix,
                                     (int)(mark - pattern), pattern, (unsigned long)layer,
                                     mark + 2),
                            pattern, err);
}

#endif
