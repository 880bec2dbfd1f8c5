/* SPDX-License-Identifier: MIT */
/* load_model.c - the model of tokenizer.json: which it is, and the simple ones. */
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

static bool is_id(const struct bert__json *value)
{
    return value->type == BERT__JSON_NUMBER && value->is_integer && value->u.integer >= 0
           && value->u.integer < INT32_MAX;
}

static bert_status fail_id(const struct bert__load *l, const struct bert__json_member *m)
{
    char token[84], name[120];
    int32_t id;

    snprintf(name, sizeof name, "the id of token \"%s\"",
             bert__printable(token, m->key.data, m->key.size));
    return bert__load_id_value(l, &m->value, name, &id);
}

static bert_status add_tokens(const struct bert__load *l, const struct bert__json *vocab)
{
    const struct bert__json_member *m = vocab->u.object.members;
    struct bert__vocab *v = &l->tok->vocab;
    size_t n = vocab->u.object.count;
    uint64_t hashes[BERT__VOCAB_AHEAD];

    for (size_t ahead = 0, i = 0; i < n; i++) {
        for (; ahead < n && ahead < i + BERT__VOCAB_AHEAD; ahead++)
            hashes[ahead % BERT__VOCAB_AHEAD] = bert__vocab_expect(v, m[ahead].key);
        if (!is_id(&m[i].value))
            return fail_id(l, &m[i]);
        bert__vocab_add_expected(v, m[i].key, hashes[i % BERT__VOCAB_AHEAD],
                                 (int32_t)m[i].value.u.integer);
    }
    return BERT_OK;
}

bert_status bert__load_model_vocab(const struct bert__load *l, const struct bert__json *model)
{
    const struct bert__json *vocab;
    size_t bytes = 0;
    bert_status status = bert__load_kind(l, model, what, "vocab", BERT__JSON_OBJECT, &vocab);

    if (status == BERT_OK)
        status = measure(l, vocab, &bytes);

    if (status != BERT_OK)
        return status;
    if (!bert__vocab_init(&l->tok->vocab, l->tok->alloc, (uint32_t)vocab->u.object.count, bytes))
        return bert__load_nomem(l);
    status = add_tokens(l, vocab);
    return status == BERT_OK ? bert__vocab_finish(&l->tok->vocab, l->path, l->err) : status;
}

bert_status bert__load_find(const struct bert__load *l, const char *role, bert_text token,
                            int32_t *out)
{
    const struct bert__vocab_entry *e = bert__vocab_find(&l->tok->vocab, token.data, token.size);
    char name[84];

    if (e == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the %s \"%s\" is not in the vocabulary",
                          l->path, role, bert__printable(name, token.data, token.size));
    *out = e->id;
    return BERT_OK;
}

static bert_status load_unk(const struct bert__load *l, const struct bert__json *model,
                            int32_t *out)
{
    bert_text token;
    bert_status status = bert__load_text(l, model, what, "unk_token", &token);

    return status == BERT_OK ? bert__load_find(l, "unknown token", token, out) : status;
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
    bert_text prefix;
    uint64_t max_chars = 0;
    int32_t unk_id;
    bert_status status = bert__load_model_vocab(l, model);

    if (status == BERT_OK)
        status = load_unk(l, model, &unk_id);
    if (status == BERT_OK)
        status = bert__load_text(l, model, what, "continuing_subword_prefix", &prefix);
    if (status == BERT_OK)
        status = load_max_chars(l, model, &max_chars);
    if (status == BERT_OK && !bert__load_copy(l, prefix, &prefix))
        status = bert__load_nomem(l);
    if (status != BERT_OK)
        return status;
    l->tok->model.kind = BERT__MODEL_WORDPIECE;
    bert__wordpiece_init(&l->tok->model.u.wordpiece, l->tok->alloc, &l->tok->vocab, prefix, unk_id,
                         max_chars);
    return BERT_OK;
}

static bert_status load_wordlevel(const struct bert__load *l, const struct bert__json *model)
{
    struct bert__wordlevel *m = &l->tok->model.u.wordlevel;
    bert_status status = bert__load_model_vocab(l, model);

    l->tok->model.kind = BERT__MODEL_WORDLEVEL;
    m->vocab = &l->tok->vocab;
    return status == BERT_OK ? load_unk(l, model, &m->unk_id) : status;
}

/* Old files don't say it: the fields tell. */
static const char *guess_type(const struct bert__json *model)
{
    if (bert__json_get(model, "merges") != NULL)
        return "BPE";
    if (bert__json_get(model, "max_input_chars_per_word") != NULL)
        return "WordPiece";
    return bert__json_is(bert__json_get(model, "vocab"), BERT__JSON_ARRAY) ? "Unigram"
                                                                           : "WordLevel";
}

bert_status bert__load_model(struct bert__load *l, const struct bert__json *model)
{
    bert_text type = {NULL, 0};

    if (!bert__json_is(model, BERT__JSON_OBJECT))
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"model\" is %s; expected an object", l->path,
                          bert__json_type_name(model));
    if (bert__json_get(model, "type") == NULL) {
        type.data = guess_type(model);
        type.size = strlen(type.data);
    } else {
        bert_status status = bert__load_text(l, model, what, "type", &type);

        if (status != BERT_OK)
            return status;
    }
    l->tok->model.surface_id = -1;
    if (bert__load_is(type, "WordPiece"))
        return load_wordpiece(l, model);
    if (bert__load_is(type, "BPE"))
        return bert__load_bpe(l, model);
    if (bert__load_is(type, "Unigram"))
        return bert__load_unigram(l, model);
    if (bert__load_is(type, "WordLevel"))
        return load_wordlevel(l, model);
    return bert__load_unsupported(l, "tokenizer model", type);
}
