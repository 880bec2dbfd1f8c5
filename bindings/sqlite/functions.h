/* SPDX-License-Identifier: MIT */
/* functions.h - what sqlite3_bert_init() registers. */
#ifndef BERT_BINDINGS_SQLITE_FUNCTIONS_H
#define BERT_BINDINGS_SQLITE_FUNCTIONS_H

#include <string.h>

#include "bindings/sqlite/names.h"

typedef void bert__sql_function(sqlite3_context *context, int n, sqlite3_value **values);

/* Functions of one value.  sqlite3_user_data() is the connection. */
bert__sql_function bert__sql_load;         /* load.c: (name, path[, options]) */
bert__sql_function bert__sql_unload;       /* (name) */
bert__sql_function bert__sql_info;         /* info.c: ([name]) */
bert__sql_function bert__sql_embed;        /* embed.c: (name, text) */
bert__sql_function bert__sql_similar;      /* similarity.c: (name, a, b) */
bert__sql_function bert__sql_cosine;       /* (a, b) */
bert__sql_function bert__sql_classify;     /* tasks.c: (name, text[, pair]) */
bert__sql_function bert__sql_rerank;       /* (name, query, text) */
bert__sql_function bert__sql_answer;       /* (name, question, context) */
bert__sql_function bert__sql_count_tokens; /* (name, text) */

/* Vectors as BLOBs: float32, little-endian, whatever the machine's order. */
static inline void bert__sql_swap_floats(void *floats, size_t n)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned char *bytes = floats;

    for (size_t i = 0; i < n; i++, bytes += 4) {
        uint32_t v = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
                     | (uint32_t)bytes[3] << 24;
        memcpy(bytes, &v, sizeof(v));
    }
#else
    (void)floats;
    (void)n;
#endif
}

#endif /* BERT_BINDINGS_SQLITE_FUNCTIONS_H */
