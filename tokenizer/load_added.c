/* SPDX-License-Identifier: MIT */
/* load_added.c - added tokens. */
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load.h"

/* What the token looks like in normalised text. */
static bert_status normalize(struct bert__load *l, struct bert__added_token *token,
                             struct bert__piece *piece)
{
    bert_text normalized;

    piece->want_from = false;
    if (token->content.size > BERT__STRETCH_MAX)
        return bert__fail(l->err, BERT_ELIMIT, "%s: an added token of %zu bytes", l->path,
                          token->content.size);
    if (!bert__normalize(&l->tok->normalizer, token->content.data, token->content.size, piece))
        return bert__load_nomem(l);
    normalized = (bert_text){piece->bytes, piece->size};
    return bert__load_copy(l, normalized, &token->pattern) ? BERT_OK : bert__load_nomem(l);
}

bert_status bert__load_add_token(struct bert__load *l, struct bert__added_token *token,
                                 struct bert__piece *piece)
{
    bert_status status;

    if (token->content.size == 0)
        return BERT_OK; /* the reference passes over it */
    if (!bert__load_copy(l, token->content, &token->content))
        return bert__load_nomem(l);
    token->pattern = token->content;
    if (token->normalized) {
        status = normalize(l, token, piece);
        if (status != BERT_OK)
            return status;
    }
    bert__added_add(&l->tok->added, token, &l->tok->vocab);
    return BERT_OK;
}

static bert_status load_token(struct bert__load *l, const struct bert__json *entry,
                              const char *what, struct bert__piece *piece)
{
    struct bert__added_token token = {0};
    char name[84];
    int32_t id = 0;
    bert_status status = bert__load_id(l, entry, what, "id", &id);

    if (status == BERT_OK)
        status = bert__load_text(l, entry, what, "content", &token.content);
    if (status == BERT_OK)
        status = bert__load_bool(l, entry, what, "single_word", &token.single_word);
    if (status == BERT_OK)
        status = bert__load_bool(l, entry, what, "lstrip", &token.lstrip);
    if (status == BERT_OK)
        status = bert__load_bool(l, entry, what, "rstrip", &token.rstrip);
    if (status == BERT_OK)
        status = bert__load_bool(l, entry, what, "normalized", &token.normalized);
    if (status == BERT_OK)
        status = bert__load_bool(l, entry, what, "special", &token.special);
    if (status == BERT_OK)
        status = bert__load_add_token(l, &token, piece);
    if (status != BERT_OK || token.content.size == 0 || token.id == id)
        return status;
    return bert__load_note(l,
                           "%s: added token \"%s\" has id %ld, not %ld as the file says: its "
                           "vocabulary decides",
                           l->path, bert__printable(name, token.content.data, token.content.size),
                           (long)token.id, (long)id);
}

static bert_status measure(const struct bert__load *l, const struct bert__json *tokens, size_t *out)
{
    *out = 0;
    for (size_t i = 0; i < tokens->u.array.count; i++) {
        const struct bert__json *content = bert__json_get(&tokens->u.array.items[i], "content");

        if (bert__json_is(content, BERT__JSON_STRING)
            && (content->u.string.size > INT32_MAX
                || !bert__size_add(*out, content->u.string.size, out)))
            return bert__fail(l->err, BERT_ELIMIT, "%s: an added token of %zu bytes", l->path,
                              content->u.string.size);
    }
    return BERT_OK;
}

bert_status bert__load_added(struct bert__load *l, const struct bert__json *tokens)
{
    static const struct bert__json none = {.type = BERT__JSON_ARRAY};
    struct bert__work work;
    size_t bytes, n;
    bert_status status;

    if (tokens == NULL)
        tokens = &none;
    if (tokens->type != BERT__JSON_ARRAY)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"added_tokens\" is %s; expected an array",
                          l->path, bert__json_type_name(tokens));
    n = tokens->u.array.count;
    status = measure(l, tokens, &bytes);
    if (status != BERT_OK)
        return status;
    if (n > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %zu added tokens", l->path, n);
    if (!bert__added_init(&l->tok->added, l->tok->alloc, (uint32_t)n, bytes, &l->tok->vocab))
        return bert__load_nomem(l);
    bert__work_init(&work, l->tok->alloc);
    for (size_t i = 0; i < n && status == BERT_OK; i++) {
        char what[40];

        snprintf(what, sizeof what, "added_tokens[%zu]", i);
        status = load_token(l, &tokens->u.array.items[i], what, &work.piece);
    }
    bert__work_free(&work);
    if (status == BERT_OK)
        status = bert__added_prepare(&l->tok->added, &l->tok->arena, l->err);
    return status;
}
