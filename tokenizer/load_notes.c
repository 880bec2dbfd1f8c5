/* SPDX-License-Identifier: MIT */
/*
 * load_notes.c - where tokenizer_config.json contradicts the tokenizer.json beside it.
 *
 * The reference's classes build their stages anew from the settings; here the file that holds the
 * whole tokenizer decides, as for who loads it alone, and what differs is said.
 */
#include "lib/base/error.h"
#include "tokenizer/load.h"

/* ---- Flags --------------------------------------------------------------------- */

static bert_status compare(const struct bert__load *l, const struct bert__json *config,
                           const char *key, const char *part, bool used)
{
    const struct bert__json *value = bert__json_find(config, key);

    if (value == NULL || (value->type != BERT__JSON_TRUE && value->type != BERT__JSON_FALSE)
        || (value->type == BERT__JSON_TRUE) == used)
        return BERT_OK;
    return bert__load_note(l,
                           "tokenizer_config.json: %s is %s, but the %s of tokenizer.json says %s, "
                           "and decides",
                           key, used ? "false" : "true", part, used ? "true" : "false");
}

static bert_status compare_normalizer(const struct bert__load *l, const struct bert__json *config)
{
    const struct bert__norm_bert *n = bert__normalizer_bert(&l->tok->normalizer);
    bert_status status;

    if (n == NULL)
        return BERT_OK;
    status = compare(l, config, "do_lower_case", "normalizer", n->lowercase);
    if (status == BERT_OK)
        status =
            compare(l, config, "tokenize_chinese_chars", "normalizer", n->handle_chinese_chars);
    return status == BERT_OK ? compare(l, config, "strip_accents", "normalizer", n->strip_accents)
                             : status;
}

static bert_status compare_prefix(const struct bert__load *l, const struct bert__json *config)
{
    const struct bert__pretokenizer *p = &l->tok->pretokenizer;

    for (uint32_t i = 0; i < p->n; i++) {
        const struct bert__pre_step *step = &p->steps[i];

        if (step->kind == BERT__PRE_BYTE_LEVEL || step->kind == BERT__PRE_METASPACE)
            return compare(l, config, "add_prefix_space", "pre-tokenizer",
                           step->prepend != BERT__PREPEND_NEVER);
    }
    return BERT_OK;
}

/* ---- Tokens -------------------------------------------------------------------- */

/* A token that tokenizer.json doesn't have is none. */
static bert_status compare_token(const struct bert__load *l, const struct bert__json *token,
                                 const char *where)
{
    char name[84];

    if (bert__json_is(token, BERT__JSON_OBJECT))
        token = bert__json_get(token, "content");
    if (!bert__json_is(token, BERT__JSON_STRING) || token->u.string.size == 0
        || bert__tokenizer_id(l->tok, token->u.string) >= 0)
        return BERT_OK;
    return bert__load_note(
        l,
        "tokenizer_config.json: \"%s\" of %s is no token of tokenizer.json, which "
        "decides",
        bert__printable(name, token->u.string.data, token->u.string.size), where);
}

static bert_status compare_list(const struct bert__load *l, const struct bert__json *list,
                                const char *where)
{
    bool object = bert__json_is(list, BERT__JSON_OBJECT);
    size_t n = object                                  ? list->u.object.count
               : bert__json_is(list, BERT__JSON_ARRAY) ? list->u.array.count
                                                       : 0;
    bert_status status = BERT_OK;

    for (size_t i = 0; status == BERT_OK && i < n; i++)
        status = compare_token(
            l, object ? &list->u.object.members[i].value : &list->u.array.items[i], where);
    return status;
}

static bert_status compare_tokens(const struct bert__load *l, const struct bert__json *config)
{
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    static const char *const lists[] = {"added_tokens_decoder", "extra_special_tokens",
                                        "additional_special_tokens"};
    bert_status status = BERT_OK;

    for (size_t i = 0; status == BERT_OK && i < sizeof names / sizeof *names; i++)
        status = compare_token(l, bert__json_get(config, names[i]), names[i]);
    for (size_t i = 0; status == BERT_OK && i < sizeof lists / sizeof *lists; i++)
        status = compare_list(l, bert__json_get(config, lists[i]), lists[i]);
    return status;
}

bert_status bert__load_compare(const struct bert__load *l, const struct bert__json *config)
{
    bert_status status = compare_normalizer(l, config);

    if (status == BERT_OK)
        status = compare_prefix(l, config);
    return status == BERT_OK ? compare_tokens(l, config) : status;
}
