/* SPDX-License-Identifier: MIT */
/* load_model.c - the model of tokenizer.json: WordPiece and its vocabulary. */
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load.h"

static const char what[] = "the model";

/* Bytes of all tokens together; each is checked. */
static bert_status measure(const struct bert__load *l, const struct bert__json *vocab, size_t *out)
{
    *out = 0;
    if (vocab->u.object.count > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(l->err, BERT_ELIMIT, "%s: the vocabulary has %zu tokens; at most %ld",
                          l->path, vocab->u.object.count, (long)BERT__VOCAB_MAX_TOKENS);
    for (size_t i = 0; i < vocab->u.object.count; i++) {
        size_t size = vocab->u.object.members[i].key.size;

        if (size > INT32_MAX || !bert__size_add(*out, size, out))
            return bert__fail(l->err, BERT_ELIMIT, "%s: a token of %zu bytes", l->path, size);
    }
    return BERT_OK;
}

static bert_status add_tokens(const struct bert__load *l, const struct bert__json *vocab)
{
    for (size_t i = 0; i < vocab->u.object.count; i++) {
        const struct bert__json_member *m = &vocab->u.object.members[i];
        int32_t id;

        if (m->value.type != BERT__JSON_NUMBER || !m->value.is_integer || m->value.u.integer < 0
            || m->value.u.integer >= INT32_MAX) {
            char token[84], name[120];

            snprintf(name, sizeof name, "the id of token \"%s\"",
                     bert__printable(token, m->key.data, m->key.size));
            return bert__load_id_value(l, &m->value, name, &id);
        }
        bert__vocab_add(&l->tok->vocab, m->key, (int32_t)m->value.u.integer);
    }
    return BERT_OK;
}

static bert_status load_vocab(const struct bert__load *l, const struct bert__json *vocab)
{
    size_t bytes;
    bert_status status = measure(l, vocab, &bytes);

    if (status != BERT_OK)
        return status;
    if (!bert__vocab_init(&l->tok->vocab, l->tok->alloc, (uint32_t)vocab->u.object.count, bytes))
        return bert__load_nomem(l);
    status = add_tokens(l, vocab);
    return status == BERT_OK ? bert__vocab_finish(&l->tok->vocab, l->path, l->err) : status;
}

static bert_status load_max_chars(const struct bert__load *l, const struct bert__json *model,
                                  uint64_t *out)
{
    const struct bert__json *value;
    bert_status status = bert__load_need(l, model, what, "max_input_chars_per_word", &value);

    if (status != BERT_OK)
        return status;
    if (!bert__json_is(value, BERT__JSON_NUMBER) || !value->is_integer || value->u.integer < 0)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"max_input_chars_per_word\" of %s must be a whole number from 0",
                          l->path, what);
    *out = (uint64_t)value->u.integer;
    return BERT_OK;
}

static bert_status load_wordpiece(const struct bert__load *l, const struct bert__json *model)
{
    const struct bert__json *vocab;
    const struct bert__vocab_entry *unk;
    bert_text unk_token, prefix;
    uint64_t max_chars = 0;
    bert_status status = bert__load_text(l, model, what, "unk_token", &unk_token);

    if (status == BERT_OK)
        status = bert__load_text(l, model, what, "continuing_subword_prefix", &prefix);
    if (status == BERT_OK)
        status = load_max_chars(l, model, &max_chars);
    if (status == BERT_OK)
        status = bert__load_kind(l, model, what, "vocab", BERT__JSON_OBJECT, &vocab);
    if (status == BERT_OK)
        status = load_vocab(l, vocab);
    if (status != BERT_OK)
        return status;
    unk = bert__vocab_find(&l->tok->vocab, unk_token.data, unk_token.size);
    if (unk == NULL) {
        char name[84];

        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: the unknown token \"%s\" is not in the vocabulary", l->path,
                          bert__printable(name, unk_token.data, unk_token.size));
    }
    return bert__wordpiece_init(&l->tok->model, l->tok->alloc, &l->tok->vocab, prefix, unk->id,
                                max_chars, l->err);
}

bert_status bert__load_model(struct bert__load *l, const struct bert__json *model)
{
    const struct bert__json *type = bert__json_get(model, "type");
    char name[84];

    if (!bert__json_is(model, BERT__JSON_OBJECT))
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"model\" is %s; expected an object", l->path,
                          bert__json_type_name(model));
    if (type == NULL && bert__json_get(model, "max_input_chars_per_word") != NULL)
        return load_wordpiece(l, model); /* old files don't name it */
    if (!bert__json_is(type, BERT__JSON_STRING))
        return bert__fail(l->err, BERT_EFORMAT, "%s: the model's \"type\" is %s", l->path,
                          bert__json_type_name(type));
    if (bert__json_equals(type, "WordPiece"))
        return load_wordpiece(l, model);
    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: the tokenizer model \"%s\" is not supported",
                      l->path, bert__printable(name, type->u.string.data, type->u.string.size));
}
