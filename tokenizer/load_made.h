/* SPDX-License-Identifier: MIT */
/* load_made.h - values of JSON made by hand, and the steps that files of all formats share. */
#ifndef BERT_TOKENIZER_LOAD_MADE_H
#define BERT_TOKENIZER_LOAD_MADE_H

#include "tokenizer/load_files.h"
#include "tokenizer/load_write.h"

/* ---- Values ---------------------------------------------------------------------- */

static inline bert_text bert__made_text(const char *s)
{
    return (bert_text){s, strlen(s)};
}

static inline struct bert__json bert__made_string(bert_text text)
{
    return (struct bert__json){.type = BERT__JSON_STRING, .u.string = text};
}

static inline struct bert__json bert__made_id(int32_t id)
{
    return (struct bert__json){.type = BERT__JSON_NUMBER, .is_integer = true, .u.integer = id};
}

static inline struct bert__json bert__made_bool(bool value)
{
    return (struct bert__json){.type = value ? BERT__JSON_TRUE : BERT__JSON_FALSE};
}

static inline struct bert__json *bert__made_room(const struct bert__load *l, size_t n)
{
    size_t bytes;

    return bert__size_mul(n, sizeof(struct bert__json), &bytes) ? bert__arena_get(l->files, bytes)
                                                                : NULL;
}

static inline struct bert__json bert__made_array(const struct bert__json *items, size_t n)
{
    return (struct bert__json){
        .type = BERT__JSON_ARRAY, .u.array.items = items, .u.array.count = n};
}

static inline struct bert__json bert__made_object(const struct bert__json_member *members, size_t n)
{
    return (struct bert__json){
        .type = BERT__JSON_OBJECT, .u.object.members = members, .u.object.count = n};
}

static inline struct bert__json_member bert__made_member(const char *key, struct bert__json value)
{
    return (struct bert__json_member){.key = bert__made_text(key), .value = value};
}

/* ---- Steps ----------------------------------------------------------------------- */

/* Normalizer, pre-tokenizer and decoder that were written. */
bert_status bert__load_written(struct bert__load *load, const struct bert__writer *w);
/* Those of a class. */
bert_status bert__load_stages(struct bert__load *load, const struct bert__family *family,
                              const struct bert__settings *s, bert_text charsmap,
                              bool byte_fallback);
/* What comes behind the model. */
bert_status bert__load_rest(struct bert__load *load, const struct bert__family *family,
                            const struct bert__settings *s);
/* A tokenizer of a SentencePiece model. */
bert_status bert__load_spm(struct bert__load *load, const struct bert__family *family,
                           const struct bert__json *config, bert_text file);

#endif
