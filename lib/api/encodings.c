/* SPDX-License-Identifier: MIT */
/*
 * encodings.c - arrays of many encodings by one call.
 */
#include <string.h>

#include "lib/base/error.h"
#include "tokenizer/encoding.h"

size_t bert_encodings_sizes(const bert_encoding *const *encodings, size_t n, size_t *sizes)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        size_t size = encodings[i] != NULL ? encodings[i]->n : 0;

        if (sizes != NULL)
            sizes[i] = size;
        sum += size;
    }
    return sum;
}

static size_t width_of(bert_encoding_field field)
{
    switch (field) {
    case BERT_ENCODING_IDS:
    case BERT_ENCODING_TYPE_IDS:
    case BERT_ENCODING_WORD_IDS:
        return sizeof(int32_t);
    case BERT_ENCODING_OFFSETS:
        return sizeof(bert_span);
    case BERT_ENCODING_SPECIAL_MASK:
    case BERT_ENCODING_ATTENTION_MASK:
    case BERT_ENCODING_SEQUENCE_IDS:
        return 1;
    }
    return 0;
}

static const void *array_of(const bert_encoding *e, bert_encoding_field field)
{
    switch (field) {
    case BERT_ENCODING_IDS:
        return e->ids;
    case BERT_ENCODING_TYPE_IDS:
        return e->type_ids;
    case BERT_ENCODING_OFFSETS:
        return e->offsets;
    case BERT_ENCODING_SPECIAL_MASK:
        return e->special_mask;
    case BERT_ENCODING_ATTENTION_MASK:
        return e->attention_mask;
    case BERT_ENCODING_WORD_IDS:
        return e->word_ids;
    case BERT_ENCODING_SEQUENCE_IDS:
        return e->sequence_ids;
    }
    return NULL;
}

bert_status bert_encodings_copy(const bert_encoding *const *encodings, size_t n,
                                bert_encoding_field field, void *out, size_t out_size,
                                bert_error *err)
{
    size_t width = width_of(field), tokens;
    char *place = out;

    if (width == 0)
        return bert__fail(err, BERT_EINVAL, "bert_encodings_copy: field is %d", (int)field);
    if (encodings == NULL && n > 0)
        return bert__fail(err, BERT_EINVAL, "bert_encodings_copy: encodings is NULL");
    tokens = bert_encodings_sizes(encodings, n, NULL);
    if (tokens == 0)
        return BERT_OK;
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_encodings_copy: out is NULL");
    if (tokens > out_size / width) /* they are in memory: the product fits */
        return bert__fail(err, BERT_ERANGE,
                          "bert_encodings_copy: out has %zu bytes, needed are %zu", out_size,
                          tokens * width);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = encodings[i] != NULL ? encodings[i]->n * width : 0;

        if (bytes == 0)
            continue;
        memcpy(place, array_of(encodings[i], field), bytes);
        place += bytes;
    }
    return BERT_OK;
}

void bert_encodings_free(bert_encoding **encodings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bert_encoding_free(encodings[i]);
        encodings[i] = NULL;
    }
}
