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

/* out = prefix pattern, with "%u" of the pattern replaced by the layer, "%g" by its group of
 * `inner` layers and "%i" by its place there. */
static inline bert_status bert__name_layer(char out[BERT__NAME_BYTES], const char *prefix,
                                           const char *pattern, uint32_t layer, uint32_t inner,
                                           bert_error *err)
{
    int n = snprintf(out, BERT__NAME_BYTES, "%s", prefix);
    bert_status st = bert__name_check(n, pattern, err);

    for (const char *p = pattern; *p != '\0' && st == BERT_OK; p++) {
        char *end = out + n;
        size_t room = (size_t)(BERT__NAME_BYTES - n);
        uint32_t number = p[1] == 'u' ? layer : p[1] == 'g' ? layer / inner : layer % inner;

        if (*p != '%') {
            n += snprintf(end, room, "%c", *p);
        } else {
            n += snprintf(end, room, "%lu", (unsigned long)number);
            p++;
        }
        st = bert__name_check(n, pattern, err);
    }
    return st;
}

#endif
